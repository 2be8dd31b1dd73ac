package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	// certificateLife is how long a certificate is valid, renewAfter how old one gets before a handshake makes the next.
	certificateLife = 7 * 24 * time.Hour
	renewAfter      = 24 * time.Hour
	// certificateSlack lets clients in whose clock is behind.
	certificateSlack = time.Hour
)

// Identity is a node's TLS key, made where it is used and kept in memory alone, with a certificate that it signs
// itself and renews while it serves. The certificate proves nothing: a quote vouches for the
// key. Safe for concurrent use.
type Identity struct {
	key *ecdsa.PrivateKey
	// hash is that of the SubjectPublicKeyInfo.
	hash [sha256.Size]byte
	host string
	now  func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	renewAt time.Time
}

// NewIdentity makes a key. The certificate is for the host and for loopback, as of now (nil: time.Now).
func NewIdentity(host string, now func() time.Time) (*Identity, error) {
	if now == nil {
		now = time.Now
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make TLS key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("make TLS key: %w", err)
	}
	i := &Identity{key: key, hash: sha256.Sum256(public), host: host, now: now}
	_, err = i.certificate(nil)
	return i, err
}

// Key is the SHA-256 of the SubjectPublicKeyInfo (DER): what quotes vouch for and clients pin.
func (i *Identity) Key() [sha256.Size]byte { return i.hash }

// Config is TLS 1.3 with hybrid key exchange and nothing older: what is recorded today stays
// closed to a quantum computer of tomorrow (ADR 0022). Nothing is resumed, so that every connection proves the key.
func (i *Identity) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, CurvePreferences: Hybrids(), SessionTicketsDisabled: true, GetCertificate: i.certificate,
	}
}

// Hybrids are the key exchanges that a node takes: each joins ML-KEM with an elliptic curve.
func Hybrids() []tls.CurveID {
	return []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024}
}

// certificate gives the current one, and makes the next when it is a day old.
func (i *Identity) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.current != nil && now.Before(i.renewAt) {
		return i.current, nil
	}
	der, err := i.sign(now)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	i.current, i.renewAt = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}, now.Add(renewAfter)
	return i.current, nil
}

func (i *Identity) sign(now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "aval node"},
		NotBefore: now.Add(-certificateSlack), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(i.host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if i.host != "" {
		template.DNSNames = append(template.DNSNames, i.host)
	}
	return x509.CreateCertificate(rand.Reader, template, template, &i.key.PublicKey, i.key)
}
