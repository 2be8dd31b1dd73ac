package enclave

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/client"
	"github.com/google/go-sev-guest/kds"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	sevtest "github.com/google/go-sev-guest/testing"
	recorded "github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-sev-guest/verify/trust"
)

// snpBench is a processor whose keys the test holds, under an authority of its own.
type snpBench struct {
	*sevtest.AmdSigner
	made  time.Time
	tcb   kds.TCBParts
	chip  []byte
	table map[string]verifier
}

func newSNPBench(t *testing.T) *snpBench {
	t.Helper()
	b := &snpBench{made: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), tcb: kds.TCBParts{BlSpl: 4, SnpSpl: 20, UcodeSpl: 213}, chip: bytes.Repeat([]byte{7}, abi.ChipIDSize)}
	builder := &sevtest.AmdSignerBuilder{
		Keys: sevtest.DefaultAmdKeys(), ProductName: "Milan-B0", CSPID: "test",
		ArkCreationTime: b.made, AskCreationTime: b.made, AsvkCreationTime: b.made, VcekCreationTime: b.made, VlekCreationTime: b.made,
		VcekCustom: sevtest.CertOverride{SerialNumber: big.NewInt(77), Extensions: sevtest.CustomExtensions(b.tcb, b.chip, "", "Milan-B0")},
		VlekCustom: sevtest.CertOverride{SerialNumber: big.NewInt(78), Extensions: sevtest.CustomExtensions(b.tcb, nil, "cloud", "Milan")},
	}
	signer, err := builder.TestOnlyCertChain()
	if err != nil {
		t.Fatal(err)
	}
	b.AmdSigner = signer
	roots := func(string) (*trust.ProductCerts, error) {
		return &trust.ProductCerts{Ark: signer.Ark, Ask: signer.Ask, Asvk: signer.Asvk}, nil
	}
	b.table = map[string]verifier{SNPName: snpVerifier{roots}.verify}
	return b
}

