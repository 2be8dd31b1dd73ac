package ledger_test

import (
	"errors"
	"slices"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/ledgertest/sim"
)

// biteSeeds and biteCommands bound the search for a planted bug.
const (
	biteSeeds    = 40
	biteCommands = 300
)

// bugs are planted one at a time; the simulation must find each.
var bugs = map[string]func(*sim.Options){
	"an answered batch is lost in a crash": func(o *sim.Options) { o.Storage = &forgetful{} },
	"an identity is not filed": inStore(func(_ *writer, c *ledger.Commit) {
		if len(c.IDs) > 0 {
			c.IDs = c.IDs[1:]
		}
	}),
	"a piece of state is not written": inStore(func(w *writer, c *ledger.Commit) {
		if w.commits++; w.commits%10 == 0 && len(c.Slots) > 0 {
			c.Slots = c.Slots[1:]
		}
	}),
	"the head before is signed again": inStore(func(w *writer, c *ledger.Commit) {
		w.signed, c.Checkpoint = c.Checkpoint, w.signed
	}),
	"a tile is not written": inStore(func(_ *writer, c *ledger.Commit) {
		if len(c.Tiles) > 1 {
			c.Tiles = c.Tiles[1:]
		}
	}),
	"an erased value stays": inStore(func(_ *writer, c *ledger.Commit) { c.Private.Erased = nil }),
	"a payment counts twice": inKind(domain.CashKind, func(in domain.Input, fx *domain.Effects) {
		if in.Command.Name == "transfer" {
			fx.Postings = append(fx.Postings, fx.Postings...)
		}
	}),
	"a deadline comes early": inKind(domain.CashKind, func(_ domain.Input, fx *domain.Effects) {
		for i := range fx.Deadlines {
			fx.Deadlines[i].At -= min(fx.Deadlines[i].At, 1)
		}
	}),
	"a deadline is never set": inKind(sim.DepositKind, func(_ domain.Input, fx *domain.Effects) {
		if len(fx.Deadlines) == 1 {
			fx.Deadlines = nil
		}
	}),
	"a limit is not kept": inKind(domain.CashKind, func(in domain.Input, fx *domain.Effects) {
		if in.Command.Name == "limit" {
			fx.Writes = nil
		}
	}),
	"a revoked key goes on signing": inKind(domain.GovernanceKind, func(in domain.Input, fx *domain.Effects) {
		if in.Command.Name == "revokeKey" {
			fx.Writes = fx.Writes[1:]
		}
	}),
	"a stranger sees an entry": inKind(sim.DepositKind, func(_ domain.Input, fx *domain.Effects) {
		for i := range fx.Events {
			seen := append(slices.Clone(fx.Events[i].Parties), "acme")
			slices.Sort(seen)
			fx.Events[i].Parties = slices.Compact(seen)
		}
	}),
	"a client gets the receipt of another entry": func(o *sim.Options) {
		var last string
		o.Plant.Answer = func(r ledger.Reply) ledger.Reply {
			if last != "" {
				last, r.Receipt = r.Receipt, last
			} else {
				last = r.Receipt
			}
			return r
		}
	},
	"the batch that is not on disk yet is forgotten": func(o *sim.Options) {
		o.Advance = func(e *ledger.Engine) (func() error, error) {
			finish, err := overlap(e)
			ledger.Steps{Engine: e}.Forget()
			return finish, err
		}
	},
}

func TestSimulationBites(t *testing.T) {
	for name, plant := range bugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= biteSeeds; seed++ {
				found := bite(t, seed, plant)
				if found == nil {
					continue
				}
				t.Log(found)
				if again := bite(t, seed, plant); again == nil || again.Error() != found.Error() {
					t.Errorf("the same seed does not fail again: %v", again)
				}
				return
			}
			t.Errorf("%d seeds of %d commands did not find it", biteSeeds, biteCommands)
		})
	}
}

// bite gives what a seed finds of a planted bug, nil for nothing.
func bite(t *testing.T, seed uint64, plant func(*sim.Options)) *sim.Failure {
	o, done := simulated(t, seed, biteCommands)
	defer done()
	plant(&o)
	_, err := sim.Run(o)
	var f *sim.Failure
	errors.As(err, &f)
	return f
}

// inStore plants a bug into what reaches the disk.
func inStore(change func(*writer, *ledger.Commit)) func(*sim.Options) {
	return func(o *sim.Options) {
		w := &writer{change: change}
		o.Plant.Store = func(inner ledger.Store) ledger.Store {
			w.Store = inner
			return w
		}
	}
}

// writer is a store with a bug in Append.
type writer struct {
	ledger.Store
	change  func(*writer, *ledger.Commit)
	commits int
	signed  []byte
}

// Append implements ledger.Store.
func (w *writer) Append(c ledger.Commit) error {
	w.change(w, &c)
	return w.Store.Append(c)
}

// inKind plants a bug into what a contract does.
func inKind(kind domain.Kind, change func(domain.Input, *domain.Effects)) func(*sim.Options) {
	return func(o *sim.Options) {
		for i, c := range o.Contracts {
			if c.Kind() == kind {
				o.Contracts[i] = buggy{c, change}
			}
		}
	}
}

// buggy is a contract whose effects are changed.
type buggy struct {
	domain.Contract
	change func(domain.Input, *domain.Effects)
}

// Apply implements domain.Contract.
func (b buggy) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	fx, err := b.Contract.Apply(v, in)
	if err == nil {
		b.change(in, &fx)
	}
	return fx, err
}

// forgetful is a Storage that promised too much: a crash takes the last batch with it.
type forgetful struct {
	commits []ledger.Commit
	store   ledger.Store
}

// Open implements sim.Storage.
func (f *forgetful) Open() (ledger.Store, error) {
	if f.store == nil {
		f.store = ledgertest.NewMemory()
		for _, c := range f.commits {
			if err := f.store.Append(c); err != nil {
				return nil, err
			}
		}
	}
	return &writer{Store: f.store, change: func(_ *writer, c *ledger.Commit) { f.commits = append(f.commits, *c) }}, nil
}

// Crash implements sim.Storage.
func (f *forgetful) Crash(uint64) {
	f.store, f.commits = nil, f.commits[:len(f.commits)-1]
}

// Arm implements sim.Storage.
func (f *forgetful) Arm(int, int) {}

// State implements sim.Storage.
func (f *forgetful) State() (armed, dead bool) { return false, false }
