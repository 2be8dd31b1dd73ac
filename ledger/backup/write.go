package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
)

// Writer writes an archive, file after file. Not for concurrent use.
type Writer struct {
	out      io.Writer
	sum      hash.Hash
	manifest Manifest
}

// NewWriter begins an archive.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out, sum: sha256.New()} }

// Bytes counts what was written so far.
func (w *Writer) Bytes() uint64 { return w.manifest.Bytes }

// Put adds a file.
func (w *Writer) Put(name string, data []byte) error {
	head, err := header(name, int64(len(data)))
	if err != nil {
		return err
	}
	for _, part := range [][]byte{head, data, make([]byte, padding(int64(len(data))))} {
		if _, err := w.out.Write(part); err != nil {
			return err
		}
		w.sum.Write(part)
		w.manifest.Bytes += uint64(len(part))
	}
	w.manifest.Files++
	return nil
}

// Close ends the archive with the authenticator of its digest, and with the manifest. It
// does not close or sync what it writes to.
func (w *Writer) Close(authenticate func(digest []byte) []byte) error {
	if err := w.Put(sealName, sealText(authenticate(w.sum.Sum(nil)))); err != nil {
		return err
	}
	w.manifest.SHA256 = w.sum.Sum(nil)
	text, err := manifestText(w.manifest)
	if err != nil {
		return err
	}
	if err := w.Put(manifestName, text); err != nil {
		return err
	}
	_, err = w.out.Write(make([]byte, endBytes))
	w.manifest.Bytes += endBytes
	return err
}

func sealText(authenticator []byte) []byte { return []byte(hex.EncodeToString(authenticator) + "\n") }

func manifestText(m Manifest) ([]byte, error) {
	text, err := json.Marshal(m)
	return append(text, '\n'), err
}
