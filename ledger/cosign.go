package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// CosignedStore is a Store that keeps the newest cosigned head too. A ledger with witnesses needs one.
type CosignedStore interface {
	// PutCosigned durably replaces the cosigned head by one over as many leaves or more.
	PutCosigned(size uint64, sealed []byte) error
	CosignedArchive
}

// CosignedArchive is the reading side of a CosignedStore.
type CosignedArchive interface {
	// Cosigned gives what PutCosigned stored last, nothing before the first.
	Cosigned() (size uint64, sealed []byte, err error)
}

// cosignedHead is the newest head that a quorum of witnesses has cosigned.
type cosignedHead struct {
	// size is zero before the first.
	size uint64
	note []byte
	// next is closed when there is a newer one.
	next chan struct{}
}

func cosignedPlace(size uint64) string { return fmt.Sprintf("cosigned %d", size) }

// openCosigned reads the cosigned head that is stored. One that the present policy does not
// accept is as good as none: its witnesses were exchanged.
func (e *Engine) openCosigned() error {
	e.cosigned.Store(&cosignedHead{next: make(chan struct{})})
	e.opened = e.published.Load()
	if !e.public.AsksWitnesses() {
		return nil
	}
	store, ok := e.store.Store.(CosignedStore)
	if !ok {
		return errors.New("witnesses are named, and the store keeps no cosigned head")
	}
	size, signed, err := readCosigned(e.vault, store)
	if err != nil || size == 0 {
		return err
	}
	c, err := e.public.open(signed)
	if err != nil {
		return nil
	}
	if err := e.compare(c); err != nil {
		return err
	}
	e.cosigned.Store(&cosignedHead{size: size, note: signed, next: make(chan struct{})})
	return nil
}

// readCosigned unseals the stored head, so that no bit of it can be changed on disk unseen.
func readCosigned(v *vault, archive CosignedArchive) (uint64, []byte, error) {
	size, sealed, err := archive.Cosigned()
	if err == nil && size == 0 && len(sealed) > 0 {
		err = errors.New("a cosigned head is stored for an empty log")
	}
	if err != nil || size == 0 {
		return 0, nil, err
	}
	signed, err := v.open(cosignedPlace(size), sealed)
	return size, signed, err
}

// CosignedHead unseals the cosigned head that an archive holds, nil if there is none.
func CosignedHead(keys *Keys, archive Archive) ([]byte, error) {
	v, err := newVault(keys)
	if err != nil {
		return nil, err
	}
	cosigned, ok := archive.(CosignedArchive)
	if !ok {
		return nil, nil
	}
	_, signed, err := readCosigned(v, cosigned)
	return signed, err
}

// compareCosigned checks that the stored cosigned head is one of the replayed log. Whose
// cosignatures it needs only a policy knows.
func (a *audit) compareCosigned(keys *Keys, head Head) error {
	signed, err := CosignedHead(keys, a.archive)
	if err != nil || signed == nil {
		return err
	}
	policy, err := ParsePolicy(keys.Policy())
	if err != nil {
		return err
	}
	c, err := policy.open(signed)
	if err == nil && (c.Size == 0 || c.Size > head.Size) {
		err = fmt.Errorf("the cosigned head has %d leaves, the log %d", c.Size, head.Size)
	}
	if err != nil {
		return err
	}
	root, err := a.tree.root(c.Size)
	if err == nil && !bytes.Equal(root[:], c.Hash) {
		err = errors.New("the cosigned head is not one of the leaves")
	}
	a.report.Cosigned = c.Size
	return err
}

// compare says whether a signed head is one of this log.
func (e *Engine) compare(c Checkpoint) error {
	if c.Size == 0 || c.Size > e.Size() {
		return fmt.Errorf("the signed head has %d leaves, the log %d", c.Size, e.Size())
	}
	root, err := e.tree.root(c.Size)
	if err == nil && !bytes.Equal(root[:], c.Hash) {
		err = fmt.Errorf("the signed head over %d leaves has another root than the log", c.Size)
	}
	return err
}

// Signed is the newest head under the signature of the log alone: what witnesses are asked to
// cosign. The size is zero before the genesis.
func (e *Engine) Signed() (size uint64, checkpoint []byte) {
	now := e.published.Load()
	return now.head.Size, now.note
}

