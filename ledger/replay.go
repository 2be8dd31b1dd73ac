package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"aval/domain/canon"
)

// keepLeaves and keepBytes are about how much of a replay goes to the store at once: many
// batches share one transaction, since nothing of them is shown before all of them are there.
const (
	keepLeaves = 4096
	keepBytes  = 8 << 20
)

// replay executes the batches of an archive in an engine of its own, which orders and signs nothing.
type replay struct {
	*Engine
	// group is what was executed and is not in the store yet, bytes the size of its bodies.
	group commitGroup
	bytes int
}

func newReplay(policy Policy, r Restore) (*replay, error) {
	e, err := assemble(Config{Keys: r.Keys, Store: r.Store, Contracts: r.Contracts, Codecs: r.Codecs})
	if err != nil {
		return nil, err
	}
	head, _, err := r.Store.Head()
	if err == nil && head.Size > 0 {
		err = errors.New("the store to restore into already holds a ledger")
	}
	e.store = newTables(r.Store, Head{}, DefaultTableInterval)
	e.tree = &merkleTree{archive: r.Store, cache: map[tileID]*tile{}}
	return &replay{Engine: e}, err
}

// batch executes one batch again, compares all that comes of it, takes the private values that it names, and counts the refusals.
func (r *replay) batch(stored []StoredEntry, closing StoredEntry, beside *privateReplay) (refusals uint64, err error) {
	var s sealLeaf
	if err := canon.Unmarshal(closing.Leaf, &s); err != nil {
		return 0, &Fault{closing.Index, err}
	}
	b, bodies, err := reopen(r.vault, r.executor, r.state, s, stored)
	if err != nil {
		return 0, err
	}
	w, err := r.process(b)
	if err != nil {
		return 0, &Fault{stored[0].Index, err}
	}
	if len(w.entries) != len(stored) {
		return 0, &Fault{stored[0].Index, errors.New("executed again, the batch has another number of entries")}
	}
	sealed, closingLeaf, err := sealBatch(b, w.entries, w.after, r.vault.salt)
	if err != nil {
		return 0, &Fault{closing.Index, err}
	}
	if err := compareSealed(sealed, closingLeaf, stored, bodies, closing); err != nil {
		return 0, err
	}
	for _, e := range w.entries {
		if e.Code != "" {
			refusals++
		}
	}
	c := r.commitOf(sealed, closingLeaf, w.changes, func(i int) []byte { return stored[i].Body }) // as it was sealed
	c.Head = Head{Size: closing.Index + 1, Sequence: s.Sequence, Now: s.BookedAt}
	for _, row := range stored {
		r.bytes += len(row.Body)
	}
	c.Private, err = beside.of(r.vault, w.entries)
	for _, row := range c.Private.Rows {
		r.bytes += len(row.Body)
	}
	if err != nil {
		return refusals, err
	}
	return refusals, r.keep(c)
}

// keep adds a commit to the group, and writes the group before it if that is large. The last
// group stays for finish.
func (r *replay) keep(c Commit) error {
	if len(r.group.Entries) >= keepLeaves || r.bytes >= keepBytes {
		if err := r.write(nil); err != nil {
			return err
		}
	}
	r.group.add(c)
	return nil
}

// finish writes the end of the log with its signed head. The state must balance by then.
func (r *replay) finish(checkpoint []byte) error {
	if err := checkSums(r.state); err != nil {
		return &Fault{r.size, err}
	}
	return r.write(checkpoint)
}

func (r *replay) write(checkpoint []byte) error {
	c := r.group.Commit
	c.Checkpoint = checkpoint
	if err := r.store.Append(c); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	r.tree.landed(c.Head.Size)
	r.durable.Store(c.Head.Sequence)
	r.group, r.bytes = commitGroup{}, 0
	return nil
}

// reopen makes the batch again that was executed once on a state, from the bodies of its entries, which must be
// sealed under a key of their time. Items are parsed ahead of their execution, so that signatures can be checked together.
func reopen(v *vault, x executor, before *State, s sealLeaf, stored []StoredEntry) (Batch, [][]byte, error) {
	if err := checkEpochs(before, stored); err != nil {
		return Batch{}, nil, err
	}
	b := Batch{Sequence: s.Sequence, Now: s.BookedAt}
	bodies := make([][]byte, len(stored))
	for i, row := range stored {
		var e entry
		var err error
		if bodies[i], err = v.openEntry(row.Index, row.Body); err == nil {
			err = canon.Unmarshal(bodies[i], &e)
		}
		if err != nil {
			return b, nil, &Fault{row.Index, err}
		}
		if e.Format == deadlineFormat {
			continue
		}
		item := Item{Format: e.Format, Raw: e.Raw}
		if parsed, err := x.parse(e.Format, e.Raw); err == nil { // else execution finds that out again
			item.checked = parsed
		}
		b.Items = append(b.Items, item)
	}
	return b, bodies, nil
}

// compareSealed wants a batch to come out as it is stored.
func compareSealed(sealed []*sealedEntry, closingLeaf []byte, stored []StoredEntry, bodies [][]byte, closing StoredEntry) error {
	for i, row := range stored {
		if i >= len(sealed) || !bytes.Equal(sealed[i].body, bodies[i]) {
			return &Fault{row.Index, errors.New("executed again, the entry comes out differently")}
		}
		if !bytes.Equal(sealed[i].leaf, row.Leaf) {
			return &Fault{row.Index, errors.New("the leaf does not commit to the entry")}
		}
	}
	if len(sealed) != len(stored) || !bytes.Equal(closingLeaf, closing.Leaf) {
		return &Fault{closing.Index, errors.New("executed again, the batch ends in another state")}
	}
	return nil
}
