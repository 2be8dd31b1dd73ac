package ledger_test

import (
	"context"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// ask cuts a batch of one command of acme's and gives its refusal, empty for success.
func (h *hand) ask(t *testing.T, contract, name string, o ledgertest.Order) domain.Code {
	t.Helper()
	item, answer := h.pooled(context.Background(), h.till(h.acme, contract, name, o))
	h.cut(t, 1, item)
	reply, err := answer()
	if err != nil {
		t.Fatal(err)
	}
	return reply.Code
}

// reopened is the same ledger after a restart.
func (h *hand) reopened(t *testing.T) *hand {
	t.Helper()
	again := openHand(t, h.w, h.store)
	again.bank, again.acme = h.bank, h.acme
	return again
}

func TestOutflowIsCountedByDayAndSurvivesARestart(t *testing.T) {
	h := newHand(t)
	pay := func(minor int64) domain.Code {
		return h.ask(t, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(minor)})
	}
	if code := h.ask(t, "l", "limit", ledgertest.Order{Amount: usd(300)}); code != "" {
		t.Fatal(code)
	}
	for _, c := range []struct {
		minor int64
		want  domain.Code
	}{{301, domain.LimitExceeded}, {200, ""}, {101, domain.LimitExceeded}, {99, ""}} {
		if code := pay(c.minor); code != c.want {
			t.Errorf("%d: got %q, want %q", c.minor, code, c.want)
		}
	}
	h = h.reopened(t)
	if code := pay(2); code != domain.LimitExceeded {
		t.Errorf("after a restart: got %q", code)
	}
	if counters := (ledger.Steps{Engine: h.Engine}).Counters(); counters != 1 {
		t.Errorf("%d counters, want 1", counters)
	}
	h.w.Clock.Add(24 * time.Hour)
	if code := pay(300); code != "" {
		t.Errorf("the next day: got %q", code)
	}
	if counters := (ledger.Steps{Engine: h.Engine}).Counters(); counters != 1 {
		t.Errorf("%d counters, want that of today alone", counters)
	}
	if code := h.ask(t, "l", "unlimit", ledgertest.Order{Amount: usd(300)}); code != "" {
		t.Fatal(code)
	}
	if code := pay(400); code != "" {
		t.Errorf("without a limit: got %q", code)
	}
	h.want(t, "acme", 1)
}

// A release at a deadline takes from nobody's account and pays nobody's bill, so that no limit keeps it.
func TestNoLimitHoldsADeadlineBack(t *testing.T) {
	h := newHand(t)
	due := h.last.Now + 10_000
	h.cut(t, 1, h.till(h.acme, "x", "hold", ledgertest.Order{Amount: usd(400), At: due}), h.till(h.acme, "l", "ceiling", ledgertest.Order{Amount: usd(1000)}))
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(400)}))
	h.want(t, "acme", 1000)
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(1)})) // beyond the ceiling
	h.want(t, "acme", 1000)
	h.cut(t, 20_000)
	h.want(t, "acme", 1400)
}

func TestHeldFollowsTheEscrows(t *testing.T) {
	h := newHand(t)
	want := func(minor int64) {
		t.Helper()
		if got := (ledger.Steps{Engine: h.Engine}).Held("acme", "USD"); got != minor {
			t.Errorf("%d held, want %d", got, minor)
		}
	}
	hold := ledgertest.Order{Amount: usd(100), At: h.last.Now + 10_000}
	h.cut(t, 1, h.till(h.acme, "x", "hold", hold), h.till(h.acme, "y", "hold", hold))
	want(200)
	h.cut(t, 1, h.till(h.acme, "x", "close", ledgertest.Order{}), h.till(h.acme, "z", "hold", hold), h.till(h.acme, "z", "close", ledgertest.Order{}))
	want(100)
	h.cut(t, 1, h.till(h.acme, "v", "hold", ledgertest.Order{Amount: usd(5000), At: hold.At})) // refused
	want(100)
	h = h.reopened(t)
	want(100)
	h.cut(t, 20_000)
	want(0)
}

