package enclave

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	tpb "github.com/google/go-tdx-guest/proto/tdx"
	tdxtest "github.com/google/go-tdx-guest/testing"
	recordedtdx "github.com/google/go-tdx-guest/testing/testdata"
)

// intelRecordedAt is when the library's authors recorded the answers of Intel's service.
var intelRecordedAt = time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC)

// recordedQuote is that of a real machine, without the 39 bytes of its buffer behind it, and Intel's
// answers for that machine.
func recordedQuote(t *testing.T) Quote {
	t.Helper()
	chain := func(header map[string][]string, name string) []byte {
		text, err := url.QueryUnescape(header[name][0])
		if err != nil {
			t.Fatal(err)
		}
		return []byte(text)
	}
	return Quote{Platform: TDXName, Evidence: recordedtdx.RawQuote[:len(recordedtdx.RawQuote)-39], Collateral: []Collateral{
		{tdxPCKCRL, recordedtdx.PckCrlBody},
		{tdxQEIdentity, bytes.TrimSpace(recordedtdx.QeIdentityBody)},
		{tdxQEChain, chain(tdxtest.QeIdentityHeader, "Sgx-Enclave-Identity-Issuer-Chain")},
		{tdxRootCRL, recordedtdx.RootCrlBody},
		{tdxTCBInfo, bytes.TrimSpace(recordedtdx.TcbInfoBody)},
		{tdxTCBChain, chain(tdxtest.TcbInfoHeader, "Tcb-Info-Issuer-Chain")},
	}}
}

func parseRecorded(t *testing.T, q Quote) *tpb.QuoteV4 {
	t.Helper()
	quote, err := parseTDX(q.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	return quote
}

func tdxPolicy(body *tpb.TDQuoteBody) Policy {
	return Policy{
		Platforms:    []string{TDXName},
		Measurements: map[string][]string{TDXName: {hex.EncodeToString(tdxMeasurement(body))}},
		TDX:          &TDXPolicy{MinModule: 3, MinEvaluation: 15},
	}
}

// TestTDXRecorded holds a genuine quote with Intel's genuine answers against Intel's root. The
// machine had older firmware than Intel asked for then, so the appraisal must end there, and no earlier.
func TestTDXRecorded(t *testing.T) {
	q := recordedQuote(t)
	body := parseRecorded(t, q).TdQuoteBody
	good, data, at := tdxPolicy(body), [64]byte(body.ReportData), Times{At: intelRecordedAt}
	_, err := appraise(verifiers, q, good, data, at)
	if !errors.Is(err, ErrTCB) || !strings.Contains(err.Error(), "no matching TCB level") {
		t.Fatal(err)
	}
	long := q
	long.Evidence = recordedtdx.RawQuote
	signed := string(q.find(tdxTCBInfo))
	smuggled := strings.Replace(signed, `"signature"`, `"tcbinfo":{"id":"TDX"},"signature"`, 1)
	for name, c := range map[string]struct {
		q    Quote
		p    Policy
		data [64]byte
		want error
	}{
		"trailing bytes":       {long, good, data, ErrEvidence},
		"second statement":     {q.with(tdxTCBInfo, []byte(smuggled)), good, data, ErrCollateral},
		"statement changed":    {q.with(tdxTCBInfo, []byte(strings.Replace(signed, `"OutOfDate"`, `"UpToDate"`, 1))), good, data, ErrChain},
		"statement and a byte": {q.with(tdxTCBInfo, []byte(signed+"x")), good, data, ErrCollateral},
		"other statement":      {q.with(tdxTCBInfo, q.find(tdxQEIdentity)), good, data, ErrCollateral},
		"chain and a word":     {q.with(tdxTCBChain, append([]byte("x\n"), q.find(tdxTCBChain)...)), good, data, ErrCollateral},
		"lists exchanged":      {q.with(tdxPCKCRL, q.find(tdxRootCRL)), good, data, ErrChain},
		"unknown item":         {q.with("x", []byte{1}), good, data, ErrCollateral},
	} {
		if _, err := appraise(verifiers, c.q, c.p, c.data, at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, c := range q.Collateral {
		if _, err := appraise(verifiers, q.with(c.Name, nil), good, data, at); !errors.Is(err, ErrCollateral) {
			t.Errorf("without %s: %v", c.Name, err)
		}
	}
}

// A quote that says its parts are longer than they are is refused, not followed.
func TestTDXLyingLengths(t *testing.T) {
	const authSize = 1218 // of the quoting enclave's authentication data: 2 bytes, little-endian
	quote := bytes.Clone(recordedtdx.RawQuote)
	quote[authSize], quote[authSize+1] = 0xff, 0xff
	if _, err := parseTDX(quote); !errors.Is(err, ErrEvidence) {
		t.Errorf("%v", err)
	}
}

// TestTDXRecordedBytes changes bytes all over the genuine quote, each class of them many times.
func TestTDXRecordedBytes(t *testing.T) {
	q := recordedQuote(t)
	body := parseRecorded(t, q).TdQuoteBody
	good, data := tdxPolicy(body), [64]byte(body.ReportData)
	named := []error{ErrEvidence, ErrSignature, ErrChain}
	for i := 0; i < len(q.Evidence); i += 5 {
		changed := q
		changed.Evidence = bytes.Clone(q.Evidence)
		changed.Evidence[i] ^= 1 << (i % 8)
		_, err := appraise(verifiers, changed, good, data, Times{At: intelRecordedAt})
		if !isOne(err, named) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for n := range q.Evidence {
		if n%7 == 0 {
			if _, err := parseTDX(q.Evidence[:n]); !errors.Is(err, ErrEvidence) {
				t.Fatalf("cut to %d bytes: %v", n, err)
			}
		}
	}
}

func isOne(err error, named []error) bool {
	for _, n := range named {
		if errors.Is(err, n) {
			return true
		}
	}
	return false
}

// TestTDXDates moves the clock of one item at a time.
func TestTDXDates(t *testing.T) {
	q := recordedQuote(t)
	body := parseRecorded(t, q).TdQuoteBody
	good, data := tdxPolicy(body), [64]byte(body.ReportData)
	all := map[string]time.Time{}
	for _, item := range []string{tdxPCK, tdxPlatformCA, tdxRoot, tdxTCBInfo, tdxTCBChain, tdxQEIdentity, tdxQEChain, tdxPCKCRL, tdxRootCRL} {
		all[item] = intelRecordedAt
		for name, at := range map[string]time.Time{"ended": intelRecordedAt.AddDate(30, 0, 0), "not begun": intelRecordedAt.AddDate(-30, 0, 0)} {
			times := Times{At: intelRecordedAt, Of: map[string]time.Time{item: at}}
			if _, err := appraise(verifiers, q, good, data, times); !errors.Is(err, ErrExpired) {
				t.Errorf("%s %s: %v", item, name, err)
			}
		}
	}
	_, err := appraise(verifiers, q, good, data, Times{At: intelRecordedAt.AddDate(30, 0, 0), Of: all})
	if !errors.Is(err, ErrTCB) {
		t.Errorf("each at its own time: %v", err)
	}
}
