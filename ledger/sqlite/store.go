// Package sqlite is the Store on SQLite: all the SQL of Aval. The database runs in WAL mode
// with synchronous=FULL, so a commit that returned is on disk. One connection writes; a few
// read. Whatever is stored was sealed or tagged before it came here.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	_ "modernc.org/sqlite" // the pure-Go driver, registered as "sqlite"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite/pagesum"
)

// maxReaders bounds the reading connections.
const maxReaders = 8

// Store is a ledger.Store in one database file.
type Store struct {
	archive
	at    place
	lock  *sql.DB
	write *sql.DB
	read  *sql.DB
	mu    sync.Mutex // one writer at a time: Append, Quarantine

	insertEntries, insertIDs, insertRefs, upsertSlots, deleteSlots, insertMembers, upsertTiles rowsStatement
	insertSubjects, insertPrivate                                                              rowsStatement
	// unscrubbed says that the write-ahead log may hold what was erased; guarded by mu.
	unscrubbed bool
}

// Create makes a new database file. It fails if the file holds a ledger already.
func Create(path string, options ...Option) (*Store, error) {
	return open(placeOf(path, options), "rwc", true)
}

// Open opens a database that Create made, and brings its schema forward. ErrInUse if it is open already.
func Open(path string, options ...Option) (*Store, error) {
	return open(placeOf(path, options), "rw", false)
}

func open(at place, mode string, fresh bool) (*Store, error) {
	if !fresh { // or the lock of a database that is not there would be left behind
		if err := at.check(); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		if err := at.checkWritable(); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	lock, err := acquire(at)
	if err != nil {
		return nil, err
	}
	s := &Store{at: at, lock: lock}
	if err := s.open(at, mode, fresh); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", at.path, diskError(err))
	}
	return s, nil
}

func (s *Store) open(at place, mode string, fresh bool) (err error) {
	if err := at.settle(fresh); err != nil {
		return err
	}
	if s.write, err = connect(at, mode, 1, durable); err != nil {
		return err
	}
	if err := migrate(s.write, fresh); err != nil {
		return err
	}
	if err := probe(s.write); err != nil {
		return err
	}
	if s.read, err = connect(at, "rw", maxReaders, append(slices.Clone(durable), "query_only(1)")); err != nil {
		return err
	}
	s.archive = newArchive(s.read)
	if err := s.prepare(); err != nil {
		return err
	}
	return s.scrub(false) // a crash may have come between an erasure and its end
}

// durable are the settings of every connection to a ledger.
var durable = []string{
	"page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)",
	"wal_autocheckpoint(2000)", "temp_store(MEMORY)",
	"cache_spill(0)", // as pagesum demands
}

