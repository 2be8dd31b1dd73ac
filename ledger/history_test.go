package ledger_test

import (
	"encoding/json"
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
	var last uint64
	for i, want := range []string{`{"amount":{"currency":"USD","minor":30},"owner":"acme","seen":0}`, `{"amount":{"currency":"USD","minor":30},"owner":"acme","seen":1}`} {
		v, err := derive(h, id, at[i], func(p ledger.Progress) { last = p.Leaves })
		fields, _ := json.Marshal(v.Fields)
		if err != nil || string(fields) != want || v.Status != "open" || v.Written != at[i] || v.To != at[i]+2 || last != v.To {
			t.Errorf("derived as of %d: %+v %s, %v, want %s", at[i], v, fields, err, want)
		}
	}
	if v, err := derive(h, id, h.Size()-1, func(ledger.Progress) {}); err != nil || v.Status != "released" || !v.Final || v.Written != at[2] || v.Fields == nil {
		t.Errorf("derived now: %+v, %v", v, err)
	}
	_, err := derive(h, id, before, func(ledger.Progress) {})
	wantCode(t, err, domain.NotFound)
	_, err = derive(h, "x", before, func(ledger.Progress) {})
	wantCode(t, err, domain.Malformed)
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

func derive(h *hand, id domain.RecordID, index uint64, progress func(ledger.Progress)) (ledger.PastRecord, error) {
	return ledger.DeriveRecord(h.w.Keys, h.store, ledgertest.Contracts(), ledgertest.Codecs(), id, ledger.AtIndex(index), progress)
}

// Who became a party of a record later is told nothing of the time before.
func TestRecordAsOfBeforeItsParty(t *testing.T) {
	h := newHand(t)
	defer h.close(t)
	opened := h.Size()
	h.cut(t, 1, h.till(h.acme, "h1", "hold", ledgertest.Order{Amount: usd(30), At: h.last.Now + 90_000_000}))
	shared := h.Size()
	h.cut(t, 1, h.till(h.acme, "h1", "share", ledgertest.Order{To: "bank"}))
	const id domain.RecordID = "cash:1:hold:h1"
	wantCode(t, past(h, "bank", id, opened), domain.NotFound)
	wantCode(t, past(h, "bank", id, shared-1), domain.NotFound)
	for viewer, index := range map[domain.PartyID]uint64{"bank": shared, "acme": opened} {
		if v, err := h.RecordAt(viewer, id, ledger.AtIndex(index)); err != nil || v.Status != "open" || v.Written != index {
			t.Errorf("%s as of %d: %+v, %v", viewer, index, v, err)
		}
	}
}
