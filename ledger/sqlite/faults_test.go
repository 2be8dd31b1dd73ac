package sqlite_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
	"aval/ledger/sqlite/pagesum"
)

// nth is the nth commit of a log of one leaf a batch, with a body of so many bytes.
func nth(n uint64, bytes int) ledger.Commit {
	return ledger.Commit{
		Entries: []ledger.StoredEntry{{Index: n - 1, Leaf: []byte("leaf"), Body: make([]byte, bytes)}},
		Head:    ledger.Head{Size: n, Sequence: n, Now: domain.Millis(n)},
	}
}

func created(t *testing.T, path string, options ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Create(path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill appends up to a size or an error, and gives the size reached.
func fill(s *sqlite.Store, from, to uint64, bytes int) (uint64, error) {
	for n := from; n < to; n++ {
		if err := s.Append(nth(n+1, bytes)); err != nil {
			return n, err
		}
	}
	return to, nil
}

func wantSize(t *testing.T, s *sqlite.Store, want uint64) {
	t.Helper()
	if head, _, err := s.Head(); err != nil || head.Size != want {
		t.Errorf("head %+v, %v, want %d leaves", head, err, want)
	}
}

func TestOnlyTheOwnerReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := created(t, path)
	if err := s.Append(nth(1, 10)); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + ending)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", ending, info.Mode(), err)
		}
	}
}

// What a killed process leaves, without its log, or with a database that was cut.
func TestLostFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := created(t, path)
	if _, err := fill(s, 0, 20, 3000); err != nil {
		t.Fatal(err)
	}
	left := func(name string, endings ...string) string {
		at := filepath.Join(t.TempDir(), name)
		for _, ending := range append(endings, "") {
			content, err := os.ReadFile(path + ending)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at+ending, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return at
	}
	whole := left("whole", "-wal", "-shm")
	reopened, err := sqlite.Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	wantSize(t, reopened, 20)
	reopened.Close()
	without := left("without", "-shm")
	if _, err := sqlite.Open(without); !errors.Is(err, sqlite.ErrCorrupt) || !errors.Is(err, pagesum.ErrNoLog) {
		t.Errorf("opened without its log: %v", err)
	}
	if _, err := sqlite.OpenSnapshot(without); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("read without its log: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{len(content) - 1, len(content) - pagesum.PageSize, len(content) / 2, pagesum.PageSize, 100, 10} {
		cut := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(cut, content[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(cut); !errors.Is(err, sqlite.ErrCorrupt) && size < len(content)-1 {
			t.Errorf("%d bytes of %d: opened with %v", size, len(content), err)
		}
		if err := check(cut); !errors.Is(err, sqlite.ErrCorrupt) {
			t.Errorf("%d bytes of %d: checked with %v", size, len(content), err)
		}
	}
	if err := check(path); err != nil {
		t.Error(err)
	}
}

func check(path string) error {
	snapshot, err := sqlite.OpenSnapshot(path)
	if err != nil {
		return err
	}
	return errors.Join(snapshot.Check(), snapshot.Close())
}

// A program that knows nothing of the lock file holds the database: after the patience that is an error with a name.
func TestHeldByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := created(t, path, sqlite.Patience(100*time.Millisecond))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdPath+"="+path)
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatal(line, err)
	}
	if err := s.Append(nth(1, 10)); !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("append: %v", err)
	}
	wantSize(t, s, 0)
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if err := s.Append(nth(1, 10)); err != nil {
		t.Error(err)
	}
	wantSize(t, s, 1)
}

// hold keeps the write lock of a database until its standard input ends.
func hold(path string) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// What a store says of each fault of its disk, on the disk that fails on demand.
func TestFaultsHaveNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault faultdisk.Fault
		want  error
	}{
		{"write", faultdisk.Fault{Kind: faultdisk.WriteError}, sqlite.ErrDisk},
		{"sync", faultdisk.Fault{Kind: faultdisk.SyncError}, sqlite.ErrDisk},
		{"read-only", faultdisk.Fault{Kind: faultdisk.ReadOnly}, sqlite.ErrDisk},
		{"locked", faultdisk.Fault{Kind: faultdisk.Locked}, sqlite.ErrLocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk, err := faultdisk.New()
			if err != nil {
				t.Fatal(err)
			}
			options := []sqlite.Option{sqlite.OnVFS(disk.Name()), sqlite.Patience(50 * time.Millisecond)}
			s := created(t, "ledger.db", options...)
			if err := s.Append(nth(1, 9000)); err != nil {
				t.Fatal(err)
			}
			disk.Inject(c.fault)
			if err := s.Append(nth(2, 9000)); !errors.Is(err, c.want) {
				t.Errorf("append: %v, want %v", err, c.want)
			}
			disk.Kill()
			if again, err := sqlite.Open("ledger.db", options...); err == nil {
				again.Close()
				t.Error("opened with the fault")
			} else {
				t.Log(err)
			}
			disk.Kill()
			disk.Heal()
			again, err := sqlite.Open("ledger.db", options...)
			if err != nil {
				t.Fatal(err)
			}
			head, _, err := again.Head()
			if err != nil || head.Size < 1 {
				t.Errorf("head %+v, %v", head, err)
			}
			if err := errors.Join(again.Append(nth(head.Size+1, 10)), again.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A bit that flips between the disk and the program is no different from one on the disk.
func TestFlippedOnTheWay(t *testing.T) {
	disk, err := faultdisk.New()
	if err != nil {
		t.Fatal(err)
	}
	s := created(t, "ledger.db", sqlite.OnVFS(disk.Name()))
	if _, err := fill(s, 0, 30, 5000); err != nil {
		t.Fatal(err)
	}
	s.Close()
	found := 0
	for after := range 40 {
		disk.Inject(faultdisk.Fault{Kind: faultdisk.ReadFlip, File: "ledger.db", After: after, Times: 1})
		s, err := sqlite.Open("ledger.db", sqlite.OnVFS(disk.Name()))
		if err == nil {
			err = s.Entries(0, 100, func(e ledger.StoredEntry) error {
				if string(e.Leaf) != "leaf" || !bytes.Equal(e.Body, make([]byte, 5000)) {
					t.Errorf("flip %d: changed data", after)
				}
				return nil
			})
			s.Close()
		}
		if err != nil {
			if !errors.Is(err, sqlite.ErrCorrupt) {
				t.Errorf("flip %d: %v", after, err)
			}
			found++
		}
		disk.Heal()
	}
	if found < 20 {
		t.Errorf("found %d flips", found)
	}
}
