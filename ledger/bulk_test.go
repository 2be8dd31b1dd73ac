package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"aval/contracts/cash"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
)

// bulkLedger is a ledger of real cash: a payer, and payees in their thousands.
type bulkLedger struct {
	ledger.Steps
	w     *ledgertest.World
	payer *envelope.Signer
	names []domain.PartyID
}

func newBulkLedger(b testing.TB, store ledger.Store, payees int) *bulkLedger {
	b.Helper()
	w := ledgertest.NewWorld(b)
	n, err := w.Start(store)
	if err != nil {
		b.Fatal(err)
	}
	bank := n.Register("bank", domain.RoleBank)
	l := &bulkLedger{w: w, payer: n.Register("payer.example")}
	for i := range payees {
		l.names = append(l.names, domain.PartyID(fmt.Sprintf("payee-%05d.example", i)))
		n.Register(l.names[i])
	}
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
	e, err := ledger.Open(ledger.Config{Keys: w.Keys, Store: store, Orderer: order.NewSolo(w.Clock.Now), Contracts: bulkContracts()})
	if err != nil {
		b.Fatal(err)
	}
	l.Steps = ledger.Steps{Engine: e}
	l.must(b, w.Command(bank, domain.CashKind, "bank", "issue", cash.Payment{To: "payer.example", Amount: usd(1 << 50)}))
	return l
}

func (l *bulkLedger) must(b testing.TB, raw []byte) {
	b.Helper()
	work, err := l.Execute(l.Next([]ledger.Item{l.admitted(b, raw)}))
	if err == nil {
		err = l.Persist(work)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (l *bulkLedger) admitted(b testing.TB, raw []byte) ledger.Item {
	b.Helper()
	item, err := l.Admit(ledger.Item{Format: ledger.CommandFormat, Raw: raw})
	if err != nil {
		b.Fatal(err)
	}
	return item
}

func bulkContracts() []domain.Contract {
	return []domain.Contract{ledgertest.Governance{}, cash.Contract}
}

// bulk signs a command with n payments of one cent, to all payees in turn.
func (l *bulkLedger) bulk(n int) []byte {
	var body cash.Bulk
	for i := range n {
		body.Items = append(body.Items, cash.Payment{To: l.names[i%len(l.names)], Amount: usd(1), Reference: fmt.Sprintf("wages 3/2025 no. %d", i)})
	}
	return l.w.Command(l.payer, domain.CashKind, "bank", "bulkTransfer", body)
}

// A bulk through the whole ledger: one entry, which payer and payees can prove each to their
// extent, which verification comes to again, and of which nothing is left if it is refused.
func TestBulkInTheLedger(t *testing.T) {
	store := newStore(t)
	const n = domain.MaxBulk
	l := newBulkLedger(t, store, 40)
	size := l.Size()
	for _, items := range []int{n, n + 1} { // the second is refused, and logged as such
		l.must(t, l.bulk(items))
	}
	if l.Size() != size+4 || l.Minor("party/payee-00007.example", "USD") != n/40 || l.Minor("party/payer.example", "USD") != 1<<50-n {
		t.Fatalf("size %d after %d, payee 7 has %d", l.Size(), size, l.Minor("party/payee-00007.example", "USD"))
	}
	for viewer, payments := range map[domain.PartyID]int{"payer.example": 0, "payee-00007.example": n / 40} {
		receipt, err := l.Receipt(context.Background(), viewer, size)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ledger.OpenReceipt(l.Policy(), receipt)
		if err != nil || d.Code != "" || d.Name != "bulkTransfer" || len(d.Postings) != payments || (d.ID != "") != (viewer == "payer.example") {
			t.Errorf("%s is shown %d payments of %s %s, %v", viewer, len(d.Postings), d.Name, d.ID, err)
		}
	}
	if _, err := ledger.Verify(l.w.Keys, store, bulkContracts(), ledgertest.Codecs()); err != nil {
		t.Fatal(err)
	}
	again, err := ledger.Open(ledger.Config{Keys: l.w.Keys, Store: store, Orderer: order.NewSolo(l.w.Clock.Now), Contracts: bulkContracts()})
	if err != nil || again.Size() != l.Size() {
		t.Fatalf("opened again: %v", err)
	}
}

// A page of bulks ends before it becomes too large, and the pages together have them all.
func TestPagesOfBulks(t *testing.T) {
	l := newBulkLedger(t, ledgertest.NewMemory(), 2)
	const bulks = 25
	for range bulks {
		l.must(t, l.bulk(domain.MaxBulk))
	}
	for _, viewer := range []domain.PartyID{"payer.example", "payee-00001.example"} {
		seen, pages := 0, 0
		for f := (ledger.FeedFilter{Limit: ledger.MaxPage}); ; pages++ {
			page, err := l.Feed(viewer, f)
			if err != nil || len(page.Entries) > 15 {
				t.Fatalf("%s: a page of %d entries, %v", viewer, len(page.Entries), err)
			}
			for _, e := range page.Entries {
				if e.Name == "bulkTransfer" {
					seen++
				}
			}
			if page.Next == nil {
				break
			}
			f.From = *page.Next
		}
		if seen != bulks || pages < 2 {
			t.Errorf("%s sees %d of %d bulks on %d pages", viewer, seen, bulks, pages)
		}
	}
}

func perPosting(b *testing.B, postings int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*postings), "ns/posting")
}

// BenchmarkBulk takes bulks of 1,000 payments to 1,000 payees through the stages of the path. Run
// it with -cpu 1: a figure is then the processor's work for one posting.
func BenchmarkBulk(b *testing.B) {
	const n = domain.MaxBulk
	b.Run("admit", func(b *testing.B) {
		l := newBulkLedger(b, ledgertest.NewMemory(), n)
		raw := l.bulk(n)
		for b.Loop() {
			l.admitted(b, raw)
		}
		perPosting(b, n)
	})
	b.Run("execute", func(b *testing.B) {
		l := newBulkLedger(b, ledgertest.NewMemory(), n)
		items := []ledger.Item{l.admitted(b, l.bulk(n))}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Execute(l.Next(items)); err != nil {
				b.Fatal(err)
			}
			l.Forget()
		}
		perPosting(b, n)
	})
	for name, whole := range map[string]bool{"persist": false, "whole": true} {
		b.Run(name, func(b *testing.B) {
			l := newBulkLedger(b, newStore(b), n)
			raws := make([][]byte, b.N)
			for i := range raws {
				raws[i] = l.bulk(n)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, raw := range raws {
				if !whole {
					b.StopTimer()
				}
				work, err := l.Execute(l.Next([]ledger.Item{l.admitted(b, raw)}))
				if err != nil {
					b.Fatal(err)
				}
				if !whole {
					b.StartTimer()
				}
				if err := l.Persist(work); err != nil {
					b.Fatal(err)
				}
			}
			perPosting(b, n)
			if got := l.Minor(domain.PartyAccount(l.names[0]), "USD"); got < int64(b.N) {
				b.Fatalf("%d cents came of %d bulks", got, b.N)
			}
		})
	}
}
