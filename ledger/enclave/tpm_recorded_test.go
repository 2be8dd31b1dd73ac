package enclave

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"aval/domain/canon"
	"aval/ledger/enclave/tpmtest"
)

var record = flag.Bool("record", false, "write testdata/tpm-*: a quote of an emulator, its policy, a sealed secret and a challenge")

// The recorded quote verifies offline, for ever, at the time it was made for.
var recordedAt = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func recordedPolicy(t testing.TB) TPMPolicy {
	t.Helper()
	var policy TPMPolicy
	if err := canon.DecodeJSON(testdata(t, "tpm-policy.json"), &policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestTPMRecorded(t *testing.T) {
	if *record {
		recordTPM(t)
	}
	data, policy := testdata(t, "tpm-quote.cbor"), recordedPolicy(t)
	a, err := appraiseTPM(data, policy, report, Times{At: recordedAt})
	if err != nil || !a.BootTrusted {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := appraiseTPM(data, policy, report, Times{At: recordedAt.AddDate(-10, 0, 0)}); !errors.Is(err, ErrTPMChain) {
		t.Errorf("ten years before: %v", err)
	}
}

func recordTPM(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1", 4, 7)
	extend(t, p, 7, "Secure Boot on")
	evidence, policy := quoted(t, e, p)
	policy.UnmeasuredBoot, policy.Boots = false, []map[string]string{{"7": evidence.boot()["7"]}}
	_, challenge, _, err := ChallengeTPM(quoteOf(t, evidence), policy.Roots, report, soon())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"tpm-quote.cbor": encode(t, evidence), "tpm-policy.json": append(text, '\n'), "tpm-challenge.cbor": challenge, "tpm-sealed.cbor": sealed(t, p, "secret"),
	} {
		if err := os.WriteFile("testdata/"+name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What is accepted is the recorded quote and nothing else.
func FuzzTPMQuote(f *testing.F) {
	genuine, policy := testdata(f, "tpm-quote.cbor"), recordedPolicy(f)
	f.Add(genuine)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := appraiseTPM(data, policy, report, Times{At: recordedAt}); err == nil && !bytes.Equal(data, genuine) {
			t.Errorf("accepted %x", data)
		}
	})
}

// The structures of a TPM inside of the evidence: what is accepted is encoded in one way.
func FuzzTPMStructures(f *testing.F) {
	e, err := parseTPMEvidence(testdata(f, "tpm-quote.cbor"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Attest, e.Signature, e.Key)
	f.Fuzz(func(t *testing.T, attest, signature, key []byte) {
		e.Attest, e.Signature, e.Key = attest, signature, key
		_, s, k, err := e.parse()
		if err != nil {
			return
		}
		if _, err := checkTPMKey(k); err == nil {
			_ = checkTPMSignature(k, attest, s)
		}
	})
}

func FuzzTPMSealed(f *testing.F) {
	f.Add(testdata(f, "tpm-sealed.cbor"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseTPMSealed(data)
		if err != nil {
			return
		}
		again, err := canon.Marshal(s)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x reads as %x, %v", data, again, err)
		}
	})
}

func FuzzTPMChallenge(f *testing.F) {
	f.Add(testdata(f, "tpm-challenge.cbor"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseTPMChallenge(data)
		if err != nil {
			return
		}
		again, err := canon.Marshal(c)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x reads as %x, %v", data, again, err)
		}
	})
}
