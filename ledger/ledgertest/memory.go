package ledgertest

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	"aval/domain"
	"aval/ledger"
)

// Memory is a Store that lasts as long as the process. It copies what it is given and what
// it gives, so that nobody shares its bytes. Close keeps the contents: a Memory can be
// opened by the next engine.
type Memory struct {
	mu         sync.RWMutex
	head       ledger.Head
	signed     []byte
	entries    []ledger.StoredEntry
	ids        map[string]ledger.StoredID
	refs       map[string][]uint64
	slots      map[string]ledger.StoredSlot
	members    map[string]map[string]bool
	tiles      map[tileKey][]byte
	quarantine []ledger.StoredMessage
	// cosigned is the newest cosigned head, sealed, over cosignedSize leaves.
	cosigned     []byte
	cosignedSize uint64
	beside       beside
}

type tileKey struct {
	level int
	n     uint64
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		ids: map[string]ledger.StoredID{}, refs: map[string][]uint64{}, slots: map[string]ledger.StoredSlot{},
		members: map[string]map[string]bool{}, tiles: map[tileKey][]byte{},
		beside: beside{subjects: map[string][]byte{}},
	}
}

var errStore = errors.New("memory store: the commit does not follow")

// Append implements ledger.Store.
func (m *Memory) Append(c ledger.Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(c); err != nil {
		return err
	}
	for _, e := range c.Entries {
		m.entries = append(m.entries, ledger.StoredEntry{Index: e.Index, Leaf: bytes.Clone(e.Leaf), Body: bytes.Clone(e.Body)})
	}
	for _, id := range c.IDs {
		m.ids[string(id.Tag)] = ledger.StoredID{Tag: bytes.Clone(id.Tag), Index: id.Index}
	}
	for _, ref := range c.Refs {
		m.refs[string(ref.Tag)] = append(m.refs[string(ref.Tag)], ref.Index)
	}
	for _, slot := range c.Slots {
		m.set(slot)
	}
	for _, tile := range c.Tiles {
		m.tiles[tileKey{tile.Level, tile.N}] = bytes.Clone(tile.Data)
	}
	m.beside.change(c.Private)
	m.head, m.signed = c.Head, bytes.Clone(c.Checkpoint)
	return nil
}

// check refuses a commit before anything of it is kept.
func (m *Memory) check(c ledger.Commit) error {
	if m.head.Size+uint64(len(c.Entries)) != c.Head.Size || c.Head.Sequence <= m.head.Sequence || c.Head.Now <= m.head.Now {
		return errStore
	}
	for i, e := range c.Entries {
		if e.Index != m.head.Size+uint64(i) {
			return errStore
		}
	}
	for _, id := range c.IDs {
		if _, taken := m.ids[string(id.Tag)]; taken {
			return errStore
		}
	}
	return m.beside.check(c.Private)
}

func (m *Memory) set(slot ledger.StoredSlot) {
	if slot.Body == nil {
		delete(m.slots, string(slot.Tag))
		return
	}
	m.slots[string(slot.Tag)] = ledger.StoredSlot{Tag: bytes.Clone(slot.Tag), Body: bytes.Clone(slot.Body), Open: slot.Open}
	for _, list := range slot.Members {
		if m.members[string(list)] == nil {
			m.members[string(list)] = map[string]bool{}
		}
		m.members[string(list)][string(slot.Tag)] = true
	}
}

// Quarantine implements ledger.Store.
func (m *Memory) Quarantine(at domain.Millis, reason string, sealed []byte, limit int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quarantine = append(m.quarantine, ledger.StoredMessage{At: at, Reason: reason, Body: bytes.Clone(sealed)})
	m.quarantine = m.quarantine[max(0, len(m.quarantine)-limit):]
	return nil
}

// PutCosigned implements ledger.CosignedStore.
func (m *Memory) PutCosigned(size uint64, sealed []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size < m.cosignedSize {
		return errStore
	}
	m.cosignedSize, m.cosigned = size, bytes.Clone(sealed)
	return nil
}

// Cosigned implements ledger.CosignedArchive.
func (m *Memory) Cosigned() (uint64, []byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.cosignedSize, bytes.Clone(m.cosigned), nil
}

// Quarantined counts the messages in quarantine.
func (m *Memory) Quarantined() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.quarantine)
}

// Messages implements ledger.Quarantine.
func (m *Memory) Messages(visit func(ledger.StoredMessage) error) error {
	m.mu.RLock()
	all := slices.Clone(m.quarantine)
	m.mu.RUnlock()
	for _, message := range all {
		if err := visit(message); err != nil {
			return err
		}
	}
	return nil
}

// Close implements ledger.Store.
func (m *Memory) Close() error { return nil }

// Head implements ledger.Archive.
func (m *Memory) Head() (ledger.Head, []byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head, bytes.Clone(m.signed), nil
}

// Entries implements ledger.Archive.
func (m *Memory) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	m.mu.RLock()
	start := min(from, uint64(len(m.entries)))
	page := m.entries[start:min(start+uint64(max(limit, 0)), uint64(len(m.entries)))]
	m.mu.RUnlock() // entries are only ever added
	for _, e := range page {
		if err := visit(ledger.StoredEntry{Index: e.Index, Leaf: bytes.Clone(e.Leaf), Body: bytes.Clone(e.Body)}); err != nil {
			return err
		}
	}
	return nil
}

// Tile implements ledger.Archive.
func (m *Memory) Tile(level int, n uint64) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return bytes.Clone(m.tiles[tileKey{level, n}]), nil
}

// Find implements ledger.Archive.
func (m *Memory) Find(tags [][]byte) (map[string]ledger.StoredID, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found := map[string]ledger.StoredID{}
	for _, tag := range tags {
		if id, ok := m.ids[string(tag)]; ok {
			id.Tag = bytes.Clone(id.Tag)
			found[string(tag)] = id
		}
	}
	return found, nil
}

// Refs implements ledger.Archive.
func (m *Memory) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := m.refs[string(tag)]
	start, _ := slices.BinarySearch(all, from)
	return slices.Clone(all[start:min(start+limit, len(all))]), nil
}

// RefsBefore implements ledger.Archive.
func (m *Memory) RefsBefore(tag []byte, before uint64, limit int) ([]uint64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := m.refs[string(tag)]
	end, _ := slices.BinarySearch(all, before)
	found := slices.Clone(all[max(0, end-limit):end])
	slices.Reverse(found)
	return found, nil
}

// Slots implements ledger.Archive.
func (m *Memory) Slots(q ledger.SlotQuery, visit func(ledger.StoredSlot) error) error {
	for _, slot := range m.selected(q) {
		slot.Tag, slot.Body = bytes.Clone(slot.Tag), bytes.Clone(slot.Body)
		if err := visit(slot); err != nil {
			return err
		}
	}
	return nil
}

func (m *Memory) selected(q ledger.SlotQuery) []ledger.StoredSlot {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if q.Tag != nil {
		if slot, ok := m.slots[string(q.Tag)]; ok {
			return []ledger.StoredSlot{slot}
		}
		return nil
	}
	all := slices.SortedFunc(maps.Values(m.slots), func(a, b ledger.StoredSlot) int { return cmp.Compare(string(a.Tag), string(b.Tag)) })
	all = slices.DeleteFunc(all, func(slot ledger.StoredSlot) bool {
		return q.OpenOnly && !slot.Open ||
			q.Member != nil && (!m.members[string(q.Member)][string(slot.Tag)] || bytes.Compare(slot.Tag, q.After) <= 0)
	})
	if q.Member != nil {
		all = all[:min(q.Limit, len(all))]
	}
	return all
}
