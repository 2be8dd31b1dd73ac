package ledger_test

import (
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// TestOpeningIsRecorded: the node puts into the log how it was opened, once, and every replay agrees;
// nobody can submit such an entry.
func TestOpeningIsRecorded(t *testing.T) {
	w := ledgertest.NewWorld(t)
	store := newStore(t)
	n := w.MustStart(store)
	o := domain.Opening{ID: "one", Way: domain.OpenedByShares, Platform: "simulated"}
	before := n.Size()
	for range 2 { // the second is a repeat of the first
		if err := n.RecordOpening(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.Opening(); got.Way != domain.OpenedByShares || n.Size() != before+2 {
		t.Errorf("%+v, %d leaves after %d", got, n.Size(), before)
	}
	if _, err := n.Submit(t.Context(), "opening", []byte("aval opening 1\n"), ledger.ForCommitted); err == nil {
		t.Error("submitted by a stranger")
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.MustVerify(store)
	if err := w.MustStart(store).RecordOpening(t.Context(), o); err != nil {
		t.Errorf("after a crash before it was known: %v", err)
	}
}
