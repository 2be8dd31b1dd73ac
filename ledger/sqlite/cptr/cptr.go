// Package cptr crosses between Go and the C addresses of the transpiled SQLite: what a VFS needs
// (https://sqlite.org/vfs.html), and nothing else.
package cptr

import (
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// At reads a C address as a pointer. The memory must be C's: Go may move its own.
func At[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// Bytes is a C buffer as a slice.
func Bytes(address uintptr, n int32) []byte { return unsafe.Slice(At[byte](address), n) }

// Of gives a Go function as a C function pointer. It must be declared at the top of a package, for
// those never move.
func Of[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// Func gives a C function pointer as a Go function.
func Func[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// New makes a zeroed C object, which lives until Free.
func New[T any](tls *libc.TLS) uintptr {
	var t T
	return libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(t)))
}

// Size is the bytes of a C object, to be given to SQLite.
func Size[T any]() int32 {
	var t T
	return int32(unsafe.Sizeof(t))
}

// The signatures of the functions of a VFS and of a file that are called, not only made.
type (
	// Open is xOpen.
	Open = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	// IO is xRead and xWrite.
	IO = func(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32
	// Sync is xSync.
	Sync = func(tls *libc.TLS, file uintptr, flags int32) int32
	// Close is xClose.
	Close = func(tls *libc.TLS, file uintptr) int32
	// FileSize is xFileSize.
	FileSize = func(tls *libc.TLS, file, size uintptr) int32
)

// VFS and File are the C objects.
type (
	VFS  = sqlite3.Tsqlite3_vfs
	File = sqlite3.Tsqlite3_file
	// Methods are those of a File.
	Methods = sqlite3.Tsqlite3_io_methods
)

// Address is the inverse of At, for C memory alone.
func Address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
