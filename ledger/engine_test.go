package ledger_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

func newStore(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Create(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func usd(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "USD"} }

func TestOneCommandFromSignatureToReceipt(t *testing.T) {
	store, w := newStore(t), ledgertest.NewWorld(t)
	n := w.MustStart(store)
	bank := n.Register("bank", domain.RoleBank)
	acme := n.Register("acme")
	n.MustSubmit(w.Command(bank, "cash/1", "c", "issue", ledgertest.Order{To: "acme", Amount: usd(500)}))
	raw := w.Command(acme, "cash/1", "c", "transfer", ledgertest.Order{To: "bank", Amount: usd(200)})
	reply := n.MustSubmit(raw)
	if accounts, _ := n.Accounts("acme"); len(accounts) != 1 || accounts[0].Balance != usd(300) {
		t.Errorf("accounts %v", accounts)
	}
	d, err := ledger.OpenReceipt(n.Policy(), []byte(reply.Receipt))
	if err != nil || d.Viewer != "acme" || d.Index != reply.Index || len(d.Postings) != 1 {
		t.Errorf("receipt %+v: %v", d, err)
	}
	if _, err := ledger.OpenReceipt(n.Policy(), []byte(strings.Replace(reply.Receipt, "index ", "index 1", 1))); err == nil {
		t.Error("a changed receipt verifies")
	}
	again, err := n.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForReceipt)
	if err != nil || !again.Duplicate || again.Index != reply.Index {
		t.Errorf("again: %+v, %v", again, err)
	}
	feed, err := n.Feed("acme", ledger.FeedFilter{})
	if err != nil || len(feed.Entries) != 2 {
		t.Errorf("feed %v, %v", feed, err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	report := w.MustVerify(store)
	if report.Entries != 5 {
		t.Errorf("report %+v", report)
	}
	n = w.MustStart(store)
	if got, err := n.Status("acme", reply.ID); err != nil || got.Index != reply.Index {
		t.Errorf("status %+v, %v", got, err)
	}
}
