package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/api/apitest"
	"aval/domain"
	"aval/domain/envelope"
)

// deadline is how long a test waits for what must happen; generous, since machines can be slow.
const deadline = 20 * time.Second

// house is a running server on loopback, with two parties that have traded and one that has not.
type house struct {
	*testing.T
	*Server
	fake                 *apitest.Ledger
	url                  string
	http                 *http.Client
	acme, globex, umbrel *envelope.Signer
	log                  *journal
	seen                 *document
	// clock is added to the real time that the server sees.
	clock atomic.Int64
	stop  context.CancelFunc
	done  chan error
}

// journal collects the log.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// open starts a server with standard limits, changed by change. Every answer it gives is
// checked against the OpenAPI document.
func open(t *testing.T, change func(*limits)) *house {
	t.Helper()
	return openTLS(t, change, nil)
}

func openTLS(t *testing.T, change func(*limits), config *tls.Config) *house {
	t.Helper()
	h := &house{T: t, fake: apitest.New(), log: &journal{}, seen: loadDocument(t), done: make(chan error, 1)}
	h.acme = h.fake.Enrol(domain.PartyHolder, "acme")
	h.globex = h.fake.Enrol(domain.PartyHolder, "globex")
	h.umbrel = h.fake.Enrol(domain.PartyHolder, "umbrel")
	l := standardLimits
	l.streamPace, l.grace = time.Millisecond, 2*time.Second
	if change != nil {
		change(&l)
	}
	h.Server = newServer(Config{
		Ledger: h.fake, TLS: config, Quote: h.statement, Policy: []byte("log " + apitest.Origin + "+00000000+AAAA\nquorum none\n"), Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return time.Now().Add(time.Duration(h.clock.Load())) },
	}, l)
	h.serve()
	return h
}

// statement stands in for a platform: api does not know what is in a quote.
func (h *house) statement(nonce []byte) ([]byte, error) {
	if h.fake.Ready() != nil {
		return nil, errors.New("the platform does not answer")
	}
	return fmt.Appendf(nil, `{"ledger":%q,"logKey":"k","tlsKey":"%064x","nonce":"%x","way":"sealed","epoch":1,"quote":"AAAA"}`, apitest.Origin, 0, nonce), nil
}

func (h *house) serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.Fatal(err)
	}
	scheme := "http://"
	transport := &http.Transport{}
	if h.tls != nil {
		scheme = "https://"
		transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	}
	h.url = scheme + listener.Addr().String()
	h.http = &http.Client{Transport: &checked{h.T, h.seen, transport}}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() { h.done <- h.Server.Run(ctx, listener) }()
	h.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		select {
		case <-h.done:
		case <-time.After(deadline):
			h.Error("the server did not stop")
		}
	})
}

// stopped waits for Run and leaves its result for the clean-up too.
func (h *house) stopped() error {
	h.Helper()
	select {
	case err := <-h.done:
		h.done <- err
		return err
	case <-time.After(deadline):
		h.Fatal("the server did not stop")
		return nil
	}
}

// token is a fresh read token.
func (h *house) token(s *envelope.Signer) string {
	h.Helper()
	token, err := envelope.SealToken(s, apitest.Origin, millis(h.now()))
	if err != nil {
		h.Fatal(err)
	}
	return string(token)
}

// command signs a command; the number makes the ID.
func (h *house) command(s *envelope.Signer, number, name, body string) string {
	h.Helper()
	raw, err := envelope.SealCommand(s, domain.Command{
		Ledger: apitest.Origin, ID: id(number), Kind: domain.CashKind, Contract: "main", Name: name,
		Body: []byte(body), NotAfter: 1_800_000_000_000,
	})
	if err != nil {
		h.Fatal(err)
	}
	return string(raw)
}

// privateDisclosure is that of a private value of command 2, about globex.
var privateDisclosure = []byte(base64.RawURLEncoding.EncodeToString([]byte(`["AAAAAAAAAAAAAAAAAAAAAA","reference",{"order":"PO-7"}]`)))

// privateTransfer is command 2, with a private value.
func privateTransfer(h *house) string {
	h.Helper()
	raw, err := envelope.SealCommand(h.acme, domain.Command{
		Ledger: apitest.Origin, ID: id("2"), Kind: domain.CashKind, Contract: "main", Name: "transfer",
		Body: []byte(`{"to":"globex","amount":{"minor":249,"currency":"EUR"}}`), NotAfter: 1_800_000_000_000,
		Private: []domain.Private{{Subject: "globex", Digest: envelope.Digest(privateDisclosure)}},
	})
	if err != nil {
		h.Fatal(err)
	}
	return string(envelope.Join(raw, privateDisclosure))
}

