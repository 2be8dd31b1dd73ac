package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// The file of a store is a sequence of records, each
//
//	"AVG1"  length of body (4 bytes)  CRC-32C of body (4 bytes)  body
//
// with integers big endian, and a body of
//
//	1  number (8 bytes)  class (1 byte)  length of device (1 byte)  device  message
//	2  number (8 bytes): the message of that number may be forgotten
//
// A put is synchronised to disk before it is answered; a trim is not, because a lost trim
// only makes the gateway send a message again. What a crash can tear is therefore the tail.
const (
	walMagic   = "AVG1"
	walHeader  = 12
	walPut     = 1
	walTrim    = 2
	walPutHead = 11
	// maxBody bounds a record: one message with its head.
	maxBody = walPutHead + 48 + 64<<10
	// compactBytes is the least waste that is worth a rewrite.
	compactBytes = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBroken reports a store whose file is in an unknown state after a failed write: only
// opening it again tells what is in it.
var errBroken = errors.New("store is broken after a failed write: open it again")

// stored is one live message as the file has it.
type stored struct {
	number uint64
	class  byte
	device string
	// offset and size locate the record.
	offset, size int64
}

// recovery says what opening found beside whole records.
type recovery struct {
	// torn is the length of the tail that was cut off, damaged the bytes skipped between whole records.
	torn, damaged int64
}

// wal is the file of a store. It is not safe for concurrent use.
type wal struct {
	path string
	file *os.File
	// end is where the next record goes, waste how much of the file is trims and forgotten messages.
	end, waste int64
	next       uint64
	live       map[uint64]stored
	broken     bool
}

// openWAL opens or creates the file, takes its lock, and reads which messages are live.
func openWAL(path string) (*wal, recovery, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, recovery{}, fmt.Errorf("open store: %w", err)
	}
	if err := lock(file); err != nil {
		return nil, recovery{}, errors.Join(fmt.Errorf("lock store %s: another gateway has it: %w", path, err), file.Close())
	}
	w := &wal{path: path, file: file, live: map[uint64]stored{}, next: 1}
	found, err := w.recover()
	if err != nil {
		return nil, found, errors.Join(fmt.Errorf("read store: %w", err), file.Close())
	}
	return w, found, nil
}

// recover replays the file. Past a damaged place it looks for the next whole record, so that
// one bad sector costs one message; a damaged end is cut off.
func (w *wal) recover() (recovery, error) {
	var found recovery
	data, err := io.ReadAll(w.file)
	if err != nil {
		return found, err
	}
	for at := int64(0); at < int64(len(data)); {
		body, ok := parseRecord(data[at:])
		if !ok || !w.replay(body, at) {
			at++
			continue
		}
		found.damaged += at - w.end
		at += int64(walHeader + len(body))
		w.end = at
	}
	found.torn = int64(len(data)) - w.end
	w.waste += found.damaged
	if found.torn == 0 {
		return found, syncFolder(w.path)
	}
	if err := w.file.Truncate(w.end); err != nil {
		return found, err
	}
	return found, errors.Join(w.file.Sync(), syncFolder(w.path))
}

// replay applies one whole record; false for a body that no version wrote.
func (w *wal) replay(body []byte, offset int64) bool {
	size := int64(walHeader + len(body))
	number, s, ok := parseBody(body)
	switch {
	case !ok:
		return false
	case s == nil:
		if old, found := w.live[number]; found {
			w.waste += old.size
			delete(w.live, number)
		}
		w.waste += size
	default:
		s.offset, s.size = offset, size
		w.live[number] = *s
	}
	w.next = max(w.next, number+1)
	return true
}

func parseRecord(data []byte) ([]byte, bool) {
	if len(data) < walHeader || string(data[:4]) != walMagic {
		return nil, false
	}
	length := int(binary.BigEndian.Uint32(data[4:]))
	if length > maxBody || len(data)-walHeader < length {
		return nil, false
	}
	body := data[walHeader : walHeader+length]
	return body, crc32.Checksum(body, castagnoli) == binary.BigEndian.Uint32(data[8:])
}

