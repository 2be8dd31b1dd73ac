package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger"
)

// What the disk under a ledger can do to it. An error of this package that comes from the disk
// wraps one of these and its cause. After one from Append, Quarantine or Close nothing is known
// of the write: the store must be opened again.
var (
	// ErrFull says that no space is left on the disk, or for this user.
	ErrFull = ledger.ErrFull
	// ErrReadOnly says that the file, or the file system it is on, cannot be written.
	ErrReadOnly = errors.New("the ledger database is read-only")
	// ErrLocked says that another program held the database for longer than the patience of a Store.
	ErrLocked = errors.New("the ledger database is locked by another program")
	// ErrCorrupt says that a page is not what was written: a sum differs, or a structure breaks its form.
	ErrCorrupt = ledger.ErrDamaged
	// ErrUnreachable says that a file is missing, or that this user may not open it.
	ErrUnreachable = errors.New("the ledger database cannot be opened")
	// ErrDisk says that reading, writing or syncing failed in another way.
	ErrDisk = errors.New("the disk fails")
)

// faults gives the error for each of SQLite's codes; a primary code stands for its extended ones
// that are not listed.
var faults = map[int]error{
	sqlite3.SQLITE_FULL:             ErrFull,
	sqlite3.SQLITE_IOERR_SHMSIZE:    ErrFull, // the index of the log could not grow
	sqlite3.SQLITE_READONLY:         ErrReadOnly,
	sqlite3.SQLITE_BUSY:             ErrLocked,
	sqlite3.SQLITE_LOCKED:           ErrLocked,
	sqlite3.SQLITE_PROTOCOL:         ErrLocked,
	sqlite3.SQLITE_CORRUPT:          ErrCorrupt,
	sqlite3.SQLITE_NOTADB:           ErrCorrupt,
	sqlite3.SQLITE_IOERR_DATA:       ErrCorrupt,
	sqlite3.SQLITE_IOERR_CORRUPTFS:  ErrCorrupt,
	sqlite3.SQLITE_IOERR_SHORT_READ: ErrCorrupt,
	sqlite3.SQLITE_CANTOPEN:         ErrUnreachable,
	sqlite3.SQLITE_PERM:             ErrUnreachable,
	sqlite3.SQLITE_IOERR:            ErrDisk,
}

// diskError names the fault of the disk that an error of the driver tells of; others stay as they are.
func diskError(err error) error {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return err
	}
	fault, known := faults[failure.Code()]
	if !known {
		fault, known = faults[failure.Code()&0xff]
	}
	if !known || errors.Is(err, fault) {
		return err
	}
	return fmt.Errorf("%w: %w", fault, err)
}

// osError does the same for an error of the operating system.
func osError(err error) error {
	if err == nil {
		return nil
	}
	for cause, fault := range map[error]error{
		syscall.ENOSPC: ErrFull, syscall.EDQUOT: ErrFull, syscall.EROFS: ErrReadOnly, fs.ErrNotExist: ErrUnreachable, fs.ErrPermission: ErrUnreachable,
	} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", fault, err)
		}
	}
	return err
}