// id pads a short name to the length of a ULID.
func id(number string) string { return "01JDQ4Y0R7TT0K7V9Z00000000"[:26-len(number)] + number }

// request is a request in the making.
type request struct {
	method, path, body, token, contentType string
	header                                 http.Header
}

// answered is an answer, read whole.
type answered struct {
	status int
	body   string
	header http.Header
}

func (h *house) do(r request) answered {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	response, err := h.http.Do(h.build(ctx, r))
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	return answered{response.StatusCode, string(body), response.Header}
}

func (h *house) build(ctx context.Context, r request) *http.Request {
	h.Helper()
	if r.method == "" {
		r.method = http.MethodGet
	}
	made, err := http.NewRequestWithContext(ctx, r.method, h.url+r.path, strings.NewReader(r.body))
	if err != nil {
		h.Fatal(err)
	}
	if r.header != nil {
		made.Header = r.header.Clone()
	}
	if r.token != "" {
		made.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.contentType != "" {
		made.Header.Set("Content-Type", r.contentType)
	}
	return made
}

func (h *house) get(path string, s *envelope.Signer) answered {
	h.Helper()
	r := request{path: path}
	if s != nil {
		r.token = h.token(s)
	}
	return h.do(r)
}

func (h *house) post(body string) answered {
	h.Helper()
	return h.do(request{method: http.MethodPost, path: "/v1/commands", body: body, contentType: "application/jose"})
}

// trade books an issue and transfers from acme to globex: 2 entries, at index 0 and 2, and more on demand.
func (h *house) trade() {
	h.Helper()
	for _, body := range []string{
		h.command(h.acme, "1", "issue", `{"to":"acme","amount":{"minor":100000,"currency":"EUR"}}`),
		privateTransfer(h),
	} {
		if a := h.post(body); a.status != http.StatusOK {
			h.Fatalf("trade: %d %s", a.status, a.body)
		}
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !condition(); {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// recorder answers without a network, for fuzzing and benchmarks.
func recorded(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// fault makes the ledger fail with an error until undo.
func (h *house) fault(err error) (undo func()) {
	h.fake.Break(func(context.Context, string) error { return err })
	return func() { h.fake.Break(nil) }
}

// occupy takes every place among the requests in flight until undo.
func (h *house) occupy() (undo func()) {
	for range h.limits.inFlight {
		h.load.requests <- struct{}{}
	}
	return func() {
		for range h.limits.inFlight {
			<-h.load.requests
		}
	}
}

// feed is an open event stream.
type feed struct {
	*testing.T
	response *http.Response
	lines    *bufio.Reader
	close    func()
}

// event is one block of a stream.
type event struct{ id, name, data, comment string }

// stream opens an event stream and reads its first block.
func (h *house) stream(path string, s *envelope.Signer) *feed {
	h.Helper()
	return h.streamWith(request{path: path, token: h.token(s)})
}

func (h *house) streamWith(r request) *feed {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	response, err := h.http.Do(h.build(ctx, r))
	if err != nil {
		h.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		h.Fatalf("stream: status %d", response.StatusCode)
	}
	f := &feed{T: h.T, response: response, lines: bufio.NewReader(response.Body)}
	f.close = sync.OnceFunc(func() {
		before := h.streams.total.Load()
		cancel()
		response.Body.Close()
		eventually(h.T, "the stream's place is free", func() bool { return h.streams.total.Load() < before })
	})
	h.Cleanup(cancel)
	return f
}

// block reads up to the next empty line. It fails the test at the end of the stream.
func (f *feed) block() event {
	f.Helper()
	e, err := f.read()
	if err != nil {
		f.Fatalf("stream ended: %v", err)
	}
	return e
}

func (f *feed) read() (e event, err error) {
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if value != "" {
				e.comment = value
				continue
			}
			return e, nil
		}
	}
}

// named reads until an event of that name.
func (f *feed) named(name string) event {
	f.Helper()
	for {
		if e := f.block(); e.name == name {
			return e
		}
	}
}

// scrape reads the metrics.
func (h *house) scrape() string {
	h.Helper()
	w := httptest.NewRecorder()
	h.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		h.Fatalf("metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}
