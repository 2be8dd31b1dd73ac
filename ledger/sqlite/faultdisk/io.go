package faultdisk

import (
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

// opened is one open file.
type opened struct {
	disk       *Disk
	generation int // of the disk: an older one is gone
	file       *file
	path       string
	flags      int32
	level      int32 // lock, see locks
	// linksUnsynced says that the next sync makes the directory durable too, as SQLite does on
	// Unix for a journal it made.
	linksUnsynced bool
}

const journals = sqlite3.SQLITE_OPEN_MAIN_JOURNAL | sqlite3.SQLITE_OPEN_WAL | sqlite3.SQLITE_OPEN_SUPER_JOURNAL

func (d *Disk) open(path string, flags int32) (*opened, int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, sqlite3.SQLITE_CANTOPEN
	}
	o := &opened{disk: d, generation: d.generation, path: path, flags: flags}
	if flags&sqlite3.SQLITE_OPEN_READWRITE != 0 && d.strikes(ReadOnly, path) {
		o.flags = flags&^(sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE) | sqlite3.SQLITE_OPEN_READONLY
	}
	if path == "" { // a temporary file has no name
		o.file = &file{}
		return o, sqlite3.SQLITE_OK
	}
	o.file = d.find(path)
	if o.file == nil {
		if o.flags&sqlite3.SQLITE_OPEN_CREATE == 0 {
			return nil, sqlite3.SQLITE_CANTOPEN
		}
		o.file = &file{}
		d.link(path, o.file)
	}
	o.linksUnsynced = flags&journals != 0 && flags&sqlite3.SQLITE_OPEN_CREATE != 0
	return o, sqlite3.SQLITE_OK
}

func (d *Disk) remove(path string, syncDir bool) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.find(path) == nil {
		return sqlite3.SQLITE_IOERR_DELETE_NOENT
	}
	under, code := d.step(Operation{Kind: Delete, File: path})
	if code == sqlite3.SQLITE_OK && d.strikes(ReadOnly, path) {
		return sqlite3.SQLITE_IOERR_DELETE
	}
	if code == sqlite3.SQLITE_OK || under {
		d.link(path, nil)
	}
	if code == sqlite3.SQLITE_OK && syncDir {
		d.syncNames()
	}
	return code
}

// begin takes the disk's lock for an operation on an open file, and starts it.
func (o *opened) begin(kind OperationKind, bytes int) (under bool, code int32) {
	o.disk.mu.Lock()
	if o.generation != o.disk.generation {
		return false, failures[kind]
	}
	return o.disk.step(Operation{Kind: kind, File: o.path, Bytes: bytes})
}

func openedAt(pFile uintptr) *opened { return objectOf[*opened](cptr.At[handle](pFile).token) }

func xClose(_ *libc.TLS, pFile uintptr) int32 {
	h := cptr.At[handle](pFile)
	o := objectOf[*opened](h.token)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	o.file.locks.set(o, sqlite3.SQLITE_LOCK_NONE)
	forget(h.token)
	h.base.FpMethods = 0
	return sqlite3.SQLITE_OK
}

func xRead(_ *libc.TLS, pFile, zOut uintptr, n int32, offset int64) int32 {
	o, into := openedAt(pFile), cptr.Bytes(zOut, n)
	_, code := o.begin(Read, len(into))
	defer o.disk.mu.Unlock()
	if code == sqlite3.SQLITE_OK && o.disk.strikes(ReadError, o.path) {
		code = sqlite3.SQLITE_IOERR_READ
	}
	if code != sqlite3.SQLITE_OK {
		return code
	}
	got := 0
	if offset < int64(len(o.file.now)) {
		got = copy(into, o.file.now[offset:])
	}
	if got > 0 && o.disk.strikes(ReadFlip, o.path) {
		into[got/2] ^= 1
	}
	if got < len(into) {
		clear(into[got:])
		return sqlite3.SQLITE_IOERR_SHORT_READ
	}
	return sqlite3.SQLITE_OK
}

func xWrite(_ *libc.TLS, pFile, zFrom uintptr, n int32, offset int64) int32 {
	o := openedAt(pFile)
	data := append([]byte{}, cptr.Bytes(zFrom, n)...)
	under, code := o.begin(Write, len(data))
	defer o.disk.mu.Unlock()
	switch {
	case under:
		o.file.change(change{at: offset, data: data})
	case code != sqlite3.SQLITE_OK:
	case o.disk.strikes(ReadOnly, o.path):
		code = sqlite3.SQLITE_IOERR_WRITE // what EROFS becomes
	case o.disk.strikes(WriteError, o.path):
		code = sqlite3.SQLITE_IOERR_WRITE
	case o.disk.capacity > 0:
		growth := offset + int64(len(data)) - int64(len(o.file.now))
		if free := o.disk.capacity - o.disk.used(); growth > max(free, 0) {
			data = data[:max(0, int64(len(data))-growth+max(free, 0))]
			code = sqlite3.SQLITE_FULL
		}
		fallthrough
	default:
		if len(data) > 0 {
			o.file.change(change{at: offset, data: data})
		}
	}
	return code
}

func xTruncate(_ *libc.TLS, pFile uintptr, size int64) int32 {
	o := openedAt(pFile)
	under, code := o.begin(Truncate, 0)
	defer o.disk.mu.Unlock()
	if code == sqlite3.SQLITE_OK && o.disk.strikes(ReadOnly, o.path) {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	if code == sqlite3.SQLITE_OK || under {
		o.file.change(change{at: size})
	}
	return code
}

func xSync(_ *libc.TLS, pFile uintptr, _ int32) int32 {
	o := openedAt(pFile)
	_, code := o.begin(Sync, 0)
	defer o.disk.mu.Unlock()
	if code != sqlite3.SQLITE_OK {
		return code
	}
	if o.disk.strikes(SyncError, o.path) {
		o.file.pending = nil
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	o.file.sync()
	if o.linksUnsynced {
		o.disk.syncNames()
		o.linksUnsynced = false
	}
	return sqlite3.SQLITE_OK
}

func xFileSize(_ *libc.TLS, pFile, pOut uintptr) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	*cptr.At[int64](pOut) = int64(len(o.file.now))
	if o.disk.dead || o.generation != o.disk.generation {
		return sqlite3.SQLITE_IOERR_FSTAT
	}
	return sqlite3.SQLITE_OK
}

func xFileControl(*libc.TLS, uintptr, int32, uintptr) int32 { return sqlite3.SQLITE_NOTFOUND }

func xSectorSize(*libc.TLS, uintptr) int32 { return sector }

// xDeviceCharacteristics promises what SQLite assumes of every disk on Unix: a write that is torn
// changes nothing beside it.
func xDeviceCharacteristics(*libc.TLS, uintptr) int32 {
	return sqlite3.SQLITE_IOCAP_POWERSAFE_OVERWRITE
}
