package enclave

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aval/ledger/enclave/tpmtest"
)

// From a folder to an appraisal, as node and client do it.
func TestTPMAppraise(t *testing.T) {
	e := tpmtest.Start(t)
	dir := t.TempDir()
	if _, err := CreateTPM(dir, TPMConfig{Device: e.Socket}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, tpmChainFile), e.Chain, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Detect(dir)
	if err != nil || p.Name() != "tpm" {
		t.Fatal(p, err)
	}
	want := ReportData{Origin: "aval.example/t", Nonce: []byte("nonce")}
	q, err := p.Quote(want.Sum())
	if err != nil {
		t.Fatal(err)
	}
	one, other := hex.EncodeToString(p.Measurement()), hex.EncodeToString(make([]byte, 32))
	_, tpm := quoted(t, e, p.(*TPM))
	trusting := func(change func(*Policy)) Policy {
		policy := Policy{Platforms: []string{"tpm"}, Measurements: map[string][]string{"tpm": {one}}, TPM: &tpm}
		change(&policy)
		return policy
	}
	stale, carrying := want, q
	stale.Nonce = []byte("older")
	carrying.Collateral = []Collateral{{"more", []byte{1}}}
	for name, c := range map[string]struct {
		quote  Quote
		policy Policy
		report ReportData
		want   error
	}{
		"trusted":              {q, trusting(func(*Policy) {}), want, nil},
		"one of two releases":  {q, trusting(func(p *Policy) { p.Measurements["tpm"] = []string{other, one} }), want, nil},
		"other release":        {q, trusting(func(p *Policy) { p.Measurements["tpm"] = []string{other} }), want, ErrMeasurement},
		"older nonce":          {q, trusting(func(*Policy) {}), stale, ErrReportData},
		"other platforms only": {q, Policy{Platforms: []string{"simulated"}, AllowSimulated: true}, want, ErrPlatform},
		"no TPM described":     {q, trusting(func(p *Policy) { p.TPM = nil }), want, ErrPolicy},
		"more collateral":      {carrying, trusting(func(*Policy) {}), want, ErrTPMEvidence},
	} {
		a, err := Appraise(c.quote, c.policy, c.report, soon())
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || hex.EncodeToString(a.Measurement) != one || a.Until.IsZero()) {
			t.Errorf("%s: %+v, %v, want %v", name, a, err, c.want)
		}
		if c.want == nil && !strings.Contains(a.TCB, "BOOT NOT MEASURED") {
			t.Errorf("%s: does not say that the boot was not measured: %s", name, a.TCB)
		}
	}
}

func TestTPMPolicyCheck(t *testing.T) {
	digest := strings.Repeat("ab", sha256.Size)
	good := TPMPolicy{
		Roots: recordedPolicy(t).Roots, Keys: []TPMKey{{"000b" + digest, digest}}, Boots: []map[string]string{{"7": digest}},
	}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*TPMPolicy){
		"no roots":                     func(p *TPMPolicy) { p.Roots = "" },
		"no keys":                      func(p *TPMPolicy) { p.Keys = nil },
		"too many keys":                func(p *TPMPolicy) { p.Keys = make([]TPMKey, MaxTPMKeys+1) },
		"capitals":                     func(p *TPMPolicy) { p.Keys = []TPMKey{{"000B" + digest, digest}} },
		"short":                        func(p *TPMPolicy) { p.Keys = []TPMKey{{"000b" + digest, digest[2:]}} },
		"no boots":                     func(p *TPMPolicy) { p.Boots = nil },
		"boots that would not be used": func(p *TPMPolicy) { p.UnmeasuredBoot = true },
		"too many boots":               func(p *TPMPolicy) { p.Boots = make([]map[string]string, MaxTPMBoots+1) },
		"an empty boot":                func(p *TPMPolicy) { p.Boots = []map[string]string{{}} },
		"register of the binary":       func(p *TPMPolicy) { p.Boots = []map[string]string{{"23": digest}} },
		"register 07":                  func(p *TPMPolicy) { p.Boots = []map[string]string{{"07": digest}} },
		"value in capitals":            func(p *TPMPolicy) { p.Boots = []map[string]string{{"7": strings.ToUpper(digest)}} },
		"no value":                     func(p *TPMPolicy) { p.Boots = []map[string]string{{"7": ""}} },
	} {
		p := good
		change(&p)
		whole := Policy{Platforms: []string{"tpm"}, Measurements: map[string][]string{"tpm": {digest}}, TPM: &p}
		if err := whole.Check(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTPMPolicy(f *testing.F) {
	f.Add(testdata(f, "tpm-policy.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := json.Marshal(map[string]json.RawMessage{
			"platforms": []byte(`["tpm"]`), "measurements": []byte(`{"tpm":["` + strings.Repeat("ab", 32) + `"]}`), "tpm": text,
		})
		if err != nil {
			return
		}
		p, err := ParsePolicy(whole)
		if err != nil {
			return
		}
		for _, boot := range p.TPM.Boots {
			if shown := maps.Clone(boot); covers(map[string]string{}, boot) || len(shown) > MaxTPMBootPCRs {
				t.Errorf("a boot of nothing: %v", boot)
			}
		}
	})
}
