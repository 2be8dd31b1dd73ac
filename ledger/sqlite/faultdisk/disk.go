// Package faultdisk is a disk in memory that fails as real ones do, put under the real SQLite
// by its VFS interface (https://sqlite.org/vfs.html). It is for tests.
//
// What was written is seen at once, as through a page cache, and is durable only after a sync.
// Crash is a loss of power: of what was not synced yet, each write may be there, missing, or
// there in part, in any order, and so may names in the directory. Faults make single operations
// fail. Everything that chance decides follows from seeds and from the order of operations, so
// a run repeats.
//
//	disk, err := faultdisk.New()
//	store, err := sqlite.Create("ledger.db", sqlite.OnVFS(disk.Name()))
//	disk.CutAt(7)   // power goes at the seventh write, truncation, sync or deletion from now
//	...             // work until it fails
//	disk.Crash(42)  // what the platters hold
//	store, err = sqlite.Open("ledger.db", sqlite.OnVFS(disk.Name()))
package faultdisk

import (
	"slices"
	"sync"
)

// Disk is one disk with one directory. Safe for concurrent use.
type Disk struct {
	vfs registration

	mu    sync.Mutex
	names map[string]*name
	steps int
	cut   int // the step at which power goes, 0 for never
	dead  bool
	// generation counts the crashes: what was opened before one is open no longer.
	generation int
	capacity   int64 // 0 for no bound
	faults     []*Fault
	observer   func(Operation)
}

// name is one entry of the directory. past holds what it led to since the directory was last
// synced, the durable one first; nil means that there is no such file.
type name struct {
	now  *file
	past []*file
}

// New makes an empty disk and registers it with SQLite under Name.
func New() (*Disk, error) {
	d := &Disk{names: map[string]*name{}}
	return d, d.register()
}

// Name is the VFS to open a database on.
func (d *Disk) Name() string { return d.vfs.name }

// Steps counts the writes, truncations, syncs and deletions so far: the moments at which a cut
// makes a difference.
func (d *Disk) Steps() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.steps
}

// CutAt lets power go at the nth step from now: that step is under way and may have any part of
// its effect, it and everything later fails. Only Crash brings the disk back. Zero takes back a cut that has not come.
func (d *Disk) CutAt(nth int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = d.steps + nth
}

// SetCapacity bounds the bytes of all files together; what would exceed it fails with
// SQLITE_FULL. Zero lifts the bound.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// Used is the bytes of all files together.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used()
}

func (d *Disk) used() (total int64) {
	for _, n := range d.names {
		if n.now != nil {
			total += int64(len(n.now.now))
		}
	}
	return total
}

// Files lists the names in the directory, in order.
func (d *Disk) Files() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for path, n := range d.names {
		if n.now != nil {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

// ReadFile gives what a reader would see of a file, nil if there is none.
func (d *Disk) ReadFile(path string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.find(path); f != nil {
		return slices.Clone(f.now)
	}
	return nil
}

// WriteFile puts a file there, durably, as a backup that is restored or a sector that rots. A
// database that is open goes on with the new content: its locks and its index stay. Nil data
// removes the file.
func (d *Disk) WriteFile(path string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if data == nil {
		delete(d.names, path)
		return
	}
	f := d.find(path)
	if f == nil {
		f = &file{}
	}
	f.now, f.platter, f.pending = slices.Clone(data), slices.Clone(data), nil
	d.names[path] = &name{now: f, past: []*file{f}}
}

// find gives the file under a name, nil for none. The caller holds mu, here and below.
func (d *Disk) find(path string) *file {
	if n := d.names[path]; n != nil {
		return n.now
	}
	return nil
}

// link makes a name lead to f, nil for nowhere, durably only after syncNames.
func (d *Disk) link(path string, f *file) {
	n := d.names[path]
	if n == nil {
		n = &name{past: []*file{nil}}
		d.names[path] = n
	}
	n.now = f
	n.past = append(n.past, f)
}

func (d *Disk) syncNames() {
	for _, n := range d.names {
		n.past = []*file{n.now}
	}
}
