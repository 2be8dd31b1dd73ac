// Package pagesum finds damaged pages of a database before SQLite uses them. SQLite checks the
// frames of a write-ahead log once, when it recovers, and the pages of a database never.
//
// It is a layer over another VFS. Each page of a database ends with eight reserved bytes
// (https://sqlite.org/fileformat2.html, offset 20 of the header); there the layer writes the
// XXH64 of the rest, seeded with the number of the page, so that a page at the wrong place is
// found too. It compares them at every read of a page. A page that is read from a write-ahead log
// is compared with the checksum of its frame, which chains from the frame before. A difference is
// SQLITE_IOERR_DATA, and nobody sees the page.
//
// It is no defence against somebody who means it: the sums have no key.
package pagesum

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

const (
	// PageSize is the size of every page, ReservedBytes what each has at its end for its sum.
	PageSize      = 8192
	ReservedBytes = 8

	headerBytes = 100 // of a database
)

var layers struct {
	mu  sync.Mutex
	all map[string]string // name of a layer, by that of the VFS under it
}

// layer is a VFS that is the one under it except for xOpen.
type layer struct {
	cptr.VFS
	under uintptr
}

// Over gives the name of the layer over a VFS, empty for that of the operating system. Safe for
// concurrent use; a layer stays registered as long as the process lives.
func Over(name string) (string, error) {
	layers.mu.Lock()
	defer layers.mu.Unlock()
	if made, ok := layers.all[name]; ok {
		return made, nil
	}
	tls := libc.NewTLS()
	defer tls.Close()
	under, err := find(tls, name)
	if err != nil {
		return "", err
	}
	made := "pagesum-" + libc.GoString(cptr.At[cptr.VFS](under).FzName)
	cName, err := libc.CString(made)
	if err != nil {
		return "", err
	}
	address := cptr.New[layer](tls)
	l := cptr.At[layer](address)
	*l = layer{VFS: *cptr.At[cptr.VFS](under), under: under}
	l.FpNext, l.FzName, l.FxOpen = 0, cName, cptr.Of(xOpen)
	l.FszOsFile = aligned(l.FszOsFile) + cptr.Size[summed]()
	if code := sqlite3.Xsqlite3_vfs_register(tls, address, 0); code != sqlite3.SQLITE_OK {
		return "", fmt.Errorf("register VFS %s: code %d", made, code)
	}
	if layers.all == nil {
		layers.all = map[string]string{}
	}
	layers.all[name] = made
	return made, nil
}

func find(tls *libc.TLS, name string) (uintptr, error) {
	var cName uintptr
	if name != "" {
		var err error
		if cName, err = libc.CString(name); err != nil {
			return 0, err
		}
		defer libc.Xfree(tls, cName)
	}
	vfs := sqlite3.Xsqlite3_vfs_find(tls, cName)
	if vfs == 0 {
		return 0, fmt.Errorf("no VFS %q is registered", name)
	}
	return vfs, nil
}

// aligned is where the layer's part of a file object begins, after that of the VFS under it.
func aligned(size int32) int32 { return (size + 15) &^ 15 }

// summed is the layer's part of a file object. SQLite calls through methods, which are those of
// the VFS under the layer with other ways to read and write. A file belongs to one connection,
// which does one thing at a time.
type summed struct {
	methods     cptr.Methods // first: the file object points here
	read, write uintptr
	scratch     [frameBytes + sumBytes]byte
}

func xOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	under := cptr.At[layer](vfs).under
	u := cptr.At[cptr.VFS](under)
	code := cptr.Func[cptr.Open](u.FxOpen)(tls, under, name, file, flags, outFlags)
	base := cptr.At[cptr.File](file)
	if base.FpMethods == 0 || flags&(sqlite3.SQLITE_OPEN_MAIN_DB|sqlite3.SQLITE_OPEN_WAL) == 0 {
		return code
	}
	address := file + uintptr(aligned(u.FszOsFile))
	s := cptr.At[summed](address)
	s.methods = *cptr.At[cptr.Methods](base.FpMethods)
	s.methods.FiVersion = min(s.methods.FiVersion, 2) // 3 would map pages past the check
	s.read, s.write = s.methods.FxRead, s.methods.FxWrite
	if flags&sqlite3.SQLITE_OPEN_MAIN_DB != 0 {
		s.methods.FxRead, s.methods.FxWrite = cptr.Of(readPage), cptr.Of(writePage)
	} else {
		s.methods.FxRead = cptr.Of(readFrame)
	}
	base.FpMethods = address
	return code
}

func summedAt(file uintptr) *summed { return cptr.At[summed](cptr.At[cptr.File](file).FpMethods) }

// sum is over a page without its last bytes.
func sum(page []byte, offset int64) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(offset / PageSize))
	d.Write(page[:PageSize-ReservedBytes])
	return d.Sum64()
}

func isPage(n int32, offset int64) bool { return n == PageSize && offset%PageSize == 0 }

func readPage(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	code := cptr.Func[cptr.IO](summedAt(file).read)(tls, file, buffer, n, offset)
	data := cptr.Bytes(buffer, n)
	switch {
	case code == sqlite3.SQLITE_OK && isPage(n, offset):
		if binary.BigEndian.Uint64(data[PageSize-ReservedBytes:]) != sum(data, offset) {
			return sqlite3.SQLITE_IOERR_DATA
		}
	case code == sqlite3.SQLITE_IOERR_SHORT_READ && isPage(n, offset): // the file was cut: SQLite would read zeros
		return sqlite3.SQLITE_IOERR_DATA
	case code == sqlite3.SQLITE_IOERR_SHORT_READ && n == headerBytes && offset == 0 && data[16] == 0:
		// A new database: SQLite takes the size of pages and of their reserved end from here.
		binary.BigEndian.PutUint16(data[16:], PageSize)
		data[20] = ReservedBytes
	}
	return code
}

func writePage(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	s := summedAt(file)
	if isPage(n, offset) { // in a copy: SQLite may use its own at the same time
		page := s.scratch[:copy(s.scratch[:], cptr.Bytes(buffer, n))]
		binary.BigEndian.PutUint64(page[PageSize-ReservedBytes:], sum(page, offset))
		buffer = cptr.Address(&s.scratch)
	}
	return cptr.Func[cptr.IO](s.write)(tls, file, buffer, n, offset)
}
