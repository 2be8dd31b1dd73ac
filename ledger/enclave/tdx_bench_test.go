package enclave

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/pcs"
	tpb "github.com/google/go-tdx-guest/proto/tdx"
	recordedtdx "github.com/google/go-tdx-guest/testing/testdata"
)

// tdxBench is a processor like the recorded one, whose keys, and whose vendor's, the test holds.
type tdxBench struct {
	t                     *testing.T
	root, ca, pck, signer *issued
	table                 map[string]verifier
	quote                 *tpb.QuoteV4
	body                  *tpb.TDQuoteBody
}

type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTDXBench(t *testing.T) *tdxBench {
	t.Helper()
	b := &tdxBench{t: t, quote: parseRecorded(t, recordedQuote(t))}
	text := b.quote.SignedData.CertificationData.QeReportCertificationData.PckCertificateChainData.PckCertChain
	recorded, err := parseChain(bytes.TrimSuffix(text, []byte{0}))
	if err != nil {
		t.Fatal(err)
	}
	b.root = b.issue(nil, recorded[2])
	b.ca, b.pck = b.issue(b.root, recorded[1]), nil
	b.pck = b.issue(b.ca, recorded[0])
	signer := *recorded[0]
	signer.Subject.CommonName, signer.Extensions = "Intel SGX TCB Signing", nil
	signer.SerialNumber = big.NewInt(99)
	b.signer = b.issue(b.root, &signer)
	digest := sha256.Sum256(b.root.cert.Raw)
	b.table = map[string]verifier{TDXName: tdxVerifier{hex.EncodeToString(digest[:])}.verify}
	b.body = b.quote.TdQuoteBody
	return b
}

// issue makes a certificate like the given one, under a new key.
func (b *tdxBench) issue(by *issued, like *x509.Certificate) *issued {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: like.SerialNumber, Subject: like.Subject, NotBefore: like.NotBefore, NotAfter: like.NotAfter,
		SubjectKeyId: like.SubjectKeyId, KeyUsage: like.KeyUsage, IsCA: like.IsCA, BasicConstraintsValid: true, CRLDistributionPoints: like.CRLDistributionPoints,
	}
	if like.IsCA {
		template.KeyUsage |= x509.KeyUsageCRLSign
	}
	for _, e := range like.Extensions {
		if e.Id.Equal(pcs.OidSgxExtension) {
			template.ExtraExtensions = []pkix.Extension{e}
		}
	}
	return sign(b.t, by, template, key)
}

