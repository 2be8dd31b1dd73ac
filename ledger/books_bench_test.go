package ledger_test

import (
	"testing"

	"aval/domain"
	"aval/ledger"
)

// hotPostings is how many postings the account bank has in these benchmarks.
const hotPostings = 100_000

// newHotLedger is a ledger of so many entries, each with a posting on one account.
func newHotLedger(b *testing.B) (*benchLedger, ledger.Store) {
	b.Helper()
	store := newStore(b)
	l := newBenchLedger(b, store, 10)
	for done := 0; done < hotPostings; done += 1000 {
		batch := l.Next(l.transfers(b, 1000, false))
		work, err := l.Execute(batch)
		if err == nil {
			err = l.Persist(work)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return l, store
}

// BenchmarkBooks reads the books of one ledger: pages of 100 lines of a hot account, its balance
// at an index, and a trial balance from the first entry to the last.
func BenchmarkBooks(b *testing.B) {
	l, store := newHotLedger(b)
	hot := domain.PartyAccount("bank")
	size := l.Size()
	statement := func(from uint64) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				s, err := l.Statement("bank", ledger.StatementFilter{Account: hot, From: ledger.AtIndex(from), Limit: 100})
				if err != nil || len(s.Lines) < 90 {
					b.Fatal(len(s.Lines), err)
				}
			}
			perSecond(b, "lines", 100)
		}
	}
	b.Run("first page", statement(0))
	b.Run("middle page", statement(size/2))
	b.Run("last page", statement(size-101))
	b.Run("balance", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Balance("bank", hot, ledger.AtIndex(size/2)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("index of an instant", func(b *testing.B) {
		at := l.Now() - 50
		for b.Loop() {
			if _, err := l.Balance("bank", hot, ledger.AtInstant(at)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("trial balance", func(b *testing.B) {
		for b.Loop() {
			t, err := ledger.ReadTrialBalance(l.w.Keys, store, ledger.Moment{}, func(ledger.Progress) {})
			if err != nil || len(t.Totals) != 1 || t.Totals[0].Balance != 0 {
				b.Fatal(t.Totals, err)
			}
		}
		perSecond(b, "entries", hotPostings)
	})
}
