package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"aval/api"
	"aval/api/client"
	"aval/cmd/aval/node"
)

// brokerAppraisal bounds a challenge to the node while its broker waits for the end of the handshake.
const brokerAppraisal = 8 * time.Second

// brokerTrust is a gateway's trust in the broker that a node embeds: it has the key of the node's API.
type brokerTrust struct {
	// api is the https address at which the node is challenged.
	api  string
	keys *client.Trust

	mu    sync.Mutex
	known client.KeyHash
	// refused is why the last connection was not trusted.
	refused error
}

// newBrokerTrust is nil where flags name neither policy nor pin: then the machine's authorities decide.
func newBrokerTrust(t *trust, broker, api, origin string) (*brokerTrust, error) {
	if t.policyPath == "" && t.pin == "" {
		return nil, nil
	}
	u, err := url.Parse(broker)
	if err != nil || u.Scheme != "ssl" {
		return nil, errors.New("--attest and --pin need a broker at ssl://host:port")
	}
	if api == "" && t.policyPath != "" {
		return nil, errors.New("--attest needs --node, the https address of the node's API")
	}
	if api == "" {
		api = "https://" + u.Host
	}
	keys, err := t.keys(api, origin)
	return &brokerTrust{api: api, keys: keys}, err
}

// config takes no certificate but the key that is pinned, or that the node attests.
func (b *brokerTrust) config() *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, CurvePreferences: api.Hybrids(), VerifyConnection: b.verify,
	}
}

// verify runs at each handshake, before the gateway shows its password.
func (b *brokerTrust) verify(s tls.ConnectionState) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := client.KeyHash(sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo))
	if key == b.known || b.keys.Pinned(key) {
		return nil
	}
	if b.refused = b.appraise(key); b.refused != nil {
		return b.refused
	}
	b.known = key
	return nil
}

func (b *brokerTrust) appraise(key client.KeyHash) error {
	if b.keys.Appraise == nil {
		return fmt.Errorf("%w: it has %v", client.ErrUnpinned, key)
	}
	ctx, cancel := context.WithTimeout(context.Background(), brokerAppraisal)
	defer cancel()
	answer, err := client.Challenge(ctx, b.api)
	if err != nil {
		return fmt.Errorf("%s: %w", b.api, err)
	}
	if answer.Key != key {
		return node.ErrRelay
	}
	return b.keys.Appraise(answer)
}

// why is the reason of the last refusal, nil if there was none. It may be called on nil.
func (b *brokerTrust) why() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}
