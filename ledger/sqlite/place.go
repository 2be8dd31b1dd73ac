package sqlite

import "os"

// place is where a database lies: a file, or a name on another file system of SQLite's.
type place struct {
	path string
	vfs  string // a registered VFS, empty for that of the operating system
}

// Option changes where a database is looked for.
type Option func(*place)

// OnVFS takes the path as a name on a file system registered with SQLite under this name
// (https://sqlite.org/vfs.html), so that tests can put a failing disk under a ledger.
func OnVFS(name string) Option { return func(p *place) { p.vfs = name } }

func placeOf(path string, options []Option) place {
	p := place{path: path}
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

// check says whether a file is there: fs.ErrNotExist if not. On a VFS only opening it tells.
func (p place) check() error {
	if p.vfs != "" {
		return nil
	}
	_, err := os.Stat(p.path)
	return err
}
