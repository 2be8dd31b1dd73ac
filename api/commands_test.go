package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
)

func decodeProblem(t *testing.T, a answered) problem {
	t.Helper()
	p := problem{refusal: &refusal{}}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v in %.200s", err, a.body)
	}
	if p.ID == "" {
		p.refusal = nil
	}
	return p
}

func decodeReply(t *testing.T, a answered) ledger.Reply {
	t.Helper()
	var r ledger.Reply
	if err := json.Unmarshal([]byte(a.body), &r); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %v in %.200s", a.status, err, a.body)
	}
	return r
}

const issueOne = `{"to":"acme","amount":{"minor":1,"currency":"EUR"}}`

func TestSubmitWaits(t *testing.T) {
	h := open(t, nil)
	for i, c := range []struct {
		query   string
		status  int
		receipt bool
	}{
		{"", 200, true}, {"?wait=receipt", 200, true}, {"?wait=", 200, true}, {"?wait=committed", 200, false},
		{"?wait=accepted", 202, false},
	} {
		number := strconv.Itoa(i)
		a := h.want(c.status, request{method: "POST", path: "/v1/commands" + c.query, body: h.command(h.acme, number, "issue", issueOne)})
		if strings.Contains(a.body, id(number)) == false || strings.Contains(a.body, "tlog-proof") != c.receipt {
			t.Errorf("%s: got %s", c.query, a.body)
		}
		if c.status == 202 && strings.Contains(a.body, "index") {
			t.Errorf("an accepted command has no place in the log yet: %s", a.body)
		}
	}
}

func TestSameBytesHaveOneEffect(t *testing.T) {
	h := open(t, nil)
	body := h.command(h.acme, "1", "issue", issueOne)
	first, again := decodeReply(t, h.post(body)), decodeReply(t, h.post(body+"\r\n"))
	if first.Duplicate || !again.Duplicate || first.Index != again.Index || h.fake.Size() != 2 {
		t.Errorf("got %+v, then %+v; %d entries", first, again, h.fake.Size())
	}
	refused := h.command(h.acme, "2", "refuse", `{"code":"too-early"}`)
	one, two := decodeProblem(t, h.post(refused)), decodeProblem(t, h.post(refused))
	if one.Duplicate || !two.Duplicate || one.Index != two.Index || two.Status != 422 {
		t.Errorf("got %+v, then %+v", one, two)
	}
	if p := decodeProblem(t, h.post(h.command(h.acme, "1", "issue", `{}`))); p.Code != domain.IDConflict || p.refusal != nil {
		t.Errorf("other bytes under the same ID: %+v", p)
	}
}

func TestSubmitRefusesBadBodies(t *testing.T) {
	h := open(t, nil)
	good := h.command(h.acme, "1", "issue", issueOne)
	for name, c := range map[string]struct {
		body, contentType, coding, query string
		code                             domain.Code
	}{
		"text":              {good, "text/plain; charset=utf-8", "", "", ""},
		"octets":            {good, "application/octet-stream", "", "", ""},
		"no type":           {good, "", "", "", ""},
		"JSON":              {good, "application/json", "", "", unsupportedMedia},
		"form":              {good, "application/x-www-form-urlencoded", "", "", unsupportedMedia},
		"broken type":       {good, "application/jose; =", "", "", unsupportedMedia},
		"compressed":        {good, "application/jose", "gzip", "", unsupportedMedia},
		"empty":             {"", "application/jose", "", "", domain.Malformed},
		"no JWS":            {"hello", "application/jose", "", "", domain.Malformed},
		"two JWS":           {good + "\n" + good, "application/jose", "", "", domain.Malformed},
		"at the limit":      {strings.Repeat("a", maxBodyBytes), "application/jose", "", "", domain.TooLarge},
		"over the limit":    {strings.Repeat("a", maxBodyBytes+1), "application/jose", "", "", domain.TooLarge},
		"largest":           {strings.Repeat("a", domain.MaxCommandBytes) + "\r\n", "application/jose", "", "", domain.Malformed},
		"unknown wait":      {good, "application/jose", "", "?wait=forever", domain.Malformed},
		"wait twice":        {good, "application/jose", "", "?wait=receipt&wait=receipt", domain.Malformed},
		"unknown parameter": {good, "application/jose", "", "?limit=1", domain.Malformed},
	} {
		r := request{method: "POST", path: "/v1/commands" + c.query, body: c.body, contentType: c.contentType, header: http.Header{}}
		if c.coding != "" {
			r.header.Set("Content-Encoding", c.coding)
		}
		a := h.do(r)
		var got domain.Code
		if a.status != http.StatusOK {
			got = decodeProblem(t, a).Code
		}
		if got != c.code {
			t.Errorf("%s: got %d %.200s, want %q", name, a.status, a.body, c.code)
		}
	}
}

func TestBodyOfUnknownLengthIsBounded(t *testing.T) {
	h := open(t, nil)
	r := h.build(context.Background(), request{method: "POST", path: "/v1/commands"})
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeroes{}, maxBodyBytes+1)), -1
	response, err := h.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", response.StatusCode)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

