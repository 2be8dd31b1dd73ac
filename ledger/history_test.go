package ledger_test

import (
	"errors"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// A record as of an index has the status of that time; its fields only if nobody wrote it since.
func TestRecordAsOf(t *testing.T) {
	h := newHand(t)
	defer h.close(t)
	source := ledgertest.NewSigner(t)
	key := source.Key
	key.Class, key.Holder = domain.SourceHolder, "src"
	raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register",
		ledgertest.Registration{Source: &domain.Source{ID: "src", Operator: "bank"}, Key: &key})
	h.cut(t, 1, ledger.Item{Format: ledger.CommandFormat, Raw: raw})
	due := h.last.Now + 5000
	var at []uint64 // the index of each write
	step := func(later domain.Millis, items ...ledger.Item) {
		at = append(at, h.Size())
		h.cut(t, later, items...)
	}
	before := h.Size() - 1
	step(1, h.till(h.acme, "h1", "hold", ledgertest.Order{Amount: usd(30), At: due}))
	observation := observe(h.w, source, "h1", 1, 1)
	step(1, ledger.Item{Format: "aval-observation+jws", Raw: observation})
	step(6000, h.till(h.bank, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})) // the deadline releases
	const id domain.RecordID = "cash:1:hold:h1"
	for _, c := range []struct {
		asOf, written uint64
		status        string
		fields        bool
	}{
		{at[0], at[0], "open", false}, {at[1] - 1, at[0], "open", false}, {at[1], at[1], "open", false},
		{at[2], at[2], "released", true}, {h.Size() - 1, at[2], "released", true},
	} {
		for _, viewer := range []domain.PartyID{"acme"} {
			v, err := h.RecordAt(viewer, id, ledger.AtIndex(c.asOf))
			if err != nil || v.Status != c.status || v.Written != c.written || v.To != c.asOf+1 || (v.Fields != nil) != c.fields || v.Final != (c.status == "released") {
				t.Errorf("as of %d, %s: %+v, %v, want %+v", c.asOf, viewer, v, err, c)
			}
		}
	}
	for name, err := range map[string]error{
		"before it was": past(h, "acme", id, before), "of another": past(h, "bank", id, at[0]), "never was": past(h, "acme", "cash:1:hold:none", at[0]),
		"nobody": past(h, "", id, at[0]), "not a name": past(h, "acme", "x", at[0]),
	} {
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || refusal.Code != domain.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantCode(t, past(h, "acme", id, h.Size()), domain.TooEarly)
	page, err := h.Feed("acme", ledger.FeedFilter{Record: id})
	if err != nil || len(page.Entries) != 3 || page.Entries[2].Name != "Release" || page.Next != nil {
		t.Errorf("history of the closed hold: %+v, %v", page, err)
	}
}

func past(h *hand, viewer domain.PartyID, id domain.RecordID, index uint64) error {
	v, err := h.RecordAt(viewer, id, ledger.AtIndex(index))
	if err != nil && (v.ID != "" || v.Status != "" || v.Fields != nil) {
		return errors.New("an error with an answer")
	}
	return err
}
