package enclave

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// nitroBench is a module under an authority of the test's own: root, region, instance, enclave.
type nitroBench struct {
	t     *testing.T
	made  time.Time
	chain []*issued
	table map[string]verifier
}

func newNitroBench(t *testing.T) *nitroBench {
	t.Helper()
	b := &nitroBench{t: t, made: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	for i, hours := range []int{24 * 365 * 30, 24 * 20, 24, 3} {
		b.chain = append(b.chain, b.issue(i, hours))
	}
	digest := sha256.Sum256(b.chain[0].cert.Raw)
	b.table = map[string]verifier{NitroName: nitroVerifier{hex.EncodeToString(digest[:])}.verify}
	return b
}

func (b *nitroBench) issue(i, hours int) *issued {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: fmt.Sprint("test ", i)},
		NotBefore: b.made, NotAfter: b.made.Add(time.Duration(hours) * time.Hour), BasicConstraintsValid: true, IsCA: i < 3, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if template.IsCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	var by *issued
	if i > 0 {
		by = b.chain[i-1]
	}
	return sign(b.t, by, template, key)
}

// document is one that passes, changed by change.
func (b *nitroBench) document(data [64]byte, change func(map[string]any)) map[string]any {
	fields := map[string]any{
		"module_id": "i-test-enc", "timestamp": b.made.Add(time.Minute).UnixMilli(), "digest": "SHA384",
		"pcrs":        map[uint][]byte{0: bytes.Repeat([]byte{0xAB}, 48), 1: make([]byte, 48)},
		"certificate": b.chain[3].cert.Raw, "cabundle": [][]byte{b.chain[0].cert.Raw, b.chain[1].cert.Raw, b.chain[2].cert.Raw},
		"public_key": nil, "user_data": data[:], "nonce": nil,
	}
	if change != nil {
		change(fields)
	}
	return fields
}