func TestEngineErrors(t *testing.T) {
	h := open(t, nil)
	for name, c := range map[string]struct {
		err    error
		code   domain.Code
		status int
		retry  bool
	}{
		"busy":      {fmt.Errorf("propose: %w", ledger.ErrBusy), busy, 429, true},
		"disk full": {fmt.Errorf("admit: %w", &ledger.NoSpace{Free: 1, Reserve: 2}), diskFull, 507, true},
		"closed":    {ledger.ErrClosed, unavailable, 503, true},
		"canceled":  {context.Canceled, unavailable, 503, true},
		"deadline":  {context.DeadlineExceeded, outcomeUnknown, 504, true},
		"rejection": {fmt.Errorf("admit: %w", domain.Refuse(domain.UnknownKey, "no")), domain.UnknownKey, 403, false},
		"bug":       {errors.New("secret plaintext in an error"), internal, 500, false},
	} {
		undo := h.fault(c.err)
		a := h.post("x")
		undo()
		p := decodeProblem(t, a)
		if a.status != c.status || p.Code != c.code || p.Status != c.status || (a.header.Get("Retry-After") == "1") != c.retry {
			t.Errorf("%s: got %d %s, headers %v", name, a.status, a.body, a.header)
		}
		if strings.Contains(a.body+h.log.String(), "secret") {
			t.Errorf("%s: the detail of an internal error came out: %s", name, a.body)
		}
	}
}

func TestStatusOfACommand(t *testing.T) {
	h := open(t, nil)
	sent := decodeReply(t, h.post(h.command(h.acme, "1", "issue", issueOne)))
	h.post(h.command(h.acme, "2", "refuse", `{"code":"too-early"}`))
	if got := decodeReply(t, h.get("/v1/commands/"+id("1"), h.acme)); got.Index != sent.Index || got.Code != "" {
		t.Errorf("got %+v, want %+v", got, sent)
	}
	if got := decodeReply(t, h.get("/v1/commands/"+id("2"), h.acme)); got.Code != domain.TooEarly {
		t.Errorf("a refused command: %+v", got)
	}
	for _, path := range []string{"/v1/commands/short", "/v1/commands/" + strings.Repeat("%20", 26)} {
		if a := h.get(path, h.acme); a.status != http.StatusBadRequest {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	h := open(t, func(l *limits) { l.inFlight = 1 })
	entered, leave := make(chan struct{}), make(chan struct{})
	h.fake.Break(func(_ context.Context, method string) error {
		if method == "Submit" {
			close(entered)
			<-leave
		}
		return nil
	})
	var first answered
	var wait sync.WaitGroup
	wait.Go(func() { first = h.post(h.command(h.acme, "1", "issue", issueOne)) })
	<-entered
	a := h.get("/v1/accounts", h.acme)
	if p := decodeProblem(t, a); p.Code != busy || a.header.Get("Retry-After") != "1" {
		t.Errorf("got %+v", p)
	}
	if h.get("/healthz", nil).status != 200 || h.get("/readyz", nil).status != 200 {
		t.Error("health is not answered when busy")
	}
	close(leave)
	wait.Wait()
	if first.status != 200 {
		t.Errorf("the first request got %d", first.status)
	}
	if a := h.get("/v1/accounts", h.acme); a.status != 200 {
		t.Errorf("afterwards: got %d", a.status)
	}
}

func TestBodiesInFlightAreBounded(t *testing.T) {
	h := open(t, func(l *limits) { l.inFlightBytes = 1000 })
	if p := decodeProblem(t, h.post(strings.Repeat("a", 1001))); p.Code != busy {
		t.Errorf("got %+v", p)
	}
	for range 5 {
		if p := decodeProblem(t, h.post(strings.Repeat("a", 900))); p.Code != domain.Malformed {
			t.Errorf("the room was not given back: %+v", p)
		}
	}
}

func TestWaitIsBounded(t *testing.T) {
	h := open(t, func(l *limits) { l.wait = 20 * time.Millisecond })
	h.fake.Break(func(ctx context.Context, method string) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if p := decodeProblem(t, h.post("x")); p.Code != outcomeUnknown {
		t.Errorf("got %+v", p)
	}
}

// TestWaitOutlivesTheReadTimeout holds a command for longer than the time a body may take.
func TestWaitOutlivesTheReadTimeout(t *testing.T) {
	h := open(t, func(l *limits) { l.read = 50 * time.Millisecond })
	h.fake.Break(func(ctx context.Context, method string) error {
		select {
		case <-time.After(200 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if a := h.post(h.command(h.acme, "1", "issue", issueOne)); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// dial opens a bare connection and writes to it.
func (h *house) dial(text string) (net.Conn, *bufio.Reader) {
	h.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		h.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		h.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func TestSlowBodyIsCutOff(t *testing.T) {
	h := open(t, func(l *limits) { l.read = 50 * time.Millisecond })
	_, r := h.dial("POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestSlowHeaderIsCutOff(t *testing.T) {
	h := open(t, func(l *limits) { l.readHeader = 50 * time.Millisecond })
	conn, r := h.dial("GET /healthz HTTP/1.1\r\nHost: x\r\n")
	if rest, err := io.ReadAll(r); err != nil || strings.Contains(string(rest), "200") {
		t.Errorf("got %q, %v", rest, err)
	}
	conn.Close()
}

func TestShortBodyIsMalformed(t *testing.T) {
	h := open(t, nil)
	conn, r := h.dial("POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(r, nil)
	if err == nil {
		defer response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("got %d", response.StatusCode)
		}
	}
	eventually(t, "the request is logged", func() bool { return strings.Contains(h.log.String(), "route=/v1/commands") })
}
