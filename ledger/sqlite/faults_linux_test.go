package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"aval/ledger/sqlite"
)

// mount puts a file system at dir for the length of a test.
func mount(t *testing.T, source, dir, kind string, flags uintptr, data string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	if err := unix.Mount(source, dir, kind, flags, data); err != nil {
		t.Skipf("mounting is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// A real file system runs full. The batch that did not fit is not there; with room the same store goes on.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	mount(t, "none", dir, "tmpfs", 0, "size=3m")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.db")
	s := created(t, path)
	free, reserve, err := s.Space()
	if err != nil || free > 2<<20 || free < 1<<20 || reserve != sqlite.DefaultReserve {
		t.Errorf("space %d, reserve %d, %v", free, reserve, err)
	}
	size, err := fill(s, 0, 10_000, 3000)
	if !errors.Is(err, sqlite.ErrFull) || size < 50 {
		t.Fatalf("%d commits, then %v", size, err)
	}
	if free, _, err := s.Space(); err != nil || free > 64<<10 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	wantSize(t, s, size)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := fill(s, size, size+20, 3000); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := check(path); err != nil {
		t.Error(err)
	}
}

// A ledger on a file system that was mounted read-only is verified, and no node starts on it.
func TestReadOnlyFileSystem(t *testing.T) {
	dir, at := t.TempDir(), t.TempDir()
	s := created(t, filepath.Join(dir, "ledger.db"))
	if _, err := fill(s, 0, 5, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mount(t, dir, at, "", unix.MS_BIND, "")
	if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("remounting is not allowed here: %v", err)
	}
	if _, err := sqlite.Open(filepath.Join(at, "ledger.db")); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("open: %v", err)
	}
	if _, err := sqlite.Create(filepath.Join(at, "new.db")); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("create: %v", err)
	}
	if err := check(filepath.Join(at, "ledger.db")); err != nil {
		t.Errorf("check: %v", err)
	}
}

const nobody = 65534

// What this user may not read or write.
func TestPermissions(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	for _, c := range []struct {
		name            string
		file, lock, dir os.FileMode
		open, snapshot  error
	}{
		{name: "all is allowed", file: 0o600, lock: 0o600, dir: 0o700},
		{name: "the file cannot be read", file: 0, lock: 0o600, dir: 0o700, open: sqlite.ErrUnreachable, snapshot: sqlite.ErrUnreachable},
		{name: "the file cannot be written", file: 0o400, lock: 0o600, dir: 0o700, open: sqlite.ErrReadOnly},
		{name: "the folder cannot be written", file: 0o600, lock: 0o600, dir: 0o500, open: sqlite.ErrReadOnly},
		{name: "the folder cannot be entered", file: 0o600, lock: 0o600, dir: 0, open: sqlite.ErrUnreachable, snapshot: sqlite.ErrUnreachable},
		{name: "the lock cannot be written", file: 0o600, lock: 0o400, dir: 0o700, open: sqlite.ErrReadOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "ledger.db")
			s := created(t, path)
			if _, err := fill(s, 0, 5, 100); err != nil {
				t.Fatal(err)
			}
			s.Close()
			for at, mode := range map[string]os.FileMode{path: c.file, path + ".lock": c.lock, dir: c.dir} {
				if err := errors.Join(os.Chown(at, nobody, nobody), os.Chmod(at, mode)); err != nil {
					t.Fatal(err)
				}
			}
			// The file system takes a thread of another user for that user.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if err := unix.Setfsuid(nobody); err != nil {
				t.Fatal(err)
			}
			s, open := sqlite.Open(path)
			if open == nil {
				open = s.Close()
			}
			snapshot := check(path)
			if err := unix.Setfsuid(0); err != nil {
				t.Fatal(err)
			}
			if !errors.Is(open, c.open) {
				t.Errorf("open: %v, want %v", open, c.open)
			}
			if !errors.Is(snapshot, c.snapshot) {
				t.Errorf("check: %v, want %v", snapshot, c.snapshot)
			}
		})
	}
}
