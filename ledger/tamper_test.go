package ledger_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/pagesum"
)

// flipped is SQL for a blob column with its last byte changed.
func flipped(column string) string {
	const change = "CAST(substr(COL, 1, length(COL) - 1) || CASE WHEN substr(COL, -1) = x'00' THEN x'01' ELSE x'00' END AS BLOB)"
	return strings.ReplaceAll(change, "COL", column)
}

// anyIndex says that a fault has no index of its own: it shows at the end.
const anyIndex = -1

type tampering struct {
	name string
	sql  string
	// index is the first bad index that Verify must name.
	index int
	// opens is set when Open cannot see it: what it does not read is left to Verify.
	opens bool
}

// onePrivate selects the first private value.
const onePrivate = "(idx, number) = (SELECT idx, number FROM private ORDER BY 1, 2 LIMIT 1)"

func tamperings(size int) []tampering {
	last := size - 1
	return []tampering{
		{"leaf", "UPDATE entries SET leaf = " + flipped("leaf") + " WHERE idx = 4", 4, true},
		{"seal in the middle", "UPDATE entries SET leaf = " + flipped("leaf") + " WHERE idx = 5", 5, true},
		{"leaf of the last batch", "UPDATE entries SET leaf = " + flipped("leaf") + " WHERE idx = (SELECT size - 2 FROM head)", last - 1, false},
		{"last seal", "UPDATE entries SET leaf = " + flipped("leaf") + " WHERE idx = (SELECT size - 1 FROM head)", last, false},
		{"last seal taken from before", "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE idx = 5) WHERE idx = (SELECT size - 1 FROM head)", last, false},
		{"body", "UPDATE entries SET body = " + flipped("body") + " WHERE idx = 4", 4, true},
		{"body of the last batch", "UPDATE entries SET body = " + flipped("body") + " WHERE idx = (SELECT size - 2 FROM head)", last - 1, false},
		{"body emptied", "UPDATE entries SET body = x'' WHERE idx = 4", 4, true},
		{"body of another epoch", "UPDATE entries SET body = CAST(x'00000009' || substr(body, 5) AS BLOB) WHERE idx = 4", 4, true},
		{"two bodies swapped", `UPDATE entries SET body = CASE idx WHEN 4 THEN (SELECT body FROM entries WHERE idx = 6)
			ELSE (SELECT body FROM entries WHERE idx = 4) END WHERE idx IN (4, 6)`, 4, true},
		{"two rows swapped", "UPDATE entries SET idx = -1 WHERE idx = 4; UPDATE entries SET idx = 4 WHERE idx = 6; UPDATE entries SET idx = 6 WHERE idx = -1", 4, true},
		{"row deleted", "DELETE FROM entries WHERE idx = 4", 4, true},
		{"last row deleted", "DELETE FROM entries WHERE idx = (SELECT size - 1 FROM head)", last, false},
		{"row beyond the head", "INSERT INTO entries SELECT size, x'00', x'' FROM head", size, true},
		{"body given to a seal", "UPDATE entries SET body = x'00' WHERE idx = 5", anyIndex, true},
		{"references of a batch deleted", "DELETE FROM refs WHERE until = 6", 4, true},
		{"one reference deleted", "DELETE FROM refs WHERE (until, tag) = (SELECT until, tag FROM refs WHERE until = 10 LIMIT 1)", 8, true},
		{"segment deleted", "DELETE FROM segments WHERE until = 6", 4, true},
		{"reference to another entry", "UPDATE refs SET indexes = x'05' WHERE until = 6", 4, true},
		{"identity deleted", "DELETE FROM identities WHERE idx = 4", 4, true},
		{"identity of another entry", "UPDATE identities SET idx = 6 WHERE idx = 4", 4, true},
		{"tile", "UPDATE tiles SET data = " + flipped("data") + " WHERE level = 0 AND n = 0", anyIndex, false},
		{"first hash of a tile", "UPDATE tiles SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE level = 0 AND n = 0", anyIndex, false},
		{"tile cut", "UPDATE tiles SET data = substr(data, 1, length(data) - 32) WHERE level = 0 AND n = 0", anyIndex, false},
		{"tile with a hash too many", "UPDATE tiles SET data = CAST(data || substr(data, 1, 32) AS BLOB) WHERE level = 0 AND n = 0", anyIndex, true},
		{"tile deleted", "DELETE FROM tiles", anyIndex, false},
		{"open slot", "UPDATE slots SET body = " + flipped("body") + " WHERE id = (SELECT min(id) FROM slots WHERE open = 1)", anyIndex, false},
		{"open slot deleted", "DELETE FROM slots WHERE id = (SELECT max(id) FROM slots WHERE open = 1)", anyIndex, false},
		{"open slot closed", "UPDATE slots SET open = 0 WHERE id = (SELECT max(id) FROM slots WHERE open = 1)", anyIndex, false},
		{"closed slot", "UPDATE slots SET body = " + flipped("body") + " WHERE open = 0", anyIndex, true},
		{"closed slot deleted", "DELETE FROM slots WHERE open = 0", anyIndex, true},
		{"closed slot opened", "UPDATE slots SET open = 1 WHERE open = 0", anyIndex, false},
		{"two slots swapped", `UPDATE slots SET body = CASE id WHEN (SELECT min(id) FROM slots WHERE open = 1) THEN (SELECT body FROM slots WHERE id = (SELECT max(id) FROM slots WHERE open = 1))
			ELSE (SELECT body FROM slots WHERE id = (SELECT min(id) FROM slots WHERE open = 1)) END
			WHERE id IN ((SELECT min(id) FROM slots WHERE open = 1), (SELECT max(id) FROM slots WHERE open = 1))`, anyIndex, false},
		{"slot under another tag", "UPDATE slots SET tag = " + flipped("tag") + " WHERE id = (SELECT max(id) FROM slots WHERE open = 1)", anyIndex, false},
		{"member deleted", "DELETE FROM members WHERE (list, tag) = (SELECT list, tag FROM members LIMIT 1)", anyIndex, true},
		{"member in another list", "UPDATE OR REPLACE members SET list = (SELECT max(list) FROM members) WHERE (list, tag) = (SELECT list, tag FROM members LIMIT 1)", anyIndex, true},
		{"private value", "UPDATE private SET body = " + flipped("body") + " WHERE " + onePrivate, size - 10, true},
		{"private value deleted", "DELETE FROM private WHERE " + onePrivate, size - 10, true},
		{"private value of another entry", "UPDATE private SET idx = idx + 2 WHERE idx = (SELECT max(idx) FROM private)", size - 8, true},
		{"private value added", "INSERT INTO private SELECT idx, 2, subject, digest, body FROM private WHERE " + onePrivate, size - 10, true},
		{"private value of an erased party", "INSERT INTO private SELECT idx, 0, subject, digest, body FROM private WHERE idx = (SELECT max(idx) FROM private)", size - 8, true},
		{"two private values swapped", `UPDATE private SET body = CASE number WHEN 0 THEN (SELECT body FROM private WHERE idx = (SELECT min(idx) FROM private) AND number = 1)
			ELSE (SELECT body FROM private WHERE ` + onePrivate + `) END WHERE idx = (SELECT min(idx) FROM private)`, size - 10, true},
		{"private value under another digest", "UPDATE private SET digest = " + flipped("digest") + " WHERE " + onePrivate, size - 10, true},
		{"key of a private party", "UPDATE subjects SET key = " + flipped("key"), anyIndex, true},
		{"key of a private party deleted", "DELETE FROM subjects", size - 10, true},
		{"key of nobody", "INSERT INTO subjects SELECT x'00', key FROM subjects", anyIndex, true},
		{"size less a batch", "UPDATE head SET size = size - 2", anyIndex, false},
		{"size less one", "UPDATE head SET size = size - 1", anyIndex, false},
		{"size more", "UPDATE head SET size = size + 1", anyIndex, false},
		{"size zero", "UPDATE head SET size = 0", anyIndex, false},
		{"sequence", "UPDATE head SET sequence = sequence + 1", anyIndex, false},
		{"time", "UPDATE head SET now = now + 1", anyIndex, false},
		{"checkpoint", "UPDATE head SET signed = " + flipped("signed"), anyIndex, false},
		{"checkpoint emptied", "UPDATE head SET signed = x''", anyIndex, false},
	}
}

