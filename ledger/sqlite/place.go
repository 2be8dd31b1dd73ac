package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"aval/ledger/sqlite/pagesum"
)

// defaultPatience is how long a Store waits for another program to let go of the database.
const defaultPatience = 10 * time.Second

// place is where a database lies: a file, or a name on another file system of SQLite's.
type place struct {
	path     string
	vfs      string // a registered VFS, empty for that of the operating system
	patience time.Duration
	reserve  uint64
	free     func() (uint64, error)
}

// Option changes how a database is opened.
type Option func(*place)

// OnVFS takes the path as a name on a file system registered with SQLite under this name
// (https://sqlite.org/vfs.html), so that tests can put a failing disk under a ledger.
func OnVFS(name string) Option { return func(p *place) { p.vfs = name } }

// Patience is how long to wait for another program to let go of the database before ErrLocked; ten
// seconds if not given.
func Patience(d time.Duration) Option { return func(p *place) { p.patience = d } }

func placeOf(path string, options []Option) place {
	p := place{path: path, patience: defaultPatience, reserve: DefaultReserve, free: freeBeside(path)}
	for _, option := range options {
		option(&p)
	}
	return p
}

// beside is the file next to a database that has its name and an ending.
func (p place) beside(ending string) place {
	p.path += ending
	return p
}

// check says whether a file is there and may be read: ErrUnreachable if not, with fs.ErrNotExist or fs.ErrPermission. On a VFS only opening it tells.
func (p place) check() error {
	if p.vfs != "" {
		return nil
	}
	if _, err := os.Stat(p.path); err != nil {
		return osError(err)
	}
	return osError(readable(p.path))
}

// checkWritable says whether a file may be written: ErrReadOnly if not. It does not open it, for
// closing it again would drop this process's locks.
func (p place) checkWritable() error {
	if p.vfs != "" {
		return nil
	}
	if err := writable(p.path); err != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return nil
}

// create makes an empty file that only its owner may read, unless there is one; SQLite gives those
// beside it the same mode. A file that is there is not touched: closing it would drop this process's locks on it.
func (p place) create() error {
	if p.vfs != "" {
		return nil
	}
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return osError(err)
	}
	return f.Close()
}

// settle prepares the files for whoever holds the lock: it makes a fresh database's, and makes durable
// whatever a sound write-ahead log shows, before anybody relies on it.
func (p place) settle(fresh bool) error {
	if fresh {
		if err := p.create(); err != nil {
			return err
		}
	}
	if err := p.checkLog(); err != nil {
		return err
	}
	if err := pagesum.RenewLog(p.vfs, p.path); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return nil
}

// checkLog refuses a write-ahead log from which SQLite would drop transactions that were durable.
func (p place) checkLog() error {
	err := p.beside("-wal").check()
	switch {
	case err == nil:
		err = pagesum.CheckLog(p.vfs, p.path)
	case errors.Is(err, fs.ErrNotExist):
		err = pagesum.CheckPresent(p.path)
	}
	if errors.Is(err, pagesum.ErrDamagedLog) || errors.Is(err, pagesum.ErrNoLog) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