// The engine compares a reversal with the log itself, whatever the contract says.
func TestReversalIsComparedWithTheLog(t *testing.T) {
	h := newHand(t)
	paid := h.Size() // the index of the entry below; its batch's seal comes after it
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(100)}))
	sent := h.Size()
	h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(60)}))
	back := func(to domain.PartyID, minor int64, index uint64, number int) ledgertest.Order {
		return ledgertest.Order{To: to, Amount: usd(minor), Ref: &domain.PostingRef{Index: index, Number: number}}
	}
	for name, c := range map[string]struct {
		order ledgertest.Order
		want  domain.Code
	}{
		"another payer":     {back("bank", 1, paid, 0), domain.NotPermitted}, // issue/bank paid, not party/bank
		"own payment":       {back("bank", 1, sent, 0), domain.NotPermitted},
		"another number":    {back("bank", 1, sent, 1), domain.NotFound},
		"a seal":            {back("bank", 1, sent+1, 0), domain.NotFound},
		"an entry to come":  {back("bank", 1, sent+9, 0), domain.NotFound},
		"a registration":    {back("bank", 1, 2, 0), domain.NotFound},
		"the far future":    {back("bank", 1, domain.MaxMinor, 0), domain.NotFound},
		"itself":            {back("bank", 1, h.Size(), 0), domain.NotFound},
		"beyond exact JSON": {back("bank", 1, domain.MaxMinor+1, 0), domain.Malformed},
	} {
		if name == "itself" {
			c.order.Ref.Index = h.Size()
		}
		if code := h.ask(t, "r", "claim", c.order); code != c.want {
			t.Errorf("%s: got %q, want %q", name, code, c.want)
		}
	}
	h.cut(t, 1, h.till(h.bank, "r", "claim", back("acme", 61, sent, 0)), h.till(h.bank, "r", "reverse", back("acme", 25, sent, 0)))
	h.want(t, "acme", 1100-60+25)
	reversed := h.Size() - 2
	if code := h.ask(t, "r", "claim", back("bank", 1, reversed, 0)); code != domain.NotPermitted {
		t.Errorf("a reversal was reversed: %q", code)
	}
}

// A posting counts as past from the batch after its own on, whether it is on disk yet or not:
// every replay decides the same.
func TestPostingIsPastFromTheNextBatchOn(t *testing.T) {
	for name, store := range map[string]ledger.Store{"memory": ledgertest.NewMemory(), "disk": newStore(t)} {
		t.Run(name, func(t *testing.T) { postingIsPast(t, newHandOn(t, store)) })
	}
}

func postingIsPast(t *testing.T, h *hand) {
	sent := h.Size()
	back := ledgertest.Order{To: "acme", Amount: usd(10), Ref: &domain.PostingRef{Index: sent}}
	h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(60)}), h.till(h.bank, "r", "reverse", back))
	h.want(t, "acme", 940) // refused in the same batch
	back.Ref.Index = h.Size()
	var finish [2]func() error
	for i, items := range [][]ledger.Item{
		{h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(40)})}, {h.till(h.bank, "r", "reverse", back)},
	} {
		h.last = ledger.Batch{Sequence: h.last.Sequence + 1, Now: max(h.last.Now, h.w.Clock.Millis()) + 1, Items: items}
		h.order.next = h.last
		var err error
		if finish[i], err = (ledger.Steps{Engine: h.Engine}).Advance(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range finish {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	h.want(t, "acme", 910)
}

// An engine that is opened executes the last batches again, with all of the log on disk before it.
func TestPostingOfItsOwnBatchIsNotPastWhenExecutedAgain(t *testing.T) {
	h := newHandOn(t, newStore(t))
	for range 2 { // whether the tables reflect a batch or not
		back := ledgertest.Order{To: "acme", Amount: usd(10), Ref: &domain.PostingRef{Index: h.Size()}}
		h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(60)}), h.till(h.bank, "r", "reverse", back), h.till(h.bank, "r", "claim", back))
		h = h.reopened(t)
	}
	h.want(t, "acme", 880)
}

// Who has no part in a posting does not find it.
func TestContractFindsThePostingsOfItsSenderAlone(t *testing.T) {
	h := newHand(t)
	other := ledgertest.NewSigner(t)
	h.cut(t, 1, h.register("other", other.Key))
	sent := h.Size()
	h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(60)}))
	item, answer := h.pooled(context.Background(), h.till(other, "r", "reverse", ledgertest.Order{To: "acme", Amount: usd(1), Ref: &domain.PostingRef{Index: sent}}))
	h.cut(t, 1, item)
	if reply, err := answer(); err != nil || reply.Code != domain.NotFound || reply.Detail != "no such posting" {
		t.Errorf("got %+v, %v", reply, err)
	}
}
