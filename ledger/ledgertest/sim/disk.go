package sim

import (
	"bytes"
	"errors"
	"fmt"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// Storage makes the stores that a simulated node lives on, one after the other.
type Storage interface {
	// Open gives the store with what it holds.
	Open() (ledger.Store, error)
	// Crash ends the process, and for some n the power: what was not promised may be gone. The
	// open store is closed after it.
	Crash(n uint64)
	// Arm lets something go wrong below the store, about at the nth operation from now.
	Arm(what, nth int)
	// State says that something was armed since the last Crash, and that the power is gone.
	State() (armed, dead bool)
}

// memory is a Storage that loses nothing.
type memory struct{ store *ledgertest.Memory }

// Memory is the Storage of a run that is given none.
func Memory() Storage { return memory{ledgertest.NewMemory()} }

// Open implements Storage.
func (m memory) Open() (ledger.Store, error) { return m.store, nil }

// Crash implements Storage.
func (m memory) Crash(uint64) {}

// Arm implements Storage.
func (m memory) Arm(int, int) {}

// State implements Storage.
func (m memory) State() (armed, dead bool) { return false, false }

// errDisk is what a disk fails with.
var errDisk = errors.New("simulated disk fault")

// disk is a store that fails when it is told to.
type disk struct {
	ledger.Store
	s *simulation
	// lose and keep fail the next Append before and after its effect, full every Append.
	lose, keep, full bool
	// slow is how long the next Append takes.
	slow domain.Millis
	// failIn and flipIn count down the reads to the one that fails or gives turned bits; 0 for none.
	failIn, flipIn int
	// flipTiles lets turned bits come in tiles only, which are read once after an opening.
	flipTiles bool
	// fired says that something failed since the last calm.
	fired bool
}

// calm ends all troubles.
func (d *disk) calm() {
	d.lose, d.keep, d.full, d.slow, d.failIn, d.flipIn, d.flipTiles, d.fired = false, false, false, 0, 0, 0, false, false
}

// failing says that a failure now has a reason.
func (d *disk) failing() bool {
	armed, _ := d.s.Storage.State()
	return d.fired || armed
}

func (d *disk) fault(what string) error {
	d.fired = true
	d.s.report.Faults++
	d.s.trace.line("disk: %s", what)
	return fmt.Errorf("%s: %w", what, errDisk)
}

// Append implements ledger.Store.
func (d *disk) Append(c ledger.Commit) error {
	d.s.clock += d.slow
	if d.full {
		return d.fault("disk full")
	}
	if d.lose {
		return d.fault("append lost")
	}
	if err := d.Store.Append(c); err != nil {
		return err
	}
	if d.keep {
		return d.fault("append kept")
	}
	return nil
}

// read says whether this read fails, and whether it turns a bit.
func (d *disk) read(what string) (flip bool, err error) {
	if d.failIn > 0 {
		if d.failIn--; d.failIn == 0 {
			return false, d.fault("read of " + what)
		}
	}
	return d.flipIn > 0, nil
}

// flip turns one bit of a copy. It counts down the pieces that could be hit.
func (d *disk) flip(flipping bool, what string, data []byte) []byte {
	if !flipping || d.flipIn == 0 || len(data) == 0 || d.flipTiles && what != "a tile" {
		return data
	}
	if d.flipIn--; d.flipIn > 0 {
		return data
	}
	d.fault("bit of " + what)
	data = bytes.Clone(data)
	c := d.s.luck[BitFlips]
	data[c.IntN(len(data))] ^= 1 << c.IntN(8)
	return data
}

// Entries implements ledger.Archive.
func (d *disk) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	flip, err := d.read("entries")
	if err != nil {
		return err
	}
	return d.Store.Entries(from, limit, func(e ledger.StoredEntry) error {
		e.Body = d.flip(flip, "an entry", e.Body)
		e.Leaf = d.flip(flip, "a leaf", e.Leaf)
		return visit(e)
	})
}

// Slots implements ledger.Archive.
func (d *disk) Slots(q ledger.SlotQuery, visit func(ledger.StoredSlot) error) error {
	flip, err := d.read("slots")
	if err != nil {
		return err
	}
	return d.Store.Slots(q, func(s ledger.StoredSlot) error {
		s.Body = d.flip(flip, "a slot", s.Body)
		return visit(s)
	})
}

// Tile implements ledger.Archive.
func (d *disk) Tile(level int, n uint64) ([]byte, error) {
	flip, err := d.read("a tile")
	if err != nil {
		return nil, err
	}
	data, err := d.Store.Tile(level, n)
	return d.flip(flip, "a tile", data), err
}

// Find implements ledger.Archive.
func (d *disk) Find(tags [][]byte) (map[string]ledger.StoredID, error) {
	if _, err := d.read("identities"); err != nil {
		return nil, err
	}
	return d.Store.Find(tags)
}

// Refs implements ledger.Archive.
func (d *disk) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	if _, err := d.read("references"); err != nil {
		return nil, err
	}
	return d.Store.Refs(tag, from, limit)
}
