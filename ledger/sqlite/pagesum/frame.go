package pagesum

import (
	"encoding/binary"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/cptr"
)

// The write-ahead log, https://sqlite.org/fileformat2.html section 4.1: a header, then frames,
// each a header and a page.
const (
	logHeader   = 32
	frameHeader = 24
	frameBytes  = frameHeader + PageSize
	// sumBytes end both headers.
	sumBytes = 8
)

// readFrame compares a page that is read from the log with the checksum of its frame. Recovery
// reads whole frames and checks them itself. A transaction must not spill into the log before it
// commits: SQLite would overwrite frames, and mend their checksums only at the end.
func readFrame(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	s := summedAt(file)
	read := cptr.Func[cptr.IO](s.read)
	at := offset - frameHeader
	if n != PageSize || at < logHeader || (at-logHeader)%frameBytes != 0 {
		return read(tls, file, buffer, n, offset)
	}
	before := at - PageSize - sumBytes // the checksum of the frame before
	if at == logHeader {
		before = logHeader - sumBytes
	}
	into := cptr.Address(&s.scratch)
	if read(tls, file, into, frameBytes, at) != sqlite3.SQLITE_OK || read(tls, file, into+frameBytes, sumBytes, before) != sqlite3.SQLITE_OK {
		return sqlite3.SQLITE_IOERR_READ
	}
	header, page := s.scratch[:frameHeader], s.scratch[frameHeader:frameBytes]
	if !follows(readSum(s.scratch[frameBytes:]), header, page) {
		return sqlite3.SQLITE_IOERR_DATA
	}
	copy(cptr.Bytes(buffer, n), page)
	return sqlite3.SQLITE_OK
}

// chain is the running checksum of a log.
type chain [2]uint32

func readSum(b []byte) chain {
	return chain{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// follows says whether a frame carries the checksum that the one before leads to. The log may have
// been begun on a machine of either byte order.
func follows(before chain, header, page []byte) bool {
	want := readSum(header[frameHeader-sumBytes:])
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if before.add(order, header[:8]).add(order, page) == want {
			return true
		}
	}
	return false
}

func (c chain) add(order binary.ByteOrder, data []byte) chain {
	if order == binary.LittleEndian { // without the calls through an interface: it is the hot one
		for ; len(data) >= 8; data = data[8:] {
			c[0] += binary.LittleEndian.Uint32(data) + c[1]
			c[1] += binary.LittleEndian.Uint32(data[4:]) + c[0]
		}
		return c
	}
	for ; len(data) >= 8; data = data[8:] {
		c[0] += order.Uint32(data) + c[1]
		c[1] += order.Uint32(data[4:]) + c[0]
	}
	return c
}
