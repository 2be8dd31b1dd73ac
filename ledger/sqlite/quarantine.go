package sqlite

import (
	"database/sql"

	"aval/ledger"
)

// Messages implements ledger.Quarantine.
func (a archive) Messages(visit func(ledger.StoredMessage) error) error {
	return a.each("SELECT at, reason, body FROM quarantine ORDER BY id", nil, func(rows *sql.Rows) error {
		var m ledger.StoredMessage
		if err := rows.Scan(&m.At, &m.Reason, &m.Body); err != nil {
			return err
		}
		return visit(m)
	})
}
