package ledger_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/ledger"
)

// turnover adds up debits and credits of the journal up to an index.
func turnover(all []posted, to uint64) map[string][2]int64 {
	sums := map[string][2]int64{}
	for _, p := range all {
		if p.index >= to {
			break
		}
		for side, account := range []domain.AccountID{p.Debit, p.Credit} {
			key := string(account) + " " + string(p.Amount.Currency)
			sum := sums[key]
			sum[side] += p.Amount.Minor
			sums[key] = sum
		}
	}
	return sums
}

func wantTrial(t interface {
	Helper()
	Errorf(string, ...any)
}, b ledger.TrialBalance, want map[string][2]int64) {
	t.Helper()
	got := map[string][2]int64{}
	for _, row := range b.Rows {
		got[string(row.Account)+" "+string(row.Currency)] = [2]int64{row.Debits, row.Credits}
		if row.Balance != row.Credits-row.Debits || row.Class != row.Account.Class() || row.Owner != row.Account.Owner() {
			t.Errorf("row %+v", row)
		}
	}
	if !maps.Equal(got, want) || len(b.Rows) != len(want) {
		t.Errorf("trial balance %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(b.Rows, func(a, b ledger.TrialRow) int {
		return strings.Compare(string(a.Account)+" "+string(a.Currency), string(b.Account)+" "+string(b.Currency))
	}) {
		t.Errorf("rows out of order: %v", b.Rows)
	}
}

// As of any index, read whole or in pages of any size, online or from the store, the trial
// balance is what the journal says; every currency sums to zero; a party sees its own rows alone.
func TestTrialBalanceLaws(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	all := journal(t, h.Engine)
	rapid.Check(t, func(r *rapid.T) {
		index := rapid.Uint64Range(0, h.Size()-1).Draw(r, "index")
		viewer := rapid.SampledFrom([]domain.PartyID{"auditor", "acme", "carol", "bank", "dora"}).Draw(r, "viewer")
		entries, rows := rapid.IntRange(1, 30).Draw(r, "entries"), rapid.IntRange(1, 9).Draw(r, "rows")
		want := turnover(all, index+1)
		if viewer != "auditor" {
			maps.DeleteFunc(want, func(key string, _ [2]int64) bool {
				return !strings.HasSuffix(strings.Fields(key)[0], "/"+string(viewer))
			})
		}
		joined, err := ledger.JoinTrialBalance(func(cursor string) (ledger.TrialBalance, error) {
			f := ledger.TrialFilter{AsOf: ledger.AtIndex(index), Cursor: cursor}
			return h.TrialPage(viewer, f, entries, rows)
		})
		if err != nil || joined.To != index+1 || joined.Next != "" {
			r.Fatalf("joined: %+v, %v", joined, err)
		}
		wantTrial(r, joined, want)
		whole, err := h.TrialBalance(viewer, ledger.TrialFilter{AsOf: ledger.AtInstant(joined.BookedAt)})
		if err != nil || whole.BookedAt != joined.BookedAt || whole.To < joined.To {
			r.Fatalf("as of the instant: %+v, %v", whole, err)
		}
		if viewer != "auditor" {
			return
		}
		read := 0
		stored, err := ledger.ReadTrialBalance(h.w.Keys, h.store, ledger.AtIndex(index), func(p ledger.Progress) { read = int(p.Of - p.Leaves) })
		if err != nil || stored.BookedAt != joined.BookedAt || read != 0 {
			r.Fatalf("from the store: %+v, %v", stored, err)
		}
		wantTrial(r, stored, want)
		for _, total := range stored.Totals {
			if total.Balance != 0 || total.Debits != total.Credits || total.Debits == 0 {
				r.Fatalf("total %+v", total)
			}
		}
	})
}

// The trial balance as of now has the balances of the accounts.
func TestTrialBalanceMeetsTheAccounts(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	b, err := h.TrialBalance("auditor", ledger.TrialFilter{})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := h.Accounts("auditor")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, row := range b.Rows {
		if row.Balance != 0 {
			got[string(row.Account)+" "+string(row.Currency)] = row.Balance
		}
	}
	want := map[string]int64{}
	for _, a := range accounts {
		want[string(a.Account)+" "+string(a.Balance.Currency)] = a.Balance.Minor
	}
	if !maps.Equal(got, want) || len(got) == 0 {
		t.Errorf("trial balance %v, accounts %v", got, want)
	}
}

func TestTrialBalanceRefusals(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	_, err := h.TrialBalance("", ledger.TrialFilter{})
	wantCode(t, err, domain.NotFound)
	_, err = h.TrialBalance("acme", ledger.TrialFilter{AsOf: ledger.AtIndex(h.Size())})
	wantCode(t, err, domain.TooEarly)
	for _, cursor := range []string{"x", "1", "1.2.3", "3.2", "01.5", "0.99999", "-1.2"} {
		_, err := h.TrialBalance("acme", ledger.TrialFilter{Cursor: cursor})
		wantCode(t, err, domain.Malformed)
	}
	pages := []ledger.TrialBalance{{To: 5, Next: "5.9"}, {From: 6, To: 9}}
	if _, err := ledger.JoinTrialBalance(func(string) (ledger.TrialBalance, error) {
		page := pages[0]
		pages = pages[1:]
		return page, nil
	}); err == nil {
		t.Error("pages with a hole are joined")
	}
}

// Balances as of an index are those of the journal, and another's are not there.
func TestBalanceAsOf(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	all := journal(t, h.Engine)
	for index := range h.Size() {
		for _, account := range []domain.AccountID{"party/acme", "issue/bank", escrow("h1"), "party/dora"} {
			b, err := h.Balance("auditor", account, ledger.AtIndex(index))
			if want := balancesBefore(all, account, index+1); err != nil || !maps.Equal(byCurrency(b.Balances), want) || b.To != index+1 {
				t.Errorf("%s as of %d: %+v, %v, want %v", account, index, b, err, want)
			}
		}
	}
	if b, err := h.Balance("acme", "party/acme", ledger.Moment{}); err != nil || byCurrency(b.Balances)["USD"] != 915 {
		t.Errorf("now: %+v, %v", b, err)
	}
	for _, account := range []domain.AccountID{"party/acme", "party/nobody", escrow("h1"), "wallet/x"} {
		b, err := h.Balance("carol", account, ledger.Moment{})
		wantCode(t, err, domain.NotFound)
		if b.Account != "" || len(b.Balances) > 0 {
			t.Errorf("%s: %+v", account, b)
		}
	}
	_, err := h.Balance("acme", "party/acme", ledger.AtIndex(h.Size()))
	wantCode(t, err, domain.TooEarly)
}
