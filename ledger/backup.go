package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of an archive that is read.
const (
	// maxExtraFiles and maxExtraBytes bound the caller's files in an archive.
	maxExtraFiles = 16
	maxExtraBytes = 4 << 20
)

// ErrNoLog says that an archive ends before its log begins.
var ErrNoLog = errors.New("the archive ends before its log begins")

// Files gives the files of an archive in order, io.EOF after the last. It has checked by
// then what it can check of the whole.
type Files func() (name string, data []byte, err error)

// Backup is an archive whose preface was read: what it says of itself, and the files that
// ExportArchive was given. Nothing of it is verified yet.
type Backup struct {
	ArchiveHead
	Extra map[string][]byte

	next Files
	// held is the first file of the log, read to find the end of the preface.
	held     string
	heldData []byte
}

// OpenBackup reads the preface of an archive.
func OpenBackup(next Files) (*Backup, error) {
	name, data, err := next()
	if err != nil {
		return nil, err
	}
	b := &Backup{Extra: map[string][]byte{}, next: next}
	if name != ArchiveFile {
		return nil, fmt.Errorf("archive begins with %.100q, want %s", name, ArchiveFile)
	}
	if err := b.parse(data); err != nil {
		return nil, err
	}
	for total := 0; ; {
		name, data, err := next()
		if errors.Is(err, io.EOF) {
			err = ErrNoLog
		}
		if err != nil {
			return nil, err
		}
		if name == checkpointFile {
			b.held, b.heldData = name, data
			return b, nil
		}
		total += len(data)
		if _, twice := b.Extra[name]; twice || name == ArchiveFile || len(b.Extra) == maxExtraFiles || total > maxExtraBytes {
			return nil, fmt.Errorf("archive preface: %.100q is there twice, or more than %d files of together %d bytes", name, maxExtraFiles, maxExtraBytes)
		}
		b.Extra[name] = data
	}
}

// parse reads the first file, which has one exact form.
func (h *ArchiveHead) parse(text []byte) error {
	if err := json.Unmarshal(text, h); err != nil {
		return fmt.Errorf("%s: %w", ArchiveFile, err)
	}
	if exact, err := h.text(); err != nil || !bytes.Equal(exact, text) {
		return fmt.Errorf("%s is not in its exact form", ArchiveFile)
	}
	if h.Format != ArchiveFormat {
		return fmt.Errorf("%s: format %.40q, this program reads %s", ArchiveFile, h.Format, ArchiveFormat)
	}
	return nil
}

// file gives the next file, beginning with the one that is held.
func (b *Backup) file() (string, []byte, error) {
	if name, data := b.held, b.heldData; name != "" {
		b.held, b.heldData = "", nil
		return name, data, nil
	}
	return b.next()
}

// noEnd turns an end that came too early into an error.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the archive ends too early")
	}
	return err
}

func isBodies(name string) bool { return strings.HasPrefix(name, bodiesDir) }

// RootAt is the root of a stored log when it had that many leaves, by its stored tiles.
func RootAt(archive Archive, size uint64) ([]byte, error) {
	tree, err := openTree(archive, size)
	if err != nil {
		return nil, err
	}
	root, err := tree.root(size)
	return root[:], err
}
