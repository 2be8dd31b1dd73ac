package ledger

import "context"

import "aval/domain"

// Steps opens the stages of the path to benchmarks, one by one. It must not be mixed with Run.
type Steps struct{ *Engine }

// Admit gives the item with what admission found.
func (s Steps) Admit(item Item) (Item, error) {
	checked, err := s.admit(context.Background(), item.Format, item.Raw, false)
	item.checked = checked
	return item, err
}

// Next is the batch after the last with these items.
func (s Steps) Next(items []Item) Batch {
	return Batch{Sequence: s.last.Sequence + 1, Now: s.last.Now + 1, Items: items}
}

// Execute runs a batch on the state in memory.
func (s Steps) Execute(b Batch) (*work, error) { return s.process(b) }

// Forget drops what executed batches left behind, as if they were on disk.
func (s Steps) Forget() {
	s.durable.Store(s.last.Sequence)
	s.forget()
}

// Persist seals, signs and appends an executed batch.
func (s Steps) Persist(w *work) error {
	_, err := s.persist(w)
	return err
}

// Advance executes the next batch and gives what makes it durable, as the two goroutines of Run
// do. It must not be mixed with Run.
func (s Steps) Advance(ctx context.Context) (finish func() error, err error) {
	w, err := s.advance(ctx)
	if err == nil && w == nil {
		err = ErrClosed
	}
	return func() error { return s.finish(w) }, err
}

// Minor is a balance in memory.
func (s Steps) Minor(a domain.AccountID, c domain.Currency) int64 { return s.state.balance(a, c) }

// TrialPage is TrialBalance with other bounds.
func (e *Engine) TrialPage(viewer domain.PartyID, f TrialFilter, entries, rows int) (TrialBalance, error) {
	return e.trialPage(viewer, f, entries, rows)
}

// Held is what escrows hold for a party, in memory.
func (s Steps) Held(p domain.PartyID, c domain.Currency) int64 { return s.state.heldFor(p, c) }

// Counters counts the outflows of accounts that memory holds.
func (s Steps) Counters() (n int) {
	s.state.scan(string(outflowSlot)+" ", "", func(*slot) bool { n++; return true })
	return n
}
