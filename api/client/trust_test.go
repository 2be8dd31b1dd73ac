package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aval/api"
	"aval/api/apitest"
	"aval/domain"
)

// secure is a server with a TLS key of its own that records what it was asked.
type secure struct {
	*httptest.Server
	key   KeyHash
	mu    sync.Mutex
	asked []string
}

// secured serves one handler for the challenge and an empty object for all else.
func secured(t *testing.T, challenge http.HandlerFunc) *secure {
	t.Helper()
	identity, err := api.NewIdentity("127.0.0.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &secure{key: identity.Key()}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		if r.URL.Path == "/v1/attestation" {
			challenge(w, r)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	present(t, s.Server, identity)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// present puts the identity where httptest would put a certificate of its own.
func present(t *testing.T, s *httptest.Server, identity *api.Identity) {
	t.Helper()
	s.TLS = identity.Config()
	certificate, err := s.TLS.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.TLS.Certificates, s.TLS.GetCertificate = []tls.Certificate{*certificate}, nil
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
}

func (s *secure) count(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.asked {
		if p == path {
			n++
		}
	}
	return n
}

// echoNonce answers as a node would, as far as this package looks.
func echoNonce(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Query().Get("nonce")) }

// honest takes what echoNonce answers.
func honest(a Answer) error {
	if string(a.Statement) != fmt.Sprintf("%x", a.Nonce) || a.Exchange != tls.X25519MLKEM768 {
		return fmt.Errorf("got %q over %v for %x", a.Statement, a.Exchange, a.Nonce)
	}
	return nil
}

// trusting makes a client with a party's key, so that there is a token that could leak.
func trusting(t *testing.T, url string, trust *Trust) *Client {
	t.Helper()
	c, err := New(Config{URL: url, Ledger: apitest.Origin, Signer: apitest.New().Enrol(domain.PartyHolder, "acme"), Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// TestChallengeComesFirst: one challenge for a key, on the connection that is then used, before any request.
func TestChallengeComesFirst(t *testing.T) {
	s := secured(t, echoNonce)
	c := trusting(t, s.URL, &Trust{Appraise: honest})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := c.Get(t.Context(), "/v1/accounts"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := s.count("/v1/attestation"); got != 1 || s.asked[0] != "/v1/attestation" {
		t.Errorf("%d challenges, asked %v", got, s.asked)
	}
}

func TestPins(t *testing.T) {
	s := secured(t, echoNonce)
	pinned := func(k KeyHash) bool { return k == s.key }
	if _, err := trusting(t, s.URL, &Trust{Pinned: pinned}).Get(t.Context(), "/v1/accounts"); err != nil {
		t.Error(err)
	}
	if s.count("/v1/attestation") != 0 {
		t.Error("challenged in spite of the pin")
	}
	other := secured(t, echoNonce)
	_, err := trusting(t, other.URL, &Trust{Pinned: pinned}).Get(t.Context(), "/v1/accounts")
	if !errors.Is(err, ErrUnpinned) || !strings.Contains(err.Error(), other.key.String()) {
		t.Errorf("another key: %v", err)
	}
	if _, err := trusting(t, other.URL, &Trust{Pinned: pinned, Appraise: honest}).Get(t.Context(), "/v1/accounts"); err != nil {
		t.Errorf("a key that changed, with a policy: %v", err)
	}
}

// TestChallengeRefused: every server that does not answer as a node does is told apart, and gets nothing but the challenge.
func TestChallengeRefused(t *testing.T) {
	elsewhere := secured(t, echoNonce)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusFound)
		}, ErrNotAttested, "redirect (302)"},
		"not found": {http.NotFound, ErrNotAttested, "404 Not Found"},
		"busy":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, ErrNotAttested, "429 Too Many Requests"},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			for range MaxStatementBytes/1024 + 1 {
				fmt.Fprint(w, strings.Repeat("a", 1024))
			}
		}, ErrNotAttested, "larger than 2097152 bytes"},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", MaxStatementBytes+maxHeadBytes))
		}, ErrNotAttested, "larger than 2097152 bytes"},
		"two answers": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				conn.Close()
			}
		}, ErrNotAttested, "one answer"},
		"refused by the policy": {echoNonce, errDenied, "denied"},
	} {
		s := secured(t, c.answer)
		trust := &Trust{Appraise: func(a Answer) error {
			if a.Key != s.key {
				t.Errorf("%s: key %v, want %v", name, a.Key, s.key)
			}
			return errDenied
		}}
		_, err := trusting(t, s.URL, trust).Get(t.Context(), "/v1/accounts")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
		if s.count("/v1/accounts") > 0 || len(elsewhere.asked) > 0 {
			t.Errorf("%s: got a request with a token", name)
		}
		if tries := s.count("/v1/attestation"); tries > 1 != (name == "busy") {
			t.Errorf("%s: challenged %d times", name, tries)
		}
	}
}

var errDenied = errors.New("denied")

func TestChallengeSlow(t *testing.T) {
	release := make(chan bool)
	s := secured(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	base, err := parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	a := &attested{base: base, trust: Trust{Appraise: honest}, patience: 50 * time.Millisecond}
	conn, err := a.dial(t.Context(), "tcp", base.Host)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no whole answer in time (at most 50ms)") {
		t.Errorf("got %v, %v", conn, err)
	}
}

func TestChallengeUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "https://" + listener.Addr().String()
	listener.Close()
	if _, err := Challenge(t.Context(), url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	if _, err := Challenge(t.Context(), "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "want an https address") {
		t.Errorf("plain: %v", err)
	}
}

// TestWeakServers: a server that offers no hybrid exchange, or an older TLS, is not talked to.
func TestWeakServers(t *testing.T) {
	for name, weaken := range map[string]func(*tls.Config){
		"elliptic curves only": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"TLS 1.2":              func(c *tls.Config) { c.MinVersion, c.MaxVersion = 0, tls.VersionTLS12 },
	} {
		identity, err := api.NewIdentity("", nil)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(echoNonce))
		present(t, s, identity)
		weaken(s.TLS)
		s.StartTLS()
		_, err = trusting(t, s.URL, &Trust{Appraise: honest}).Get(t.Context(), "/v1/accounts")
		if err == nil || !strings.Contains(err.Error(), "hybrid key exchange") {
			t.Errorf("%s: got %v", name, err)
		}
		s.Close()
	}
}

func TestTrustNeedsTLS(t *testing.T) {
	for url, c := range map[string]Config{
		"https://127.0.0.1": {},
		"http://127.0.0.1":  {Trust: &Trust{}},
		"https://localhost": {Trust: &Trust{}, Transport: http.DefaultTransport},
	} {
		c.URL = url
		if _, err := New(c); err == nil {
			t.Errorf("%s with %+v: made", url, c)
		}
	}
}
