package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"aval/domain"
	"aval/ledger/enclave"
	"aval/ledger/recovery"
)

// The paths of the exchange between a node and another that wants its keys.
const (
	challengePath = "/keys/challenge"
	grantPath     = "/keys/grant"
)

const (
	// MaxChallenges bounds the challenges that wait for their answer, challengeLifetime how long each does.
	MaxChallenges     = 64
	challengeLifetime = time.Minute
)

// PeersConfig lets other nodes obtain the ledger's keys.
type PeersConfig struct {
	// Listen is the address of the exchange. It needs no TLS: what is granted is sealed to a key that the quote vouches for.
	Listen string `json:"listen"`
	// Trust is the file of the attestation policy under which a node is appraised. Once governance
	// names measurements, those count in place of the ones in the file.
	Trust string `json:"trust"`
}

func (c *PeersConfig) check() error {
	if c == nil {
		return nil
	}
	err := CheckAddress("peers.listen", c.Listen)
	if c.Listen == "" || c.Trust == "" {
		err = errors.Join(err, errors.New("peers: want listen and trust"))
	}
	return err
}

// granter answers nodes that want the keys. Safe for concurrent use.
type granter struct {
	node  *Node
	trust enclave.Policy
	mu    sync.Mutex
	// waiting holds, by nonce, until when each challenge may be answered, once.
	waiting map[string]time.Time
}

// addPeers listens for nodes that want the keys, if the configuration says so.
func (n *Node) addPeers() error {
	c := n.Folder.Config.Peers
	if c == nil {
		return nil
	}
	text, err := readBounded(n.Folder.path(c.Trust), enclave.MaxPolicy)
	if err != nil {
		return fmt.Errorf("peers.trust: %w", err)
	}
	trust, err := enclave.ParsePolicy(text)
	if err != nil {
		return fmt.Errorf("peers.trust: %w", err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen for peers: %w", err)
	}
	n.Peers = listener.Addr()
	g := &granter{node: n, trust: trust, waiting: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+challengePath, g.challenge)
	mux.HandleFunc("POST "+grantPath, g.grant)
	n.parts = append(n.parts, func(ctx context.Context) error { return ServeHTTP(ctx, listener, mux) })
	return nil
}

// challenge gives a nonce that a quote is to be made for.
func (g *granter) challenge(w http.ResponseWriter, _ *http.Request) {
	nonce, now := make([]byte, recovery.NonceBytes), g.node.options.Now()
	rand.Read(nonce)
	g.mu.Lock()
	defer g.mu.Unlock()
	for old, until := range g.waiting { //tidy:ordered those that ended are dropped
		if now.After(until) {
			delete(g.waiting, old)
		}
	}
	if len(g.waiting) >= MaxChallenges {
		http.Error(w, "too many challenges wait for their answer", http.StatusTooManyRequests)
		return
	}
	g.waiting[string(nonce)] = now.Add(challengeLifetime)
	w.Write(nonce)
}

// redeem takes a challenge back, which is good once.
func (g *granter) redeem(nonce []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ours := g.waiting[string(nonce)]
	delete(g.waiting, string(nonce))
	return ours && !g.node.options.Now().After(until)
}

// grant appraises a request and seals the keys to it.
func (g *granter) grant(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, recovery.MaxRequest))
	if err != nil {
		http.Error(w, fmt.Sprintf("key request: limit %d bytes", recovery.MaxRequest), http.StatusRequestEntityTooLarge)
		return
	}
	granted, appraisal, err := g.answer(body)
	if err != nil {
		g.node.options.Log.Warn("a node was refused the keys", "error", err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	g.node.options.Log.Warn("the keys were granted to another node", "platform", appraisal.Platform, "measurement", fmt.Sprintf("%x", appraisal.Measurement))
	w.Write(granted)
}

func (g *granter) answer(body []byte) ([]byte, enclave.Appraisal, error) {
	request, err := recovery.ParseRequest(body)
	if err != nil {
		return nil, enclave.Appraisal{}, err
	}
	if !g.redeem(request.Nonce) {
		return nil, enclave.Appraisal{}, errors.New("key request: not for a challenge that waits: unknown, too old or used")
	}
	if request.Origin != g.node.Folder.Keys.Origin {
		return nil, enclave.Appraisal{}, fmt.Errorf("key request: this node keeps the ledger %s", g.node.Folder.Keys.Origin)
	}
	now := g.node.options.Now()
	trust, err := governedTrust(g.trust, g.node.Engine.Measurements(), domain.Millis(now.UnixMilli()))
	if err != nil {
		return nil, enclave.Appraisal{}, err
	}
	appraisal, err := AppraiseRequest(request, trust, now)
	if err != nil {
		return nil, appraisal, err
	}
	secrets, err := g.node.Folder.secrets()
	if err != nil {
		return nil, appraisal, errors.New("the keys cannot be read")
	}
	granted, err := request.Grant(secrets)
	return granted, appraisal, err
}

// governedTrust puts the measurements that governance trusts now in place of those in the file,
// as soon as it has named any. A platform for which it trusts none is not trusted.
func governedTrust(file enclave.Policy, governed []domain.Measurement, now domain.Millis) (enclave.Policy, error) {
	if len(governed) == 0 {
		return file, nil
	}
	values := map[string][]string{}
	for _, m := range governed {
		if m.TrustedAt(now) && slices.Contains(file.Platforms, m.Platform) {
			values[m.Platform] = append(values[m.Platform], m.Value)
		}
	}
	trust := file
	trust.Measurements = values
	trust.Platforms = slices.DeleteFunc(slices.Clone(file.Platforms), func(name string) bool { return len(values[name]) == 0 })
	trust.AllowSimulated = slices.Contains(trust.Platforms, enclave.SimulatedName)
	if len(trust.Platforms) == 0 {
		return trust, errors.New("governance trusts no code on the platforms of peers.trust")
	}
	return trust, nil
}
