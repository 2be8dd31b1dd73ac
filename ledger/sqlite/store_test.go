package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

func TestConformance(t *testing.T) {
	ledgertest.TestStore(t, func() ledger.Store {
		s, err := sqlite.Create(filepath.Join(t.TempDir(), "ledger.db"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestMemoryConformance(t *testing.T) {
	ledgertest.TestStore(t, func() ledger.Store { return ledgertest.NewMemory() })
}

// The environment that makes the test binary the second process, and of which database.
const (
	childPath = "AVAL_TEST_DATABASE"
	holdPath  = "AVAL_TEST_HOLD"
)

// TestMain lets the test binary be the second process that opens the same database.
func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		s, err := sqlite.Open(path)
		if err != nil {
			fmt.Println(errors.Is(err, sqlite.ErrInUse), err)
			os.Exit(3)
		}
		s.Close()
		os.Exit(0)
	}
	if path := os.Getenv(holdPath); path != "" {
		if err := hold(path); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openElsewhere(path string) (string, error) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	out, err := child.CombinedOutput()
	return string(out), err
}

func TestOneWriterPerDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("second writer in this process: %v", err)
	}
	if out, err := openElsewhere(path); err == nil || out[:4] != "true" {
		t.Errorf("second process: %v %q", err, out)
	}
	snapshot, err := sqlite.OpenSnapshot(path)
	if err != nil {
		t.Fatalf("a reader beside the writer: %v", err)
	}
	if err := errors.Join(snapshot.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if out, err := openElsewhere(path); err != nil {
		t.Errorf("after the first closed: %v %q", err, out)
	}
}

// A snapshot shows one moment, however long it is read.
func TestSnapshotStandsStill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snapshot, err := sqlite.OpenSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	commit := ledger.Commit{Entries: []ledger.StoredEntry{{Leaf: []byte("leaf")}}, Head: ledger.Head{Size: 1, Sequence: 1, Now: 1}}
	if err := s.Append(commit); err != nil {
		t.Fatal(err)
	}
	if head, _, err := snapshot.Head(); err != nil || head.Size != 0 {
		t.Errorf("snapshot sees %+v, %v", head, err)
	}
}

// An audit looks up an earlier entry while it walks through all of them, in one transaction.
func TestSnapshotLooksUpAnEntryWhileItVisitsAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit := ledger.Commit{Entries: []ledger.StoredEntry{{Leaf: []byte("a")}, {Index: 1, Leaf: []byte("b")}}, Head: ledger.Head{Size: 2, Sequence: 1, Now: 1}}
	if err := s.Append(commit); err != nil {
		t.Fatal(err)
	}
	snapshot, err := sqlite.OpenSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	seen := ""
	err = snapshot.Entries(0, 1000, func(e ledger.StoredEntry) error {
		return snapshot.Entries(1-e.Index, 1, func(other ledger.StoredEntry) error {
			seen += string(e.Leaf) + string(other.Leaf) + " "
			return nil
		})
	})
	if err != nil || seen != "ab ba " {
		t.Errorf("saw %q, %v", seen, err)
	}
}

func TestCreateAndOpenRefuse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	if _, err := sqlite.Open(path); err == nil {
		t.Error("opened what is not there")
	}
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := sqlite.Create(path); err == nil {
		t.Error("made a ledger over a ledger")
	}
	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, []byte("this is no database, whatever its name says of it........"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(other); err == nil {
		t.Error("opened a file that is no database")
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(empty); err == nil {
		t.Error("opened a database that holds no ledger")
	}
	if _, err := sqlite.OpenSnapshot(empty); err == nil {
		t.Error("read a database that holds no ledger")
	}
}
