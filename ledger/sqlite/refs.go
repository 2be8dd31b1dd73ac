package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"slices"

	"aval/ledger"
)

// maxIndex is the largest index that a row can hold.
const maxIndex = math.MaxInt64

// segment gives the tags of sorted references, each with its indexes: the first one, then the
// differences, as unsigned varints. All references written at one time form a segment, named
// by the index that it ends before. Tags are random: filed by tag alone, each reference of a
// long log would touch a page of its own. A reader pays with a look-up for each segment it passes.
func segment(refs []ledger.StoredRef) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for from := 0; from < len(refs); {
			var list []byte
			until, last := from, uint64(0)
			for ; until < len(refs) && bytes.Equal(refs[until].Tag, refs[from].Tag); until++ {
				list = binary.AppendUvarint(list, refs[until].Index-last)
				last = refs[until].Index
			}
			if !yield(refs[from].Tag, list) {
				return
			}
			from = until
		}
	}
}

// indexes reads back a list of segment.
func indexes(list []byte) ([]uint64, error) {
	var all []uint64
	last := uint64(0)
	for len(list) > 0 {
		step, n := binary.Uvarint(list)
		if n <= 0 || step > maxIndex-last || step == 0 && len(all) > 0 {
			return nil, errors.New("a list of references is damaged")
		}
		last += step
		all, list = append(all, last), list[n:]
	}
	return all, nil
}

// errEnough ends a walk over segments that has found what it was to find.
var errEnough = errors.New("enough")

// Refs implements ledger.Archive.
func (a archive) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	const query = "SELECT r.indexes FROM segments s JOIN refs r ON r.until = s.until AND r.tag = ? WHERE s.until > ? ORDER BY s.until"
	var found []uint64
	err := a.segments(query, tag, from, func(list []uint64) bool {
		start, _ := slices.BinarySearch(list, from)
		found = append(found, list[start:]...)
		return len(found) < limit
	})
	return found[:max(0, min(limit, len(found)))], err
}

// RefsBefore implements ledger.Archive.
func (a archive) RefsBefore(tag []byte, before uint64, limit int) ([]uint64, error) {
	const query = `SELECT r.indexes FROM segments s JOIN refs r ON r.until = s.until AND r.tag = ?
		WHERE s.until <= coalesce((SELECT min(until) FROM segments WHERE until >= ?), (SELECT max(until) FROM segments)) ORDER BY s.until DESC`
	var found []uint64
	err := a.segments(query, tag, before, func(list []uint64) bool {
		end, _ := slices.BinarySearch(list, before)
		slices.Reverse(list[:end])
		found = append(found, list[:end]...)
		return len(found) < limit
	})
	return found[:max(0, min(limit, len(found)))], err
}

// segments visits the lists that a query over a tag and an index finds, until visit says stop.
func (a archive) segments(query string, tag []byte, index uint64, visit func([]uint64) bool) error {
	err := a.each(query, []any{tag, int64(min(index, maxIndex))}, func(rows *sql.Rows) error {
		var list sql.RawBytes
		if err := rows.Scan(&list); err != nil {
			return err
		}
		all, err := indexes(list)
		if err == nil && !visit(all) {
			err = errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}
