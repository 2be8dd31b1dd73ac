package api

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// pay books one transfer from acme to globex.
func (h *house) pay(number string) {
	h.Helper()
	if a := h.post(h.command(h.acme, number, "transfer", `{"to":"globex","amount":{"minor":1,"currency":"EUR"}}`)); a.status != 200 {
		h.Fatalf("pay: %d %s", a.status, a.body)
	}
}

// ended waits until that many streams have ended for the reason.
func (h *house) ended(reason string, n int) {
	h.Helper()
	eventually(h.T, strconv.Itoa(n)+" streams ended: "+reason, func() bool {
		return strings.Contains(h.scrape(), `aval_http_streams_ended_total{reason="`+reason+`"} `+strconv.Itoa(n)+"\n")
	})
}

func TestStreamSendsWhatWasAndWhatComes(t *testing.T) {
	h := open(t, nil)
	h.trade()
	s := h.stream("/v1/events?from=0", h.globex)
	defer s.close()
	if media := s.response.Header.Get("Content-Type"); media != "text/event-stream" {
		t.Errorf("media type %s", media)
	}
	for i := range 4 {
		e := s.named("entry")
		var v ledger.EntryView
		if err := json.Unmarshal([]byte(e.data), &v); err != nil {
			t.Fatal(err)
		}
		value, err := decodeNumbers([]byte(e.data))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.seen.check(h.seen.resolve("#/components/schemas/Entry"), value, "entry"); err != nil {
			t.Error(err)
		}
		if want := uint64(2 * (i + 1)); v.Index != want || e.id != strconv.FormatUint(want, 10) || v.Name != "transfer" {
			t.Errorf("event %d: id %s, %+v", i, e.id, v)
		}
		h.pay(strconv.Itoa(10 + i))
	}
}

func TestStreamResumes(t *testing.T) {
	h := open(t, nil)
	h.trade() // globex sees index 2
	h.pay("10")
	h.pay("11")
	for name, c := range map[string]struct{ path, last, first string }{
		"from":                        {"/v1/events?from=3", "", "4"},
		"last event":                  {"/v1/events", "2", "4"},
		"last event goes before from": {"/v1/events?from=0", "4", "6"},
	} {
		r := request{path: c.path, token: h.token(h.globex), header: http.Header{}}
		if c.last != "" {
			r.header.Set("Last-Event-ID", c.last)
		}
		s := h.streamWith(r)
		if e := s.named("entry"); e.id != c.first {
			t.Errorf("%s: began at %s, want %s", name, e.id, c.first)
		}
		s.close()
	}
}

// TestStreamBeginsAtTheHead also checks that the first block says where that was.
func TestStreamBeginsAtTheHead(t *testing.T) {
	h := open(t, nil)
	h.trade()
	s := h.stream("/v1/events", h.globex)
	defer s.close()
	if first := s.block(); first.id != "3" || first.data != "" {
		t.Errorf("first block %+v", first)
	}
	h.pay("10")
	if e := s.named("entry"); e.id != "4" {
		t.Errorf("first entry %s", e.id)
	}
}

func TestStreamRefusesBadStarts(t *testing.T) {
	h := open(t, nil)
	for _, bad := range []string{"-1", "01", "x", "1e3", "9007199254740992", "18446744073709551616"} {
		for _, r := range []request{
			{path: "/v1/events?from=" + bad},
			{path: "/v1/events", header: http.Header{"Last-Event-Id": {bad}}},
		} {
			r.token = h.token(h.acme)
			h.want(400, r)
		}
	}
}

func TestStreamIsPrivate(t *testing.T) {
	h := open(t, nil)
	h.trade()
	s := h.stream("/v1/events?from=0", h.umbrel)
	defer s.close()
	s.block()
	h.post(h.command(h.umbrel, "50", "refuse", `{"code":"too-late"}`))
	if e := s.named("entry"); e.id != "4" || strings.Contains(e.data, "acme") {
		t.Errorf("a stranger's first entry is %+v", e)
	}
}

func TestStreamPagesThroughAnOldLog(t *testing.T) {
	h := open(t, func(l *limits) { l.streamPage = 2 })
	h.trade()
	for i := range 9 {
		h.pay(strconv.Itoa(10 + i))
	}
	s := h.stream("/v1/events?from=0", h.globex)
	defer s.close()
	for i := range 10 {
		if e := s.named("entry"); e.id != strconv.Itoa(2*(i+1)) {
			t.Fatalf("entry %d has id %s", i, e.id)
		}
	}
}

func TestStreamBeats(t *testing.T) {
	h := open(t, func(l *limits) { l.heartbeat = 5 * time.Millisecond })
	s := h.stream("/v1/events", h.acme)
	defer s.close()
	for range 3 {
		for s.block().comment == "" {
		}
	}
}

func TestStreamEndsWithTheToken(t *testing.T) {
	h := open(t, nil)
	now := time.Now()
	token := h.seal(h.acme, envelope.TokenType, envelope.Token{
		Audience: h.fake.Origin(), IssuedAt: now.Unix() - 10, ExpiresAt: now.Unix() + 2,
	})
	s := h.streamWith(request{path: "/v1/events", token: token})
	if e := s.named("end"); e.data != `{"reason":"token-expired"}` {
		t.Errorf("got %+v", e)
	}
	if time.Now().Unix() < now.Unix()+2 {
		t.Error("the stream ended before its token")
	}
	h.ended(endToken, 1)
}

func TestStreamEndsWithTheKey(t *testing.T) {
	h := open(t, nil)
	h.trade()
	s := h.stream("/v1/events", h.globex)
	s.block()
	key, _ := h.fake.Registry().Key(h.globex.Key.ID)
	key.Revoked = millis(time.Now())
	h.fake.Register(key)
	h.pay("10")
	if e := s.named("end"); e.data != `{"reason":"key-revoked"}` {
		t.Errorf("got %+v", e)
	}
	h.ended(endKey, 1)
}

