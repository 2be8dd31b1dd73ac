// Package backup frames the files of an exported ledger as one tar archive. Any tar program
// unpacks it, and what it then holds beside the sealed parts is the public log, ready to be
// served. There is one exact form: every header, every byte of padding and the end are as
// Writer makes them, or Reader refuses them. Two files close the archive:
//
//	seal           an authenticator over all bytes before it, for who holds the ledger's keys
//	manifest.json  counts, and the SHA-256 of all bytes before it, for everybody
//
// So an archive that was cut, joined or changed anywhere is found out, by accident without
// keys and by intent with them. Reader and Writer keep one file in memory.
package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
)

// Limits of an archive.
const (
	// MaxFileBytes bounds one file. The largest that is written is a full entry bundle.
	MaxFileBytes = 32 << 20
	// MaxNameBytes bounds a name, as ustar does.
	MaxNameBytes = 100
)

const (
	blockBytes   = 512
	endBytes     = 2 * blockBytes
	sealName     = "seal"
	manifestName = "manifest.json"
)

// Errors of reading. They are wrapped with the place.
var (
	// ErrForm says that this is no archive of a ledger, or not in its exact form.
	ErrForm = errors.New("not an archive of a ledger in its exact form")
	// ErrCut says that the archive ends before its manifest.
	ErrCut = errors.New("the archive is cut short")
	// ErrChanged says that the archive is not the one that was written.
	ErrChanged = errors.New("the archive is not as it was written")
)

// Manifest says what an archive must hold.
type Manifest struct {
	// Files and Bytes count what comes before the manifest, Bytes with headers and padding.
	Files  uint64 `json:"files"`
	Bytes  uint64 `json:"bytes"`
	SHA256 []byte `json:"sha256"`
}

// header is the block before a file.
func header(name string, size int64) ([]byte, error) {
	if len(name) > MaxNameBytes || size > MaxFileBytes {
		return nil, fmt.Errorf("archive file %.100q of %d bytes: limits are %d bytes of name and %d of content", name, size, MaxNameBytes, MaxFileBytes)
	}
	var block bytes.Buffer
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatUSTAR}
	if err := tar.NewWriter(&block).WriteHeader(h); err != nil {
		return nil, err
	}
	return block.Bytes(), nil
}

// padding is how many zeros follow a file.
func padding(size int64) int { return int((blockBytes - size%blockBytes) % blockBytes) }
