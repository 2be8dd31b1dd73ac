package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/api"
	"aval/api/apitest"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// deadline is how long a test waits for what must happen.
const deadline = 20 * time.Second

// node is a running API on loopback.
type node struct {
	fake         *apitest.Ledger
	acme, globex *envelope.Signer
	url          string
}

func start(t *testing.T, fake *apitest.Ledger, address string) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- api.New(api.Config{Ledger: fake}).Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return listener.Addr().String()
}

func open(t *testing.T) *node {
	t.Helper()
	n := &node{fake: apitest.New()}
	n.acme, n.globex = n.fake.Enrol(domain.PartyHolder, "acme"), n.fake.Enrol(domain.PartyHolder, "globex")
	n.url = "http://" + start(t, n.fake, "127.0.0.1:0")
	return n
}

// client makes one with short pauses.
func (n *node) client(t *testing.T, s *envelope.Signer) *Client {
	t.Helper()
	return connect(t, Config{URL: n.url, Ledger: apitest.Origin, Signer: s})
}

func connect(t *testing.T, config Config) *Client {
	t.Helper()
	transport := &http.Transport{}
	if config.Transport == nil {
		config.Transport = transport
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

func (n *node) command(t *testing.T, s *envelope.Signer, number, name, body string) []byte {
	t.Helper()
	raw, err := envelope.SealCommand(s, domain.Command{
		Ledger: apitest.Origin, ID: "01JDQ4Y0R7TT0K7V9Z00000000"[:26-len(number)] + number, Kind: domain.CashKind, Contract: "main",
		Name: name, Body: []byte(body), NotAfter: 1_800_000_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const issue = `{"to":"acme","amount":{"minor":100000,"currency":"EUR"}}`

func TestSubmit(t *testing.T) {
	n := open(t)
	c := n.client(t, n.acme)
	first, err := c.Submit(t.Context(), n.command(t, n.acme, "1", "issue", issue), ledger.ForReceipt)
	if err != nil || first.Index != 0 || first.Sequence == 0 || !strings.HasPrefix(first.Receipt, "c2sp.org/tlog-proof@v1\n") {
		t.Errorf("got %+v, %v", first, err)
	}
	again, err := c.Submit(t.Context(), n.command(t, n.acme, "1", "issue", issue), ledger.ForCommitted)
	if err != nil || !again.Duplicate || again.Receipt != "" || again.ID != first.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	accepted, err := c.Submit(t.Context(), n.command(t, n.acme, "2", "issue", issue), ledger.ForAccepted)
	if err != nil || accepted.ID == "" || accepted.Sequence != 0 {
		t.Errorf("accepted: %+v, %v", accepted, err)
	}
}

func TestRefusals(t *testing.T) {
	n := open(t)
	c := n.client(t, n.acme)
	logged, err := c.Submit(t.Context(), n.command(t, n.acme, "1", "refuse", `{"code":"too-early"}`), ledger.ForReceipt)
	var refused *domain.Rejection
	if !errors.As(err, &refused) || refused.Code != domain.TooEarly || refused.Detail != "refused as asked" {
		t.Errorf("got %v", err)
	}
	if logged.Code != domain.TooEarly || logged.ID == "" || logged.BookedAt == 0 || logged.Receipt == "" {
		t.Errorf("the place in the log: %+v", logged)
	}
	unlogged, err := c.Submit(t.Context(), []byte("nonsense"), ledger.ForReceipt)
	var answered *Error
	if !errors.As(err, &refused) || refused.Code != domain.Malformed || unlogged.ID != "" || !errors.As(err, &answered) || answered.Status != 400 || answered.RequestID == "" {
		t.Errorf("got %+v, %v", unlogged, err)
	}
	if _, err := c.Get(t.Context(), "/v1/contracts/cash:1:transfer:none"); !errors.As(err, &refused) || refused.Code != domain.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := n.client(t, nil).Get(t.Context(), "/v1/accounts"); !errors.As(err, &refused) || refused.Code != "unauthorized" {
		t.Errorf("without a key: %v", err)
	}
}

func TestGet(t *testing.T) {
	n := open(t)
	c := n.client(t, n.acme)
	if _, err := c.Submit(t.Context(), n.command(t, n.acme, "1", "issue", issue), ledger.ForReceipt); err != nil {
		t.Fatal(err)
	}
	body, err := c.Get(t.Context(), "/v1/accounts/party%2Facme/postings?limit=1")
	var page struct {
		Postings []ledger.PostingView `json:"postings"`
	}
	if err != nil || json.Unmarshal(body, &page) != nil || len(page.Postings) != 1 || page.Postings[0].Amount.Minor != 100000 {
		t.Errorf("got %s, %v", body, err)
	}
	if body, err := n.client(t, nil).Get(t.Context(), "/log/checkpoint"); err != nil || !bytes.HasPrefix(body, []byte(apitest.Origin+"\n")) {
		t.Errorf("got %s, %v", body, err)
	}
}

// scripted answers with one step after the other, the last for ever.
type scripted struct {
	steps []func(http.ResponseWriter, *http.Request)
	calls atomic.Int64
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(s.calls.Add(1))
	s.steps[min(n, len(s.steps))-1](w, r)
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func good(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"a","index":7}`) }

func script(t *testing.T, steps ...func(http.ResponseWriter, *http.Request)) (*scripted, *Client) {
	t.Helper()
	s := &scripted{steps: steps}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, connect(t, Config{URL: server.URL})
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		steps []func(http.ResponseWriter, *http.Request)
		calls int64
		good  bool
	}{
		"at once":           {[]func(http.ResponseWriter, *http.Request){good}, 1, true},
		"later":             {[]func(http.ResponseWriter, *http.Request){status(503), status(504), status(502), status(429), good}, 5, true},
		"broken":            {[]func(http.ResponseWriter, *http.Request){hangUp, hangUp, good}, 3, true},
		"never":             {[]func(http.ResponseWriter, *http.Request){status(503)}, attempts, false},
		"refused":           {[]func(http.ResponseWriter, *http.Request){status(422), good}, 1, false},
		"bug of the server": {[]func(http.ResponseWriter, *http.Request){status(500), good}, 1, false},
	} {
		s, client := script(t, c.steps...)
		reply, err := client.Submit(t.Context(), []byte("x"), ledger.ForReceipt)
		if (err == nil) != c.good || s.calls.Load() != c.calls || c.good && reply.Index != 7 {
			t.Errorf("%s: %+v, %v after %d calls", name, reply, err, s.calls.Load())
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	_, client := script(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(503)
	}, good)
	begin := time.Now()
	if _, err := client.Submit(t.Context(), []byte("x"), ledger.ForReceipt); err != nil || time.Since(begin) < time.Second {
		t.Errorf("came back after %v, %v", time.Since(begin), err)
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	_, client := script(t, status(503))
	client.pause = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Get(ctx, "/v1/accounts")
	var answered *Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &answered) || answered.Status != 503 {
		t.Errorf("got %v", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	_, client := script(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, zeroes{}, MaxResponseBytes+1)
	})
	if body, err := client.Get(t.Context(), "/v1/accounts"); err == nil {
		t.Errorf("read %d bytes", len(body))
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

func TestNoRedirectIsFollowed(t *testing.T) {
	var visits atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client := connect(t, Config{URL: server.URL})
	if _, err := client.Get(t.Context(), "/v1/accounts"); err == nil || visits.Load() != 0 {
		t.Errorf("got %v, %d visits elsewhere", err, visits.Load())
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "ledger.example", "ftp://ledger.example", "https://", "https://user:pass@ledger.example", "https://a/?b=c"} {
		if _, err := New(Config{URL: bad}); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
	c := connect(t, Config{URL: "https://ledger.example/prefix/"})
	for path, want := range map[string]string{
		"/v1/accounts?limit=1":     "https://ledger.example/prefix/v1/accounts?limit=1",
		"/v1/accounts/party%2Fa/b": "https://ledger.example/prefix/v1/accounts/party%2Fa/b",
		"//evil.example/v1":        "",
		"https://evil.example/v1":  "",
		"v1/accounts":              "",
		"":                         "",
		"/v1/accounts#x":           "",
		"/%zz":                     "",
	} {
		got, err := c.target(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", path, got, err)
		}
	}
}

// collector takes entries.
type collector struct {
	mu      sync.Mutex
	indexes []uint64
}

func (c *collector) add(e ledger.EntryView) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.indexes = append(c.indexes, e.Index)
	return nil
}

func (c *collector) wait(t *testing.T, n int) []uint64 {
	t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		got := append([]uint64{}, c.indexes...)
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("only %v came", got)
		}
	}
}

// cutter is a proxy that can cut all its connections.
type cutter struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func cutting(t *testing.T, target string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener}
	t.Cleanup(func() {
		listener.Close()
		c.cut()
	})
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.open = append(c.open, in, out)
			c.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return c
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.Close()
	}
	c.open = nil
}

// TestEventsSurviveCuts breaks the connection between entries: each comes once, in order.
func TestEventsSurviveCuts(t *testing.T) {
	n := open(t)
	writer := n.client(t, n.acme)
	proxy := cutting(t, strings.TrimPrefix(n.url, "http://"))
	reader := connect(t, Config{URL: "http://" + proxy.Addr().String(), Ledger: apitest.Origin, Signer: n.acme})
	ctx, cancel := context.WithCancel(t.Context())
	var got collector
	done := make(chan error, 1)
	go func() { done <- reader.Events(ctx, 0, got.add) }()
	for i := range 8 {
		if _, err := writer.Submit(t.Context(), n.command(t, n.acme, strconv.Itoa(i), "issue", issue), ledger.ForCommitted); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			got.wait(t, i)
			proxy.cut()
		}
	}
	for i, index := range got.wait(t, 8) {
		if index != uint64(2*i) {
			t.Fatalf("entry %d has index %d", i, index)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Events: %v", err)
	}
}

func TestEventsStopWithTheCaller(t *testing.T) {
	n := open(t)
	c := n.client(t, n.acme)
	if _, err := c.Submit(t.Context(), n.command(t, n.acme, "1", "issue", issue), ledger.ForCommitted); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := c.Events(t.Context(), 0, func(ledger.EntryView) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	var refused *domain.Rejection
	if err := n.client(t, nil).Events(t.Context(), 0, nil); !errors.As(err, &refused) || refused.Code != "unauthorized" {
		t.Errorf("without a key: %v", err)
	}
}

// TestEventsLeaveASilentServer connects to one that says nothing: the next connection is tried.
func TestEventsLeaveASilentServer(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	speaks := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, ": hello\n\nid: 3\nevent: entry\ndata: {\"index\":3}\n\nid: 3\nevent: entry\ndata: {\"index\":3}\n\n"+
			"event: of-the-future\ndata: x\n\nevent: end\ndata: {\"reason\":\"token-expired\"}\n\n")
	}
	s, client := script(t, silent, speaks, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("from") != "4" {
			t.Errorf("resumed from %s", r.URL.Query().Get("from"))
		}
		w.WriteHeader(http.StatusForbidden)
	})
	client.quiet = 50 * time.Millisecond
	var got collector
	err := client.Events(t.Context(), 2, got.add)
	var answered *Error
	if !errors.As(err, &answered) || answered.Status != http.StatusForbidden || s.calls.Load() != 3 {
		t.Errorf("got %v after %d connections", err, s.calls.Load())
	}
	if len(got.indexes) != 1 || got.indexes[0] != 3 {
		t.Errorf("got entries %v", got.indexes)
	}
}

func TestEventLinesAreBounded(t *testing.T) {
	_, client := script(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "data: ")
		_, _ = io.CopyN(w, zeroes{}, maxEventBytes)
	})
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := client.Events(ctx, 0, nil); err == nil || ctx.Err() != nil {
		t.Errorf("got %v", err)
	}
}

// TestTokensGoOnlyWhereTheyShould looks at the headers of each kind of request.
func TestTokensGoOnlyWhereTheyShould(t *testing.T) {
	signer := apitest.New().Enrol(domain.PartyHolder, "acme")
	var seen atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization"))
		fmt.Fprint(w, "{}")
	}))
	defer server.Close()
	c := connect(t, Config{URL: server.URL, Ledger: apitest.Origin, Signer: signer})
	for path, want := range map[string]bool{"/v1/accounts": true, "/log/checkpoint": false, "/healthz": false} {
		if _, err := c.Get(t.Context(), path); err != nil || strings.HasPrefix(seen.Load().(string), "Bearer ") != want {
			t.Errorf("%s: Authorization %q, %v", path, seen.Load(), err)
		}
	}
	if _, err := c.Submit(t.Context(), []byte("x"), ledger.ForAccepted); err != nil || seen.Load() != "" {
		t.Errorf("a command: Authorization %q, %v", seen.Load(), err)
	}
}

// FuzzProblem reads any answer: an error, never a panic.
func FuzzProblem(f *testing.F) {
	f.Add(422, "application/problem+json", []byte(`{"code":"too-early","detail":"x","id":"a","index":1}`))
	f.Add(503, "text/html", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		err := problem(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}}, body)
		var answered *Error
		if !errors.As(err, &answered) || answered.Error() == "" || answered.Status != status {
			t.Fatalf("got %v", err)
		}
	})
}

// FuzzStream reads any stream: it ends, and hands on only what follows what came before.
func FuzzStream(f *testing.F) {
	f.Add([]byte("id: 3\nevent: entry\ndata: {\"index\":3}\n\n: x\n\nevent: end\n\n"))
	f.Add([]byte("event:entry\r\ndata:{}\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		last, any := uint64(0), false
		s := &subscription{next: 1, each: func(e ledger.EntryView) error {
			if e.Index < 1 || any && e.Index <= last {
				t.Fatalf("index %d after %d", e.Index, last)
			}
			last, any = e.Index, true
			return nil
		}}
		_ = s.read(reader(text), func() {})
	})
}

func reader(text []byte) *bufio.Reader { return bufio.NewReaderSize(bytes.NewReader(text), 16) }
