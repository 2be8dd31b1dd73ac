package ledger_test

import (
	"math/bits"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

// TestRowsHaveSizeClasses: whatever table a sealed body is in, its size is that of a class: neither the letters of a name nor
// the digits of an amount show in it.
func TestRowsHaveSizeClasses(t *testing.T) {
	p := newPrivately(t)
	for n := range 40 { // enough for the tables to follow, and for names and values of many lengths
		name := domain.PartyID("party-" + strings.Repeat("x", n))
		p.Register(name)
		p.MustSubmit(p.World.Command(p.bank, domain.CashKind, "i", "issue", ledgertest.Order{To: name, Amount: usd(int64(1) << n)}))
		p.MustSubmit(p.issue(about("rosa", strings.Repeat("y", 9*n+1))))
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	archive, err := sqlite.OpenSnapshot(p.path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	const sealed, underEpoch = 24 + 16, 4
	seen := map[string]map[int]bool{"slot": {}, "private": {}, "subject": {}}
	fits := func(table string, inside int) {
		seen[table][inside] = true
		exponent := bits.Len(uint(inside)) - 1
		if step := max(128, 1<<max(0, exponent-bits.Len(uint(exponent)))); inside <= 0 || inside%step != 0 {
			t.Errorf("a %s holds %d bytes: no size class", table, inside)
		}
	}
	for table, err := range map[string]error{
		"slot":    archive.Slots(ledger.SlotQuery{All: true}, func(s ledger.StoredSlot) error { fits("slot", len(s.Body)-sealed-underEpoch); return nil }),
		"private": archive.Private(ledger.PrivateQuery{To: 1 << 40}, func(v ledger.StoredPrivate) error { fits("private", len(v.Body)-sealed); return nil }),
		"subject": archive.Subjects(func(s ledger.StoredSubject) error { fits("subject", len(s.Key)-sealed-underEpoch); return nil }),
	} {
		if err != nil {
			t.Fatal(table, err)
		}
	}
	if len(seen["slot"]) < 2 || len(seen["private"]) < 2 || len(seen["subject"]) != 1 {
		t.Errorf("sizes %v: too few were looked at", seen)
	}
}
