package ledger

import (
	"aval/domain"
)

// rehearsal is a Store that keeps in memory what execution asks of the past, and drops the rest.
type rehearsal struct {
	head   Head
	ids    map[string]StoredID
	closed map[string]bool
}

func newRehearsal() *rehearsal {
	return &rehearsal{ids: map[string]StoredID{}, closed: map[string]bool{}}
}

// Append implements Store.
func (s *rehearsal) Append(c Commit) error {
	for _, id := range c.IDs {
		s.ids[string(id.Tag)] = id
	}
	for _, slot := range c.Slots {
		if slot.Body != nil && !slot.Open {
			s.closed[string(slot.Tag)] = true
		}
	}
	s.head = c.Head
	return nil
}

// Quarantine implements Store.
func (s *rehearsal) Quarantine(domain.Millis, string, []byte, int) error { return nil }

// Close implements Store.
func (s *rehearsal) Close() error { return nil }

// Head implements Archive.
func (s *rehearsal) Head() (Head, []byte, error) { return s.head, nil, nil }

// Entries implements Archive: none are kept.
func (s *rehearsal) Entries(uint64, int, func(StoredEntry) error) error { return nil }

// Tile implements Archive: none are kept, and an appender needs none.
func (s *rehearsal) Tile(int, uint64) ([]byte, error) { return nil, nil }

// Find implements Archive.
func (s *rehearsal) Find(tags [][]byte) (map[string]StoredID, error) {
	found := map[string]StoredID{}
	for _, tag := range tags {
		if id, ok := s.ids[string(tag)]; ok {
			found[string(tag)] = id
		}
	}
	return found, nil
}

// Refs implements Archive: none are kept.
func (s *rehearsal) Refs([]byte, uint64, int) ([]uint64, error) { return nil, nil }

// RefsBefore implements Archive: none are kept.
func (s *rehearsal) RefsBefore([]byte, uint64, int) ([]uint64, error) { return nil, nil }

// Subject, Subjects and Private implement Archive: none are kept.
func (s *rehearsal) Subject([]byte) ([]byte, error)                        { return nil, nil }
func (s *rehearsal) Subjects(func(StoredSubject) error) error              { return nil }
func (s *rehearsal) Private(PrivateQuery, func(StoredPrivate) error) error { return nil }

// Slots implements Archive for a single tag: closed, or not kept.
func (s *rehearsal) Slots(q SlotQuery, visit func(StoredSlot) error) error {
	if !s.closed[string(q.Tag)] {
		return nil
	}
	return visit(StoredSlot{Tag: q.Tag})
}