// parseBody gives the number, and the message's place if it is a put.
func parseBody(body []byte) (uint64, *stored, bool) {
	if len(body) < 9 {
		return 0, nil, false
	}
	number := binary.BigEndian.Uint64(body[1:])
	if body[0] == walTrim && len(body) == 9 {
		return number, nil, true
	}
	if body[0] != walPut || len(body) < walPutHead || len(body) < walPutHead+int(body[10]) {
		return 0, nil, false
	}
	return number, &stored{number: number, class: body[9], device: string(body[walPutHead : walPutHead+int(body[10])])}, true
}

func formatRecord(body []byte) []byte {
	record := append(make([]byte, 0, walHeader+len(body)), walMagic...)
	record = binary.BigEndian.AppendUint32(record, uint32(len(body)))
	record = binary.BigEndian.AppendUint32(record, crc32.Checksum(body, castagnoli))
	return append(record, body...)
}

// put appends a message and returns when it is on disk.
func (w *wal) put(class byte, device string, raw []byte) (stored, error) {
	body := binary.BigEndian.AppendUint64([]byte{walPut}, w.next)
	body = append(append(body, class, byte(len(device))), device...)
	s := stored{number: w.next, class: class, device: device, offset: w.end}
	var err error
	if s.size, err = w.append(formatRecord(append(body, raw...))); err != nil {
		return stored{}, err
	}
	if err := w.file.Sync(); err != nil {
		w.broken = true // after a failed fsync nobody knows what the disk holds
		return stored{}, fmt.Errorf("sync store: %w", err)
	}
	w.live[s.number] = s
	w.next++
	return s, nil
}

// trim forgets a message.
func (w *wal) trim(number uint64) error {
	s, ok := w.live[number]
	if !ok {
		return nil
	}
	size, err := w.append(formatRecord(binary.BigEndian.AppendUint64([]byte{walTrim}, number)))
	if err != nil {
		return err
	}
	delete(w.live, number)
	w.waste += s.size + size
	if w.waste >= compactBytes && w.waste > w.end/2 {
		return w.compact()
	}
	return nil
}

func (w *wal) append(record []byte) (int64, error) {
	if w.broken {
		return 0, errBroken
	}
	if _, err := w.file.WriteAt(record, w.end); err != nil {
		w.broken = w.file.Truncate(w.end) != nil // a full disk: the part that was written goes
		return 0, fmt.Errorf("write store: %w", err)
	}
	w.end += int64(len(record))
	return int64(len(record)), nil
}

// read gives a message back as it was put.
func (w *wal) read(s stored) ([]byte, error) {
	data := make([]byte, s.size)
	if _, err := w.file.ReadAt(data, s.offset); err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	body, ok := parseRecord(data)
	if !ok {
		return nil, fmt.Errorf("read store: message %d is damaged", s.number)
	}
	return body[walPutHead+len(s.device):], nil
}

// compact rewrites the live messages into a new file, which takes the old one's place at
// once. A crash before the rename leaves the old file, after it the new one.
func (w *wal) compact() error {
	next, err := os.OpenFile(w.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("compact store: %w", err)
	}
	live, end, err := w.copyLive(next)
	if err == nil {
		err = errors.Join(lock(next), next.Sync())
	}
	if err == nil {
		err = os.Rename(w.path+".new", w.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("compact store: %w", err), next.Close())
	}
	old := w.file
	w.file, w.live, w.end, w.waste = next, live, end, 0
	if err := errors.Join(syncFolder(w.path), old.Close()); err != nil {
		w.broken = true // the rename may not survive a crash, and what is put now would go with it
		return fmt.Errorf("compact store: %w", err)
	}
	return nil
}

func (w *wal) copyLive(to *os.File) (map[uint64]stored, int64, error) {
	live, end := make(map[uint64]stored, len(w.live)), int64(0)
	for _, s := range inOrder(w.live) {
		data := make([]byte, s.size)
		if _, err := w.file.ReadAt(data, s.offset); err != nil {
			return nil, 0, err
		}
		if _, err := to.WriteAt(data, end); err != nil {
			return nil, 0, err
		}
		s.offset = end
		live[s.number] = s
		end += s.size
	}
	return live, end, nil
}

func (w *wal) close() error { return w.file.Close() }

func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
