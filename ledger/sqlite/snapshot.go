package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// Snapshot is a ledger.Archive on one moment of a database, beside a running node: a long
// verification sees no later commit. Not for concurrent use.
type Snapshot struct {
	archive
	db *sql.DB
	tx *sql.Tx
}

// immutable is the mode of a database that nobody writes: SQLite then makes no files beside it.
const immutable = "immutable"

// OpenSnapshot opens a database for reading, also one that is in use. It writes nothing to a
// database that was closed: a copy kept as evidence, on read-only media too, stays as it is. The
// schema must be this program's.
func OpenSnapshot(path string, options ...Option) (*Snapshot, error) {
	at, mode := placeOf(path, options), "ro"
	if err := at.beside("-wal").check(); errors.Is(err, fs.ErrNotExist) {
		mode = immutable // a running node always has a write-ahead log
	}
	if err := at.checkLog(); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db, err := connect(at, mode, 1, []string{"query_only(1)", "temp_store(MEMORY)"})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, diskError(err))
	}
	s := &Snapshot{db: db}
	if s.tx, err = db.Begin(); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", path, diskError(err))
	}
	s.archive = newArchive(s.tx)
	var version int // reading it fixes the moment
	err = s.tx.QueryRow("PRAGMA user_version").Scan(&version)
	if err == nil && version != len(migrations) {
		err = fmt.Errorf("schema %d, want %d", version, len(migrations))
	}
	if err == nil {
		_, _, err = s.Head()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", path, diskError(err))
	}
	return s, nil
}

// maxFindings bounds what Check quotes of a damaged database.
const maxFindings = 3

// Check reads every page that is in use, and compares each index with its table. It finds damage
// where no query of a verification leads, and reads the whole file.
func (s *Snapshot) Check() error {
	rows, err := s.tx.Query(fmt.Sprintf("PRAGMA integrity_check(%d)", maxFindings))
	if err != nil {
		return diskError(err)
	}
	defer rows.Close()
	var findings []error
	for rows.Next() {
		var finding string
		if err := rows.Scan(&finding); err != nil {
			return diskError(err)
		}
		if finding != "ok" {
			findings = append(findings, fmt.Errorf("%w: %s", ErrCorrupt, finding))
		}
	}
	return errors.Join(diskError(rows.Err()), errors.Join(findings...))
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	var err error
	if s.tx != nil {
		err = s.tx.Rollback()
	}
	return errors.Join(err, s.db.Close())
}
