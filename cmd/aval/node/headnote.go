package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"aval/ledger"
	"aval/ledger/sqlite"
)

// HeadNoteFile keeps the newest head that this node has signed, beside the database and not in
// it, so that an older database does not pass for the newest.
const HeadNoteFile = "head.note"

// noteSlot is the room of one head in the file. There are two and they take turns: a write that a
// power cut tears leaves the one before it.
const noteSlot = 1024

// headNote is that file. It is written after each batch is durable, and not synced: what a killed
// process wrote stays, and after a power cut it may be behind the database, which is no harm. It is
// never ahead of it. For one goroutine at a time.
type headNote struct {
	file *os.File
	next int64
}

// openHeadNote opens the file, made anew if it is gone, and gives what its slots hold, damaged or not.
func openHeadNote(path string) (*headNote, [][]byte, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the note of the last head: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, 2*noteSlot))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read the note of the last head: %w", err), file.Close())
	}
	return &headNote{file: file}, parseHeadNotes(data), nil
}

// parseHeadNotes gives the heads in the two slots, each after its length in two bytes, big endian.
func parseHeadNotes(data []byte) (heads [][]byte) {
	for at := 0; at+2 < len(data) && at < 2*noteSlot; at += noteSlot {
		length := int(binary.BigEndian.Uint16(data[at:]))
		if length > 0 && length <= noteSlot-2 && at+2+length <= len(data) {
			heads = append(heads, data[at+2:at+2+length])
		}
	}
	return heads
}

// write keeps a signed head.
func (h *headNote) write(head []byte) error {
	if len(head) > noteSlot-2 {
		return fmt.Errorf("note the last head: %d bytes, limit %d", len(head), noteSlot-2)
	}
	slot := make([]byte, noteSlot)
	binary.BigEndian.PutUint16(slot, uint16(len(head)))
	copy(slot[2:], head)
	if _, err := h.file.WriteAt(slot, h.next*noteSlot); err != nil {
		return fmt.Errorf("note the last head: %w", err)
	}
	h.next = 1 - h.next
	return nil
}

// close puts the note on disk.
func (h *headNote) close() error { return errors.Join(h.file.Sync(), h.file.Close()) }

// notedStore is a store that keeps its newest head in a second place.
type notedStore struct {
	*sqlite.Store
	mu   sync.Mutex
	note *headNote
	// held: the head was accepted and the log does not say so yet. Whoever dies now has no note at the next start either.
	held   bool
	newest []byte
}

// Append implements ledger.Store.
func (s *notedStore) Append(c ledger.Commit) error {
	if err := s.Store.Append(c); err != nil {
		return err
	}
	return s.noted(c.Checkpoint)
}

func (s *notedStore) noted(head []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = head
	if s.held {
		return nil
	}
	return s.note.write(head)
}

// hold writes no note until release.
func (s *notedStore) hold() { s.held = true }

// release writes the note of the newest head, and of each from now on.
func (s *notedStore) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	return s.note.write(s.newest)
}

// Close implements ledger.Store.
func (s *notedStore) Close() error { return errors.Join(s.note.close(), s.Store.Close()) }

// headNotePath is where the folder's note is: another disk than the database's, if the configuration says so.
func (f *Folder) headNotePath() string {
	if f.Config.HeadNote == "" {
		return f.path(HeadNoteFile)
	}
	return f.path(f.Config.HeadNote)
}

// openNoted opens the folder's database beside its note.
func (f *Folder) openNoted() (*notedStore, [][]byte, error) {
	store, err := f.OpenStore()
	if err != nil {
		return nil, nil, err
	}
	note, heads, err := openHeadNote(f.headNotePath())
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return &notedStore{Store: store, note: note}, heads, nil
}

// checkNoted refuses a ledger that lacks a head which its own key signed, and says whether there was any such head. What is none
// proves nothing: it is what a torn write leaves.
func checkNoted(e *ledger.Engine, path string, heads [][]byte) (found bool, err error) {
	for _, head := range heads {
		lacks, err := e.Contradicted(head)
		if err != nil {
			continue
		}
		found = true
		if lacks {
			return found, fmt.Errorf("ROLLED BACK OR FORKED: %s holds a head that this node has signed and the database does not: the database is an older or another copy. "+
				"Put the newest database back. If it is lost for good, so is what was answered after this copy: tell everybody who holds receipts, "+
				"then remove %s and start once with --accept-head", path, path)
		}
	}
	return found, nil
}
