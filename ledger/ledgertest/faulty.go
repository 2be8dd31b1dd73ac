package ledgertest

import (
	"errors"
	"fmt"
	"sync"

	"aval/domain"
	"aval/ledger"
)

// ErrInjected is what a Faulty store fails with.
var ErrInjected = errors.New("injected fault")

// The operations of a store that can be made to fail.
const (
	OpAppend     = "Append"
	OpQuarantine = "Quarantine"
	OpHead       = "Head"
	OpEntries    = "Entries"
	OpTile       = "Tile"
	OpFind       = "Find"
	OpRefs       = "Refs"
	OpSlots      = "Slots"
	OpSubject    = "Subject"
	OpPrivate    = "Private"

	OpPutCosigned = "PutCosigned"
	OpCosigned    = "Cosigned"
)

// Faulty fails one call of a store, once: before it had its effect (lost) or after (kept).
// What a power cut does to a caller, it does too: the caller cannot tell which it was.
type Faulty struct {
	Inner ledger.Store

	mu    sync.Mutex
	calls map[string]int
	op    string
	nth   int
	kept  bool
	fired bool
}

// NewFaulty wraps a store that fails at the nth call (from 1) of the operation.
func NewFaulty(inner ledger.Store, op string, nth int, kept bool) *Faulty {
	return &Faulty{Inner: inner, calls: map[string]int{}, op: op, nth: nth, kept: kept}
}

// Fired says whether the fault has happened.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// Calls counts the calls of an operation so far.
func (f *Faulty) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// do runs one call of an operation, or what the fault leaves of it.
func (f *Faulty) do(op string, call func() error) error {
	f.mu.Lock()
	f.calls[op]++
	fail := op == f.op && f.calls[op] == f.nth
	f.fired = f.fired || fail
	f.mu.Unlock()
	if fail && !f.kept {
		return fmt.Errorf("%s %d: %w, effect lost", op, f.nth, ErrInjected)
	}
	if err := call(); err != nil || !fail {
		return err
	}
	return fmt.Errorf("%s %d: %w, effect kept", op, f.nth, ErrInjected)
}

// Append implements ledger.Store.
func (f *Faulty) Append(c ledger.Commit) error {
	return f.do(OpAppend, func() error { return f.Inner.Append(c) })
}

// Quarantine implements ledger.Store.
func (f *Faulty) Quarantine(at domain.Millis, reason string, sealed []byte, limit int) error {
	return f.do(OpQuarantine, func() error { return f.Inner.Quarantine(at, reason, sealed, limit) })
}

// PutCosigned implements ledger.CosignedStore. The inner store must be one.
func (f *Faulty) PutCosigned(size uint64, sealed []byte) error {
	return f.do(OpPutCosigned, func() error { return f.Inner.(ledger.CosignedStore).PutCosigned(size, sealed) })
}

// Cosigned implements ledger.CosignedArchive. The inner store must be a ledger.CosignedStore.
func (f *Faulty) Cosigned() (size uint64, sealed []byte, err error) {
	err = f.do(OpCosigned, func() (err error) {
		size, sealed, err = f.Inner.(ledger.CosignedStore).Cosigned()
		return err
	})
	return size, sealed, err
}

// Close implements ledger.Store.
func (f *Faulty) Close() error { return f.Inner.Close() }

// Head implements ledger.Archive.
func (f *Faulty) Head() (head ledger.Head, note []byte, err error) {
	err = f.do(OpHead, func() (err error) {
		head, note, err = f.Inner.Head()
		return err
	})
	return head, note, err
}

// Entries implements ledger.Archive.
func (f *Faulty) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	return f.do(OpEntries, func() error { return f.Inner.Entries(from, limit, visit) })
}

// Tile implements ledger.Archive.
func (f *Faulty) Tile(level int, n uint64) (data []byte, err error) {
	err = f.do(OpTile, func() (err error) {
		data, err = f.Inner.Tile(level, n)
		return err
	})
	return data, err
}

// Find implements ledger.Archive.
func (f *Faulty) Find(tags [][]byte) (found map[string]ledger.StoredID, err error) {
	err = f.do(OpFind, func() (err error) {
		found, err = f.Inner.Find(tags)
		return err
	})
	return found, err
}

// Refs implements ledger.Archive.
func (f *Faulty) Refs(tag []byte, from uint64, limit int) (indexes []uint64, err error) {
	err = f.do(OpRefs, func() (err error) {
		indexes, err = f.Inner.Refs(tag, from, limit)
		return err
	})
	return indexes, err
}

// RefsBefore implements ledger.Archive. It counts as one of OpRefs.
func (f *Faulty) RefsBefore(tag []byte, before uint64, limit int) (indexes []uint64, err error) {
	err = f.do(OpRefs, func() (err error) {
		indexes, err = f.Inner.RefsBefore(tag, before, limit)
		return err
	})
	return indexes, err
}

// Slots implements ledger.Archive.
func (f *Faulty) Slots(q ledger.SlotQuery, visit func(ledger.StoredSlot) error) error {
	return f.do(OpSlots, func() error { return f.Inner.Slots(q, visit) })
}

// Subject implements ledger.PrivateArchive.
func (f *Faulty) Subject(tag []byte) (key []byte, err error) {
	err = f.do(OpSubject, func() (err error) {
		key, err = f.Inner.Subject(tag)
		return err
	})
	return key, err
}

// Subjects implements ledger.PrivateArchive. It counts as one of OpSubject.
func (f *Faulty) Subjects(visit func(ledger.StoredSubject) error) error {
	return f.do(OpSubject, func() error { return f.Inner.Subjects(visit) })
}

// Private implements ledger.PrivateArchive.
func (f *Faulty) Private(q ledger.PrivateQuery, visit func(ledger.StoredPrivate) error) error {
	return f.do(OpPrivate, func() error { return f.Inner.Private(q, visit) })
}
