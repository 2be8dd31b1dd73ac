package faultdisk

import "math/rand/v2"

// sector is what a disk writes as a whole.
const sector = 512

// file is one file, whatever its names.
type file struct {
	now     []byte   // as readers see it
	platter []byte   // as of the last sync
	pending []change // since then, in order
	locks   locks
	shared  sharedMemory
}

// change is a write, or a truncation if data is nil.
type change struct {
	at   int64 // offset, or the new length
	data []byte
}

func (c change) apply(to []byte) []byte {
	if c.data == nil {
		return resize(to, c.at)
	}
	if end := c.at + int64(len(c.data)); end > int64(len(to)) {
		to = resize(to, end)
	}
	copy(to[c.at:], c.data)
	return to
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

func (f *file) change(c change) {
	f.now = c.apply(f.now)
	f.pending = append(f.pending, c)
}

func (f *file) sync() {
	for _, c := range f.pending {
		f.platter = c.apply(f.platter)
	}
	f.pending = nil
}

// fate is how a loss of power treats what was not synced.
type fate int

const (
	lost fate = iota
	kept
	// cutShort keeps the changes up to one of them, which is torn.
	cutShort
	// scattered keeps, loses or tears each change by itself.
	scattered
	fates
)

// survive gives the content after a loss of power.
func (f *file) survive(how fate, chance *rand.Rand) []byte {
	content := append([]byte{}, f.platter...)
	last := 0
	if how == cutShort && len(f.pending) > 0 {
		last = chance.IntN(len(f.pending))
	}
	for i, c := range f.pending {
		switch {
		case how == kept, how == cutShort && i < last:
			content = c.apply(content)
		case how == cutShort && i == last, how == scattered:
			content = c.partly(content, chance)
		}
	}
	return content
}

// partly applies all of a change, nothing, some of its sectors, or only the length it gives the file.
func (c change) partly(to []byte, chance *rand.Rand) []byte {
	choice := chance.IntN(4)
	switch {
	case choice == 0:
		return to
	case choice == 1 || c.data == nil:
		return c.apply(to)
	case choice == 2:
		return resize(to, max(int64(len(to)), c.at+int64(len(c.data))))
	}
	for from := c.at; from < c.at+int64(len(c.data)); {
		until := min((from/sector+1)*sector, c.at+int64(len(c.data)))
		if chance.IntN(2) == 0 {
			to = change{at: from, data: c.data[from-c.at : until-c.at]}.apply(to)
		}
		from = until
	}
	return to
}
