package ledger_test

import (
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// Each party finds a posting under its number in the entry and with the event that caused
// it, however little else of the entry it may see.
func TestPostingsShowTheirNumberAndCause(t *testing.T) {
	w := ledgertest.NewWorld(t)
	n := w.MustStart(newStore(t))
	bank, acme := n.Register("bank", domain.RoleBank), n.Register("acme")
	n.MustSubmit(w.Command(bank, "cash/1", "c", "issue", ledgertest.Order{To: "acme", Amount: usd(500)}))
	reply := n.MustSubmit(w.Command(acme, "cash/1", "p", "pair", ledgertest.Order{To: "bank", Amount: usd(7)}))
	booked := domain.Day(reply.BookedAt)
	cause := ledger.Cause{Kind: "cash/1", Record: "cash:1:hold:p", Event: "Did", Index: reply.Index}
	before := domain.Day(reply.BookedAt - 86_400_000)
	first := ledger.PostingView{
		Debit: "party/acme", Credit: "escrow/cash/1/hold/p", Amount: usd(7), Purpose: "pair", ValueDate: booked, Cause: cause,
	}
	second := ledger.PostingView{
		Number: 1, Debit: "party/acme", Credit: "party/bank", Amount: usd(7), Purpose: "pair", ValueDate: before, Cause: cause,
	}
	for viewer, want := range map[domain.PartyID][]ledger.PostingView{"acme": {first, second}, "bank": {second}} {
		feed, err := n.Feed(viewer, ledger.FeedFilter{From: reply.Index})
		if err != nil || len(feed.Entries) != 1 || len(feed.Entries[0].Postings) != len(want) || len(feed.Entries[0].Events) != len(want) {
			t.Fatalf("%s sees %+v, %v", viewer, feed, err)
		}
		for i, p := range feed.Entries[0].Postings {
			if p != want[i] {
				t.Errorf("%s sees %+v, want %+v", viewer, p, want[i])
			}
		}
	}
	receipt, err := n.Receipt(t.Context(), "bank", reply.Index)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ledger.OpenReceipt(n.Policy(), receipt)
	if err != nil || len(d.Postings) != 1 || d.Postings[0].Number != 1 || d.Postings[0].Cause != 0 || d.Postings[0].ValueDate != before {
		t.Fatalf("the receipt says %+v, %v", d, err)
	}
	d.Events = nil
	if shown, err := d.Posting(d.Postings[0]); err == nil {
		t.Errorf("a posting without its cause is shown as %+v", shown)
	}
}
