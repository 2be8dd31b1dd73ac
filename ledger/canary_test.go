package ledger_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// No read tells a party what stands on another's account, not even of an entry that both see. The
// canaries are balances that nothing else on the ledger adds up to.
func TestBooksKeepBalances(t *testing.T) {
	h := newHand(t)
	defer h.close(t)
	carol := ledgertest.NewSigner(t)
	const acmeCanary, bankCanary = 70_707_071, 80_808_081
	h.cut(t, 1, h.register("carol", carol.Key))
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(acmeCanary - 1000 + 5)}))
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "bank", Amount: usd(bankCanary)}))
	h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "carol", Amount: usd(5)}))
	h.cut(t, 1, h.till(h.bank, "t", "transfer", ledgertest.Order{To: "carol", Amount: usd(6)}))
	h.cut(t, 1, h.till(h.acme, "h1", "hold", ledgertest.Order{Amount: usd(acmeCanary), At: h.last.Now + 90_000_000}))
	sees := func(viewer domain.PartyID) string {
		var text strings.Builder
		tell := func(v any, err error) {
			body, _ := json.Marshal(v)
			fmt.Fprintf(&text, "%s %v\n", body, err)
		}
		for _, account := range []domain.AccountID{"party/acme", "issue/bank", "party/bank", "party/carol", escrow("h1")} {
			tell(h.Statement(viewer, ledger.StatementFilter{Account: account}))
			tell(h.Balance(viewer, account, ledger.Moment{}))
			tell(h.Feed(viewer, ledger.FeedFilter{Account: account}))
		}
		tell(h.Accounts(viewer))
		tell(h.TrialBalance(viewer, ledger.TrialFilter{}))
		tell(h.Feed(viewer, ledger.FeedFilter{}))
		tell(h.RecordAt(viewer, "cash:1:hold:h1", ledger.Moment{}))
		for index := range h.Size() {
			receipt, err := h.Receipt(t.Context(), viewer, index)
			if err != nil {
				continue
			}
			d, err := ledger.OpenReceipt(h.Policy(), receipt)
			tell(d, err)
		}
		return text.String()
	}
	canaries := []string{fmt.Sprint(acmeCanary), fmt.Sprint(bankCanary - 6), fmt.Sprint(bankCanary), fmt.Sprint(acmeCanary + 5)}
	for _, canary := range canaries {
		if strings.Contains(sees("carol"), canary) {
			t.Errorf("carol sees %s", canary)
		}
	}
	if acme := sees("acme"); !strings.Contains(acme, canaries[0]) || strings.Contains(acme, canaries[1]) {
		t.Error("acme does not see its own balance, or sees the bank's")
	}
	if bank := sees("bank"); !strings.Contains(bank, canaries[1]) {
		t.Error("the bank does not see its own balance")
	}
}

// unfiled is a store that somebody took the references to one entry from.
type unfiled struct {
	ledger.Store
	gone uint64
}

func (f *unfiled) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	found, err := f.Store.Refs(tag, from, limit+1)
	found = slices.DeleteFunc(found, func(i uint64) bool { return i == f.gone })
	return found[:min(limit, len(found))], err
}

func (f *unfiled) RefsBefore(tag []byte, before uint64, limit int) ([]uint64, error) {
	found, err := f.Store.RefsBefore(tag, before, limit+1)
	found = slices.DeleteFunc(found, func(i uint64) bool { return i == f.gone })
	return found[:min(limit, len(found))], err
}

// A reference that was taken away under a running node is found out by the next balance.
func TestGoneReferenceIsFoundOut(t *testing.T) {
	h := busy(t)
	all := journal(t, h.Engine)
	h.close(t)
	store := &unfiled{Store: h.store, gone: math.MaxUint64}
	e, err := ledger.Open(ledger.Config{
		Keys: h.w.Keys, Store: store, Orderer: h.order, Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	})
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, p := range all {
		if p.Debit != "party/acme" && p.Credit != "party/acme" || p.index == all[len(all)-1].index { // no balance after it
			continue
		}
		store.gone, tested = p.index, tested+1
		if _, err := e.Statement("acme", ledger.StatementFilter{Account: "party/acme"}); err == nil || !strings.Contains(err.Error(), "do not follow") {
			t.Errorf("statement without the reference to entry %d: %v", p.index, err)
		}
		if _, err := e.TrialBalance("acme", ledger.TrialFilter{}); err == nil || !strings.Contains(err.Error(), "do not follow") {
			t.Errorf("trial balance without the reference to entry %d: %v", p.index, err)
		}
	}
	if tested < 10 {
		t.Errorf("tested %d references", tested)
	}
}

func TestDayEndsAtMidnight(t *testing.T) {
	h := newHand(t)
	defer h.close(t)
	day, err := ledger.ParseMoment("asOf", string(domain.Day(h.last.Now)))
	if err != nil {
		t.Fatal(err)
	}
	first := h.Size()
	h.cut(t, 60_000, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	sameDay := h.Size()
	h.cut(t, 24*60*60_000, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	if b, err := h.Balance("acme", "party/acme", day); err != nil || b.To != sameDay || first == sameDay {
		t.Errorf("as of the day: %+v, %v, want up to %d", b, err, sameDay)
	}
	if s, err := h.Statement("acme", ledger.StatementFilter{Account: "party/acme", To: day}); err != nil || s.To != 0 {
		t.Errorf("before the day: %+v, %v", s, err)
	}
}
