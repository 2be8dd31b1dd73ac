package api

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"aval/api/apitest"
)

// openSecure is a server with an identity; plain HTTP stays for loopback if it is wanted.
func openSecure(t *testing.T, listener net.Listener, now func() time.Time, plain bool) (string, *Identity) {
	t.Helper()
	identity, err := NewIdentity("127.0.0.1", now)
	if err != nil {
		t.Fatal(err)
	}
	l := standardLimits
	l.readHeader, l.grace = 500*time.Millisecond, 2*time.Second
	s := newServer(Config{Ledger: apitest.New(), TLS: identity.Config(), PlainLoopback: plain}, l)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("stopped with %v", err)
			}
		case <-time.After(deadline):
			t.Error("the server did not stop")
		}
	})
	return listener.Addr().String(), identity
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// TestTLSIsHybridAlone: whatever is recorded was exchanged with ML-KEM, or there is no connection.
func TestTLSIsHybridAlone(t *testing.T) {
	address, identity := openSecure(t, loopback(t), nil, true)
	for name, c := range map[string]struct {
		offer *tls.Config
		want  tls.CurveID
	}{
		"what Go offers":       {&tls.Config{}, tls.X25519MLKEM768},
		"X25519 and P-256":     {&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.SecP256r1MLKEM768}}, tls.SecP256r1MLKEM768},
		"P-384 with ML-KEM":    {&tls.Config{CurvePreferences: []tls.CurveID{tls.SecP384r1MLKEM1024}}, tls.SecP384r1MLKEM1024},
		"elliptic curves only": {&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}, 0},
		"TLS 1.2":              {&tls.Config{MaxVersion: tls.VersionTLS12}, 0},
	} {
		c.offer.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", address, c.offer)
		if c.want == 0 {
			if err == nil {
				t.Errorf("%s: connected with %v", name, conn.ConnectionState().CurveID)
				conn.Close()
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		state := conn.ConnectionState()
		if state.CurveID != c.want || state.Version != tls.VersionTLS13 || state.DidResume {
			t.Errorf("%s: %v, version %x, resumed %v", name, state.CurveID, state.Version, state.DidResume)
		}
		if sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo) != identity.Key() {
			t.Errorf("%s: another key", name)
		}
		conn.Close()
	}
}

// far makes connections look as if they came from another machine.
type far struct{ net.Listener }

type farConn struct{ net.Conn }

func (f far) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	return farConn{conn}, err
}

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// TestPlainHTTPStaysOnTheMachine asks each kind of server in the clear and over TLS.
func TestPlainHTTPStaysOnTheMachine(t *testing.T) {
	for name, c := range map[string]struct {
		wrap  func(net.Listener) net.Listener
		plain bool
		want  int
	}{
		"loopback":           {func(l net.Listener) net.Listener { return l }, true, 200},
		"loopback, TLS only": {func(l net.Listener) net.Listener { return l }, false, 400},
		"another machine":    {func(l net.Listener) net.Listener { return far{l} }, true, 400},
	} {
		address, _ := openSecure(t, c.wrap(loopback(t)), nil, c.plain)
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		defer transport.CloseIdleConnections()
		for scheme, want := range map[string]int{"http://": c.want, "https://": 200} {
			response, err := (&http.Client{Transport: transport}).Get(scheme + address + "/healthz")
			if err != nil {
				t.Errorf("%s: %s: %v", name, scheme, err)
				continue
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != want || strings.Contains(string(body), "ok") != (want == 200) {
				t.Errorf("%s: %s: %d %s, want %d", name, scheme, response.StatusCode, body, want)
			}
		}
	}
}

// TestSilenceHoldsNobodyUp opens connections that say nothing: they are closed, and others served meanwhile.
func TestSilenceHoldsNobodyUp(t *testing.T) {
	address, _ := openSecure(t, loopback(t), nil, true)
	var silent []net.Conn
	for range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	response, err := http.Get("http://" + address + "/healthz")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", response, err)
	}
	response.Body.Close()
	for _, conn := range silent {
		if err := conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("a silent connection ended with %v", err)
		}
	}
}

// TestCertificateRenews lets days pass under a running server: the certificate is another one, the
// key the same, and a connection from before goes on.
func TestCertificateRenews(t *testing.T) {
	clock := make(chan time.Time, 1)
	clock <- time.Now()
	now := func() time.Time { at := <-clock; clock <- at; return at }
	address, identity := openSecure(t, loopback(t), now, true)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	old := &http.Client{Transport: transport}
	ask := func(c *http.Client) *tls.ConnectionState {
		t.Helper()
		response, err := c.Get("https://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		return response.TLS
	}
	first := ask(old).PeerCertificates[0]
	<-clock
	later := time.Now().Add(6 * 24 * time.Hour)
	clock <- later
	if again := ask(old).PeerCertificates[0]; again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("the old connection did not go on")
	}
	fresh := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer fresh.CloseIdleConnections()
	second := ask(&http.Client{Transport: fresh}).PeerCertificates[0]
	if second.SerialNumber.Cmp(first.SerialNumber) == 0 || second.NotAfter.Before(later) {
		t.Errorf("not renewed: valid until %v at %v", second.NotAfter, later)
	}
	if sha256.Sum256(second.RawSubjectPublicKeyInfo) != identity.Key() {
		t.Error("the key changed with the certificate")
	}
}

func TestNonceLimits(t *testing.T) {
	h := open(t, nil)
	for nonce, want := range map[string]int{
		"": 400, "zz": 400, strings.Repeat("a", 30): 400, strings.Repeat("a", 31): 400, strings.Repeat("a", 32): 200,
		strings.Repeat("A", 128): 200, strings.Repeat("a", 130): 400, strings.Repeat("a", 32) + "&nonce=" + strings.Repeat("b", 32): 400,
	} {
		h.want(want, request{path: "/v1/attestation?nonce=" + nonce})
	}
}

// TestQuotesAreMadeInTurn fills the queue before a slow platform: one more is told to come later.
func TestQuotesAreMadeInTurn(t *testing.T) {
	h := open(t, func(l *limits) { l.quoting = 2 })
	entered, proceed := make(chan bool, 10), make(chan bool)
	h.Server.quote = func(nonce []byte) ([]byte, error) {
		entered <- true
		<-proceed
		return h.statement(nonce)
	}
	path := examplePaths()["GET /v1/attestation"]
	answers := make(chan int, 2)
	for range 2 {
		go func() { answers <- h.do(request{path: path}).status }()
	}
	<-entered
	for len(h.Server.quoting.waiting) < 2 {
		time.Sleep(time.Millisecond)
	}
	h.want(429, request{path: path})
	if len(entered) > 0 {
		t.Error("two quotes at once")
	}
	close(proceed)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("got %d", status)
		}
	}
	h.want(200, request{path: path})
}