// halfWay is a step of the story after which slots change that are open by then.
const halfWay = 7

// written is a small ledger in a file, and its parts as they were half-way.
type written struct {
	w        *ledgertest.World
	path     string
	size     int
	oldNote  []byte
	oldSlots map[string][]byte // by tag
}

func writeLedger(t *testing.T) *written {
	t.Helper()
	l := &written{w: ledgertest.NewWorld(t), path: filepath.Join(t.TempDir(), "ledger.db"), oldSlots: map[string][]byte{}}
	l.w.TableInterval = 1 // the tables reflect every batch
	store, err := sqlite.Create(l.path)
	if err != nil {
		t.Fatal(err)
	}
	steps := story(l.w)
	tl := &teller{w: l.w, inner: store, store: store, answered: map[int]ledger.Reply{}}
	tl.start()
	for i, s := range steps {
		if i == halfWay {
			l.remember(t, store)
		}
		tl.tell(i, s)
	}
	l.size = int(tl.node.Size())
	for range 3 {
		if err := tl.node.Quarantine(t.Context(), domain.Malformed, []byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tl.node.Stop(), store.Close()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *written) remember(t *testing.T, store ledger.Store) {
	t.Helper()
	_, note, err := store.Head()
	if err == nil {
		l.oldNote = note
		err = store.Slots(ledger.SlotQuery{OpenOnly: true}, func(s ledger.StoredSlot) error {
			l.oldSlots[string(s.Tag)] = s.Body
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// openRaw opens a file as its owner could.
func openRaw(t *testing.T, path string) *sql.DB {
	t.Helper()
	vfs, err := pagesum.Over("") // who changes rows knows how to mend the sums of their pages
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?vfs="+vfs)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// copyWith gives a copy of the file, changed by statements from outside.
func (l *written) copyWith(t *testing.T, query string, args ...any) string {
	t.Helper()
	data, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tampered.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db := openRaw(t, path)
	defer db.Close()
	if _, err := db.Exec("PRAGMA synchronous = OFF"); err != nil { // a test's copy need not last
		t.Fatal(err)
	}
	result, err := db.Exec(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: changed %d rows, %v", query, n, err)
	}
	return path
}

// judge verifies and opens a file.
func (l *written) judge(t *testing.T, path string, keys *ledger.Keys) (verify, open error) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, verify = ledger.Verify(keys, store, ledgertest.Contracts(), ledgertest.Codecs())
	_, open = ledger.Open(ledger.Config{
		Keys: keys, Store: store, Orderer: order.NewSolo(l.w.Clock.Now), Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	})
	return verify, open
}

func TestTampering(t *testing.T) {
	l := writeLedger(t)
	if verify, open := l.judge(t, l.copyWith(t, "UPDATE head SET now = now"), l.w.Keys); verify != nil || open != nil {
		t.Fatalf("untouched: %v, %v", verify, open)
	}
	for _, c := range tamperings(l.size) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			verify, open := l.judge(t, l.copyWith(t, c.sql), l.w.Keys)
			wantFault(t, verify, c.index)
			if (open == nil) != c.opens {
				t.Errorf("open: %v", open)
			}
		})
	}
}

func wantFault(t *testing.T, err error, index int) {
	t.Helper()
	var fault *ledger.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("verify: %v, want a fault", err)
	}
	if index != anyIndex && fault.Index != uint64(index) {
		t.Errorf("verify: %v, want index %d", err, index)
	}
	t.Log(err)
}

// A row of an earlier state opens and is sealed for its place: only the digest tells.
func TestOldSlotsRestored(t *testing.T) {
	l := writeLedger(t)
	restored := 0
	for tag, body := range l.oldSlots {
		path := l.copyWith(t, "UPDATE slots SET body = ?, open = 1 WHERE tag = ?", body, []byte(tag))
		verify, open := l.judge(t, path, l.w.Keys)
		if verify == nil && open == nil {
			continue // a row that nobody has written since
		}
		restored++
		wantFault(t, verify, l.size)
		if open == nil {
			t.Error("opened with a row of an earlier state")
		}
	}
	if restored < 2 {
		t.Errorf("%d rows differed from before", restored)
	}
}

// Signing again from an old checkpoint could make two heads of one size.
func TestOldCheckpointRestored(t *testing.T) {
	l := writeLedger(t)
	path := l.copyWith(t, "UPDATE head SET signed = ?", l.oldNote)
	verify, open := l.judge(t, path, l.w.Keys)
	wantFault(t, verify, l.size)
	if open == nil {
		t.Error("opened under an old checkpoint")
	}
}

func TestWrongKeys(t *testing.T) {
	l := writeLedger(t)
	other := ledgertest.NewWorld(t).Keys
	for name, change := range map[string]func(*ledger.Keys){
		"all":                     func(k *ledger.Keys) { *k = *other },
		"log":                     func(k *ledger.Keys) { k.LogSigner, k.LogVerifier = other.LogSigner, other.LogVerifier },
		"one half of the log key": func(k *ledger.Keys) { k.LogSigner = other.LogSigner },
		"index":                   func(k *ledger.Keys) { k.Index = other.Index },
		"salt":                    func(k *ledger.Keys) { k.Salt = other.Salt },
		"epoch":                   func(k *ledger.Keys) { k.Epochs = other.Epochs },
		"epochs lost":             func(k *ledger.Keys) { k.Epochs = []ledger.Epoch{{Number: 2, Key: other.Epochs[0].Key}} },
		"none":                    func(k *ledger.Keys) { *k = ledger.Keys{} },
		"another origin":          func(k *ledger.Keys) { k.Origin = "ledger.test/other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := *l.w.Keys
			change(&keys)
			verify, open := l.judge(t, l.copyWith(t, "UPDATE head SET now = now"), &keys)
			if verify == nil || open == nil {
				t.Errorf("verify %v, open %v", verify, open)
			}
		})
	}
}

// A further epoch seals what comes, and opens what came before.
func TestKeyEpochs(t *testing.T) {
	store, w := newStore(t), ledgertest.NewWorld(t)
	n := w.MustStart(store)
	n.Register("bank", domain.RoleBank)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.Keys.Epochs = append(w.Keys.Epochs, ledger.Epoch{Number: 2, Key: ledgertest.NewWorld(t).Keys.Epochs[0].Key})
	n = w.MustStart(store)
	n.Register("acme")
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.MustVerify(store)
}
