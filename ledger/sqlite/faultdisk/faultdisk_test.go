package faultdisk_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/faultdisk"
)

func newDisk(t *testing.T) *faultdisk.Disk {
	t.Helper()
	disk, err := faultdisk.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk
}

const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)"

func open(t *testing.T, disk *faultdisk.Disk) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:a.db?vfs="+disk.Name()+"&"+pragmas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func count(db *sql.DB) (n int, err error) {
	err = db.QueryRow("SELECT count(*) FROM t").Scan(&n)
	return n, err
}

// Several connections write and read at once, close, and find everything again.
func TestDatabaseWorks(t *testing.T) {
	disk := newDisk(t)
	db := open(t, disk)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	db.SetMaxOpenConns(4)
	mustExec(t, db, "PRAGMA busy_timeout = 60000")
	writer := open(t, disk)
	writer.SetMaxOpenConns(1)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 500 {
			if _, err := writer.Exec("INSERT INTO t VALUES (?, randomblob(3000))", i); err != nil {
				t.Errorf("insert %d: %v", i, err)
			}
		}
	})
	for range 3 {
		group.Go(func() {
			for last := 0; last < 250; {
				n, err := count(db)
				if err != nil || n < last {
					t.Errorf("%d rows after %d: %v", n, last, err)
					return
				}
				last = n
			}
		})
	}
	group.Wait()
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Error(sound, err)
	}
	if err := errors.Join(db.Close(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	if files := disk.Files(); !slices.Equal(files, []string{"a.db"}) {
		t.Errorf("files %v", files)
	}
	disk.Crash(0)
	if n, err := count(open(t, disk)); n != 500 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Power goes at every step of a few transactions, with every fate of what was not synced. What
// was answered is there, what was not is there whole or not at all, and the database is sound.
func TestCommitsSurvivePower(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(8) {
		for cut := 1; ; cut++ {
			answered, n, finished := crashOnce(t, cut, seed)
			outcomes[fmt.Sprint(n-answered)]++
			if n != answered && n != answered+1 {
				t.Fatalf("seed %d, cut at %d: %d transactions answered, %d there", seed, cut, answered, n)
			}
			if finished {
				break
			}
		}
	}
	if len(outcomes) != 2 {
		t.Errorf("lost and kept should both occur: %v", outcomes)
	}
}

func crashOnce(t *testing.T, cut int, seed uint64) (answered, there int, finished bool) {
	t.Helper()
	disk := newDisk(t)
	db := open(t, disk)
	db.SetMaxOpenConns(1)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	mustExec(t, db, "PRAGMA wal_autocheckpoint = 10")
	disk.CutAt(cut)
	for i := 0; i < 6; i++ {
		if _, err := db.Exec("INSERT INTO t SELECT ?1 * 10 + value, zeroblob(3000) FROM json_each('[0,1,2,3]')", i); err != nil {
			break
		}
		answered++
	}
	finished = answered == 6
	db.Close()
	disk.Crash(seed)
	db = open(t, disk)
	n, err := count(db)
	if err != nil || n%4 != 0 {
		t.Fatalf("seed %d, cut at %d: %d rows, %v", seed, cut, n, err)
	}
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Fatalf("seed %d, cut at %d: %s, %v", seed, cut, sound, err)
	}
	db.Close()
	return answered, n / 4, finished
}

// Without syncs the same power loss breaks what was answered: the disk is one that bites.
func TestPowerBreaksWhatIsNotSynced(t *testing.T) {
	broken := 0
	for seed := range uint64(12) {
		disk := newDisk(t)
		db := open(t, disk)
		db.SetMaxOpenConns(1)
		mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
		mustExec(t, db, "PRAGMA synchronous = OFF")
		for i := range 20 {
			mustExec(t, db, "INSERT INTO t VALUES (?, zeroblob(3000))", i)
		}
		disk.Crash(seed)
		db.Close()
		if n, err := count(open(t, disk)); n != 20 || err != nil {
			broken++
		}
	}
	if broken < 6 {
		t.Errorf("only %d of 12 crashes lost something", broken)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault faultdisk.Fault
		want  int
	}{
		{"write", faultdisk.Fault{Kind: faultdisk.WriteError}, sqlite3.SQLITE_IOERR_WRITE},
		{"sync", faultdisk.Fault{Kind: faultdisk.SyncError, File: "-wal"}, sqlite3.SQLITE_IOERR_FSYNC},
		{"locked", faultdisk.Fault{Kind: faultdisk.Locked}, sqlite3.SQLITE_BUSY},
		{"read-only", faultdisk.Fault{Kind: faultdisk.ReadOnly}, sqlite3.SQLITE_IOERR_WRITE},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := newDisk(t)
			db := open(t, disk)
			mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
			disk.Inject(c.fault)
			_, err := db.Exec("INSERT INTO t VALUES (1, zeroblob(9000))")
			var failure *sqlite.Error
			if !errors.As(err, &failure) || failure.Code() != c.want {
				t.Errorf("%v, want code %d", err, c.want)
			}
			disk.Heal()
			mustExec(t, db, "INSERT INTO t VALUES (2, zeroblob(9000))")
			db.Close()
		})
	}
}

