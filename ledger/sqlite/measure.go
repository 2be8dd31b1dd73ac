package sqlite

import (
	"errors"
	"os"
	"time"
)

// MeasureRows writes rows of 300 bytes into a bare table of a new file at path, perTransaction at a
// time, in the mode of a Store, for about that long, and gives the rows written a second. It
// tells what the disk and the driver can do at best, for comparison; the file is removed.
func MeasureRows(path string, perTransaction int, length time.Duration) (perSecond float64, err error) {
	db, err := connect(placeOf(path, nil), "rwc", 1, durable)
	if err != nil {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, db.Close(), os.Remove(path))
	}()
	if _, err := db.Exec("CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"); err != nil {
		return 0, err
	}
	insert, err := db.Prepare("INSERT INTO bare (body) VALUES (?)")
	if err != nil {
		return 0, err
	}
	defer insert.Close()
	rows, body, began := 0, make([]byte, 300), time.Now()
	for time.Since(began) < length {
		tx, err := db.Begin()
		if err != nil {
			return 0, err
		}
		for range perTransaction {
			if _, err := tx.Stmt(insert).Exec(body); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		rows += perTransaction
	}
	return float64(rows) / time.Since(began).Seconds(), nil
}
