package pagesum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrNoLog says that the write-ahead log of a database is gone, and commits with it.
var ErrNoLog = errors.New("the write-ahead log is missing")

// The index of a log in the file -shm, in the byte order of the machine: two equal headers, then how
// many frames are in the database too. https://sqlite.org/walformat.html section 2.
const (
	indexHeader = 48
	lastFrameAt = 16
	backfillAt  = 2 * indexHeader
	indexBytes  = backfillAt + 4
)

// CheckPresent is for a database without a log. It tells from the index that a process left behind
// whether the log held something that the database lacks: then it was lost, ErrNoLog. A clean stop
// leaves no index, nor has a restored copy of the database alone.
func CheckPresent(path string) error {
	f, err := os.Open(path + "-shm")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	index := make([]byte, indexBytes)
	if _, err := f.ReadAt(index, 0); err != nil {
		return nil // too short to say anything
	}
	if string(index[:indexHeader]) != string(index[indexHeader:backfillAt]) {
		return nil // half written
	}
	last, done := binary.NativeEndian.Uint32(index[lastFrameAt:]), binary.NativeEndian.Uint32(index[backfillAt:])
	if last > done {
		return fmt.Errorf("%w: %d of its %d frames are not in the database", ErrNoLog, last-done, last)
	}
	return nil
}
