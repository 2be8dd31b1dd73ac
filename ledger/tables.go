package ledger

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
)

// DefaultTableInterval is how many leaves the log grows before identities, references and slots are
// written to their tables. Between two such moments the log alone is the truth on disk and
// what it adds to the tables is held in memory: a hot account's balance is written once, not
// a thousand times, and rows come in the order of their keys.
const DefaultTableInterval = 4096

// MaxHeldRows bounds what is held of identities, references and changes of slots, whatever the
// number of leaves: a bulk adds two thousand with one. It bounds the memory, the largest
// transaction, and what opening has to execute again.
const MaxHeldRows = 1 << 15

// tables is a Store whose tables lag behind its log. Reads see both together; when a ledger is
// opened, executing the leaves after Head.Indexed again gives what was held. Append has one
// caller; everything else is safe for concurrent use.
type tables struct {
	Store
	interval uint64
	mu       sync.RWMutex
	recent   recent
}

// recent is what the leaves from Head.Indexed on add to the tables, by tag.
type recent struct {
	from uint64
	// held counts the rows, slots as often as they changed.
	held  int
	ids   map[string]uint64
	refs  map[string][]uint64
	slots map[string]StoredSlot
	// members are the slots that joined each list.
	members map[string]map[string]bool
}

func newRecent(from uint64) recent {
	return recent{
		from: from, ids: map[string]uint64{}, refs: map[string][]uint64{}, slots: map[string]StoredSlot{}, members: map[string]map[string]bool{},
	}
}

func newTables(s Store, head Head, interval uint64) *tables {
	return &tables{Store: s, interval: interval, recent: newRecent(head.Indexed)}
}

// Append implements Store.
func (t *tables) Append(c Commit) error {
	c.Head.Indexed = t.recent.from
	if c.Head.Size-t.recent.from < t.interval && t.recent.held+c.rows() < MaxHeldRows {
		logOnly := c
		logOnly.IDs, logOnly.Refs, logOnly.Slots = nil, nil, nil
		if err := t.Store.Append(logOnly); err != nil {
			return err
		}
		t.hold(c)
		return nil
	}
	all := t.recent.and(c) // apart: nobody is to read what is not on disk yet
	c.IDs, c.Refs, c.Slots = all.rows()
	c.Head.Indexed = c.Head.Size
	if err := t.Store.Append(c); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent = newRecent(c.Head.Indexed)
	return nil
}

// rows counts what a commit adds to the tables.
func (c Commit) rows() int { return len(c.IDs) + len(c.Refs) + len(c.Slots) }

// hold adds what a batch changes to what is held.
func (t *tables) hold(c Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent.add(c)
}

func (r *recent) add(c Commit) {
	r.held += c.rows()
	for _, id := range c.IDs {
		r.ids[string(id.Tag)] = id.Index
	}
	for _, ref := range c.Refs {
		r.refs[string(ref.Tag)] = append(r.refs[string(ref.Tag)], ref.Index)
	}
	for _, slot := range c.Slots {
		r.put(slot)
	}
}

// and gives the rows of both, without the lists that are for readers.
func (r recent) and(c Commit) recent {
	r.ids, r.refs, r.slots, r.members = maps.Clone(r.ids), maps.Clone(r.refs), maps.Clone(r.slots), map[string]map[string]bool{}
	r.add(c)
	return r
}

func (r *recent) put(slot StoredSlot) {
	tag := string(slot.Tag)
	for _, list := range slot.Members {
		if r.members[string(list)] == nil {
			r.members[string(list)] = map[string]bool{}
		}
		r.members[string(list)][tag] = true
	}
	slot.Members = append(slot.Members, r.slots[tag].Members...)
	r.slots[tag] = slot
}

// rows gives everything held, in the order of the tables' keys.
func (r *recent) rows() (ids []StoredID, refs []StoredRef, slots []StoredSlot) {
	for _, tag := range slices.Sorted(maps.Keys(r.ids)) {
		ids = append(ids, StoredID{Tag: []byte(tag), Index: r.ids[tag]})
	}
	for _, tag := range slices.Sorted(maps.Keys(r.refs)) {
		for _, index := range r.refs[tag] {
			refs = append(refs, StoredRef{Tag: []byte(tag), Index: index})
		}
	}
	slots = slices.SortedFunc(maps.Values(r.slots), func(a, b StoredSlot) int { return bytes.Compare(a.Tag, b.Tag) })
	return ids, refs, slots
}

