package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"aval/ledger"
)

// change writes what a commit changes beside the log. SQLite overwrites what such a
// transaction deletes or moves with zeros (secure_delete), so that no free space of a page
// keeps a key; no other table pays for it.
func (s *Store) change(tx *sql.Tx, p ledger.PrivateChange) error {
	if p.Empty() {
		return nil
	}
	if err := secureDelete(tx, true); err != nil {
		return err
	}
	subjects, rows := s.insertSubjects.rows(tx), s.insertPrivate.rows(tx)
	for _, subject := range p.Subjects {
		subjects.add(subject.Tag, subject.Key)
	}
	for _, row := range p.Rows {
		rows.add(row.Index, row.Number, row.Subject, row.Digest, row.Body)
	}
	if err := flush(subjects, rows); err != nil {
		return err
	}
	for _, tag := range p.Erased {
		for _, query := range []string{"DELETE FROM private WHERE subject = ?", "DELETE FROM subjects WHERE tag = ?"} {
			if _, err := tx.Exec(query, tag); err != nil {
				return err
			}
		}
	}
	return secureDelete(tx, false)
}

func secureDelete(tx *sql.Tx, on bool) error {
	want := map[bool]int{true: 1}[on]
	var got int
	err := tx.QueryRow(fmt.Sprintf("PRAGMA secure_delete = %d", want)).Scan(&got)
	if err == nil && got != want {
		err = fmt.Errorf("secure_delete is %d, want %d", got, want)
	}
	return err
}

// scrub empties the write-ahead log, in which frames before an erasure still hold what it
// deleted. While another program reads an older moment that is refused; the next commit, and
// at the latest the next opening, tries again.
func (s *Store) scrub(patient bool) error {
	if !patient {
		if _, err := s.write.Exec("PRAGMA busy_timeout = 0"); err != nil {
			return err
		}
		defer s.write.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d", s.at.patience.Milliseconds()))
	}
	var busy, frames, moved int
	err := s.write.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	s.unscrubbed = err != nil || busy != 0
	return err
}

// Scrubbed says that no file beside the database keeps anything of an erased subject. It is
// false while a reader of an older moment holds on to it.
func (s *Store) Scrubbed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.unscrubbed
}

// Subject implements ledger.PrivateArchive.
func (a archive) Subject(tag []byte) (key []byte, err error) {
	err = a.db.QueryRow("SELECT key FROM subjects WHERE tag = ?", tag).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return notNil(key), diskError(err)
}

// Subjects implements ledger.PrivateArchive.
func (a archive) Subjects(visit func(ledger.StoredSubject) error) error {
	return a.each("SELECT tag, key FROM subjects ORDER BY tag", nil, func(rows *sql.Rows) error {
		var s ledger.StoredSubject
		if err := rows.Scan(&s.Tag, &s.Key); err != nil {
			return err
		}
		return visit(s)
	})
}

// Private implements ledger.PrivateArchive.
func (a archive) Private(q ledger.PrivateQuery, visit func(ledger.StoredPrivate) error) error {
	query, args := "SELECT idx, number, subject, digest, body FROM private WHERE idx >= ? AND idx < ? ORDER BY idx, number", []any{q.From, q.To}
	if q.Digest != nil {
		query, args = "SELECT idx, number, subject, digest, body FROM private WHERE digest = ? ORDER BY idx, number", []any{q.Digest}
	}
	return a.each(query, args, func(rows *sql.Rows) error {
		var s ledger.StoredPrivate
		if err := rows.Scan(&s.Index, &s.Number, &s.Subject, &s.Digest, &s.Body); err != nil {
			return err
		}
		return visit(s)
	})
}
