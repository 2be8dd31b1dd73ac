package enclave_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"aval/ledger/enclave"
)

var when = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func report() enclave.ReportData {
	return enclave.ReportData{TLSKey: [32]byte{1}, LogKey: "aval.example/t+12345678+AQ==", Origin: "aval.example/t", Nonce: []byte("nonce")}
}

func TestReportDataSeparatesFields(t *testing.T) {
	sums := map[[64]byte]string{report().Sum(): "as it is"}
	for name, change := range map[string]func(*enclave.ReportData){
		"other TLS key":     func(r *enclave.ReportData) { r.TLSKey[31] = 1 },
		"other log key":     func(r *enclave.ReportData) { r.LogKey += "x" },
		"other origin":      func(r *enclave.ReportData) { r.Origin += "x" },
		"other nonce":       func(r *enclave.ReportData) { r.Nonce = []byte("nonc3") },
		"other way":         func(r *enclave.ReportData) { r.Way = "peer" },
		"other epoch":       func(r *enclave.ReportData) { r.Epoch = 1 },
		"no nonce":          func(r *enclave.ReportData) { r.Nonce = nil },
		"a byte moves over": func(r *enclave.ReportData) { r.LogKey += "a"; r.Origin = r.Origin[1:] },
	} {
		r := report()
		change(&r)
		if same, found := sums[r.Sum()]; found {
			t.Errorf("%s: same sum as %s", name, same)
		}
		sums[r.Sum()] = name
	}
}

func simulatedQuote(t *testing.T) (enclave.Platform, enclave.Quote) {
	t.Helper()
	dir := t.TempDir()
	if _, err := enclave.CreateSimulated(dir); err != nil {
		t.Fatal(err)
	}
	p, err := enclave.Detect(dir)
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.Quote(report().Sum())
	if err != nil {
		t.Fatal(err)
	}
	return p, q
}

func TestSimulatedQuote(t *testing.T) {
	p, q := simulatedQuote(t)
	allowed := enclave.Policy{Platforms: []string{"simulated"}, AllowSimulated: true}
	a, err := enclave.Appraise(q, allowed, report(), when)
	if err != nil || !a.Simulated || a.Platform != "simulated" || !bytes.Equal(a.Measurement, p.Measurement()) {
		t.Fatalf("%+v, %v", a, err)
	}
	if !bytes.Contains(q.Evidence, []byte("SIMULATED")) {
		t.Error("does not say what it is")
	}
	listed := allowed
	listed.Measurements = map[string][]string{"simulated": {hex.EncodeToString(p.Measurement())}}
	if _, err := enclave.Appraise(q, listed, report(), when); err != nil {
		t.Error(err)
	}
	other, stale, long := listed, report(), q
	other.Measurements = map[string][]string{"simulated": {hex.EncodeToString(make([]byte, 32))}}
	stale.Nonce = []byte("older")
	long.Evidence = append(bytes.Clone(q.Evidence), 0)
	changed := q
	changed.Evidence = bytes.Clone(q.Evidence)
	changed.Evidence[len(changed.Evidence)-1] ^= 1
	foreign := q
	foreign.Platform = "sgx"
	for name, c := range map[string]struct {
		q    enclave.Quote
		p    enclave.Policy
		r    enclave.ReportData
		want error
	}{
		"not allowed":       {q, enclave.Policy{Platforms: []string{"simulated"}}, report(), enclave.ErrPolicy},
		"not listed":        {q, enclave.Policy{AllowSimulated: true}, report(), enclave.ErrPolicy},
		"other measurement": {q, other, report(), enclave.ErrMeasurement},
		"stale nonce":       {q, allowed, stale, enclave.ErrReportData},
		"trailing byte":     {long, allowed, report(), enclave.ErrSimulatedQuote},
		"changed":           {changed, allowed, report(), enclave.ErrSimulatedQuote},
		"other platform":    {foreign, allowed, report(), enclave.ErrPlatform},
		"empty":             {enclave.Quote{}, allowed, report(), enclave.ErrQuote},
	} {
		if _, err := enclave.Appraise(c.q, c.p, c.r, when); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestQuoteHasOneEncoding(t *testing.T) {
	_, q := simulatedQuote(t)
	q.Collateral = []enclave.Collateral{{Name: "ark", Data: []byte{1}}, {Name: "vcek", Data: []byte{2}}}
	data, err := q.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := enclave.ParseQuote(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Marshal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("comes back otherwise, %v", err)
	}
	q.Collateral[0].Name = "vcek"
	if _, err := q.Marshal(); !errors.Is(err, enclave.ErrQuote) {
		t.Errorf("item twice: %v", err)
	}
	if _, err := enclave.ParseQuote(append(data, 0)); !errors.Is(err, enclave.ErrQuote) {
		t.Errorf("trailing byte: %v", err)
	}
	if _, err := enclave.ParseQuote(make([]byte, enclave.MaxQuote+1)); !errors.Is(err, enclave.ErrQuote) {
		t.Errorf("too long: %v", err)
	}
}

func TestDetectNeedsSomething(t *testing.T) {
	if _, err := enclave.Detect(t.TempDir()); !errors.Is(err, enclave.ErrNoPlatform) {
		t.Error(err)
	}
}
