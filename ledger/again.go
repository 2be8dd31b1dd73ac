package ledger

import (
	"errors"

	"aval/domain/canon"
)

// batches visits the stored batches of a log from leaf from, where one begins, to leaf to.
// Errors are *Fault, or failures to read.
func batches(a Archive, from, to uint64, visit func(stored []StoredEntry, closing StoredEntry) error) error {
	var batch []StoredEntry
	for next := from; next < to; {
		began := next
		err := a.Entries(next, int(min(to-next, MaxPage)), func(s StoredEntry) error {
			if s.Index != next || s.Index >= to {
				return &Fault{next, errors.New("the leaf is missing")}
			}
			next++
			if len(s.Body) > 0 {
				batch = append(batch, s)
				return nil
			}
			whole := batch
			batch = nil
			return visit(whole, s)
		})
		if err != nil {
			return damageAt(next, err)
		}
		if next == began {
			return &Fault{next, errors.New("the leaf is missing")}
		}
	}
	if len(batch) > 0 {
		return &Fault{to, errors.New("the log does not end with a seal")}
	}
	return nil
}

// replayed is a batch that came out the same when it was executed again.
type replayed struct {
	*run
	closing sealLeaf
	sealed  []*sealedEntry
	changes []change
}

// again executes a stored batch on the state after the last one and wants the same entries,
// leaves and seal as the first time. Errors are *Fault.
func (x executor) again(v *vault, st *State, h History, last sealLeaf, stored []StoredEntry, closing StoredEntry) (*replayed, error) {
	var s sealLeaf
	if err := canon.Unmarshal(closing.Leaf, &s); err != nil {
		return nil, &Fault{closing.Index, err}
	}
	if s.Sequence <= last.Sequence || s.BookedAt <= last.BookedAt || s.Entries != uint64(len(stored)) || len(stored) == 0 {
		return nil, &Fault{closing.Index, errors.New("sequence, time or number of entries of the batch do not follow")}
	}
	b, bodies, err := reopen(v, x, st, s, stored)
	if err != nil {
		return nil, err
	}
	x.checkSignatures(registry{st}, b)
	r, err := x.execute(st, h, b, stored[0].Index)
	if err != nil {
		return nil, &Fault{stored[0].Index, err}
	}
	again := &replayed{run: r, closing: s}
	return again, again.compare(v, stored, bodies, closing)
}

func (r *replayed) compare(v *vault, stored []StoredEntry, bodies [][]byte, closing StoredEntry) (err error) {
	if r.changes, err = r.state.settle(); err != nil {
		return &Fault{closing.Index, err}
	}
	var sealBytes []byte
	if r.sealed, sealBytes, err = sealBatch(r.batch, r.entries, r.state, v.salt); err != nil {
		return &Fault{closing.Index, err}
	}
	return compareSealed(r.sealed, sealBytes, stored, bodies, closing)
}
