package faultdisk

import (
	"strings"

	sqlite3 "modernc.org/sqlite/lib"
)

// Kind is what goes wrong.
type Kind int

// The faults.
const (
	// ReadError fails a read.
	ReadError Kind = iota + 1
	// ReadFlip gives a read with one bit changed, in the middle of what was asked; the file keeps its own.
	ReadFlip
	// WriteError fails a write without effect.
	WriteError
	// SyncError fails a sync, and what it should have made durable never is, though readers go on
	// seeing it until the power goes: Linux marks pages that could not be written as clean.
	SyncError
	// Locked refuses locks, as if another process held them.
	Locked
	// ReadOnly refuses to open files for writing, and writes, as after a remount for errors.
	ReadOnly
)

// Fault is one way to fail. The zero values of File, After and Times mean: every operation of
// the kind, until Heal.
type Fault struct {
	Kind Kind
	// File is how the names end that it strikes, such as "-wal".
	File string
	// After is how many operations it lets pass first.
	After int
	// Times is how many it strikes then, zero for all.
	Times int

	struck int
}

// Inject adds a fault.
func (d *Disk) Inject(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
}

// Heal lifts every fault that was injected.
func (d *Disk) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// strikes says whether a fault of a kind hits this operation.
func (d *Disk) strikes(kind Kind, path string) bool {
	hit := false
	for _, f := range d.faults {
		if f.Kind != kind || !strings.HasSuffix(path, f.File) {
			continue
		}
		f.struck++
		if n := f.struck - f.After; n > 0 && (f.Times == 0 || n <= f.Times) {
			hit = true
		}
	}
	return hit
}

// Operation is something that the disk is asked to do.
type Operation struct {
	Kind OperationKind
	File string
	// Bytes is how much is read or written.
	Bytes int
}

// OperationKind names an operation.
type OperationKind int

// The operations that take time.
const (
	Read OperationKind = iota + 1
	Write
	Truncate
	Sync
	Delete
)

// Observe calls back before each operation, nil for no longer: to slow the disk down against a
// virtual clock, or to do something at a certain write. The callback must not use the disk.
func (d *Disk) Observe(callback func(Operation)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observer = callback
}

// step begins an operation. It returns SQLITE_OK if it shall succeed; under says that the power goes
// in the middle of it.
func (d *Disk) step(op Operation) (under bool, code int32) {
	if d.observer != nil {
		d.observer(op)
	}
	if d.dead {
		return false, failures[op.Kind]
	}
	if op.Kind == Read {
		return false, sqlite3.SQLITE_OK
	}
	d.steps++
	if d.steps == d.cut {
		d.dead = true
		return true, failures[op.Kind]
	}
	return false, sqlite3.SQLITE_OK
}

// failures are the errors of the operations.
var failures = map[OperationKind]int32{
	Read: sqlite3.SQLITE_IOERR_READ, Write: sqlite3.SQLITE_IOERR_WRITE, Truncate: sqlite3.SQLITE_IOERR_TRUNCATE,
	Sync: sqlite3.SQLITE_IOERR_FSYNC, Delete: sqlite3.SQLITE_IOERR_DELETE,
}