// Consistency proves that the log over size leaves continues the one over old leaves, RFC 6962
// section 2.1.2. It is empty when old is zero or the same size.
func (e *Engine) Consistency(old, size uint64) ([]tlog.Hash, error) {
	if old > size || size > e.Size() {
		return nil, errNotFound()
	}
	if old == 0 || old == size {
		return nil, nil
	}
	return tlog.ProveTree(int64(size), int64(old), e.tree)
}

// Cosign publishes a head that a quorum of the policy's witnesses has cosigned: durable first,
// and never one with fewer leaves than before. An error leaves what was published.
func (e *Engine) Cosign(signed []byte) error {
	if !e.public.AsksWitnesses() {
		return errors.New("this ledger asks no witnesses")
	}
	c, err := e.public.open(signed)
	if err != nil {
		return err
	}
	if err := e.compare(c); err != nil {
		return err
	}
	e.cosigning.Lock()
	defer e.cosigning.Unlock()
	old := e.cosigned.Load()
	if c.Size < old.size {
		return fmt.Errorf("a head over %d leaves was cosigned before one over %d", old.size, c.Size)
	}
	store, ok := e.store.Store.(CosignedStore)
	if !ok {
		return errors.New("the store keeps no cosigned head")
	}
	if err := store.PutCosigned(c.Size, e.vault.seal(cosignedPlace(c.Size), signed)); err != nil {
		return fmt.Errorf("store the cosigned head: %w", err)
	}
	e.cosigned.Store(&cosignedHead{size: c.Size, note: signed, next: make(chan struct{})})
	close(old.next)
	return nil
}

// CosignedSize is the number of leaves that a quorum of witnesses has cosigned, zero for none.
func (e *Engine) CosignedSize() uint64 { return e.cosigned.Load().size }

// Contradicted judges a head that somebody else holds. It is true when this log's key signed
// it and it is no head of this log: then the disk was rolled back or forked, and a node that
// went on would sign a second history. An error says that it proves nothing.
func (e *Engine) Contradicted(signed []byte) (bool, error) {
	c, err := e.policy.open(signed)
	if err != nil || c.Size == 0 {
		return false, err
	}
	if c.Size > e.Size() {
		return true, nil
	}
	root, err := e.tree.root(c.Size)
	return err == nil && !bytes.Equal(root[:], c.Hash), err
}

// Checkpoint is the head that the log publishes. Without witnesses it is the newest signed
// one. With them it is the newest that a quorum has cosigned; and while there is none, the one
// that the ledger was opened with, so that what is published never moves without a quorum, and
// never back.
func (e *Engine) Checkpoint() ([]byte, error) {
	signed := e.published.Load().note
	if e.public.AsksWitnesses() {
		signed = e.opened.note
		if c := e.cosigned.Load(); c.size > 0 {
			signed = c.note
		}
	}
	if signed == nil {
		return nil, errNotFound()
	}
	return signed, nil
}

// headOver is the head that a receipt for an entry carries: the newest cosigned one if it
// covers the entry, else the newest signed one.
func (e *Engine) headOver(index uint64) (size uint64, checkpoint []byte) {
	if c := e.cosigned.Load(); index < c.size {
		return c.size, c.note
	}
	return e.Signed()
}

// awaitCosigned waits until a cosigned head covers an entry.
func (e *Engine) awaitCosigned(ctx context.Context, index uint64) error {
	for {
		c := e.cosigned.Load()
		if index < c.size {
			return nil
		}
		select {
		case <-c.next:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stopped:
			return ErrClosed
		}
	}
}

// witnessed waits for the receipt, and then for one that a quorum of witnesses has cosigned.
// When the second wait fails the command is committed all the same: the reply then holds the
// receipt as it is, and Witnessed is false.
func (t *Ticket) witnessed(ctx context.Context) (Reply, error) {
	e := t.engine
	r, err := t.Reply(ctx, ForReceipt)
	if err != nil || r.Receipt == "" || !e.public.AsksWitnesses() || e.awaitCosigned(ctx, r.Index) != nil {
		return r, err
	}
	s, err := e.sealedAt(r.Index)
	if err != nil {
		return r, err
	}
	receipt, err := e.receipt(s, s.Sender)
	r.Receipt, r.Witnessed = string(receipt), err == nil
	return r, err
}
