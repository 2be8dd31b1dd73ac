package ledgertest

import (
	"math"
	"slices"
	"testing"

	"aval/ledger"
)

// testBeside asks of a store what ledger.PrivateChange says: written with its commit, found by
// digest and by index, gone with its subject.
func testBeside(t *testing.T, s ledger.Store) {
	row := func(index uint64, number, subject, digest int) ledger.StoredPrivate {
		return ledger.StoredPrivate{Index: index, Number: number, Subject: tag(subject), Digest: tag(digest), Body: []byte("value")}
	}
	key := func(n int) ledger.StoredSubject { return ledger.StoredSubject{Tag: tag(n), Key: []byte("key")} }
	first, second, third := step(1), step(2), step(3)
	first.Private = ledger.PrivateChange{Subjects: []ledger.StoredSubject{key(1), key(2)}, Rows: []ledger.StoredPrivate{row(0, 0, 1, 7), row(0, 1, 2, 8)}}
	second.Private = ledger.PrivateChange{Rows: []ledger.StoredPrivate{row(2, 0, 1, 7)}}
	third.Private = ledger.PrivateChange{Subjects: []ledger.StoredSubject{key(3)}, Rows: []ledger.StoredPrivate{row(4, 0, 3, 9)}, Erased: [][]byte{tag(1), tag(3), tag(99)}}
	must(t, s.Append(first))
	must(t, s.Append(second))
	wantRows(t, s, ledger.PrivateQuery{Digest: tag(7)}, 0, 2)
	wantRows(t, s, ledger.PrivateQuery{Digest: tag(6)})
	wantRows(t, s, ledger.PrivateQuery{To: math.MaxInt64}, 0, 0, 2)
	wantRows(t, s, ledger.PrivateQuery{From: 1, To: 2})
	wantRows(t, s, ledger.PrivateQuery{From: 2, To: 3}, 2)
	again := step(3)
	again.Private = ledger.PrivateChange{Rows: []ledger.StoredPrivate{row(0, 1, 2, 8)}}
	if s.Append(again) == nil {
		t.Error("a second value took the place of the first")
	}
	again.Private = ledger.PrivateChange{Subjects: []ledger.StoredSubject{key(1)}}
	if s.Append(again) == nil {
		t.Error("a second key took the place of the first")
	}
	wantKeys(t, s, 1, 2)
	must(t, s.Append(third))
	wantKeys(t, s, 2)
	wantRows(t, s, ledger.PrivateQuery{To: math.MaxInt64}, 0)
	wantRows(t, s, ledger.PrivateQuery{Digest: tag(7)})
	if found, err := s.Subject(tag(1)); err != nil || found != nil {
		t.Errorf("the key of an erased subject: %q, %v", found, err)
	}
	if found, err := s.Subject(tag(2)); err != nil || string(found) != "key" {
		t.Errorf("the key of another subject: %q, %v", found, err)
	}
}

func wantRows(t *testing.T, s ledger.Store, q ledger.PrivateQuery, indexes ...uint64) {
	t.Helper()
	var found []uint64
	must(t, s.Private(q, func(row ledger.StoredPrivate) error {
		if string(row.Body) != "value" {
			t.Errorf("row %+v", row)
		}
		found = append(found, row.Index)
		return nil
	}))
	if !slices.Equal(found, indexes) {
		t.Errorf("%+v gives %v, want %v", q, found, indexes)
	}
}

func wantKeys(t *testing.T, s ledger.Store, subjects ...int) {
	t.Helper()
	var found, want []string
	must(t, s.Subjects(func(subject ledger.StoredSubject) error {
		found = append(found, string(subject.Tag))
		return nil
	}))
	for _, n := range subjects {
		want = append(want, string(tag(n)))
	}
	if !slices.Equal(found, want) {
		t.Errorf("keys of %q, want %q", found, want)
	}
}
