package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// PutCosigned implements ledger.CosignedStore.
func (s *Store) PutCosigned(size uint64, sealed []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transact(func(tx *sql.Tx) error {
		result, err := tx.Exec("UPDATE cosigned SET size = ?, note = ? WHERE size <= ?", size, sealed, size)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("put a cosigned head over %d leaves: the stored one has more", size))
		}
		return nil
	})
}

// Cosigned implements ledger.CosignedArchive.
func (a archive) Cosigned() (size uint64, sealed []byte, err error) {
	err = a.db.QueryRow("SELECT size, note FROM cosigned").Scan(&size, &sealed)
	return size, sealed, diskError(err)
}

// Heads keeps the newest cosigned head of each log that a witness follows, in a database of
// its own. Safe for concurrent use.
type Heads struct{ db, lock *sql.DB }

// OpenHeads opens the database of a witness, and makes it if fresh is set. Without that a file
// that is missing is an error: a witness that forgot everything would cosign a second history.
// ErrInUse if another process has it open.
func OpenHeads(path string, fresh bool, options ...Option) (*Heads, error) {
	at := placeOf(path, options)
	err := at.check()
	if fresh && err == nil && at.vfs == "" {
		return nil, fmt.Errorf("open %s: %w", path, os.ErrExist)
	}
	if !fresh && err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	h := &Heads{}
	if h.lock, err = acquire(at); err != nil {
		return nil, err
	}
	if err := h.open(at, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, diskError(err)), h.Close())
	}
	return h, nil
}

func (h *Heads) open(at place, fresh bool) (err error) {
	if err := at.settle(fresh); err != nil {
		return err
	}
	if h.db, err = connect(at, "rwc", 1, durable); err != nil {
		return err
	}
	if fresh {
		_, err := h.db.Exec("CREATE TABLE heads (origin TEXT PRIMARY KEY, note BLOB NOT NULL) STRICT")
		return err
	}
	var count int // an empty file would be a witness that has forgotten everything
	return h.db.QueryRow("SELECT count(*) FROM heads").Scan(&count)
}

// Head gives the note that Swap stored last for a log, nil before the first.
func (h *Heads) Head(origin string) (stored []byte, err error) {
	err = h.db.QueryRow("SELECT note FROM heads WHERE origin = ?", origin).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return notNil(stored), diskError(err) // an empty blob reads as nil, and is damage, not a log never seen
}

// Swap replaces the stored note old, nil for none, by next, durable on return. It is false,
// and nothing changes, when another note is stored.
func (h *Heads) Swap(origin string, old, next []byte) (bool, error) {
	query, args := "UPDATE heads SET note = ? WHERE origin = ? AND note = ?", []any{next, origin, old}
	if old == nil {
		query, args = "INSERT INTO heads (note, origin) VALUES (?, ?) ON CONFLICT (origin) DO NOTHING", args[:2]
	}
	result, err := h.db.Exec(query, args...)
	if err != nil {
		return false, diskError(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// Close releases the database.
func (h *Heads) Close() error {
	var err error
	for _, db := range []*sql.DB{h.db, h.lock} { // the lock goes last
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}
