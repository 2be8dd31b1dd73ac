package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"

	"aval/ledger"
)

// maxFind bounds the tags of one look-up statement.
const maxFind = 500

// archive is the reading side, on a pool of connections or in one transaction. Statements
// are prepared once: preparing costs more than a point look-up.
type archive struct {
	db         querier
	mu         *sync.Mutex
	statements map[string]*sql.Stmt // guarded by mu; the texts are constants of this file
}

type querier interface {
	Prepare(query string) (*sql.Stmt, error)
	QueryRow(query string, args ...any) *sql.Row
}

func newArchive(db querier) archive {
	return archive{db: db, mu: &sync.Mutex{}, statements: map[string]*sql.Stmt{}}
}

func (a archive) prepared(query string) (*sql.Stmt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if statement, ok := a.statements[query]; ok {
		return statement, nil
	}
	statement, err := a.db.Prepare(query)
	if err == nil {
		a.statements[query] = statement
	}
	return statement, err
}

// Head implements ledger.Archive.
func (a archive) Head() (head ledger.Head, checkpoint []byte, err error) {
	err = a.db.QueryRow("SELECT size, sequence, now, indexed, signed FROM head").
		Scan(&head.Size, &head.Sequence, &head.Now, &head.Indexed, &checkpoint)
	return head, checkpoint, diskError(err)
}

// Entries implements ledger.Archive.
func (a archive) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	query, args := "SELECT idx, leaf, body FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?", []any{from, limit}
	if limit == 1 { // a statement of its own: one whose rows are being read cannot run inside itself
		query, args = "SELECT idx, leaf, body FROM entries WHERE idx >= ? ORDER BY idx LIMIT 1", []any{from}
	}
	return a.each(query, args, func(rows *sql.Rows) error {
		var e ledger.StoredEntry
		if err := rows.Scan(&e.Index, &e.Leaf, &e.Body); err != nil {
			return err
		}
		return visit(e)
	})
}

// Tile implements ledger.Archive.
func (a archive) Tile(level int, n uint64) (data []byte, err error) {
	err = a.db.QueryRow("SELECT data FROM tiles WHERE level = ? AND n = ?", level, n).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, diskError(err)
}

// Find implements ledger.Archive.
func (a archive) Find(tags [][]byte) (map[string]ledger.StoredID, error) {
	found := map[string]ledger.StoredID{}
	if some, err := a.any(tags); err != nil || !some {
		return found, err
	}
	for ; len(tags) > 0; tags = tags[min(len(tags), maxFind):] {
		part := tags[:min(len(tags), maxFind)]
		width := 1 // one of few widths, filled up with the last tag, so that statements are few
		for width < len(part) {
			width = min(8*width, maxFind)
		}
		args := make([]any, width)
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		query := "SELECT tag, idx FROM identities WHERE tag IN (?" + strings.Repeat(",?", width-1) + ")"
		err := a.each(query, args, func(rows *sql.Rows) error {
			var id ledger.StoredID
			if err := rows.Scan(&id.Tag, &id.Index); err != nil {
				return err
			}
			found[string(id.Tag)] = id
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// any says whether an identity lies between the smallest and the largest of the tags. Tags
// begin with the time: among new ones there is none, and one look-up answers for all.
func (a archive) any(tags [][]byte) (some bool, err error) {
	if len(tags) == 0 {
		return false, nil
	}
	least, most := slices.MinFunc(tags, bytes.Compare), slices.MaxFunc(tags, bytes.Compare)
	err = a.each("SELECT 1 FROM identities WHERE tag BETWEEN ? AND ? LIMIT 1", []any{least, most}, func(*sql.Rows) error {
		some = true
		return nil
	})
	return some, err
}

// Slots implements ledger.Archive.
func (a archive) Slots(q ledger.SlotQuery, visit func(ledger.StoredSlot) error) error {
	query, args := "SELECT tag, open, body FROM slots WHERE tag = ?", []any{q.Tag}
	switch {
	case q.OpenOnly:
		query, args = "SELECT tag, open, body FROM slots WHERE open = 1", nil
	case q.All:
		query, args = "SELECT tag, open, body FROM slots", nil
	case q.Member != nil:
		query = `SELECT s.tag, s.open, s.body FROM members m JOIN slots s ON s.tag = m.tag
			WHERE m.list = ? AND m.tag > ? ORDER BY m.tag LIMIT ?`
		args = []any{q.Member, notNil(q.After), q.Limit}
	}
	return a.each(query, args, func(rows *sql.Rows) error {
		var slot ledger.StoredSlot
		if err := rows.Scan(&slot.Tag, &slot.Open, &slot.Body); err != nil {
			return err
		}
		return visit(slot)
	})
}

func (a archive) each(query string, args []any, visit func(*sql.Rows) error) error {
	statement, err := a.prepared(query)
	if err != nil {
		return diskError(err)
	}
	rows, err := statement.Query(args...)
	if err != nil {
		return diskError(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return diskError(rows.Err())
}