func TestStreamEndsOnFaults(t *testing.T) {
	for reason, fault := range map[string]error{endError: errors.New("secret"), endShutdown: ledger.ErrClosed} {
		h := open(t, nil)
		h.trade()
		s := h.stream("/v1/events", h.globex)
		s.block()
		h.fake.Break(func(_ context.Context, method string) error {
			if method == "Feed" {
				return fault
			}
			return nil
		})
		h.pay("10")
		if e := s.named("end"); e.data != `{"reason":"`+reason+`"}` {
			t.Errorf("got %+v", e)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := open(t, func(l *limits) { l.streams, l.partyStreams, l.inFlight = 3, 2, 1 })
	one, two := h.stream("/v1/events", h.acme), h.stream("/v1/events", h.acme)
	h.want(429, request{path: "/v1/events", token: h.token(h.acme)})
	three := h.stream("/v1/events", h.globex)
	if p := decodeProblem(t, h.get("/v1/events", h.globex)); p.Code != busy {
		t.Errorf("beyond the total: %+v", p)
	}
	if a := h.get("/v1/accounts", h.acme); a.status != 200 {
		t.Errorf("open streams take places of requests: got %d", a.status)
	}
	one.close()
	h.stream("/v1/events", h.globex).close()
	two.close()
	three.close()
	h.ended(endClient, 4)
	eventually(t, "no place is taken", func() bool {
		h.streams.mu.Lock()
		defer h.streams.mu.Unlock()
		return h.streams.total.Load() == 0 && len(h.streams.byParty) == 0
	})
}

// TestSlowReaderIsCutOff opens a stream and never reads it, while much is to be sent.
func TestSlowReaderIsCutOff(t *testing.T) {
	h := open(t, func(l *limits) { l.streamWrite = 100 * time.Millisecond })
	h.fake.Flood("globex", 20_000) // some 20 MB: more than the buffers of a connection
	conn, _ := h.dial("GET /v1/events?from=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.token(h.globex) + "\r\n\r\n")
	if err := conn.(*net.TCPConn).SetReadBuffer(1024); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream is open", func() bool { return h.streams.total.Load() == 1 })
	h.ended(endSlow, 1)
	eventually(t, "the place is given back", func() bool { return h.streams.total.Load() == 0 })
}

func TestShutdownEndsStreamsAndFinishesRequests(t *testing.T) {
	h := open(t, nil)
	s := h.stream("/v1/events", h.acme)
	s.block()
	entered, leave := make(chan struct{}), make(chan struct{})
	h.fake.Break(func(_ context.Context, method string) error {
		if method == "Submit" {
			close(entered)
			<-leave
		}
		return nil
	})
	got := make(chan answered, 1)
	go func() { got <- h.post(h.command(h.acme, "1", "issue", issueOne)) }()
	<-entered
	h.stop()
	if e := s.named("end"); e.data != `{"reason":"shutdown"}` {
		t.Errorf("got %+v", e)
	}
	eventually(t, "nothing more is accepted", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(leave)
	if a := <-got; a.status != 200 {
		t.Errorf("the request in flight got %d %s", a.status, a.body)
	}
	if err := h.stopped(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	h := open(t, func(l *limits) { l.grace = 50 * time.Millisecond })
	entered := make(chan struct{})
	h.fake.Break(func(ctx context.Context, _ string) error {
		close(entered)
		<-ctx.Done() // until the connection is cut
		return ctx.Err()
	})
	go func() {
		response, err := http.Post(h.url+"/v1/commands", "text/plain", strings.NewReader("x"))
		if err == nil {
			response.Body.Close()
		}
	}()
	<-entered
	h.stop()
	if err := h.stopped(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run: %v", err)
	}
}

func TestRunReportsABrokenListener(t *testing.T) {
	h := open(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := New(Config{Ledger: h.fake}).Run(context.Background(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestStreamOutlivesTheTimeouts runs streams for longer than the time-outs of net/http, over HTTP/1.1 and HTTP/2.
func TestStreamOutlivesTheTimeouts(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	for name, config := range map[string]*tls.Config{"HTTP/1.1": nil, "HTTP/2.0": {Certificates: certificate.TLS.Certificates}} {
		t.Run(name, func(t *testing.T) {
			h := openTLS(t, func(l *limits) {
				l.read, l.write, l.idle = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
				l.streamWrite = 200 * time.Millisecond
			}, config)
			h.trade()
			s := h.stream("/v1/events", h.globex)
			defer s.close()
			if s.response.Proto != name {
				t.Fatalf("speaks %s", s.response.Proto)
			}
			s.block()
			time.Sleep(time.Second) // longer than every time-out: the passing of time is what is tested
			h.pay("10")
			if e := s.named("entry"); e.id != "4" {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestStreamNeedsGet(t *testing.T) {
	h := open(t, nil)
	response, err := h.http.Do(h.build(context.Background(), request{method: http.MethodHead, path: "/v1/events", token: h.token(h.acme)}))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d, %v", response.StatusCode, err)
	}
}

func TestSlotsAreExact(t *testing.T) {
	s := &streams{limit: 2, partyLimit: 2}
	leave, err := s.open("acme")
	if err != nil {
		t.Fatal(err)
	}
	leave()
	leave() // twice is once
	for _, p := range []domain.PartyID{"acme", "globex"} {
		if _, err := s.open(p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	if _, err := s.open("umbrel"); err == nil {
		t.Error("a third stream of two was opened")
	}
}
