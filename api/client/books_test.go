package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
)

// answering serves one answer after another, and then the last again.
func answering(t *testing.T, answers ...any) *Client {
	t.Helper()
	served := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body, err := json.Marshal(answers[min(served, len(answers)-1)])
		if err != nil {
			t.Error(err)
		}
		served++
		w.Write(body)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func euros(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

// onePage is a page that adds up: some euros come in.
func onePage(opening, amount int64, next string) ledger.Statement {
	return ledger.Statement{
		Account: "party/acme", To: 9, Opening: []domain.Money{euros(opening)}, Closing: []domain.Money{euros(opening + amount)}, Next: next,
		Lines: []ledger.StatementLine{{Index: 3, Side: ledger.CreditSide, Amount: euros(amount), Balance: euros(opening + amount)}},
	}
}

func TestStatementIsReadToItsEnd(t *testing.T) {
	c := answering(t, onePage(5, 10, "0.4.9"), onePage(15, 20, ""))
	var lines int
	err := c.Statement(t.Context(), "party/acme", Period{From: "2026-01-01"}, func(s ledger.Statement) error {
		lines += len(s.Lines)
		return nil
	})
	if err != nil || lines != 2 {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// A server whose figures do not add up is not believed.
func TestStatementThatDoesNotAddUp(t *testing.T) {
	broken := func(change func(*ledger.Statement)) ledger.Statement {
		s := onePage(5, 10, "")
		change(&s)
		return s
	}
	for name, pages := range map[string][]any{
		"closing":             {broken(func(s *ledger.Statement) { s.Closing[0].Minor++ })},
		"opening":             {broken(func(s *ledger.Statement) { s.Opening[0].Minor++ })},
		"a balance":           {broken(func(s *ledger.Statement) { s.Lines[0].Balance.Minor-- })},
		"a side":              {broken(func(s *ledger.Statement) { s.Lines[0].Side = ledger.DebitSide })},
		"a line is left out":  {broken(func(s *ledger.Statement) { s.Lines = nil })},
		"a page is left out":  {onePage(5, 10, "0.4.9"), onePage(16, 20, "")},
		"another period":      {onePage(5, 10, "0.4.9"), broken(func(s *ledger.Statement) { s.To, s.Opening[0].Minor = 8, 15 })},
		"a page again":        {onePage(5, 10, "0.4.9")},
		"not a statement":     {"text"},
		"a currency vanishes": {broken(func(s *ledger.Statement) { s.Opening = append(s.Opening, domain.Money{Minor: 1, Currency: "USD"}) })},
	} {
		if err := answering(t, pages...).Statement(t.Context(), "party/acme", Period{}, func(ledger.Statement) error { return nil }); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
}

func TestTrialBalancePagesAreAddedUp(t *testing.T) {
	page := func(from, to uint64, next string) ledger.TrialBalance {
		return ledger.TrialBalance{From: from, To: to, Next: next, Rows: []ledger.TrialRow{{Account: "party/acme", Currency: "EUR", Debits: 3, Credits: 10, Balance: 7}}}
	}
	var told []uint64
	b, err := answering(t, page(0, 5, "5.9"), page(5, 9, "")).TrialBalance(t.Context(), "9", func(done uint64) { told = append(told, done) })
	if err != nil || len(b.Rows) != 1 || b.Rows[0].Balance != 14 || b.Totals[0].Credits != 20 || fmt.Sprint(told) != "[5 9]" {
		t.Errorf("%+v, %v, told %v", b, err, told)
	}
	if b, err := answering(t, page(0, 5, "5.9")).TrialBalance(t.Context(), "", func(uint64) {}); err == nil {
		t.Errorf("a page again and again: %+v", b)
	}
}

func TestHistoryIsReadToItsEnd(t *testing.T) {
	n := open(t)
	c := n.client(t, n.acme)
	one := uint64(1)
	if err := answering(t, ledger.EntryPage{Next: &one}).History(t.Context(), "cash:1:a:b", func(ledger.EntryPage) error { return nil }); err == nil ||
		!strings.Contains(err.Error(), "circle") {
		t.Errorf("a page that leads back: %v", err)
	}
	if err := c.History(t.Context(), "cash:1:transfer:none", func(ledger.EntryPage) error { return nil }); err == nil {
		t.Error("what is not there has a history")
	}
}
