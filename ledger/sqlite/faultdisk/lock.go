package faultdisk

import (
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

// locks are the five levels of https://sqlite.org/lockingv3.html on one file.
type locks struct {
	holders map[*opened]bool
}

func (l *locks) set(o *opened, level int32) {
	if l.holders == nil {
		l.holders = map[*opened]bool{}
	}
	o.level = level
	if level == sqlite3.SQLITE_LOCK_NONE {
		delete(l.holders, o)
		return
	}
	l.holders[o] = true
}

// others is the highest level that somebody else holds.
func (l *locks) others(o *opened) (level int32) {
	for other := range l.holders {
		if other != o {
			level = max(level, other.level)
		}
	}
	return level
}

func xLock(_ *libc.TLS, pFile uintptr, level int32) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	if o.level >= level {
		return sqlite3.SQLITE_OK
	}
	if o.disk.dead || o.generation != o.disk.generation {
		return sqlite3.SQLITE_IOERR_LOCK
	}
	others := o.file.locks.others(o)
	switch {
	case o.disk.strikes(Locked, o.path):
		return sqlite3.SQLITE_BUSY
	case level == sqlite3.SQLITE_LOCK_SHARED && others >= sqlite3.SQLITE_LOCK_PENDING,
		level >= sqlite3.SQLITE_LOCK_RESERVED && others >= sqlite3.SQLITE_LOCK_RESERVED:
		return sqlite3.SQLITE_BUSY
	case level == sqlite3.SQLITE_LOCK_EXCLUSIVE && others > sqlite3.SQLITE_LOCK_NONE:
		o.file.locks.set(o, sqlite3.SQLITE_LOCK_PENDING) // keeps new readers out
		return sqlite3.SQLITE_BUSY
	}
	o.file.locks.set(o, level)
	return sqlite3.SQLITE_OK
}

func xUnlock(_ *libc.TLS, pFile uintptr, level int32) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	o.file.locks.set(o, level)
	return sqlite3.SQLITE_OK
}

func xCheckReservedLock(_ *libc.TLS, pFile, pOut uintptr) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	*cptr.At[int32](pOut) = 0
	if o.file.locks.others(o) >= sqlite3.SQLITE_LOCK_RESERVED {
		*cptr.At[int32](pOut) = 1
	}
	return sqlite3.SQLITE_OK
}

// sharedMemory is the index of a write-ahead log, which its connections share. It is lost with the power.
type sharedMemory struct {
	regions []uintptr
	mapped  map[*opened]bool
	slots   [sqlite3.SQLITE_SHM_NLOCK]struct {
		exclusive *opened
		shared    map[*opened]bool
	}
}

func xShmMap(tls *libc.TLS, pFile uintptr, region, size, extend int32, pOut uintptr) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	*cptr.At[uintptr](pOut) = 0
	if o.disk.dead || o.generation != o.disk.generation {
		return sqlite3.SQLITE_IOERR_SHMMAP
	}
	m := &o.file.shared
	if m.mapped == nil {
		m.mapped = map[*opened]bool{}
	}
	m.mapped[o] = true
	for extend != 0 && int(region) >= len(m.regions) {
		m.regions = append(m.regions, libc.Xcalloc(tls, 1, libc.Tsize_t(size)))
	}
	if int(region) < len(m.regions) {
		*cptr.At[uintptr](pOut) = m.regions[region]
	}
	return sqlite3.SQLITE_OK
}

func xShmLock(_ *libc.TLS, pFile uintptr, first, n, flags int32) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	slots := o.file.shared.slots[first : first+n]
	exclusive := flags&sqlite3.SQLITE_SHM_EXCLUSIVE != 0
	if flags&sqlite3.SQLITE_SHM_UNLOCK != 0 {
		for i := range slots {
			delete(slots[i].shared, o)
			if slots[i].exclusive == o {
				slots[i].exclusive = nil
			}
		}
		return sqlite3.SQLITE_OK
	}
	if o.disk.dead || o.generation != o.disk.generation {
		return sqlite3.SQLITE_IOERR_SHMLOCK
	}
	if exclusive && o.disk.strikes(Locked, o.path) {
		return sqlite3.SQLITE_BUSY
	}
	for i := range slots {
		others := len(slots[i].shared)
		if slots[i].shared[o] {
			others--
		}
		if slots[i].exclusive != nil && slots[i].exclusive != o || exclusive && others > 0 {
			return sqlite3.SQLITE_BUSY
		}
	}
	for i := range slots {
		if exclusive {
			slots[i].exclusive = o
			continue
		}
		if slots[i].shared == nil {
			slots[i].shared = map[*opened]bool{}
		}
		slots[i].shared[o] = true
	}
	return sqlite3.SQLITE_OK
}

// xShmBarrier orders the memory of the goroutines of two connections.
func xShmBarrier(_ *libc.TLS, pFile uintptr) {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
}

func xShmUnmap(tls *libc.TLS, pFile uintptr, _ int32) int32 {
	o := openedAt(pFile)
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	m := &o.file.shared
	delete(m.mapped, o)
	for i := range m.slots {
		delete(m.slots[i].shared, o)
		if m.slots[i].exclusive == o {
			m.slots[i].exclusive = nil
		}
	}
	if len(m.mapped) == 0 { // as on Unix, where the first to open the file empties it
		for _, p := range m.regions {
			libc.Xfree(tls, p)
		}
		m.regions = nil
	}
	return sqlite3.SQLITE_OK
}
