package enclave

import (
	"bytes"
	"os"
	"testing"
	"time"

	recorded "github.com/google/go-sev-guest/verify/testdata"
	recordedtdx "github.com/google/go-tdx-guest/testing/testdata"
)

// FuzzParseQuote: what is taken has one encoding.
func FuzzParseQuote(f *testing.F) {
	for _, q := range []Quote{
		{Platform: SNPName, Evidence: recorded.AttestationBytes, Collateral: []Collateral{{snpVCEK, recorded.VcekBytes}}},
		{Platform: TDXName, Evidence: recordedtdx.RawQuote},
	} {
		data, err := q.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := ParseQuote(data)
		if err != nil {
			return
		}
		if again, err := q.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x comes back as %x, %v", data, again, err)
		}
	})
}

// FuzzEvidence: no bytes make a verifier fail in another way than by refusing, and none but the seeds pass.
func FuzzEvidence(f *testing.F) {
	document, err := os.ReadFile("testdata/nitro-document.cbor")
	if err != nil {
		f.Fatal(err)
	}
	genuine := recordedtdx.RawQuote[:len(recordedtdx.RawQuote)-39]
	f.Add(SNPName, recorded.AttestationBytes, recorded.VcekBytes)
	f.Add(TDXName, genuine, recordedtdx.TcbInfoBody)
	f.Add(NitroName, document, []byte{})
	f.Add(SimulatedName, []byte{0xA0}, []byte{})
	p := Policy{SNP: &SNPPolicy{}, TDX: &TDXPolicy{}, TPM: &TPMPolicy{}}
	f.Fuzz(func(t *testing.T, platform string, evidence, item []byte) {
		verify, known := verifiers[platform]
		if !known || platform == SimulatedName || platform == TPMName {
			return
		}
		q := Quote{Platform: platform, Evidence: evidence}
		for _, name := range []string{snpCRL, snpVCEK, tdxPCKCRL, tdxQEIdentity, tdxQEChain, tdxRootCRL, tdxTCBInfo, tdxTCBChain} {
			if (platform == SNPName) == (name == snpCRL || name == snpVCEK) && platform != NitroName {
				q = q.with(name, item)
			}
		}
		if a, err := verify(q, p, [64]byte{1}, Times{At: time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
			t.Errorf("%s: passed as %+v", platform, a)
		}
	})
}

// FuzzParsePolicy: what is taken says the same when it is written again.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(`{"platforms":["simulated"],"allowSimulated":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err == nil && p.Check() != nil {
			t.Errorf("%q: %v", text, p.Check())
		}
	})
}
