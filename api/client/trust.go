package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// KeyHash is the SHA-256 of a server's SubjectPublicKeyInfo (DER).
type KeyHash [sha256.Size]byte

// String is the form of pins: "sha256:" and hex.
func (k KeyHash) String() string { return "sha256:" + hex.EncodeToString(k[:]) }

// Trust decides which server keys a client talks to over TLS. Certificates do not count: a key is
// known, or its node is challenged, on the connection itself and before anything else is sent.
type Trust struct {
	// Pinned says whether a key is known. Nil: none is.
	Pinned func(KeyHash) bool
	// Appraise judges the answer to a challenge; a client asks once for each key. Nil: a key that is not pinned is refused.
	Appraise func(Answer) error
}

// Answer is what a node answered to a challenge, and over which connection.
type Answer struct {
	// Statement is the body, at most MaxStatementBytes. Nothing in it was checked.
	Statement []byte
	// Key is that of the connection: TLS has proven that the other end holds it.
	Key KeyHash
	// Nonce is the fresh challenge that was sent.
	Nonce []byte
	// Exchange is the key exchange of the connection.
	Exchange tls.CurveID
}

// What is wrong with a server before any request is sent to it.
var (
	// ErrUnpinned: nobody vouches for the server's key.
	ErrUnpinned = errors.New("the server's TLS key is not the pinned one, and there is no policy to appraise it by")
	// ErrNotAttested: the server did not answer the challenge as a node does.
	ErrNotAttested = errors.New("the server does not attest itself")
	// ErrUntrusted: an https address with neither Trust nor a Transport of the caller's.
	ErrUntrusted = errors.New("an https address needs an attestation policy or a pinned key")
)

// distrust is a verdict, which another attempt would not change.
type distrust struct{ err error }

func (d *distrust) Error() string { return d.err.Error() }
func (d *distrust) Unwrap() error { return d.err }

// Challenge connects to a node, sends it a fresh nonce and gives back what it answered,
// unjudged. ErrNotAttested.
func Challenge(ctx context.Context, server string) (Answer, error) {
	base, err := parse(server)
	if err != nil {
		return Answer{}, err
	}
	if base.Scheme != "https" {
		return Answer{}, errors.New("only TLS can be attested: want an https address")
	}
	t := &attested{base: base}
	conn, key, err := t.connect(ctx, "tcp", address(base))
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	return t.challenge(ctx, conn, key)
}

func address(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "443")
}

// attested makes connections whose other end is trusted.
type attested struct {
	base  *url.URL
	trust Trust
	// mu lets one challenge at a time go on, so that connections made together ask once.
	mu    sync.Mutex
	known map[KeyHash]bool
	// patience is challengeTimeout if it is zero.
	patience time.Duration
}

// transport goes to the one server that the client is for.
func (t *attested) transport() http.RoundTripper {
	return &http.Transport{DialTLSContext: t.dial, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}
}

// dial connects, and trusts or closes.
func (t *attested) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, key, err := t.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := t.judge(ctx, conn, key); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// connect shakes hands. The certificate is not looked at: that the peer holds its key is proven, whose key that is, judge finds out.
func (t *attested) connect(ctx context.Context, network, address string) (*tls.Conn, KeyHash, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	plain, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, KeyHash{}, fmt.Errorf("connect: %w", err)
	}
	conn := tls.Client(plain, &tls.Config{
		ServerName: t.base.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, KeyHash{}, fmt.Errorf("TLS handshake (1.3, hybrid key exchange): %w", err)
	}
	return conn, sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo), nil
}

func (t *attested) judge(ctx context.Context, conn *tls.Conn, key KeyHash) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[key] || t.trust.Pinned != nil && t.trust.Pinned(key) {
		return nil
	}
	if t.trust.Appraise == nil {
		return &distrust{fmt.Errorf("%w: it has %v", ErrUnpinned, key)}
	}
	answer, err := t.challenge(ctx, conn, key)
	if err != nil {
		return err
	}
	if err := t.trust.Appraise(answer); err != nil {
		return &distrust{err}
	}
	t.known[key] = true
	return nil
}

// freshNonce is a challenge that nobody has seen before.
func freshNonce() []byte {
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce)
	return nonce
}
