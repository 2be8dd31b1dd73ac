package faultdisk

import (
	"fmt"
	"sync"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

// registration is what SQLite was told of a disk.
type registration struct {
	name     string
	cName    uintptr
	cVFS     uintptr
	cMethods uintptr
	token    uintptr
}

// C code can hold a number, not a Go pointer, for the object that a call concerns.
var objects struct {
	mu   sync.RWMutex
	last uintptr
	all  map[uintptr]any
}

func keep(object any) uintptr {
	objects.mu.Lock()
	defer objects.mu.Unlock()
	if objects.all == nil {
		objects.all = map[uintptr]any{}
	}
	objects.last++
	objects.all[objects.last] = object
	return objects.last
}

func objectOf[T any](token uintptr) T {
	objects.mu.RLock()
	defer objects.mu.RUnlock()
	return objects.all[token].(T)
}

func forget(token uintptr) {
	objects.mu.Lock()
	defer objects.mu.Unlock()
	delete(objects.all, token)
}

// handle is the C file object, as long as SQLite was told in FszOsFile.
type handle struct {
	base  cptr.File
	token uintptr
}

// maxPath is the longest name of a file.
const maxPath = 512

func (d *Disk) register() error {
	tls := libc.NewTLS()
	defer tls.Close()
	r := &d.vfs
	r.token = keep(d)
	r.name = fmt.Sprintf("faultdisk-%d", r.token)
	var err error
	if r.cName, err = libc.CString(r.name); err != nil {
		return err
	}
	r.cMethods = cptr.New[cptr.Methods](tls)
	r.cVFS = cptr.New[cptr.VFS](tls)
	*cptr.At[cptr.Methods](r.cMethods) = cptr.Methods{
		FiVersion: 2, // 2 has shared memory for the write-ahead log, 3 would add memory maps
		FxClose:   cptr.Of(xClose), FxRead: cptr.Of(xRead), FxWrite: cptr.Of(xWrite), FxTruncate: cptr.Of(xTruncate), FxSync: cptr.Of(xSync),
		FxFileSize: cptr.Of(xFileSize), FxLock: cptr.Of(xLock), FxUnlock: cptr.Of(xUnlock), FxCheckReservedLock: cptr.Of(xCheckReservedLock),
		FxFileControl: cptr.Of(xFileControl), FxSectorSize: cptr.Of(xSectorSize), FxDeviceCharacteristics: cptr.Of(xDeviceCharacteristics),
		FxShmMap: cptr.Of(xShmMap), FxShmLock: cptr.Of(xShmLock), FxShmBarrier: cptr.Of(xShmBarrier), FxShmUnmap: cptr.Of(xShmUnmap),
	}
	*cptr.At[cptr.VFS](r.cVFS) = cptr.VFS{
		FiVersion: 1, FszOsFile: cptr.Size[handle](), FmxPathname: maxPath, FzName: r.cName, FpAppData: r.token,
		FxOpen: cptr.Of(xOpen), FxDelete: cptr.Of(xDelete), FxAccess: cptr.Of(xAccess), FxFullPathname: cptr.Of(xFullPathname),
		FxRandomness: cptr.Of(xRandomness), FxSleep: cptr.Of(xSleep), FxCurrentTime: cptr.Of(xCurrentTime), FxGetLastError: cptr.Of(xGetLastError),
	}
	if code := sqlite3.Xsqlite3_vfs_register(tls, r.cVFS, 0); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("register %s: code %d", r.name, code)
	}
	return nil
}

// Close takes the disk from SQLite. Every database on it must be closed.
func (d *Disk) Close() error {
	tls := libc.NewTLS()
	defer tls.Close()
	code := sqlite3.Xsqlite3_vfs_unregister(tls, d.vfs.cVFS)
	for _, p := range []uintptr{d.vfs.cVFS, d.vfs.cMethods, d.vfs.cName} {
		libc.Xfree(tls, p)
	}
	forget(d.vfs.token)
	if code != sqlite3.SQLITE_OK {
		return fmt.Errorf("unregister %s: code %d", d.vfs.name, code)
	}
	return nil
}

func diskOf(pVFS uintptr) *Disk { return objectOf[*Disk](cptr.At[cptr.VFS](pVFS).FpAppData) }

func xOpen(_ *libc.TLS, pVFS, zName, pFile uintptr, flags int32, pOutFlags uintptr) int32 {
	h := cptr.At[handle](pFile)
	*h = handle{}
	d := diskOf(pVFS)
	opened, code := d.open(libc.GoString(zName), flags)
	if code != sqlite3.SQLITE_OK {
		return code
	}
	h.token = keep(opened)
	h.base.FpMethods = d.vfs.cMethods
	if pOutFlags != 0 {
		*cptr.At[int32](pOutFlags) = opened.flags
	}
	return sqlite3.SQLITE_OK
}

func xDelete(_ *libc.TLS, pVFS, zName uintptr, syncDir int32) int32 {
	return diskOf(pVFS).remove(libc.GoString(zName), syncDir != 0)
}

func xAccess(_ *libc.TLS, pVFS, zName uintptr, _ int32, pOut uintptr) int32 {
	d := diskOf(pVFS)
	d.mu.Lock()
	defer d.mu.Unlock()
	*cptr.At[int32](pOut) = 0
	if d.dead {
		return sqlite3.SQLITE_IOERR_ACCESS
	}
	if d.find(libc.GoString(zName)) != nil {
		*cptr.At[int32](pOut) = 1
	}
	return sqlite3.SQLITE_OK
}

func xFullPathname(_ *libc.TLS, _, zName uintptr, n int32, zOut uintptr) int32 {
	text := libc.GoString(zName) + "\x00"
	if len(text) > int(n) {
		return sqlite3.SQLITE_CANTOPEN
	}
	copy(cptr.Bytes(zOut, n), text)
	return sqlite3.SQLITE_OK
}

// xRandomness is not asked: SQLite seeds its generator from its default VFS.
func xRandomness(_ *libc.TLS, _ uintptr, n int32, zOut uintptr) int32 {
	clear(cptr.Bytes(zOut, n))
	return n
}

// xSleep lets others go on, a thousandth of the time that a real disk would take.
func xSleep(_ *libc.TLS, _ uintptr, micros int32) int32 {
	time.Sleep(time.Duration(micros) * time.Nanosecond)
	return micros
}

// xCurrentTime is the beginning of the Julian calendar: no statement of a ledger asks.
func xCurrentTime(_ *libc.TLS, _, pOut uintptr) int32 {
	*cptr.At[float64](pOut) = 0
	return sqlite3.SQLITE_OK
}

func xGetLastError(*libc.TLS, uintptr, int32, uintptr) int32 { return 0 }