func connect(at place, mode string, connections int, pragmas []string) (*sql.DB, error) {
	patience := fmt.Sprintf("busy_timeout(%d)", at.patience.Milliseconds())
	query := url.Values{"mode": {mode}, "_pragma": append([]string{patience}, pragmas...)}
	switch mode {
	case "ro":
	case immutable:
		query.Set("mode", "ro")
		query.Set("immutable", "1")
	default:
		query.Set("_txlock", "immediate")
	}
	vfs, err := pagesum.Over(at.vfs)
	if err != nil {
		return nil, err
	}
	query.Set("vfs", vfs)
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: at.path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// probe finds a database that can only be read: SQLite opens one without a word, and a transaction that
// has nothing to write begins on it.
func probe(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.Exec("UPDATE head SET size = size")
	return err
}

// migrate applies the migrations that the file lacks, each in its own transaction.
func migrate(db *sql.DB, fresh bool) error {
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case fresh && version != 0:
		return errors.New("the file already holds a ledger")
	case !fresh && version == 0:
		return errors.New("the file holds no ledger")
	case version > len(migrations):
		return fmt.Errorf("schema %d is newer than this program, which knows %d", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		if err := apply(db, migrations[version], version+1); err != nil {
			return fmt.Errorf("migration %d: %w", version+1, err)
		}
	}
	return nil
}

func apply(db *sql.DB, script string, version int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(script); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// prepare makes the statements of Append: those that insert many rows at a time in each width
// of rowWidths, because a statement costs more than a row.
func (s *Store) prepare() error {
	for _, p := range []struct {
		into *rowsStatement
		head string
		args int
		tail string
	}{
		{&s.insertEntries, "INSERT INTO entries (idx, leaf, body) VALUES", 3, ""},
		{&s.insertIDs, "INSERT INTO identities (tag, idx) VALUES", 2, ""},
		{&s.insertRefs, "INSERT INTO refs (until, tag, indexes) VALUES", 3, ""},
		{&s.upsertSlots, "INSERT INTO slots (tag, open, body) VALUES", 3,
			" ON CONFLICT (tag) DO UPDATE SET open = excluded.open, body = excluded.body"},
		{&s.deleteSlots, "DELETE FROM slots WHERE (tag) IN (VALUES", 1, ")"},
		{&s.insertMembers, "INSERT OR IGNORE INTO members (list, tag) VALUES", 2, ""},
		{&s.insertSubjects, "INSERT INTO subjects (tag, key) VALUES", 2, ""},
		{&s.insertPrivate, "INSERT INTO private (idx, number, subject, digest, body) VALUES", 5, ""},
		{&s.upsertTiles, "INSERT INTO tiles (level, n, data) VALUES", 3, " ON CONFLICT (level, n) DO UPDATE SET data = excluded.data"},
	} {
		var err error
		if *p.into, err = prepareRows(s.write, p.head, p.args, p.tail); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	return nil
}

// Close implements ledger.Store.
func (s *Store) Close() error {
	var err error
	for _, db := range []*sql.DB{s.read, s.write, s.lock} { // the lock goes last
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// Append implements ledger.Store.
func (s *Store) Append(c ledger.Commit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.transact(func(tx *sql.Tx) error {
		oldSize := c.Head.Size - uint64(len(c.Entries))
		result, err := tx.Exec("UPDATE head SET size = ?, sequence = ?, now = ?, indexed = ?, signed = ? WHERE size = ? AND sequence < ? AND now < ?",
			c.Head.Size, c.Head.Sequence, c.Head.Now, c.Head.Indexed, notNil(c.Checkpoint), oldSize, c.Head.Sequence, c.Head.Now)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("append after size %d: the stored head is another", oldSize))
		}
		return errors.Join(s.insert(tx, c), s.change(tx, c.Private))
	})
	if err == nil && (s.unscrubbed || len(c.Private.Erased) > 0) {
		err = diskError(s.scrub(len(c.Private.Erased) > 0))
	}
	return err
}

func (s *Store) insert(tx *sql.Tx, c ledger.Commit) error {
	entries, tiles := s.insertEntries.rows(tx), s.upsertTiles.rows(tx)
	for _, e := range c.Entries {
		entries.add(e.Index, e.Leaf, notNil(e.Body))
	}
	for _, tile := range c.Tiles {
		tiles.add(tile.Level, tile.N, tile.Data)
	}
	if err := flush(entries, tiles); err != nil || c.Head.Indexed != c.Head.Size {
		return err
	}
	return s.index(tx, c)
}

// index writes what the leaves since the last time add to the tables.
func (s *Store) index(tx *sql.Tx, c ledger.Commit) error {
	if _, err := tx.Exec("INSERT INTO segments (until) VALUES (?)", c.Head.Indexed); err != nil {
		return err
	}
	ids, refs := s.insertIDs.rows(tx), s.insertRefs.rows(tx)
	for _, id := range c.IDs {
		ids.add(id.Tag, id.Index)
	}
	for tag, indexes := range segment(c.Refs) {
		refs.add(c.Head.Indexed, tag, indexes)
	}
	gone, slots, members := s.deleteSlots.rows(tx), s.upsertSlots.rows(tx), s.insertMembers.rows(tx)
	for _, slot := range c.Slots {
		if slot.Body == nil {
			gone.add(slot.Tag)
			continue
		}
		slots.add(slot.Tag, slot.Open, slot.Body)
		for _, list := range slot.Members {
			members.add(list, slot.Tag)
		}
	}
	return flush(ids, refs, gone, slots, members)
}

// Quarantine implements ledger.Store.
func (s *Store) Quarantine(at domain.Millis, reason string, sealed []byte, limit int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transact(func(tx *sql.Tx) error {
		result, err := tx.Exec("INSERT INTO quarantine (at, reason, body) VALUES (?, ?, ?)", at, reason, sealed)
		if err != nil {
			return err
		}
		id, err := result.LastInsertId()
		if err != nil {
			return err
		}
		_, err = tx.Exec("DELETE FROM quarantine WHERE id <= ?", id-int64(limit))
		return err
	})
}

// transact runs one write transaction, durable on return. The caller holds mu.
func (s *Store) transact(work func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(context.Background(), nil)
	if err != nil {
		return diskError(err)
	}
	defer tx.Rollback()
	if err := work(tx); err != nil {
		return diskError(err)
	}
	return diskError(tx.Commit())
}

// notNil keeps an empty body an empty blob, which STRICT tables tell from NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
