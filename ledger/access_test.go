package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// reading is one of acme's, by a grant of the bank's.
func reading(id string) domain.Access {
	return domain.Access{
		ID: id, Viewer: "acme", Grant: "g", Granter: "bank", Scope: "party:bank", As: "bank", Route: "/v1/accounts", Rows: 2,
		Of: []domain.RowsOf{{Party: "bank", Rows: 2}},
	}
}

// trail lists the IDs of the readings that a party is told of.
func trail(t testing.TB, e *ledger.Engine, p domain.PartyID) (ids []string) {
	t.Helper()
	f := ledger.FeedFilter{Record: domain.ReadsRecord(p), Limit: ledger.MaxPage}
	for {
		page, err := e.Feed(p, f)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.Entries {
			for _, event := range entry.Events {
				var told domain.WasRead
				if err := json.Unmarshal(event.Body, &told); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, told.ID)
			}
		}
		if page.Next == nil {
			return ids
		}
		f.From = *page.Next
	}
}

// TestAccessIsRecorded: whom a reading concerns is told, nobody else, and every replay agrees. An ID counts once.
func TestAccessIsRecorded(t *testing.T) {
	w := ledgertest.NewWorld(t)
	store := newStore(t)
	n := w.MustStart(store)
	n.Register("bank", domain.RoleBank)
	n.Register("acme")
	for _, id := range []string{"one", "two"} {
		if err := n.RecordAccess(t.Context(), reading(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.RecordAccess(t.Context(), reading("two")); err == nil {
		t.Error("one record stands for two answers")
	}
	for p, want := range map[domain.PartyID][]string{"bank": {"one", "two"}, "acme": {"one", "two"}, "member": nil} {
		if got := trail(t, n.Engine, p); !slices.Equal(got, want) {
			t.Errorf("%s is told of %v, want %v", p, got, want)
		}
	}
	if v, err := n.Record("bank", domain.ReadsRecord("bank")); err != nil || fmt.Sprintf("%s", v.Fields) != fmt.Sprintf(`{"count":2,"last":%d}`, n.Now()) {
		t.Errorf("%s, %v", v.Fields, err)
	}
	if _, err := n.Record("acme", domain.ReadsRecord("bank")); !isNotFound(err) {
		t.Errorf("another's record: %v", err)
	}
	if _, err := n.Submit(t.Context(), "access", []byte("aval access 1\n"), ledger.ForCommitted); err == nil {
		t.Error("submitted by a stranger")
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.MustVerify(store)
	if err := n.RecordAccess(t.Context(), reading("three")); err == nil {
		t.Error("recorded by a node that has stopped")
	}
}

// A crash between a reading and its answer leaves the record or nothing, and in neither case an answer.
func TestAccessAndCrash(t *testing.T) {
	for _, kept := range []bool{false, true} {
		w := ledgertest.NewWorld(t)
		inner := newStore(t)
		n := w.MustStart(inner)
		n.Register("bank", domain.RoleBank)
		n.Register("acme")
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
		faulty := ledgertest.NewFaulty(inner, ledgertest.OpAppend, 1, kept)
		n = w.MustStart(faulty)
		if err := n.RecordAccess(t.Context(), reading("one")); err == nil {
			t.Errorf("kept %v: answered", kept)
		}
		if err := n.Stop(); !errors.Is(err, ledgertest.ErrInjected) {
			t.Fatalf("kept %v: %v", kept, err)
		}
		again := w.MustStart(inner)
		if got := trail(t, again.Engine, "bank"); (len(got) == 1) != kept {
			t.Errorf("kept %v: %v", kept, got)
		}
		if err := again.Stop(); err != nil {
			t.Fatal(err)
		}
		w.MustVerify(inner)
	}
}
