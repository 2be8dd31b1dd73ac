package ledger_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

// TestRestoreErasesAgain: an archive from before an erase, restored with the list of who was erased, holds
// nothing of it in any file, and everything else. What the list says is not in the log, so members say it again.
func TestRestoreErasesAgain(t *testing.T) {
	p := newPrivately(t)
	raw, kept := p.issue(about("rosa", privateCanary, "acme")), p.issue(about("acme", "stays"), about("rosa", "too"))
	receipt := p.MustSubmit(raw).Receipt
	p.MustSubmit(kept)
	archive := archiveOf(t, p.World.Keys, p.Store.(source))
	erased := []domain.PartyID{"rosa", "nobody", "bank"}
	dir := t.TempDir()
	store, err := sqlite.Create(filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	found, err := restoreFrom(filesOf(archive, p.World.Keys), ledger.Restore{Keys: p.World.Keys, Store: store, Erased: erased})
	if err != nil || len(found.ErasedAgain) != 1 || found.ErasedAgain[0] != "rosa" {
		t.Fatalf("%v, %v", found.ErasedAgain, err)
	}
	p.World.MustVerify(store)
	if rows := len(subjects(t, store)); rows != 2 {
		t.Errorf("%d keys and marks, want acme's key and rosa's mark", rows)
	}
	for _, sealed := range bodiesAbout(t, p) {
		if in := inFiles(t, dir, sealed); len(in) > 0 {
			t.Errorf("a value of rosa's is in %v", in)
		}
	}
	n := p.World.MustStart(store)
	for _, viewer := range []domain.PartyID{"bank", "rosa", "acme"} {
		if _, err := n.Private(viewer, digests(t, raw)[0]); !isNotFound(err) {
			t.Errorf("%s reads it: %v", viewer, err)
		}
	}
	if got, err := n.Private("bank", digests(t, kept)[0]); err != nil || string(got.Value) != `"stays"` {
		t.Errorf("another subject's value: %+v, %v", got, err)
	}
	if _, err := ledger.OpenReceipt(n.Policy(), []byte(receipt)); err != nil {
		t.Errorf("the receipt from before: %v", err)
	}
	_, err = n.Submit(t.Context(), ledger.CommandFormat, p.issue(about("rosa", "again")), ledger.ForReceipt)
	wantCode(t, err, domain.Erased)
	n.Erase("rosa")
	if rows := len(subjects(t, store)); rows != 1 {
		t.Errorf("%d keys, want acme's", rows)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	p.World.MustVerify(store)
	again := newStore(t)
	if found, err := restoreFrom(filesOf(archiveOf(t, p.World.Keys, store), p.World.Keys), ledger.Restore{Keys: p.World.Keys, Store: again, Erased: erased}); err != nil || len(found.ErasedAgain) != 0 {
		t.Errorf("what the log says is no news: %v, %v", found.ErasedAgain, err)
	}
	p.World.MustVerify(again)
}

// bodiesAbout are the sealed values of rosa's in the ledger that the archive was made of.
func bodiesAbout(t *testing.T, p *privately) (sealed [][]byte) {
	t.Helper()
	byTag := map[string][][]byte{}
	err := p.Store.Private(ledger.PrivateQuery{To: 1 << 40}, func(s ledger.StoredPrivate) error {
		byTag[string(s.Subject)] = append(byTag[string(s.Subject)], bytes.Clone(s.Body))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bodies := range byTag {
		if len(bodies) == 2 {
			sealed = bodies
		}
	}
	if len(sealed) != 2 {
		t.Fatalf("%d values of rosa's", len(sealed))
	}
	return sealed
}

// A mark excuses nothing else: a value that is missing of somebody else, one that is there beside the mark, and
// an archive that lacks values of whom nobody said that he was erased, are found out.
func TestMarksOfErasureAreNoExcuse(t *testing.T) {
	p := newPrivately(t)
	p.MustSubmit(p.issue(about("rosa", "a"), about("acme", "b")))
	archive := archiveOf(t, p.World.Keys, p.Store.(source))
	restored := newStore(t)
	if _, err := restoreFrom(filesOf(archive, p.World.Keys), ledger.Restore{Keys: p.World.Keys, Store: restored, Erased: []domain.PartyID{"rosa"}}); err != nil {
		t.Fatal(err)
	}
	marked := archiveOf(t, p.World.Keys, restored)
	var fault *ledger.Fault
	if _, err := restoreFrom(filesOf(marked, p.World.Keys), ledger.Restore{Keys: p.World.Keys}); !errors.As(err, &fault) {
		t.Errorf("an archive without rosa's values: %v", err)
	}
	if found, err := restoreFrom(filesOf(marked, p.World.Keys), ledger.Restore{Keys: p.World.Keys, Erased: []domain.PartyID{"rosa"}}); err != nil || len(found.ErasedAgain) != 1 {
		t.Errorf("the same, with the list: %v, %v", found.ErasedAgain, err)
	}
	for name, rows := range map[string]func(ledger.PrivateQuery, func(ledger.StoredPrivate) error) error{
		"a value beside the mark":  p.Store.Private,
		"another value is missing": func(ledger.PrivateQuery, func(ledger.StoredPrivate) error) error { return nil },
	} {
		if _, err := ledger.Verify(p.World.Keys, otherRows{restored, rows}, ledgertest.Contracts(), ledgertest.Codecs()); !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// otherRows is a ledger with other private values than its own.
type otherRows struct {
	ledger.Archive
	rows func(ledger.PrivateQuery, func(ledger.StoredPrivate) error) error
}

func (o otherRows) Private(q ledger.PrivateQuery, visit func(ledger.StoredPrivate) error) error {
	return o.rows(q, visit)
}
