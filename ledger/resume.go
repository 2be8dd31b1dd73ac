package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain/canon"
)

// tail is what Open learns of the last batch of a stored log.
type tail struct {
	// from is the index of its first entry; closing is its seal leaf.
	from    uint64
	closing sealLeaf
}

// readTail reads the last batch and checks it as far as keys can: each body opens at its
// place, each leaf commits to its body under the salt, each stands in the tree. So nothing
// is ever signed that this ledger's keys did not make, and wrong keys are found out.
func (e *Engine) readTail(head Head) (tail, error) {
	var t tail
	last := head.Size - 1
	err := e.visitEntries(last, head.Size, func(s StoredEntry) error { return canon.Unmarshal(s.Leaf, &t.closing) })
	if err != nil {
		return t, err
	}
	c := t.closing
	if c.Version != 1 || c.Type != "s" || c.Sequence != head.Sequence || c.BookedAt != head.Now || c.Entries == 0 || c.Entries > last {
		return t, errors.New("the log does not end with the seal of its last batch")
	}
	t.from = last - c.Entries
	return t, e.visitEntries(t.from, last, e.checkEntry)
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

// resume compares the stored checkpoint with the tree and signs a head that has none yet:
// a crash came between the append and the signature, which leaves exactly one batch
// unsigned. Anything else contradicts itself and is refused, so that two different heads of
// one size are never signed.
func (e *Engine) resume(head Head, t tail, size uint64, checkpoint []byte) ([]byte, error) {
	if size > head.Size {
		return nil, fmt.Errorf("signed over %d leaves, but the log holds %d: the disk was rolled back", size, head.Size)
	}
	if size != head.Size && size != t.from {
		return nil, fmt.Errorf("signed over %d leaves of %d: want all, or all but the last batch", size, head.Size)
	}
	if err := e.checkSigned(size, checkpoint); err != nil {
		return nil, err
	}
	if size == head.Size {
		return checkpoint, nil
	}
	return e.sign(size, head.Size)
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
