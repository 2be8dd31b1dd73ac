package node_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

// statement is one that a simulated platform made.
func statement(t testing.TB) (node.Statement, enclave.ReportData) {
	t.Helper()
	platform, err := enclave.CreateSimulated(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := enclave.ReportData{TLSKey: [32]byte{1}, LogKey: "aval.example/t+00000000+AAAA", Origin: "aval.example/t", Nonce: []byte("0123456789abcdef"), Way: "sealed", Epoch: 2}
	quote, err := platform.Quote(r.Sum())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := quote.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return node.Statement{Ledger: r.Origin, LogKey: r.LogKey, TLSKey: hex.EncodeToString(r.TLSKey[:]), Nonce: hex.EncodeToString(r.Nonce), Way: r.Way, Epoch: r.Epoch, Quote: encoded}, r
}

// TestStatementIsBoundAsAWhole changes each member alone, with the quote left genuine.
func TestStatementIsBoundAsAWhole(t *testing.T) {
	good, r := statement(t)
	policy := enclave.Policy{Platforms: []string{enclave.SimulatedName}, AllowSimulated: true}
	for name, c := range map[string]struct {
		change           func(*node.Statement)
		answer, appraise error
	}{
		"nothing":         {func(*node.Statement) {}, nil, nil},
		"TLS key":         {func(s *node.Statement) { s.TLSKey = strings.Repeat("2", 64) }, node.ErrRelay, enclave.ErrReportData},
		"nonce":           {func(s *node.Statement) { s.Nonce = strings.Repeat("3", 32) }, node.ErrNonce, enclave.ErrReportData},
		"shorter nonce":   {func(s *node.Statement) { s.Nonce = s.Nonce[2:] }, node.ErrNonce, enclave.ErrReportData},
		"log key":         {func(s *node.Statement) { s.LogKey += "A" }, nil, enclave.ErrReportData},
		"ledger":          {func(s *node.Statement) { s.Ledger = "aval.example/u" }, nil, enclave.ErrReportData},
		"ledger and log":  {func(s *node.Statement) { s.Ledger, s.LogKey = "aval.example/ta", "val.example/t+00000000+AAAA" }, nil, enclave.ErrReportData},
		"way of the keys": {func(s *node.Statement) { s.Way = "peer" }, nil, enclave.ErrReportData},
		"epoch":           {func(s *node.Statement) { s.Epoch = 3 }, nil, enclave.ErrReportData},
		"cut quote":       {func(s *node.Statement) { s.Quote = s.Quote[:len(s.Quote)-1] }, nil, enclave.ErrQuote},
	} {
		s := good
		c.change(&s)
		if err := s.Answers(r.TLSKey, r.Nonce); !errors.Is(err, c.answer) || c.answer == nil && err != nil {
			t.Errorf("%s: answers %v", name, err)
		}
		if _, err := s.Appraise(policy, time.Now()); !errors.Is(err, c.appraise) || c.appraise == nil && err != nil {
			t.Errorf("%s: appraised %v", name, err)
		}
	}
}

func TestStatementRefused(t *testing.T) {
	good, _ := statement(t)
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown member": {`{`, `{"more":1,`, "unknown field"},
		"key twice":      {`{`, `{"nonce":"",`, "twice"},
		"no ledger":      {`"aval.example/t"`, `""`, "ledger"},
		"unknown way":    {`"sealed"`, `"found"`, "want one of"},
		"long nonce":     {good.Nonce, strings.Repeat("a", 2*node.MaxNonce+2), "nonce: want at most 64 bytes"},
		"odd nonce":      {good.Nonce, "abc", "nonce"},
		"short key":      {good.TLSKey, "ab", "tlsKey: want 32 bytes"},
		"bytes after it": {`"}`, `"}x`, "after top-level value"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if _, err := node.ParseStatement([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseStatement: what is read is what would be written, and judging it never panics.
func FuzzParseStatement(f *testing.F) {
	good, r := statement(f)
	text, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"ledger":"a","logKey":"","tlsKey":"","nonce":"","way":"sealed","epoch":1,"quote":""}`))
	policy := enclave.Policy{Platforms: []string{enclave.SimulatedName}, AllowSimulated: true}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := node.ParseStatement(text)
		if err != nil {
			return
		}
		if again, err := json.Marshal(s); err != nil {
			t.Fatal(err)
		} else if _, err := node.ParseStatement(again); err != nil {
			t.Fatalf("%s becomes %s: %v", text, again, err)
		}
		appraisal, err := s.Appraise(policy, time.Now())
		if err == nil && (!appraisal.Simulated || s.LogKey != r.LogKey || s.Ledger != r.Origin) {
			t.Fatalf("took %s", text)
		}
		_ = s.Answers(r.TLSKey, r.Nonce)
	})
}
