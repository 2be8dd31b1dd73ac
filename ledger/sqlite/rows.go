package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
)

// rowWidths are the numbers of rows that one statement carries, widest first.
var rowWidths = [...]int{64, 8, 1}

// rowsStatement is a statement over rows of values, prepared in each width.
type rowsStatement struct {
	args     int
	prepared [len(rowWidths)]*sql.Stmt
}

// prepareRows prepares head, rows of so many placeholders, tail.
func prepareRows(db *sql.DB, head string, args int, tail string) (s rowsStatement, err error) {
	s.args = args
	row := "(?" + strings.Repeat(",?", args-1) + ")"
	for i, width := range rowWidths {
		text := head + " " + row + strings.Repeat(","+row, width-1) + tail
		if s.prepared[i], err = db.Prepare(text); err != nil {
			return s, fmt.Errorf("%s: %w", head, err)
		}
	}
	return s, nil
}

// rows collects the values of a statement in a transaction.
type rows struct {
	rowsStatement
	tx     *sql.Tx
	values []any
}

func (s rowsStatement) rows(tx *sql.Tx) *rows { return &rows{rowsStatement: s, tx: tx} }

func (r *rows) add(values ...any) { r.values = append(r.values, values...) }

// flush runs each statement over all its rows, in order.
func flush(all ...*rows) error {
	for _, r := range all {
		if err := r.run(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rows) run() error {
	values := r.values
	for i, width := range rowWidths {
		n := width * r.args
		if len(values) < n {
			continue
		}
		statement := r.tx.Stmt(r.prepared[i])
		for ; len(values) >= n; values = values[n:] {
			if _, err := statement.Exec(values[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}
