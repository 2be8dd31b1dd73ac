package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain/canon"
)

// load reads the state that the tables hold and executes what the log has after it.
func (e *Engine) load(head Head) error {
	if head.Indexed > head.Size {
		return errors.New("the tables claim to reflect more than the log holds")
	}
	closing, err := e.readSeal(head.Indexed)
	if err != nil {
		return fmt.Errorf("read last batch: %w", err)
	}
	if err := e.loadState(closing); err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	if closing, err = e.catchUp(head, closing); err != nil {
		return fmt.Errorf("execute the log after leaf %d: %w", head.Indexed, err)
	}
	if closing.Sequence != head.Sequence || closing.BookedAt != head.Now {
		return errors.New("the log does not end with the seal of its last batch")
	}
	e.last, e.size = Batch{Sequence: head.Sequence, Now: head.Now}, head.Size
	e.durable.Store(head.Sequence)
	return checkSums(e.state)
}

// catchUp executes the batches that the tables do not reflect again and holds what they add.
func (e *Engine) catchUp(head Head, last sealLeaf) (sealLeaf, error) {
	err := batches(e.store, head.Indexed, head.Size, func(stored []StoredEntry, closing StoredEntry) error {
		for _, row := range append(stored, closing) {
			if err := e.inTree(row); err != nil {
				return err
			}
		}
		h := e.past()
		r, err := e.again(e.vault, e.state, h, last, stored, closing)
		if err = errors.Join(err, h.err); err != nil {
			return err
		}
		last = r.closing
		e.store.hold(e.tablesOf(r.sealed, r.changes))
		return nil
	})
	return last, err
}

// readSeal gives the seal that ends a log of that size and checks its batch as far as keys
// can: each body opens at its place, each leaf commits to its body under the salt, each stands
// in the tree. So nothing is ever added to what this ledger's keys did not make, and wrong
// keys are found out.
func (e *Engine) readSeal(size uint64) (c sealLeaf, err error) {
	if size == 0 {
		return c, nil
	}
	last := size - 1
	err = e.visitEntries(last, size, func(s StoredEntry) error { return canon.Unmarshal(s.Leaf, &c) })
	if err != nil {
		return c, err
	}
	if c.Version != 1 || c.Type != "s" || c.Entries == 0 || c.Entries > last {
		return c, errors.New("the log does not end with the seal of a batch")
	}
	return c, e.visitEntries(last-c.Entries, last, e.checkEntry)
}

// checkEntry compares a stored body with its leaf.
func (e *Engine) checkEntry(s StoredEntry) error {
	body, err := e.vault.openEntry(s.Index, s.Body)
	if err != nil {
		return err
	}
	var en entry
	if err := canon.Unmarshal(body, &en); err != nil {
		return err
	}
	sealed, err := seal(&en, e.vault.salt)
	if err == nil && !bytes.Equal(sealed.leaf, s.Leaf) {
		err = fmt.Errorf("leaf %d does not commit to its entry: wrong salt or changed store", s.Index)
	}
	return err
}

// visitEntries visits leaves without a gap, each compared with its hash in the tree.
func (e *Engine) visitEntries(from, to uint64, visit func(StoredEntry) error) error {
	next := from
	err := e.store.Entries(from, int(to-from), func(s StoredEntry) error {
		if s.Index != next {
			return fmt.Errorf("leaf %d is missing", next)
		}
		if err := e.inTree(s); err != nil {
			return err
		}
		next++
		return visit(s)
	})
	if err == nil && next != to {
		err = fmt.Errorf("leaf %d is missing", next)
	}
	return err
}

// inTree compares a stored leaf with its hash in the tree.
func (e *Engine) inTree(s StoredEntry) error {
	h, err := e.tree.hash(0, s.Index)
	if err == nil && tlog.RecordHash(s.Leaf) != h {
		err = fmt.Errorf("leaf %d is not the one in the tree", s.Index)
	}
	return err
}

// checkSigned compares a stored checkpoint over size leaves with the tree.
func (e *Engine) checkSigned(size uint64, signed []byte) error {
	if size == 0 {
		if len(signed) != 0 {
			return errors.New("a checkpoint is stored for an empty log")
		}
		return nil
	}
	checkpoint, err := e.policy.open(signed)
	if err != nil {
		return err
	}
	root, err := e.tree.root(size)
	if err == nil && (checkpoint.Size != size || !bytes.Equal(checkpoint.Hash, root[:])) {
		err = errors.New("the signed head is not that of the stored log")
	}
	return err
}