func TestFull(t *testing.T) {
	disk := newDisk(t)
	db := open(t, disk)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	disk.SetCapacity(disk.Used() + 20_000)
	mustExec(t, db, "INSERT INTO t VALUES (1, zeroblob(9000))")
	_, err := db.Exec("INSERT INTO t VALUES (2, zeroblob(90000))")
	var failure *sqlite.Error
	if !errors.As(err, &failure) || failure.Code() != sqlite3.SQLITE_FULL {
		t.Errorf("%v, want a full disk", err)
	}
	disk.SetCapacity(0)
	mustExec(t, db, "INSERT INTO t VALUES (3, zeroblob(90000))")
	db.Close()
}

// After a sync that failed, the data is seen until the power goes, and is gone after.
func TestFailedSyncForgets(t *testing.T) {
	disk := newDisk(t)
	db := open(t, disk)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	before := disk.ReadFile("a.db-wal")
	disk.Inject(faultdisk.Fault{Kind: faultdisk.SyncError, File: "-wal", Times: 1})
	if _, err := db.Exec("INSERT INTO t VALUES (1, zeroblob(100))"); err == nil {
		t.Error("a commit without its sync succeeds")
	}
	if len(disk.ReadFile("a.db-wal")) <= len(before) {
		t.Error("what was written is not seen")
	}
	disk.Crash(1) // keeps all it can
	if got := disk.ReadFile("a.db-wal"); !bytes.Equal(got, before) {
		t.Errorf("%d bytes survive, want %d", len(got), len(before))
	}
	db.Close()
}

// A process that is killed leaves what it wrote to the system, and its locks to nobody.
func TestKill(t *testing.T) {
	disk := newDisk(t)
	db := open(t, disk)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	mustExec(t, db, "PRAGMA synchronous = OFF")
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO t VALUES (1, zeroblob(3000))"); err != nil {
		t.Fatal(err)
	}
	disk.Kill()
	if err := tx.Commit(); err == nil {
		t.Error("a killed process commits")
	}
	next := open(t, disk)
	mustExec(t, next, "PRAGMA synchronous = OFF")
	mustExec(t, next, "INSERT INTO t VALUES (2, zeroblob(3000))")
	disk.Kill()
	if n, err := count(open(t, disk)); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	disk.Kill()
	disk.Crash(0)
	if n, err := count(open(t, disk)); n != 0 || err != nil {
		t.Errorf("without power %d rows, %v: nothing of it was synced", n, err)
	}
}

func TestFlippedRead(t *testing.T) {
	disk := newDisk(t)
	db := open(t, disk)
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
	mustExec(t, db, "INSERT INTO t VALUES (1, zeroblob(100000))")
	mustExec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	db.Close()
	disk.Inject(faultdisk.Fault{Kind: faultdisk.ReadFlip, File: ".db", After: 5, Times: 1})
	db = open(t, disk)
	var zero bool
	if err := db.QueryRow("SELECT body = zeroblob(100000) FROM t").Scan(&zero); err != nil || zero {
		t.Errorf("%v, %v: no bit was flipped", zero, err)
	}
	db.Close()
	db = open(t, disk)
	if err := db.QueryRow("SELECT body = zeroblob(100000) FROM t").Scan(&zero); err != nil || !zero {
		t.Errorf("%v, %v: the file itself changed", zero, err)
	}
	db.Close()
}
