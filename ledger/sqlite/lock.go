package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrInUse says that another process, or this one, has the database open for writing. Two
// engines on one ledger would sign two histories.
var ErrInUse = errors.New("the ledger database is in use by another process")

// acquire takes the exclusive lock that goes with a database: that of SQLite itself on an
// empty file beside it, which every operating system gives back when the process dies. The
// database's own lock would also keep out the readers.
func acquire(at place) (*sql.DB, error) {
	file := at.beside(".lock")
	if err := file.create(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", at.path, err)
	}
	// On a file that it may only read, SQLite takes a lock that excludes nobody and says nothing.
	if err := file.checkWritable(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", at.path, err)
	}
	file.patience = 0
	lock, err := connect(file, "rwc", 1, []string{"locking_mode(EXCLUSIVE)"})
	if err == nil {
		if _, err = lock.Exec("BEGIN EXCLUSIVE"); err == nil {
			return lock, nil
		}
		lock.Close()
	}
	var failure *sqlite.Error
	if errors.As(err, &failure) && failure.Code()&0xff == sqlite3.SQLITE_BUSY {
		return nil, fmt.Errorf("open %s: %w", at.path, ErrInUse)
	}
	return nil, fmt.Errorf("lock %s: %w", at.path, diskError(err))
}
