package ledger

import (
	"encoding/binary"
	"testing"
)

// written is a Store that remembers what was appended.
type written struct {
	Store
	commits []Commit
}

func (w *written) Append(c Commit) error {
	w.commits = append(w.commits, c)
	return nil
}

// The tables follow after so many leaves, or so many rows: bulks put thousands of them under one leaf.
func TestTablesFollowLeavesAndRows(t *testing.T) {
	const each = 1000
	for name, c := range map[string]struct {
		interval uint64
		after    int // batches of two leaves
	}{"leaves": {10, 5}, "rows": {1 << 40, (MaxHeldRows + each - 1) / each}} {
		store := &written{}
		tables := newTables(store, Head{}, c.interval)
		for n := range 2*c.after + 1 {
			commit := Commit{Head: Head{Size: 2 * uint64(n+1)}}
			for i := range each {
				commit.Slots = append(commit.Slots, StoredSlot{Tag: binary.BigEndian.AppendUint32(nil, uint32(i))})
			}
			if err := tables.Append(commit); err != nil {
				t.Fatal(err)
			}
			last := store.commits[n]
			if whole := (n+1)%c.after == 0; whole != (len(last.Slots) == each) || !whole && len(last.Slots) > 0 || whole != (last.Head.Indexed == last.Head.Size) {
				t.Fatalf("%s: batch %d writes %d slots, indexed to %d of %d", name, n+1, len(last.Slots), last.Head.Indexed, last.Head.Size)
			}
		}
	}
}
