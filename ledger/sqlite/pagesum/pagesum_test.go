package pagesum_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aval/ledger/sqlite/faultdisk"
	"aval/ledger/sqlite/pagesum"
)

const pragmas = "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)&_pragma=cache_spill(0)&_pragma=cache_size(1)"

func open(t testing.TB, path, vfs string) *sql.DB {
	t.Helper()
	if vfs != "" {
		vfs = "vfs=" + vfs
	}
	db, err := sql.Open("sqlite", "file:"+path+"?"+vfs+pragmas)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func over(t testing.TB, vfs string) string {
	t.Helper()
	name, err := pagesum.Over(vfs)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := pagesum.Over(vfs); again != name || err != nil {
		t.Errorf("made again: %q, %v", again, err)
	}
	return name
}

// fill makes a table of several levels, and overwrites parts of it.
func fill(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, query := range []string{
		"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)",
		`INSERT INTO t WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n WHERE i < 500) SELECT i, zeroblob(300) FROM n`,
		"UPDATE t SET body = zeroblob(9000) WHERE id % 100 = 0",
	} {
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
}

func total(db *sql.DB) (n int, err error) {
	err = db.QueryRow("SELECT sum(length(body)) FROM t").Scan(&n)
	return n, err
}

const wantTotal = 495*300 + 5*9000

func isDamage(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code() == sqlite3.SQLITE_IOERR_DATA
}

func TestOnTheSystemsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path, over(t, ""))
	fill(t, db)
	db.Close()
	db = open(t, path, over(t, ""))
	if n, err := total(db); n != wantTotal || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	db.Close()
	var sound string
	plain := open(t, path, "")
	if err := plain.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("to SQLite without the layer it is a database like any other: %s, %v", sound, err)
	}
}

func newDisk(t *testing.T) *faultdisk.Disk {
	t.Helper()
	disk, err := faultdisk.New()
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// Whatever changes in a page of the database, or wherever else it lies, no query gets it.
func TestDamagedPages(t *testing.T) {
	disk := newDisk(t)
	vfs := over(t, disk.Name())
	db := open(t, "a.db", vfs)
	fill(t, db)
	db.Close()
	whole := disk.ReadFile("a.db")
	pages := len(whole) / pagesum.PageSize
	if pages < 25 {
		t.Fatalf("%d pages", pages)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for page := range pages {
		for name, damage := range map[string]func([]byte){
			"bit":      func(b []byte) { b[chance.IntN(len(b))] ^= 1 << chance.IntN(8) },
			"zeros":    func(b []byte) { clear(b) },
			"another":  func(b []byte) { copy(b, whole[(page+1)%pages*pagesum.PageSize:][:pagesum.PageSize]) },
			"half new": func(b []byte) { copy(b[:pagesum.PageSize/2], whole[(page+1)%pages*pagesum.PageSize:]) },
		} {
			changed := append([]byte{}, whole...)
			damage(changed[page*pagesum.PageSize:][:pagesum.PageSize])
			disk.WriteFile("a.db", changed)
			db := open(t, "a.db", vfs)
			n, err := total(db)
			if err == nil && (page == 0 || n != wantTotal || string(changed) == string(whole)) {
				t.Errorf("page %d, %s: %d", page, name, n)
			}
			if err != nil && page > 0 && !isDamage(err) {
				t.Errorf("page %d, %s: %v", page, name, err)
			}
			db.Close()
		}
	}
}

// A page in the log of a database that is open is checked at each read, not only at recovery.
func TestDamagedFrames(t *testing.T) {
	disk := newDisk(t)
	vfs := over(t, disk.Name())
	db := open(t, "a.db", vfs)
	fill(t, db)
	reader := open(t, "a.db", vfs)
	whole := disk.ReadFile("a.db-wal")
	const frame = pagesum.PageSize + 24
	found, chance := 0, rand.New(rand.NewPCG(1, 2))
	for at := 32; at < len(whole); at += frame {
		changed := append([]byte{}, whole...)
		changed[at+24+chance.IntN(pagesum.PageSize)] ^= 1 << chance.IntN(8)
		disk.WriteFile("a.db-wal", changed)
		n, err := total(reader)
		if err == nil && n != wantTotal || err != nil && !isDamage(err) {
			t.Errorf("frame at %d: %d, %v", at, n, err)
		}
		if err != nil {
			found++
		}
	}
	if found < 20 {
		t.Errorf("found damage in %d frames", found)
	}
	disk.WriteFile("a.db-wal", whole)
	if n, err := total(reader); n != wantTotal || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func BenchmarkPointReads(b *testing.B) {
	for _, layered := range []bool{false, true} {
		for _, inLog := range []bool{false, true} {
			b.Run(fmt.Sprintf("layered=%v/log=%v", layered, inLog), func(b *testing.B) {
				vfs := "unix"
				if layered {
					vfs = over(b, "")
				}
				db := open(b, filepath.Join(b.TempDir(), "a.db"), vfs)
				fill(b, db)
				if !inLog {
					if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
						b.Fatal(err)
					}
				}
				for i := 0; b.Loop(); i++ {
					var n int
					if err := db.QueryRow("SELECT length(body) FROM t WHERE id = ?", i*7919%500).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A loss of power is never taken for damage: at any step of a log that is begun anew again and again,
// whatever is left of what was not synced, and in the next life too.
func TestPowerLossIsNoDamage(t *testing.T) {
	for seed := range uint64(4) {
		for cut, lives := 1, 0; lives < 3; cut++ {
			disk := newDisk(t)
			vfs := over(t, disk.Name())
			lives = 0
			for life := range uint64(3) {
				if err := pagesum.CheckLog(disk.Name(), "a.db"); err != nil {
					t.Fatalf("seed %d, cut at %d, life %d: %v", seed, cut, life, err)
				}
				if err := pagesum.RenewLog(disk.Name(), "a.db"); err != nil {
					t.Fatal(err)
				}
				db := open(t, "a.db", vfs)
				if _, err := db.Exec("PRAGMA wal_autocheckpoint = 5; CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body BLOB)"); err != nil {
					t.Fatalf("seed %d, cut at %d, life %d: %v", seed, cut, life, err)
				}
				disk.CutAt(cut)
				if inserted(db, 6) {
					lives++
				}
				db.Close()
				disk.Crash(4*seed + life + uint64(cut))
			}
			if err := disk.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func inserted(db *sql.DB, transactions int) bool {
	for range transactions {
		if _, err := db.Exec("INSERT INTO t (body) SELECT zeroblob(3000) FROM json_each('[1,2,3]')"); err != nil {
			return false
		}
	}
	return true
}
