package enclave

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"aval/ledger/enclave/tpmtest"
)

// authority endorses a TPM's key as a maker would, with whatever fault a test needs.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "TPM maker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	made := sign(t, nil, template, key)
	return authority{made.cert, made.key}
}

func (a authority) roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

func (a authority) endorse(t *testing.T, key crypto.PublicKey, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
		KeyUsage: x509.KeyUsageKeyEncipherment, UnknownExtKeyUsage: []asn1.ObjectIdentifier{ekUsage},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a authority) revoke(t *testing.T, from time.Duration, serials ...int64) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(from), NextUpdate: time.Now().Add(from + 3*time.Hour)}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestTPMCertificates(t *testing.T) {
	e := tpmtest.Start(t)
	evidence, policy := quoted(t, e, startTPM(t, e, "release 1"))
	leaf, err := x509.ParseCertificate(evidence.Endorsement[0])
	if err != nil {
		t.Fatal(err)
	}
	maker, stranger := newAuthority(t), newAuthority(t)
	policy.Roots = maker.roots()
	plain := func(*x509.Certificate) {}
	otherKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		certificate []byte
		lists       [][]byte
		need        bool
		want        error
	}{
		"good":                 {maker.endorse(t, leaf.PublicKey, plain), nil, false, nil},
		"good, with a list":    {maker.endorse(t, leaf.PublicKey, plain), [][]byte{maker.revoke(t, 0, 8)}, true, nil},
		"by a stranger":        {stranger.endorse(t, leaf.PublicKey, plain), nil, false, ErrTPMChain},
		"expired":              {maker.endorse(t, leaf.PublicKey, func(c *x509.Certificate) { c.NotAfter = time.Now() }), nil, false, ErrTPMChain},
		"not yet":              {maker.endorse(t, leaf.PublicKey, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(2 * time.Hour) }), nil, false, ErrTPMChain},
		"for a web server":     {maker.endorse(t, leaf.PublicKey, func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil; c.ExtKeyUsage = []x509.ExtKeyUsage{1} }), nil, false, ErrTPMChain},
		"of another key":       {maker.endorse(t, otherKey.Public(), plain), nil, false, ErrTPMUnknown},
		"revoked":              {maker.endorse(t, leaf.PublicKey, plain), [][]byte{maker.revoke(t, 0, 7)}, false, ErrTPMChain},
		"list needed":          {maker.endorse(t, leaf.PublicKey, plain), nil, true, ErrTPMChain},
		"list of a stranger":   {maker.endorse(t, leaf.PublicKey, plain), [][]byte{stranger.revoke(t, 0, 8)}, true, ErrTPMChain},
		"list that is too old": {maker.endorse(t, leaf.PublicKey, plain), [][]byte{maker.revoke(t, -9*time.Hour, 8)}, true, ErrTPMChain},
		"list of the future":   {maker.endorse(t, leaf.PublicKey, plain), [][]byte{maker.revoke(t, 9*time.Hour, 8)}, true, ErrTPMChain},
		"list that is no list": {maker.endorse(t, leaf.PublicKey, plain), [][]byte{{1, 2}}, false, ErrTPMChain},
		"critical, not understood": {maker.endorse(t, leaf.PublicKey, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), nil, false, ErrTPMChain},
	} {
		evidence.Endorsement, evidence.Revoked, policy.RequireRevocation = [][]byte{c.certificate}, c.lists, c.need
		if _, err := appraiseTPM(encode(t, evidence), policy, report, Times{At: soon()}); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