// sign makes the certificate of a key, signed by another or, nil, by itself.
func sign(t *testing.T, by *issued, template *x509.Certificate, key *ecdsa.PrivateKey) *issued {
	t.Helper()
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func pemOf(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// sign is a signature as quotes and statements have it.
func (b *tdxBench) sign(key *ecdsa.PrivateKey, data []byte) []byte {
	b.t.Helper()
	digest := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		b.t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// list revokes certificates of an authority.
func (b *tdxBench) list(by *issued, revoked ...*issued) []byte {
	b.t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: intelRecordedAt.AddDate(0, -1, 0), NextUpdate: intelRecordedAt.AddDate(0, 1, 0)}
	for _, r := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: time.Unix(0, 0)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, by.cert, by.key)
	if err != nil {
		b.t.Fatal(err)
	}
	return der
}

// statement is Intel's recorded one with words replaced, signed anew.
func (b *tdxBench) statement(recorded []byte, key string, words ...string) []byte {
	b.t.Helper()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(recorded, &parts); err != nil {
		b.t.Fatal(err)
	}
	// Intel's recorded statement asks for later firmware than the recorded machine has.
	words = append(words, `{"svn":5,"category":"OS/VMM","type":"TDX Late`, `{"svn":4,"category":"OS/VMM","type":"TDX Late`,
		`{"svn":5,`, `{"svn":3,`, `{"svn":3,"category":"BIOS"}`, `{"svn":2,"category":"BIOS"}`, `{"svn":3,"category":"OS/VMM","type":"SEAMLDR`, `{"svn":2,"category":"OS/VMM","type":"SEAMLDR`)
	said := strings.NewReplacer(words...).Replace(string(parts[key]))
	return []byte(`{"` + key + `":` + said + `,"signature":"` + hex.EncodeToString(b.sign(b.signer.key, []byte(said))) + `"}`)
}

// evidence is the quote, changed by change, signed anew all the way up.
func (b *tdxBench) evidence(change func(body *tpb.TDQuoteBody, qe *tpb.EnclaveReport)) []byte {
	b.t.Helper()
	b.quote = parseRecorded(b.t, recordedQuote(b.t))
	b.body = b.quote.TdQuoteBody
	data := b.quote.SignedData.CertificationData.QeReportCertificationData
	if change != nil {
		change(b.body, data.QeReport)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		b.t.Fatal(err)
	}
	b.quote.SignedData.EcdsaAttestationKey = point[1:]
	bound := sha256.Sum256(append(bytes.Clone(point[1:]), data.QeAuthData.Data...))
	data.QeReport.ReportData = append(bound[:], make([]byte, 32)...)
	qe, err1 := abi.EnclaveReportToAbiBytes(data.QeReport)
	header, err2 := abi.HeaderToAbiBytes(b.quote.Header)
	body, err3 := abi.TdQuoteBodyToAbiBytes(b.body)
	if err := errors.Join(err1, err2, err3); err != nil {
		b.t.Fatal(err)
	}
	data.QeReportSignature = b.sign(b.pck.key, qe)
	b.quote.SignedData.Signature = b.sign(key, append(header, body...))
	chain := pemOf(b.pck.cert, b.ca.cert, b.root.cert)
	grown := len(chain) - len(data.PckCertificateChainData.PckCertChain)
	data.PckCertificateChainData.PckCertChain = chain
	data.PckCertificateChainData.Size = uint32(len(chain))
	b.quote.SignedData.CertificationData.Size = uint32(int(b.quote.SignedData.CertificationData.Size) + grown)
	b.quote.SignedDataSize = uint32(int(b.quote.SignedDataSize) + grown)
	raw, err := abi.QuoteToAbiBytes(b.quote)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

func (b *tdxBench) made(evidence []byte) Quote {
	chain := pemOf(b.signer.cert, b.root.cert)
	return Quote{Platform: TDXName, Evidence: evidence, Collateral: []Collateral{
		{tdxPCKCRL, b.list(b.ca)},
		{tdxQEIdentity, b.statement(recordedtdx.QeIdentityBody, "enclaveIdentity")},
		{tdxQEChain, chain},
		{tdxRootCRL, b.list(b.root)},
		{tdxTCBInfo, b.statement(recordedtdx.TcbInfoBody, "tcbInfo")},
		{tdxTCBChain, chain},
	}}
}

func TestTDXAppraised(t *testing.T) {
	b := newTDXBench(t)
	good, at := b.made(b.evidence(nil)), Times{At: intelRecordedAt}
	policy, data := tdxPolicy(b.body), [64]byte(b.body.ReportData)
	a, err := appraise(b.table, good, policy, data, at)
	if err != nil || a.TCB != "module 3, up to date as of evaluation 15" || a.Until.Format(time.DateOnly) != "2023-07-08" {
		t.Fatalf("%+v, %v", a, err)
	}
	module, evaluation, stale := policy, policy, [64]byte{1}
	module.TDX, evaluation.TDX = &TDXPolicy{MinModule: 4}, &TDXPolicy{MinEvaluation: 16}
	for name, p := range map[string]Policy{"old module": module, "old statement": evaluation} {
		if _, err := appraise(b.table, good, p, data, at); !errors.Is(err, ErrTCB) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := appraise(b.table, good, policy, stale, at); !errors.Is(err, ErrReportData) {
		t.Errorf("other report data: %v", err)
	}
	body := func(change func(*tpb.TDQuoteBody)) Quote {
		return b.made(b.evidence(func(body *tpb.TDQuoteBody, _ *tpb.EnclaveReport) { change(body) }))
	}
	stranger := newTDXBench(t)
	for name, c := range map[string]struct {
		q    Quote
		want error
	}{
		"debug":                    {body(func(body *tpb.TDQuoteBody) { body.TdAttributes[0] = 1 }), ErrDebug},
		"migratable":               {body(func(body *tpb.TDQuoteBody) { body.TdAttributes[3] |= 1 << 5 }), ErrGuestPolicy},
		"other kernel":             {body(func(body *tpb.TDQuoteBody) { body.Rtmrs[2] = make([]byte, 48) }), ErrMeasurement},
		"other firmware":           {body(func(body *tpb.TDQuoteBody) { body.MrTd = make([]byte, 48) }), ErrMeasurement},
		"older than Intel's":       {body(func(body *tpb.TDQuoteBody) { body.TeeTcbSvn[2] = 3 }), ErrTCB},
		"other module":             {body(func(body *tpb.TDQuoteBody) { body.MrSignerSeam[0] = 1 }), ErrTCB},
		"debugging enclave quotes": {b.made(b.evidence(func(_ *tpb.TDQuoteBody, qe *tpb.EnclaveReport) { qe.Attributes[0] |= 2 })), ErrTCB},
		"old quoting enclave":      {b.made(b.evidence(func(_ *tpb.TDQuoteBody, qe *tpb.EnclaveReport) { qe.IsvSvn = 3 })), ErrTCB},
		"out of date":              {good.with(tdxTCBInfo, b.statement(recordedtdx.TcbInfoBody, "tcbInfo", "UpToDate", "OutOfDate")), ErrTCB},
		"revoked":                  {good.with(tdxTCBInfo, b.statement(recordedtdx.TcbInfoBody, "tcbInfo", "UpToDate", "Revoked")), ErrTCB},
		"of another machine":       {good.with(tdxTCBInfo, b.statement(recordedtdx.TcbInfoBody, "tcbInfo", "50806f", "50806e")), ErrTCB},
		"machine revoked":          {good.with(tdxPCKCRL, b.list(b.ca, b.pck)), ErrRevoked},
		"authority revoked":        {good.with(tdxRootCRL, b.list(b.root, b.ca)), ErrRevoked},
		"signer revoked":           {good.with(tdxRootCRL, b.list(b.root, b.signer)), ErrRevoked},
		"list of a stranger":       {good.with(tdxRootCRL, stranger.list(stranger.root)), ErrChain},
		"statement of a stranger":  {good.with(tdxTCBChain, pemOf(stranger.signer.cert, stranger.root.cert)), ErrChain},
		"signed by a stranger":     {good.with(tdxTCBInfo, stranger.statement(recordedtdx.TcbInfoBody, "tcbInfo")), ErrChain},
		"genuine machine":          {recordedQuote(t), ErrChain},
	} {
		if _, err := appraise(b.table, c.q, policy, data, at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := appraise(verifiers, good, policy, data, at); !errors.Is(err, ErrChain) {
		t.Errorf("under Intel's root: %v", err)
	}
}

// tdxKernel gives the library's stand-in for the kernel of a trust domain.
type tdxKernel struct{ quote []byte }

func (tdxKernel) IsSupported() error                     { return nil }
func (k tdxKernel) GetRawQuote([64]byte) ([]byte, error) { return k.quote, nil }

func TestTDXGuest(t *testing.T) {
	dir, q := t.TempDir(), recordedQuote(t)
	for _, c := range q.Collateral {
		if err := writeCollateral(dir, c.Name, c.Data); err != nil {
			t.Fatal(err)
		}
	}
	p, err := newTDX(dir, tdxKernel{recordedtdx.RawQuote}) // with the rest of the buffer
	if err != nil {
		t.Fatal(err)
	}
	body := parseRecorded(t, q).TdQuoteBody
	quote, err := p.Quote([64]byte(body.ReportData))
	if err != nil || p.Name() != TDXName || !bytes.Equal(p.Measurement(), tdxMeasurement(body)) {
		t.Fatal(p.Name(), err)
	}
	if want, err := q.Marshal(); err != nil {
		t.Error(err)
	} else if got, err := quote.Marshal(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("quote is not the recorded one: %v", err)
	}
	if _, err := p.Seal("keys", nil); !errors.Is(err, ErrNoSealing) {
		t.Error(err)
	}
	if _, err := p.Unseal("keys", nil); !errors.Is(err, ErrNoSealing) {
		t.Error(err)
	}
	for _, n := range []int{0, 100, 2000} {
		if _, err := newTDX(dir, tdxKernel{recordedtdx.RawQuote[:n]}); !errors.Is(err, ErrTDX) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if !tdxHere() {
		if _, err := OpenTDX(dir); !errors.Is(err, ErrTDX) {
			t.Error(err)
		}
	}
}