// report makes one that passes, changed by change, and signs it.
func (b *snpBench) report(t *testing.T, data [64]byte, change func(raw []byte)) []byte {
	t.Helper()
	made := sevtest.CreateRawReport(&sevtest.TestReportOptions{ReportData: data[:]})
	raw := made[:abi.ReportSize]
	tcb, err := kds.ComposeTCBParts(b.tcb)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(raw[0x08:], abi.SnpPolicyToBytes(abi.SnpPolicy{SMT: true}))
	for _, at := range []int{0x38, 0x180, 0x1E0, 0x1F0} {
		binary.LittleEndian.PutUint64(raw[at:], uint64(tcb))
	}
	copy(raw[0x90:], bytes.Repeat([]byte{0xAB}, 48))
	copy(raw[0x1A0:], b.chip)
	if change != nil {
		change(raw)
	}
	r, s, err := b.Sign(abi.SignedComponent(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := abi.SetSignature(r, s, raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// list is one that revokes certificates by serial number.
func (b *snpBench) list(t *testing.T, revoked ...*x509.Certificate) []byte {
	t.Helper()
	template := &x509.RevocationList{
		SignatureAlgorithm: x509.SHA384WithRSAPSS, Number: big.NewInt(1),
		ThisUpdate: b.made, NextUpdate: b.made.AddDate(1, 0, 0),
	}
	for _, c := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: b.made})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, b.Ark, b.Keys.Ark)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (b *snpBench) quote(t *testing.T, evidence []byte, revoked ...*x509.Certificate) Quote {
	t.Helper()
	return Quote{Platform: SNPName, Evidence: evidence, Collateral: []Collateral{{snpCRL, b.list(t, revoked...)}, {snpVCEK, b.Vcek.Raw}}}
}

func snpPolicy() Policy {
	return Policy{
		Platforms:    []string{SNPName},
		Measurements: map[string][]string{SNPName: {hex.EncodeToString(bytes.Repeat([]byte{0xAB}, 48))}},
		SNP:          &SNPPolicy{MinTCB: SNPTCB{Bootloader: 4, SNP: 20, Microcode: 213}},
	}
}

// without is the quote without one item, with it replaced by the data.
func (q Quote) with(name string, data []byte) Quote {
	var items []Collateral
	for _, c := range q.Collateral {
		if c.Name != name {
			items = append(items, c)
		}
	}
	if data != nil {
		items = append(items, Collateral{name, data})
	}
	slicesSort(items)
	q.Collateral = items
	return q
}

func TestSNPAppraised(t *testing.T) {
	b, data := newSNPBench(t), [64]byte{1, 2, 3}
	at := Times{At: b.made.AddDate(0, 6, 0)}
	good := b.quote(t, b.report(t, data, nil))
	a, err := appraise(b.table, good, snpPolicy(), data, at)
	if err != nil || a.Simulated || a.TCB != "bootloader 4, tee 0, snp 20, microcode 213" || !a.Until.Equal(b.made.AddDate(1, 0, 0)) {
		t.Fatalf("%+v, %v", a, err)
	}
	vlek := b.report(t, data, func(raw []byte) {
		binary.LittleEndian.PutUint32(raw[0x48:], abi.ComposeSignerInfo(abi.SignerInfo{SigningKey: abi.VlekReportSigner}))
	})
	if _, err := appraise(b.table, b.quote(t, vlek).with(snpVCEK, nil).with(snpVLEK, b.Vlek.Raw), snpPolicy(), data, at); err != nil {
		t.Errorf("signed with a cloud's key: %v", err)
	}
	otherPolicy, oldFloor := snpPolicy(), snpPolicy()
	otherPolicy.Measurements = map[string][]string{SNPName: {hex.EncodeToString(bytes.Repeat([]byte{0xAC}, 48))}}
	oldFloor.SNP = &SNPPolicy{MinTCB: SNPTCB{SNP: 21}}
	changed := func(do func(raw []byte)) Quote { return b.quote(t, b.report(t, data, do)) }
	policyBits := func(p abi.SnpPolicy) func([]byte) {
		return func(raw []byte) { binary.LittleEndian.PutUint64(raw[0x08:], abi.SnpPolicyToBytes(p)) }
	}
	for name, c := range map[string]struct {
		q    Quote
		p    Policy
		want error
	}{
		"debug":                      {changed(policyBits(abi.SnpPolicy{Debug: true})), snpPolicy(), ErrDebug},
		"migration":                  {changed(policyBits(abi.SnpPolicy{MigrateMA: true})), snpPolicy(), ErrGuestPolicy},
		"privilege level":            {changed(func(raw []byte) { raw[0x30] = 2 }), snpPolicy(), ErrEvidence},
		"other report data":          {b.quote(t, b.report(t, [64]byte{1, 2, 4}, nil)), snpPolicy(), ErrReportData},
		"other measurement":          {good, otherPolicy, ErrMeasurement},
		"old TCB":                    {good, oldFloor, ErrTCB},
		"certificate of another TCB": {changed(func(raw []byte) { raw[0x180] = 3 }), snpPolicy(), ErrCollateral},
		"certificate of other chip":  {changed(func(raw []byte) { raw[0x1A0] ^= 1 }), snpPolicy(), ErrCollateral},
		"trailing byte":              {b.quote(t, append(b.report(t, data, nil), 0)), snpPolicy(), ErrEvidence},
		"cut":                        {b.quote(t, b.report(t, data, nil)[:abi.ReportSize-1]), snpPolicy(), ErrEvidence},
		"no list":                    {good.with(snpCRL, nil), snpPolicy(), ErrCollateral},
		"no certificate":             {good.with(snpVCEK, nil), snpPolicy(), ErrCollateral},
		"unknown item":               {good.with("x", []byte{1}), snpPolicy(), ErrCollateral},
		"certificate cut":            {good.with(snpVCEK, b.Vcek.Raw[:100]), snpPolicy(), ErrCollateral},
		"certificate and a byte":     {good.with(snpVCEK, append(bytes.Clone(b.Vcek.Raw), 0)), snpPolicy(), ErrCollateral},
		"revoked certificate":        {b.quote(t, b.report(t, data, nil), b.Vcek), snpPolicy(), ErrRevoked},
		"revoked authority":          {b.quote(t, b.report(t, data, nil), b.Ask), snpPolicy(), ErrRevoked},
		"other authority":            {good.with(snpASK, b.Asvk.Raw), snpPolicy(), ErrChain},
		"genuine certificate":        {good.with(snpVCEK, recorded.VcekBytes), snpPolicy(), ErrChain},
	} {
		if _, err := appraise(b.table, c.q, c.p, data, at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := appraise(verifiers, good, snpPolicy(), data, at); !errors.Is(err, ErrChain) {
		t.Errorf("under AMD's roots: %v", err)
	}
}

// TestSNPDates moves the clock of one item at a time.
func TestSNPDates(t *testing.T) {
	b, data := newSNPBench(t), [64]byte{1}
	q := b.quote(t, b.report(t, data, nil))
	at := b.made.AddDate(0, 6, 0)
	for _, item := range []string{"ark", snpASK, snpVCEK, snpCRL} {
		times := Times{At: at, Of: map[string]time.Time{item: b.made.AddDate(40, 0, 0)}}
		if _, err := appraise(b.table, q, snpPolicy(), data, times); !errors.Is(err, ErrExpired) {
			t.Errorf("%s expired: %v", item, err)
		}
		times = Times{At: b.made.AddDate(40, 0, 0), Of: map[string]time.Time{"ark": at, snpASK: at, snpVCEK: at, snpCRL: at}}
		if _, err := appraise(b.table, q, snpPolicy(), data, times); err != nil {
			t.Errorf("each at its own time: %v", err)
		}
	}
	if _, err := appraise(b.table, q, snpPolicy(), data, Times{At: b.made.Add(-time.Hour)}); !errors.Is(err, ErrExpired) {
		t.Errorf("not yet: %v", err)
	}
}

// TestSNPRecorded holds a report of a real Milan processor against AMD's own root. It was recorded in a
// guest with debugging on, so the appraisal must end there, and no earlier. A genuine revocation list was not recorded with it.
func TestSNPRecorded(t *testing.T) {
	at := Times{At: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	q := Quote{Platform: SNPName, Evidence: recorded.AttestationBytes, Collateral: []Collateral{{snpVCEK, recorded.VcekBytes}}}
	genuine := func(evidence []byte, at Times) error {
		r, err := parseSNP(evidence)
		if err != nil {
			return err
		}
		q := q
		q.Evidence = evidence
		c, err := snpVerifier{amdRoots}.chain(q, r)
		if err != nil {
			return err
		}
		dates := &validity{at: at}
		if err := c.checkChain(dates); err != nil {
			return err
		}
		return c.checkReport(evidence, r, dates)
	}
	if err := genuine(q.Evidence, at); err != nil {
		t.Fatal(err)
	}
	if err := genuine(q.Evidence, Times{At: at.At.AddDate(5, 0, 0)}); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	for i := range q.Evidence {
		evidence := bytes.Clone(q.Evidence)
		evidence[i] ^= 1 << (i % 8)
		if err := genuine(evidence, at); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrEvidence) && !errors.Is(err, ErrCollateral) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	r, err := parseSNP(q.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	tcb := kds.DecomposeTCBVersion(kds.TCBVersion(r.ReportedTcb))
	if err := checkSNPPolicy(r, tcb, &SNPPolicy{}, [64]byte(r.ReportData)); !errors.Is(err, ErrDebug) {
		t.Errorf("debug: %v", err)
	}
	p := snpPolicy()
	if _, err := appraise(verifiers, q, p, [64]byte(r.ReportData), at); !errors.Is(err, ErrCollateral) {
		t.Errorf("without a revocation list: %v", err)
	}
}

// guest gives the library's stand-in for the device of a guest.
type guest struct {
	b *snpBench
	t *testing.T
}

func (g guest) IsSupported() bool { return true }

func (g guest) GetRawQuote(data [64]byte) ([]byte, error) { return g.GetRawQuoteAtLevel(data, 0) }

func (g guest) GetRawQuoteAtLevel(data [64]byte, _ uint) ([]byte, error) {
	certs, err := g.b.CertTableBytes()
	return append(g.b.report(g.t, data, nil), certs...), err
}

func (guest) Product() *spb.SevProduct { return abi.DefaultSevProduct() }

func TestSNPGuest(t *testing.T) {
	b, dir := newSNPBench(t), t.TempDir()
	tcb, err := kds.ComposeTCBParts(b.tcb)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	open := func() Platform {
		p, err := newSNP(dir, guest{b: b, t: t}, func() (client.Device, error) {
			d := &sevtest.Device{Keys: keys}
			return d, d.Open("")
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if p.Name() != SNPName || !bytes.Equal(p.Measurement(), bytes.Repeat([]byte{0xAB}, 48)) {
		t.Errorf("%s %x", p.Name(), p.Measurement())
	}
	if err := writeCollateral(dir, snpCRL, b.list(t)); err != nil {
		t.Fatal(err)
	}
	q, err := p.Quote([64]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := appraise(b.table, q.with(snpVLEK, nil), snpPolicy(), [64]byte{9}, Times{At: b.made.AddDate(0, 1, 0)}); err != nil {
		t.Error(err)
	}
	// Root key VCEK; launch digest, guest policy and TCB mixed in: the bits of AMD 56860, MSG_KEY_REQ.
	request := func(tcb kds.TCBVersion) string {
		return sevtest.DerivedKeyRequestToString(&snpKeyRequest{RootKeySelect: 0, GuestFieldSelect: 1<<0 | 1<<3 | 1<<5, TCBVersion: uint64(tcb)})
	}
	if _, err := p.Seal("keys", []byte("secret")); err == nil {
		t.Error("sealed without a key")
	}
	keys[request(tcb)] = bytes.Repeat([]byte{1}, 32)
	sealed, err := p.Seal("keys", []byte("secret"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("%x, %v", sealed, err)
	}
	b.tcb.SnpSpl++ // newer firmware may still ask for the key of older
	if got, err := open().Unseal("keys", sealed); err != nil || string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return p.Unseal("oracle", sealed) },
		"trailing byte": func() ([]byte, error) { return p.Unseal("keys", append(bytes.Clone(sealed), 0)) },
		"cut":           func() ([]byte, error) { return p.Unseal("keys", sealed[:len(sealed)-1]) },
		"other code or chip": func() ([]byte, error) {
			keys[request(tcb)] = bytes.Repeat([]byte{2}, 32)
			return p.Unseal("keys", sealed)
		},
		"older firmware": func() ([]byte, error) { delete(keys, request(tcb)); return p.Unseal("keys", sealed) },
	} {
		if got, err := open(); !errors.Is(err, ErrSNPSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestNoSNPHere(t *testing.T) {
	if _, err := client.GetLeveledQuoteProvider(); err == nil {
		t.Skip("this machine is an SEV-SNP guest")
	}
	if _, err := OpenSNP(t.TempDir()); !errors.Is(err, ErrSNP) {
		t.Error(err)
	}
}
