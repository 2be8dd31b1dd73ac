package faultdisk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash is a loss of power, and its return: every file that was open stays open on a disk that is
// gone, and the directory holds what the platters do. Everything synced is there. What was not is
// all lost for seeds 0, 4, 8 and so on, all kept for 1, 5, 9, kept up to a torn change for 2, 6,
// 10, and kept, lost or torn change by change for 3, 7, 11; which ones, the seed decides. Cut,
// faults and capacity are lifted.
func (d *Disk) Crash(seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	chance := rand.New(rand.NewPCG(seed, 0x6661756c746469))
	how := fate(seed % uint64(fates))
	after := map[string]*name{}
	for _, path := range slices.Sorted(maps.Keys(d.names)) {
		n := d.names[path]
		f := n.past[0]
		switch {
		case how == kept:
			f = n.now
		case how != lost:
			f = n.past[chance.IntN(len(n.past))]
		}
		if f == nil {
			continue
		}
		content := f.survive(how, chance)
		restored := &file{now: content, platter: slices.Clone(content)}
		after[path] = &name{now: restored, past: []*file{restored}}
	}
	d.names, d.faults, d.capacity, d.cut, d.dead = after, nil, 0, 0, false
	d.generation++
}

// Kill is the end of the process that uses the disk, without a warning: its files are open no longer
// and its locks are gone, while the system goes on to hold what it wrote. Power that goes later still
// finds it unsynced.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := map[*file]*file{nil: nil}
	again := func(f *file) *file {
		if fresh[f] == nil && f != nil {
			fresh[f] = &file{now: slices.Clone(f.now), platter: slices.Clone(f.platter), pending: slices.Clone(f.pending)}
		}
		return fresh[f]
	}
	for _, n := range d.names {
		n.now = again(n.now)
		for i := range n.past {
			n.past[i] = again(n.past[i])
		}
	}
	d.generation++
}
