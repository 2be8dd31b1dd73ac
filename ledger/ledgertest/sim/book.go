package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
	"aval/ledger"
)

// book is what a stranger remembers of the log: every leaf, the root at every size that was
// signed, and every receipt. The log may only ever grow from it.
type book struct {
	s *simulation
	// hashes are the stored hashes of the tree over the leaves seen.
	hashes []tlog.Hash
	leaves []tlog.Hash
	// roots are those of the heads that batches ended in, by size.
	roots map[int64]tlog.Hash
	kept  []keptReceipt
}

// keptReceipt is a receipt in a client's hands.
type keptReceipt struct {
	text  []byte
	entry *entry
}

func newBook(s *simulation) *book { return &book{s: s, roots: map[int64]tlog.Hash{}} }

// ReadHashes makes the book a tlog.HashReader.
func (b *book) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(b.hashes)) {
			return nil, fmt.Errorf("hash %d of %d", index, len(b.hashes))
		}
		all[i] = b.hashes[index]
	}
	return all, nil
}

// write adds the leaves of a durable batch and its signed head.
func (b *book) write(base uint64) error {
	if uint64(len(b.leaves)) != base {
		return fmt.Errorf("%d leaves in the book, %d in the log", len(b.leaves), base)
	}
	err := b.s.disk.Store.Entries(base, len(b.s.model.log)-int(base), func(e ledger.StoredEntry) error {
		hash := tlog.RecordHash(e.Leaf)
		stored, err := tlog.StoredHashesForRecordHash(int64(len(b.leaves)), hash, b)
		b.leaves, b.hashes = append(b.leaves, hash), append(b.hashes, stored...)
		return err
	})
	if err != nil {
		return err
	}
	size := int64(len(b.s.model.log))
	root, err := tlog.TreeHash(size, b)
	if err != nil {
		return err
	}
	b.roots[size] = root
	b.s.trace.line("root %d %x", size, root[:])
	return b.head()
}

// head compares the newest checkpoint with the book.
func (b *book) head() error {
	signed, err := b.s.engine.Checkpoint()
	if err != nil {
		return err
	}
	c, err := b.checkpoint(signed)
	if err == nil && c.Size != uint64(len(b.s.model.log)) {
		err = fmt.Errorf("the checkpoint is over %d leaves, want %d", c.Size, len(b.s.model.log))
	}
	return err
}

// checkpoint reads a signed head, whose signature others check, and compares its root.
func (b *book) checkpoint(signed []byte) (log.Checkpoint, error) {
	var c log.Checkpoint
	if _, err := c.Unmarshal(signed); err != nil {
		return c, err
	}
	root, known := b.roots[int64(c.Size)]
	if !known || !bytes.Equal(root[:], c.Hash) {
		return c, fmt.Errorf("signed root over %d leaves is not that of the leaves (a signed size: %v)", c.Size, known)
	}
	return c, nil
}

// reread compares every stored leaf with the book.
func (b *book) reread() error {
	n := 0
	err := b.s.disk.Store.Entries(0, len(b.leaves)+1, func(e ledger.StoredEntry) error {
		if n >= len(b.leaves) || e.Index != uint64(n) || tlog.RecordHash(e.Leaf) != b.leaves[n] {
			return fmt.Errorf("leaf %d is not the one that was there before", n)
		}
		n++
		return nil
	})
	if err == nil && n != len(b.leaves) {
		err = fmt.Errorf("%d leaves of %d are left", n, len(b.leaves))
	}
	return err
}

// receive checks a receipt as its holder would, and keeps it.
func (b *book) receive(receipt string, e *entry, viewer domain.PartyID) error {
	d, err := ledger.OpenReceipt(b.s.policy, []byte(receipt))
	if err != nil {
		return err
	}
	same := d.Viewer == viewer && d.Index == e.index && d.Sequence == e.sequence && d.BookedAt == e.now && d.Kind == e.kind &&
		d.Contract == e.contract && d.Name == e.name && d.Code == e.code
	if !same {
		return fmt.Errorf("receipt of another entry: %+v", d)
	}
	if viewer == e.sender && (d.ID != e.from.id || !bytes.Equal(d.Fingerprint, e.from.fingerprint())) {
		return errors.New("receipt of another message")
	}
	var got []posting
	for _, p := range d.Postings {
		got = append(got, posting{string(p.Debit), string(p.Credit), p.Amount})
	}
	if want := e.postingsOf(viewer); !slices.Equal(got, want) {
		return fmt.Errorf("receipt shows postings %v, want %v", got, want)
	}
	b.s.report.Receipts++
	b.kept = append(b.kept, keptReceipt{[]byte(receipt), e})
	return b.compare([]byte(receipt))
}

// compare holds a receipt against the book: its leaf is in the log, its head is one of the log's.
func (b *book) compare(receipt []byte) error {
	var p proof.TLogProof
	if err := p.Unmarshal(receipt); err != nil {
		return err
	}
	var extra struct {
		Leaf   []byte   `json:"leaf"`
		Fields []any    `json:"fields"`
		N      int64    `json:"n"`
		Count  int64    `json:"count"`
		Path   [][]byte `json:"path"`
	}
	if err := canon.Unmarshal(p.ExtraData, &extra); err != nil {
		return err
	}
	if p.Index >= uint64(len(b.leaves)) || b.leaves[p.Index] != tlog.RecordHash(extra.Leaf) {
		return fmt.Errorf("leaf %d of the receipt is not in the log", p.Index)
	}
	_, err := b.checkpoint(p.Checkpoint)
	return err
}

// close checks at the end that every receipt still verifies, and that the last head is
// consistent with each one that was ever signed, as tlog proves it.
func (b *book) close() error {
	for _, k := range b.kept {
		if _, err := ledger.OpenReceipt(b.s.policy, k.text); err != nil {
			return err
		}
		if err := b.compare(k.text); err != nil {
			return err
		}
	}
	size := int64(len(b.leaves))
	for old, root := range b.roots {
		p, err := tlog.ProveTree(size, old, b)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(p, size, b.roots[size], old, root); err != nil {
			return err
		}
	}
	return nil
}
