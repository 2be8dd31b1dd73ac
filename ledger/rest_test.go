package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"aval/domain"
)

// shown is what a viewer's receipt of the entry says, after it was checked against the leaf.
func shown(t *testing.T, e *entry, viewer domain.PartyID) (Disclosure, extra) {
	t.Helper()
	s, err := seal(e, testSalts(t))
	if err != nil {
		t.Fatal(err)
	}
	n := slices.Index(s.viewers, viewer)
	x := extra{Leaf: s.leaf, Fields: fit(s.view(n)), N: int64(n), Count: int64(len(s.views)), Path: viewsPath(s.views, n)}
	d, err := x.open(e.Index)
	if err != nil {
		t.Fatal(err)
	}
	return d, x
}

// The payer of a bulk too large for a receipt is still shown what became of its command, and each payee its payment.
func TestPayerOfALargeBulk(t *testing.T) {
	e := bulkEntry(domain.MaxBulk)
	e.ID, e.Fingerprint = "01M86HPPDQAKBN2HTJ41ZRXWBT", bytes.Repeat([]byte{3}, 32)
	d, x := shown(t, e, "payer")
	if d.ID != e.ID || !bytes.Equal(d.Fingerprint, e.Fingerprint) || d.Name != e.Name || len(d.Events) != 0 || d.Hidden != 1 || len(x.Fields) != 4 {
		t.Fatalf("the payer is shown %d fields: %+v", len(x.Fields), d)
	}
	d, _ = shown(t, e, "payee-000999")
	if len(d.Events) != 1 || len(d.Postings) != 1 || len(d.Balances) != 1 || d.Postings[0].Amount.Minor != 1000 || d.ID != "" || d.Hidden != 0 {
		t.Fatalf("the last payee is shown %+v", d)
	}
}

// One field too many and all of them stand behind one hash, which depends on each.
func TestRestIsOfAllFields(t *testing.T) {
	each := 1 + 3 + 1 // an event with three members, a posting
	most := maxFields / each
	if d, _ := shown(t, bulkEntry(most), "payer"); len(d.Events) != most {
		t.Fatalf("%d payments: %d events shown", most, len(d.Events))
	}
	rest := func(change func(*entry)) string {
		e := bulkEntry(most + 1)
		change(e)
		_, x := shown(t, e, "payer")
		return fmt.Sprint(x.Fields[len(x.Fields)-1].Value)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*entry){
		"as it is": func(*entry) {}, "an event's name": func(e *entry) { e.Events[0].Name = "x" }, "an event's body": func(e *entry) { e.Events[most].Body = e.Events[0].Body },
		"a posting": func(e *entry) { e.Postings[most].Purpose = "x" }, "an event less": func(e *entry) { e.Events[3].Parties = nil },
	} {
		if got := rest(change); seen[got] != "" {
			t.Errorf("%s and %s have one rest", name, seen[got])
		} else {
			seen[got] = name
		}
	}
}

// What stands for the rest is a hash and the last field.
func TestRestThatIsNone(t *testing.T) {
	_, x := shown(t, bulkEntry(domain.MaxBulk), "payer")
	last := len(x.Fields) - 1
	for name, fields := range map[string][]committed{
		"no hash":    append(slices.Clone(x.Fields[:last]), committed{Path: restPath, Salt: x.Fields[last].Salt, Value: []byte{0x41, 1}}),
		"a text":     append(slices.Clone(x.Fields[:last]), committed{Path: restPath, Salt: x.Fields[last].Salt, Value: []byte{0x61, 'a'}}),
		"twice":      append(slices.Clone(x.Fields), x.Fields[last]),
		"before all": append(slices.Clone(x.Fields[last:]), x.Fields...),
	} {
		if d, err := disclosureOf(fields); err == nil {
			t.Errorf("%s: read as %+v", name, d)
		}
	}
}