// Find implements Archive. What is held is asked first: what leaves it meanwhile is in the table.
func (t *tables) Find(tags [][]byte) (map[string]StoredID, error) {
	found, rest := map[string]StoredID{}, make([][]byte, 0, len(tags))
	t.mu.RLock()
	for _, tag := range tags {
		if index, ok := t.recent.ids[string(tag)]; ok {
			found[string(tag)] = StoredID{Tag: tag, Index: index}
			continue
		}
		rest = append(rest, tag)
	}
	t.mu.RUnlock()
	stored, err := t.Store.Find(rest)
	maps.Copy(found, stored)
	return found, err
}

// held copies the references that are held under a tag, and says from which index on they count.
func (t *tables) held(tag []byte) (indexes []uint64, from uint64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.recent.refs[string(tag)]), t.recent.from
}

// Refs implements Archive.
func (t *tables) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	held, since := t.held(tag)
	var indexes []uint64
	if from < since {
		stored, err := t.Store.Refs(tag, from, limit)
		if err != nil {
			return nil, err
		}
		end, _ := slices.BinarySearch(stored, since)
		indexes = stored[:end]
	}
	start, _ := slices.BinarySearch(held, from)
	indexes = append(indexes, held[start:]...)
	return indexes[:min(limit, len(indexes))], nil
}

// RefsBefore implements Archive.
func (t *tables) RefsBefore(tag []byte, before uint64, limit int) ([]uint64, error) {
	held, since := t.held(tag)
	end, _ := slices.BinarySearch(held, before)
	indexes := held[max(0, end-limit):end]
	slices.Reverse(indexes)
	if len(indexes) == limit {
		return indexes, nil
	}
	stored, err := t.Store.RefsBefore(tag, min(before, since), limit-len(indexes))
	return append(indexes, stored...), err
}

// Slots implements Archive.
func (t *tables) Slots(q SlotQuery, visit func(StoredSlot) error) error {
	switch {
	case q.Tag != nil:
		t.mu.RLock()
		slot, held := t.recent.slots[string(q.Tag)]
		t.mu.RUnlock()
		if !held {
			return t.Store.Slots(q, visit)
		}
		return visitPresent([]StoredSlot{slot}, visit)
	case q.Member != nil:
		return t.page(q, visit)
	}
	t.mu.RLock()
	held := maps.Clone(t.recent.slots)
	t.mu.RUnlock()
	err := t.Store.Slots(q, func(s StoredSlot) error {
		if _, changed := held[string(s.Tag)]; changed {
			return nil
		}
		return visit(s)
	})
	if err != nil {
		return err
	}
	all := slices.SortedFunc(maps.Values(held), func(a, b StoredSlot) int { return bytes.Compare(a.Tag, b.Tag) })
	return visitPresent(slices.DeleteFunc(all, func(s StoredSlot) bool { return q.OpenOnly && !s.Open }), visit)
}

// look reads one slot, and the store also if a newer one is held: who asks for what is not
// his to see must not learn from the work whether it changed of late.
func (t *tables) look(tag []byte, visit func(StoredSlot) error) error {
	t.mu.RLock()
	_, held := t.recent.slots[string(tag)]
	t.mu.RUnlock()
	if held {
		if err := t.Store.Slots(SlotQuery{Tag: tag}, func(StoredSlot) error { return nil }); err != nil {
			return err
		}
	}
	return t.Slots(SlotQuery{Tag: tag}, visit)
}

func visitPresent(slots []StoredSlot, visit func(StoredSlot) error) error {
	for _, slot := range slots {
		if slot.Body == nil {
			continue
		}
		if err := visit(slot); err != nil {
			return err
		}
	}
	return nil
}

// page merges one page of a list with what is held of it.
func (t *tables) page(q SlotQuery, visit func(StoredSlot) error) error {
	merged := map[string]StoredSlot{}
	t.mu.RLock()
	held := maps.Clone(t.recent.slots)
	for tag := range t.recent.members[string(q.Member)] { //tidy:ordered sorted below
		if tag > string(q.After) {
			merged[tag] = held[tag]
		}
	}
	t.mu.RUnlock()
	err := t.Store.Slots(q, func(s StoredSlot) error {
		if changed, ok := held[string(s.Tag)]; ok {
			s = changed
		}
		merged[string(s.Tag)] = s
		return nil
	})
	if err != nil {
		return err
	}
	all := slices.SortedFunc(maps.Values(merged), func(a, b StoredSlot) int { return cmp.Compare(string(a.Tag), string(b.Tag)) })
	return visitPresent(all[:min(q.Limit, len(all))], visit)
}
