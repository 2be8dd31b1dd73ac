package ledger

import "context"

import "aval/domain"

// Steps opens the stages of the path to benchmarks, one by one. It must not be mixed with Run.
type Steps struct{ *Engine }

// Admit gives the item with what admission found.
func (s Steps) Admit(item Item) (Item, error) {
	checked, err := s.admit(context.Background(), item.Format, item.Raw)
	item.checked = checked
	return item, err
}

// Next is the batch after the last with these items.
func (s Steps) Next(items []Item) Batch {
	return Batch{Sequence: s.last.Sequence + 1, Now: s.last.Now + 1, Items: items}
}

// Execute runs a batch and keeps it in memory only.
func (s Steps) Execute(b Batch) ([]*entry, error) {
	head := s.published.Load().head
	h, err := s.prefetch(b)
	if err != nil {
		return nil, err
	}
	entries, _, err := s.run(s.state, h, b, head.Size)
	s.last = Batch{Sequence: b.Sequence, Now: b.Now}
	return entries, err
}

// Settle forgets what a batch changed, as a commit would.
func (s Steps) Settle() error {
	_, err := s.state.settle()
	return err
}

// Persist seals, appends and signs an executed batch.
func (s Steps) Persist(b Batch, entries []*entry) error {
	_, err := s.persist(b, entries, s.published.Load().head)
	return err
}

// Minor is a balance in memory.
func (s Steps) Minor(a domain.AccountID, c domain.Currency) int64 { return s.state.balance(a, c) }
