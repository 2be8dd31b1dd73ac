package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain/canon"
)

// readTail gives the seal of the last batch and checks that batch it as far as keys can: each body opens at its
// place, each leaf commits to its body under the salt, each stands in the tree. So nothing
// is ever added to what this ledger's keys did not make, and wrong keys are found out.
func (e *Engine) readTail(head Head) (c sealLeaf, err error) {
	last := head.Size - 1
	err = e.visitEntries(last, head.Size, func(s StoredEntry) error { return canon.Unmarshal(s.Leaf, &c) })
	if err != nil {
		return c, err
	}
	if c.Version != 1 || c.Type != "s" || c.Sequence != head.Sequence || c.BookedAt != head.Now || c.Entries == 0 || c.Entries > last {
		return c, errors.New("the log does not end with the seal of its last batch")
	}
	return c, e.visitEntries(last-c.Entries, last, e.checkEntry)
}

// checkEntry compares a stored body with its leaf.
func (e *Engine) checkEntry(s StoredEntry) error {
	body, err := e.vault.open(entryPlace(s.Index), s.Body)
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
		h, err := e.tree.hash(0, next)
		if err != nil {
			return err
		}
		if s.Index != next || tlog.RecordHash(s.Leaf) != h {
			return fmt.Errorf("leaf %d is missing or not the one in the tree", next)
		}
		next++
		return visit(s)
	})
	if err == nil && next != to {
		err = fmt.Errorf("leaf %d is missing", next)
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
