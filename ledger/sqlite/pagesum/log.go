package pagesum

import (
	"encoding/binary"
	"errors"
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

// ErrDamagedLog says that a write-ahead log is damaged before its last transaction.
var ErrDamagedLog = errors.New("the write-ahead log is damaged before its end")

// CheckLog tells damage in the write-ahead log of a database from the end that a loss of power
// leaves. SQLite takes the first frame that does not check for the end and forgets what follows,
// which is right if power went there: only the last transaction was not synced. If more
// than one transaction follows, they were synced, and something has eaten into the log since: ErrDamagedLog.
// Damage inside the last transaction looks like a loss of power; nothing in the file can tell.
// No log is sound. It may be called beside a writer.
func CheckLog(vfs, path string) error {
	tls := libc.NewTLS()
	defer tls.Close()
	first, err := checkLog(tls, vfs, path)
	if err != nil || first < 0 {
		return err
	}
	again, err := checkLog(tls, vfs, path) // a writer may have been in the middle of it
	if err != nil || again != first {
		return err
	}
	return fmt.Errorf("%w: frame %d", ErrDamagedLog, first)
}

// RenewLog writes the write-ahead log of a database once more, as it is, and syncs it. After a sync
// that failed, an operating system may show what it wrote and have given up writing it; what SQLite
// finds in such a log is not durable, and no later sync would make it so. Nobody may write
// meanwhile; readers may read. No log needs nothing.
func RenewLog(vfs, path string) error {
	tls := libc.NewTLS()
	defer tls.Close()
	f, err := openLog(tls, vfs, path, sqlite3.SQLITE_OPEN_READWRITE)
	if err != nil || f == nil {
		return err
	}
	defer f.close()
	write := cptr.Func[cptr.IO](f.methods().FxWrite)
	for at := int64(0); at < f.size; at += frameBytes {
		n := int32(min(frameBytes, f.size-at))
		if f.read(at, n); f.err != nil {
			return f.err
		}
		if code := write(tls, f.object, f.buffer, n, at); code != sqlite3.SQLITE_OK {
			return fmt.Errorf("write write-ahead log: code %d", code)
		}
	}
	if code := cptr.Func[cptr.Sync](f.methods().FxSync)(tls, f.object, sqlite3.SQLITE_SYNC_NORMAL); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("sync write-ahead log: code %d", code)
	}
	return nil
}

// checkLog gives the first damaged frame, -1 for none.
func checkLog(tls *libc.TLS, vfs, path string) (int64, error) {
	f, err := openLog(tls, vfs, path, sqlite3.SQLITE_OPEN_READONLY)
	if err != nil || f == nil {
		return -1, err
	}
	defer f.close()
	header := f.read(0, logHeader)
	if f.err != nil || f.size <= logHeader {
		return -1, f.err
	}
	// The header is synced before the first frame: one that does not check was damaged.
	running := readSum(header[logHeader-sumBytes:])
	order := binary.ByteOrder(binary.LittleEndian)
	if header[3]&1 != 0 {
		order = binary.BigEndian
	}
	if (chain{}).add(order, header[:logHeader-sumBytes]) != running {
		return 0, nil
	}
	salt := string(header[16:24])
	bad, ended := int64(-1), false
	for i := int64(0); logHeader+(i+1)*frameBytes <= f.size; i++ {
		frame := f.read(logHeader+i*frameBytes, frameBytes)
		if f.err != nil {
			return -1, f.err
		}
		ours := string(frame[8:16]) == salt
		if bad < 0 {
			if next := running.add(order, frame[:8]).add(order, frame[frameHeader:]); ours && next == readSum(frame[frameHeader-sumBytes:]) {
				running = next
				continue
			}
			bad = i
		}
		if ours && ended { // a transaction after one that the bad frame is before
			return bad, nil
		}
		if ours && binary.BigEndian.Uint32(frame[4:]) != 0 {
			ended = true
		}
	}
	return -1, nil
}

// logFile is a file of another VFS, read from Go.
type logFile struct {
	tls    *libc.TLS
	object uintptr
	name   uintptr
	size   int64
	buffer uintptr
	err    error
}

// openLog opens the log of a database to read, or to write too, nil if there is none.
func openLog(tls *libc.TLS, vfs, path string, mode int32) (*logFile, error) {
	under, err := find(tls, vfs)
	if err != nil {
		return nil, err
	}
	u := cptr.At[cptr.VFS](under)
	f := &logFile{tls: tls, object: libc.Xcalloc(tls, 1, libc.Tsize_t(u.FszOsFile)), buffer: cptr.New[[frameBytes]byte](tls)}
	if f.name, err = libc.CString(path + "-wal\x00\x00\x00"); err != nil { // a URI's parameters would follow
		return nil, err
	}
	switch code := cptr.Func[cptr.Open](u.FxOpen)(tls, under, f.name, f.object, mode|sqlite3.SQLITE_OPEN_WAL, 0); code & 0xff {
	case sqlite3.SQLITE_OK:
	case sqlite3.SQLITE_CANTOPEN:
		f.close()
		return nil, nil
	default:
		f.close()
		return nil, fmt.Errorf("open write-ahead log: code %d", code)
	}
	size := cptr.At[int64](f.buffer)
	if code := cptr.Func[cptr.FileSize](f.methods().FxFileSize)(tls, f.object, f.buffer); code != sqlite3.SQLITE_OK {
		f.close()
		return nil, fmt.Errorf("measure write-ahead log: code %d", code)
	}
	f.size = *size
	return f, nil
}

func (f *logFile) methods() *cptr.Methods {
	return cptr.At[cptr.Methods](cptr.At[cptr.File](f.object).FpMethods)
}

// read gives n bytes until the next call; the first error stays.
func (f *logFile) read(offset int64, n int32) []byte {
	code := cptr.Func[cptr.IO](f.methods().FxRead)(f.tls, f.object, f.buffer, n, offset)
	if f.err == nil && code != sqlite3.SQLITE_OK && code != sqlite3.SQLITE_IOERR_SHORT_READ {
		f.err = fmt.Errorf("read write-ahead log: code %d", code)
	}
	return cptr.Bytes(f.buffer, n)
}

func (f *logFile) close() {
	if cptr.At[cptr.File](f.object).FpMethods != 0 {
		cptr.Func[cptr.Close](f.methods().FxClose)(f.tls, f.object)
	}
	for _, p := range []uintptr{f.object, f.buffer, f.name} {
		libc.Xfree(f.tls, p)
	}
}
