package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Reader reads what Writer wrote. Not for concurrent use.
type Reader struct {
	in  io.Reader
	sum hash.Hash
	// found counts what was read, as the manifest must.
	found Manifest
	// seal is the file of that name, sealed the digest of what comes before it.
	seal, sealed []byte
	done         bool
}

// NewReader begins to read an archive.
func NewReader(in io.Reader) *Reader { return &Reader{in: in, sum: sha256.New()} }

// Bytes counts what was read so far.
func (r *Reader) Bytes() uint64 { return r.found.Bytes }

// Next gives the next file. After the last one it checks seal, manifest and end, and gives
// io.EOF only when all of them are in order. Other errors wrap ErrForm, ErrCut or ErrChanged,
// or are those of reading.
func (r *Reader) Next() (name string, data []byte, err error) {
	if r.done {
		return "", nil, io.EOF
	}
	before := r.found
	digest := r.sum.Sum(nil)
	if name, data, err = r.file(); err != nil {
		return "", nil, fmt.Errorf("archive file %d, at byte %d: %w", before.Files, before.Bytes, err)
	}
	switch {
	case name == manifestName:
		before.SHA256 = digest
		return "", nil, r.end(before, data)
	case r.sealed != nil:
		return "", nil, fmt.Errorf("archive file %s after the seal: %w", name, ErrForm)
	case name == sealName:
		r.seal, r.sealed = data, digest
		return r.Next()
	}
	return name, data, nil
}

// file reads one file with its header and padding.
func (r *Reader) file() (string, []byte, error) {
	block, err := r.read(blockBytes)
	if err != nil {
		return "", nil, err
	}
	h, err := tar.NewReader(bytes.NewReader(block)).Next()
	if err != nil {
		return "", nil, fmt.Errorf("%w: header: %w", ErrForm, err)
	}
	if h.Size < 0 || h.Size > MaxFileBytes {
		return "", nil, fmt.Errorf("%w: file of %d bytes, limit %d", ErrForm, h.Size, MaxFileBytes)
	}
	if exact, err := header(h.Name, h.Size); err != nil || !bytes.Equal(exact, block) {
		return "", nil, fmt.Errorf("%w: header of %.100q", ErrForm, h.Name)
	}
	data, err := r.read(h.Size)
	if err != nil {
		return "", nil, err
	}
	rest, err := r.read(int64(padding(h.Size)))
	if err == nil && len(bytes.Trim(rest, "\x00")) > 0 {
		err = fmt.Errorf("%w: padding of %.100q", ErrForm, h.Name)
	}
	r.found.Files++
	return h.Name, data, err
}

// read takes exactly n bytes; memory grows with what is really there.
func (r *Reader) read(n int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.in, n))
	if err == nil && int64(len(data)) < n {
		err = ErrCut
	}
	r.sum.Write(data)
	r.found.Bytes += uint64(len(data))
	return data, err
}

// end compares the manifest with what was found, and wants nothing after it.
func (r *Reader) end(found Manifest, text []byte) error {
	var stated Manifest
	if err := json.Unmarshal(text, &stated); err != nil {
		return fmt.Errorf("archive manifest: %w: %w", ErrForm, err)
	}
	if exact, err := manifestText(stated); err != nil || !bytes.Equal(exact, text) || r.sealed == nil {
		return fmt.Errorf("archive manifest: %w", ErrForm)
	}
	if stated.Files != found.Files || stated.Bytes != found.Bytes || !bytes.Equal(stated.SHA256, found.SHA256) {
		return fmt.Errorf("archive manifest: %w", ErrChanged)
	}
	rest, err := io.ReadAll(io.LimitReader(r.in, endBytes+1))
	if err == nil && len(rest) < endBytes {
		err = ErrCut
	}
	if err == nil && !bytes.Equal(rest, make([]byte, endBytes)) {
		err = ErrForm
	}
	if err != nil {
		return fmt.Errorf("archive end: %w", err)
	}
	r.done = true
	return io.EOF
}

// Authentic checks the seal with the ledger's keys, once Next gave io.EOF.
func (r *Reader) Authentic(authenticate func(digest []byte) []byte) error {
	if !r.done {
		return errors.New("the archive was not read to its end")
	}
	if subtle.ConstantTimeCompare(r.seal, sealText(authenticate(r.sealed))) != 1 {
		return fmt.Errorf("archive seal: %w", ErrChanged)
	}
	return nil
}
