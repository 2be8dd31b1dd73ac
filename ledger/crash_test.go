package ledger_test

import (
	"fmt"
	"maps"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

var wantBalances = map[domain.AccountID]int64{"issue/bank": -1000, "party/acme": 790, "party/bank": 210}

// wantEntries counts genesis, 19 effects or refusals, two deadlines.
const wantEntries = 1 + 19 + 2

func runStory(t *testing.T, inner ledger.Store, wrap func(ledger.Store) ledger.Store) *teller {
	t.Helper()
	w := ledgertest.NewWorld(t)
	steps := story(w)
	tl := &teller{w: w, inner: inner, store: wrap(inner), answered: map[int]ledger.Reply{}}
	tl.start()
	for i, s := range steps {
		tl.tell(i, s)
	}
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	tl.store = inner
	tl.start() // everything answered must be there from disk
	tl.recheck(steps)
	for viewer, want := range map[domain.PartyID]int{"bank": 1, "acme": 3, "rosa": 0, "member": 3} {
		if got := readable(t, tl.node, steps, viewer); got != want {
			t.Errorf("%s reads %d private values, want %d", viewer, got, want)
		}
	}
	if got := balances(t, tl.node, "acme", "bank"); !maps.Equal(got, wantBalances) {
		t.Errorf("balances %v, want %v", got, wantBalances)
	}
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	if report := w.MustVerify(inner); report.Entries != wantEntries || report.Refusals != 5 {
		t.Errorf("report %+v, want %d entries", report, wantEntries)
	}
	return tl
}

// readable counts the private values of a story that a viewer can read.
func readable(t *testing.T, n *ledgertest.Node, steps []step, viewer domain.PartyID) (count int) {
	t.Helper()
	for _, s := range steps {
		for _, digest := range digests(t, s.raw) {
			_, err := n.Private(viewer, digest)
			if err == nil {
				count++
			} else if !isNotFound(err) {
				t.Errorf("%s of %s: %v", viewer, s.what, err)
			}
		}
	}
	return count
}

func TestStoryWithoutFaults(t *testing.T) {
	tl := runStory(t, newStore(t), func(s ledger.Store) ledger.Store { return s })
	if tl.crashes != 0 {
		t.Errorf("%d crashes", tl.crashes)
	}
}

// One fault at every position of every operation, its effect lost or kept. Nothing answered
// is lost, nothing has two effects, and the files are clean after each crash.
func TestCrashMatrix(t *testing.T) {
	var calls *ledgertest.Faulty
	runStory(t, ledgertest.NewMemory(), func(s ledger.Store) ledger.Store {
		calls = ledgertest.NewFaulty(s, "", 0, false)
		return calls
	})
	for _, op := range []string{
		ledgertest.OpAppend, ledgertest.OpHead, ledgertest.OpEntries, ledgertest.OpFind, ledgertest.OpSlots, ledgertest.OpSubject,
	} {
		if calls.Calls(op) == 0 {
			t.Errorf("%s is never called", op)
		}
		for nth := 1; nth <= calls.Calls(op); nth++ {
			for _, kept := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s-%d-kept-%v", op, nth, kept), func(t *testing.T) {
					t.Parallel()
					crashAt(t, op, nth, kept)
				})
			}
		}
	}
}

func crashAt(t *testing.T, op string, nth int, kept bool) {
	var faulty *ledgertest.Faulty
	tl := runStory(t, ledgertest.NewMemory(), func(s ledger.Store) ledger.Store {
		faulty = ledgertest.NewFaulty(s, op, nth, kept)
		return faulty
	})
	if !faulty.Fired() && faulty.Calls(op) < nth {
		return // deadlines came with the next command this time, so that there was a batch less
	}
	if !faulty.Fired() || tl.crashes == 0 {
		t.Errorf("fired %v, noticed %d times", faulty.Fired(), tl.crashes)
	}
}
