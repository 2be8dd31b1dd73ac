package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"aval/api"
	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain/envelope"
	"aval/ledger/enclave"
)

const relayLedger = "aval.example/relayed"

// attestedNode runs a node and gives its https address.
func attestedNode(t *testing.T, ledger string) (address string, member *envelope.Signer) {
	t.Helper()
	member, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "node")
	if err := node.Create(t.Context(), dir, node.Founding{Ledger: ledger, Member: "acme", Key: member.Key}); err != nil {
		t.Fatal(err)
	}
	folder, err := node.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	folder.Config.Listen, folder.Config.Admin, folder.Config.RequireTLS = "127.0.0.1:0", "", true
	n, err := node.Open(folder, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n.URL(), member
}

// relay stands between a client and a node, under a key of its own.
type relay struct {
	url string
	key client.KeyHash
	mu  sync.Mutex
	// read holds what it could read of the requests: paths and tokens.
	read []string
}

// forgery changes the answer to a challenge.
type forgery func(r *relay, nonce string, s node.Statement) node.Statement

// newRelay forwards everything but what it forges.
func newRelay(t *testing.T, to string, forge forgery) *relay {
	t.Helper()
	identity, err := api.NewIdentity("127.0.0.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{key: identity.Key()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: r.proxy(t, to, forge), TLSConfig: identity.Config(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	r.url = "https://" + listener.Addr().String()
	return r
}

func (r *relay) proxy(t *testing.T, to string, forge forgery) http.Handler {
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.read = append(r.read, strings.TrimSpace(p.In.URL.Path+" "+p.In.Header.Get("Authorization")))
		},
		ModifyResponse: func(a *http.Response) error {
			if a.Request.URL.Path != "/v1/attestation" {
				return nil
			}
			body, err := io.ReadAll(a.Body)
			if err != nil {
				return err
			}
			s, err := node.ParseStatement(body)
			if err != nil {
				return err
			}
			if body, err = json.Marshal(forge(r, a.Request.URL.Query().Get("nonce"), s)); err != nil {
				return err
			}
			a.Body = io.NopCloser(bytes.NewReader(body))
			a.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}
}

// TestRelays puts attackers between a party and its node. Each has a working TLS connection to both
// sides; none gets to see a token, let alone what the node would answer.
func TestRelays(t *testing.T) {
	address, member := attestedNode(t, relayLedger)
	earlier, err := client.Challenge(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	old, err := node.ParseStatement(earlier.Statement)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		forge forgery
		want  error
	}{
		"forwards the genuine quote":  {func(_ *relay, _ string, s node.Statement) node.Statement { return s }, node.ErrRelay},
		"claims its own key":          {func(r *relay, _ string, s node.Statement) node.Statement { return claim(r, s) }, enclave.ErrReportData},
		"answers with an older quote": {func(*relay, string, node.Statement) node.Statement { return old }, node.ErrNonce},
		"an older quote, our nonce": {func(r *relay, nonce string, _ node.Statement) node.Statement {
			s := claim(r, old)
			s.Nonce = nonce
			return s
		}, enclave.ErrReportData},
		"claims another log key": {func(r *relay, _ string, s node.Statement) node.Statement { s = claim(r, s); s.LogKey += "A"; return s }, enclave.ErrReportData},
		"changes the evidence": {func(r *relay, _ string, s node.Statement) node.Statement {
			s = claim(r, s)
			s.Quote = bytes.Replace(s.Quote, []byte("SIMULATED"), []byte("simulated"), 1)
			return s
		}, enclave.ErrSimulatedQuote},
		"leaves the quote out": {func(r *relay, _ string, s node.Statement) node.Statement { s = claim(r, s); s.Quote = nil; return s }, enclave.ErrQuote},
		"puts bytes behind the quote": {func(r *relay, _ string, s node.Statement) node.Statement {
			s = claim(r, s)
			s.Quote = append(s.Quote, 0)
			return s
		}, enclave.ErrQuote},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t, address, c.forge)
			if err := reads(t, r.url, member, simulatedPolicy); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := slices.Compact(r.read); !slices.Equal(got, []string{"/v1/attestation"}) {
				t.Errorf("the relay could read %q", got)
			}
		})
	}
}

// claim puts the relay's key into a statement.
func claim(r *relay, s node.Statement) node.Statement {
	s.TLSKey = strings.TrimPrefix(r.key.String(), "sha256:")
	return s
}

const simulatedPolicy = `{"platforms": ["simulated"], "allowSimulated": true}`

// TestNodesThatAreNotTrusted reaches nodes with nobody between, that their policy refuses.
func TestNodesThatAreNotTrusted(t *testing.T) {
	address, member := attestedNode(t, relayLedger)
	other, _ := attestedNode(t, "aval.example/other")
	elsewhere := `{"platforms": ["simulated"], "allowSimulated": true, "measurements": {"simulated": ["` + strings.Repeat("ab", 32) + `"]}}`
	hardware := `{"platforms": ["sev-snp"], "measurements": {"sev-snp": ["` + strings.Repeat("ab", 48) + `"]},
		"sev-snp": {"minTCB": {"bootloader": 0, "tee": 0, "snp": 0, "microcode": 0}}}`
	for name, c := range map[string]struct {
		url, policy, text string
		want              error
	}{
		"trusted":                  {url: address, policy: simulatedPolicy},
		"simulated is not allowed": {url: address, policy: hardware, want: enclave.ErrSimulated},
		"other code":               {url: address, policy: elsewhere, want: enclave.ErrMeasurement},
		"another ledger":           {url: other, policy: simulatedPolicy, text: "the node is of ledger aval.example/other, not of " + relayLedger},
	} {
		err := reads(t, c.url, member, c.policy)
		refused := c.want != nil || c.text != ""
		if (err != nil) != refused || c.want != nil && !errors.Is(err, c.want) || refused && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// reads asks for the accounts of a party as the client commands do.
func reads(t *testing.T, address string, member *envelope.Signer, policy string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	r := remote{url: address, origin: relayLedger, trust: trust{policyPath: path}}
	c, err := r.client(member)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), "/v1/accounts")
	return err
}
