package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite"
)

// secretKey stands for a sealed key: bytes that must be in no file once they are erased.
var secretKey = bytes.Repeat([]byte("sealed-key-canary"), 3)

// erasing is a store with keys and values of some subjects, large enough that pages are split and freed.
func erasing(t *testing.T, path string) (*sqlite.Store, func(erased ...[]byte) error) {
	t.Helper()
	s, err := sqlite.Create(path, sqlite.Patience(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	k := uint64(0)
	commit := func(p ledger.PrivateChange) error {
		k++
		return s.Append(ledger.Commit{
			Entries: []ledger.StoredEntry{{Index: k - 1, Leaf: []byte("leaf")}}, Private: p, Checkpoint: []byte("note"),
			Head: ledger.Head{Size: k, Sequence: k, Now: domain.Millis(k)},
		})
	}
	for n := range 40 {
		tag := []byte{byte(n)}
		p := ledger.PrivateChange{Subjects: []ledger.StoredSubject{{Tag: tag, Key: append(bytes.Clone(secretKey), byte(n))}}}
		for i := range 6 {
			body := append(bytes.Repeat([]byte{byte('a' + i)}, 3000), secretKey...)
			p.Rows = append(p.Rows, ledger.StoredPrivate{Index: k, Number: i, Subject: tag, Digest: []byte{byte(n), byte(i)}, Body: append(body, byte(n))})
		}
		if err := commit(p); err != nil {
			t.Fatal(err)
		}
	}
	return s, func(erased ...[]byte) error { return commit(ledger.PrivateChange{Erased: erased}) }
}

// inFolder counts how often the bytes are in the files of a folder.
func inFolder(t *testing.T, dir string, secret []byte) (count int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		count += bytes.Count(content, secret)
	}
	return count
}

// All of a subject goes: from pages, from free space, from the write-ahead log.
func TestErasedFromEveryFile(t *testing.T) {
	dir := t.TempDir()
	s, erase := erasing(t, filepath.Join(dir, "ledger.db"))
	if inFolder(t, dir, secretKey) < 40*7 {
		t.Fatal("the secrets are in no file: the test looks in the wrong place")
	}
	var all [][]byte
	for n := range 40 {
		all = append(all, []byte{byte(n)})
	}
	for n := range 40 { // one of them first, then others beside it
		own := append(bytes.Clone(secretKey), byte(n))
		if err := erase(all[n]); err != nil {
			t.Fatal(err)
		}
		if left := inFolder(t, dir, own); left != 0 {
			t.Fatalf("subject %d is still in the files, %d times", n, left)
		}
		if n == 20 {
			if err := erase(all...); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if left := inFolder(t, dir, secretKey); left != 0 || !s.Scrubbed() {
		t.Errorf("%d secrets are left, scrubbed %v", left, s.Scrubbed())
	}
}

// A reader of an older moment keeps the log from being emptied. The next commit after it does
// it, and so does the next opening.
func TestEraseBesideAReader(t *testing.T) {
	for name, finish := range map[string]func(*testing.T, *sqlite.Store, string, func(...[]byte) error){
		"next commit": func(t *testing.T, s *sqlite.Store, _ string, erase func(...[]byte) error) {
			if err := erase(); err != nil || !s.Scrubbed() {
				t.Errorf("scrubbed %v, %v", s.Scrubbed(), err)
			}
		},
		"next opening": func(t *testing.T, s *sqlite.Store, path string, _ func(...[]byte) error) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := sqlite.Open(path)
			if err != nil || !again.Scrubbed() {
				t.Fatal(err)
			}
			again.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "ledger.db")
			s, erase := erasing(t, path)
			reader, err := sqlite.OpenSnapshot(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := erase([]byte{3}); err != nil {
				t.Fatal(err)
			}
			own := append(bytes.Clone(secretKey), 3)
			if s.Scrubbed() || inFolder(t, dir, own) == 0 {
				t.Error("the reader's moment is gone: the test shows nothing")
			}
			if err := reader.Close(); err != nil {
				t.Fatal(err)
			}
			finish(t, s, path, erase)
			if left := inFolder(t, dir, own); left != 0 {
				t.Errorf("%d left", left)
			}
		})
	}
}