func (b *nitroBench) encode(v any) []byte {
	b.t.Helper()
	data, err := cbor.Marshal(v)
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// sign is the COSE_Sign1 of a payload.
func (b *nitroBench) sign(key *ecdsa.PrivateKey, header []byte, unprotected map[any]any, payload []byte) Quote {
	b.t.Helper()
	digest := sha512.Sum384(b.encode([]any{"Signature1", header, []byte{}, payload}))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		b.t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
	return Quote{Platform: NitroName, Evidence: b.encode([]any{header, unprotected, payload, signature})}
}

func (b *nitroBench) quote(data [64]byte, change func(map[string]any)) Quote {
	return b.sign(b.chain[3].key, nitroHeader, map[any]any{}, b.encode(b.document(data, change)))
}

func nitroPolicy() Policy {
	return Policy{Platforms: []string{NitroName}, Measurements: map[string][]string{NitroName: {hex.EncodeToString(bytes.Repeat([]byte{0xAB}, 48))}}}
}

func TestNitroAppraised(t *testing.T) {
	b, data := newNitroBench(t), [64]byte{5}
	at := Times{At: b.made.Add(time.Hour)}
	good := b.quote(data, nil)
	a, err := appraise(b.table, good, nitroPolicy(), data, at)
	if err != nil || a.Simulated || !a.Until.Equal(b.made.Add(3*time.Hour)) {
		t.Fatalf("%+v, %v", a, err)
	}
	tagged := good
	tagged.Evidence = append([]byte{0xD2}, good.Evidence...)
	if _, err := appraise(b.table, tagged, nitroPolicy(), data, at); err != nil {
		t.Errorf("tagged: %v", err)
	}
	other := nitroPolicy()
	other.Measurements = map[string][]string{NitroName: {hex.EncodeToString(make([]byte, 48))}}
	stranger := newNitroBench(t)
	set := func(key string, value any) Quote {
		return b.quote(data, func(d map[string]any) { d[key] = value })
	}
	bundle := func(certs ...*issued) Quote {
		var ders [][]byte
		for _, c := range certs {
			ders = append(ders, c.cert.Raw)
		}
		return set("cabundle", ders)
	}
	payload := b.encode(b.document(data, nil))
	withCollateral := good
	withCollateral.Collateral = []Collateral{{"crl", []byte{1}}}
	for name, c := range map[string]struct {
		q    Quote
		p    Policy
		want error
	}{
		"debug":               {set("pcrs", map[uint][]byte{0: make([]byte, 48)}), nitroPolicy(), ErrDebug},
		"other report data":   {b.quote([64]byte{6}, nil), nitroPolicy(), ErrReportData},
		"no report data":      {set("user_data", nil), nitroPolicy(), ErrReportData},
		"other measurement":   {good, other, ErrMeasurement},
		"no measurement":      {set("pcrs", map[uint][]byte{1: make([]byte, 48)}), nitroPolicy(), ErrEvidence},
		"register too many":   {set("pcrs", map[uint][]byte{0: bytes.Repeat([]byte{0xAB}, 48), 32: make([]byte, 48)}), nitroPolicy(), ErrEvidence},
		"short register":      {set("pcrs", map[uint][]byte{0: make([]byte, 32)}), nitroPolicy(), ErrEvidence},
		"other digest":        {set("digest", "SHA256"), nitroPolicy(), ErrEvidence},
		"unknown field":       {set("more", 1), nitroPolicy(), ErrEvidence},
		"empty bundle":        {set("cabundle", [][]byte{}), nitroPolicy(), ErrEvidence},
		"long bundle":         {set("cabundle", make([][]byte, 9)), nitroPolicy(), ErrEvidence},
		"no certificate":      {set("certificate", []byte{1}), nitroPolicy(), ErrEvidence},
		"other root":          {bundle(stranger.chain[0], b.chain[1], b.chain[2]), nitroPolicy(), ErrChain},
		"root and stranger":   {bundle(b.chain[0], stranger.chain[1], stranger.chain[2]), nitroPolicy(), ErrChain},
		"gap":                 {bundle(b.chain[0], b.chain[2]), nitroPolicy(), ErrChain},
		"issued by no one":    {set("certificate", stranger.chain[3].cert.Raw), nitroPolicy(), ErrChain},
		"signed by authority": {b.sign(b.chain[2].key, nitroHeader, nil, payload), nitroPolicy(), ErrSignature},
		"other algorithm":     {b.sign(b.chain[3].key, []byte{0xA1, 0x01, 0x26}, map[any]any{}, payload), nitroPolicy(), ErrEvidence},
		"unsigned header":     {b.sign(b.chain[3].key, nitroHeader, map[any]any{4: "x"}, payload), nitroPolicy(), ErrEvidence},
		"payload and a byte":  {b.sign(b.chain[3].key, nitroHeader, map[any]any{}, append(bytes.Clone(payload), 0)), nitroPolicy(), ErrEvidence},
		"made after its time": {set("timestamp", b.made.Add(4*time.Hour).UnixMilli()), nitroPolicy(), ErrExpired},
		"trailing byte":       {Quote{Platform: NitroName, Evidence: append(bytes.Clone(good.Evidence), 0)}, nitroPolicy(), ErrEvidence},
		"collateral":          {withCollateral, nitroPolicy(), ErrCollateral},
	} {
		if _, err := appraise(b.table, c.q, c.p, data, at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, item := range []string{nitroCertificate, nitroBundle} {
		times := Times{At: at.At, Of: map[string]time.Time{item: b.made.AddDate(100, 0, 0)}}
		if _, err := appraise(b.table, good, nitroPolicy(), data, times); !errors.Is(err, ErrExpired) {
			t.Errorf("%s expired: %v", item, err)
		}
	}
	if _, err := appraise(verifiers, good, nitroPolicy(), data, at); !errors.Is(err, ErrChain) {
		t.Errorf("under AWS's root: %v", err)
	}
	named := []error{ErrEvidence, ErrChain, ErrSignature, ErrExpired}
	for i := 0; i < len(good.Evidence); i += 11 {
		changed := good
		changed.Evidence = bytes.Clone(good.Evidence)
		changed.Evidence[i] ^= 1 << (i % 8)
		if _, err := appraise(b.table, changed, nitroPolicy(), data, at); !isOne(err, named) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

// TestNitroGuest speaks to a module that answers as the real one's interface says.
func TestNitroGuest(t *testing.T) {
	b := newNitroBench(t)
	var refuse bool
	module := func(request []byte) ([]byte, error) {
		var asked map[string]map[string][]byte
		if err := cbor.Unmarshal(request, &asked); err != nil {
			return nil, err
		}
		if refuse {
			return cbor.Marshal(map[string]string{"Error": "InputTooLarge"})
		}
		document := b.quote([64]byte(asked["Attestation"]["user_data"]), nil).Evidence
		return cbor.Marshal(map[string]any{"Attestation": map[string]any{"document": document}})
	}
	p, err := newNitro(module)
	if err != nil || p.Name() != NitroName || p.Measurement()[0] != 0xAB {
		t.Fatal(err)
	}
	q, err := p.Quote([64]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := appraise(b.table, q, nitroPolicy(), [64]byte{7}, Times{At: b.made}); err != nil {
		t.Error(err)
	}
	for _, do := range []func(string, []byte) ([]byte, error){p.Seal, p.Unseal} {
		if _, err := do("keys", nil); !errors.Is(err, ErrNoSealing) {
			t.Error(err)
		}
	}
	refuse = true
	if _, err := p.Quote([64]byte{7}); !errors.Is(err, ErrNitro) {
		t.Error(err)
	}
	if !nitroHere() {
		if _, err := OpenNitro(); !errors.Is(err, ErrNitro) || !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

// TestNitroRoot holds the pinned digest against AWS's certificate, as AWS published it.
func TestNitroRoot(t *testing.T) {
	text, err := os.ReadFile("testdata/aws-nitro-root-g1.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil || root.Subject.CommonName != "aws.nitro-enclaves" || root.CheckSignatureFrom(root) != nil {
		t.Fatal(root, err)
	}
	if got := sha256.Sum256(root.Raw); hex.EncodeToString(got[:]) != awsRoot {
		t.Errorf("%x", got)
	}
}

// TestNitroRecorded holds a document of a real enclave, made public by its owner, against AWS's root. The enclave
// ran in debug mode, and its user data were somebody else's; everything else must hold.
func TestNitroRecorded(t *testing.T) {
	evidence, err := os.ReadFile("testdata/nitro-document.cbor")
	if err != nil {
		t.Fatal(err)
	}
	made := time.Date(2024, 12, 20, 0, 20, 0, 0, time.UTC)
	genuine := func(evidence []byte, at time.Time) (nitroDocument, error) {
		signed, doc, err := parseNitro(evidence)
		if err != nil {
			return doc, err
		}
		leaf, err := nitroVerifier{awsRoot}.chain(doc, &validity{at: Times{At: at}})
		if err != nil {
			return doc, err
		}
		return doc, signed.check(leaf)
	}
	doc, err := genuine(evidence, made)
	if err != nil || !doc.debug() {
		t.Fatal(doc.debug(), err)
	}
	if _, err := genuine(evidence, made.AddDate(0, 0, 1)); !errors.Is(err, ErrExpired) {
		t.Errorf("a day later: %v", err)
	}
	for i := 0; i < len(evidence); i += 17 {
		changed := bytes.Clone(evidence)
		changed[i] ^= 1 << (i % 8)
		if _, err := genuine(changed, made); !isOne(err, []error{ErrEvidence, ErrChain, ErrSignature, ErrExpired}) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	q := Quote{Platform: NitroName, Evidence: evidence}
	if _, err := appraise(verifiers, q, nitroPolicy(), [64]byte(doc.UserData), Times{At: made}); !errors.Is(err, ErrReportData) {
		t.Error(err)
	}
}
