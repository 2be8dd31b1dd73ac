package ledger_test

import (
	"fmt"
	"strings"
	"testing"
)

// untold are the columns that say nothing: numbers that SQLite gives to rows, by which nobody looks anything up.
var untold = []string{"slots.id", "quarantine.id", "head.id", "cosigned.id"}

// Every column of every table, in its first, middle and last row. No list of columns can
// become stale: they are read from the schema.
func TestEveryColumn(t *testing.T) {
	l := writeLedger(t)
	db := openRaw(t, l.copyWith(t, "UPDATE head SET now = now"))
	defer db.Close()
	rows, err := db.Query(`SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string]int{}
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			t.Fatal(err)
		}
		name := table + "." + column
		tables[table]++
		if strings.Contains(strings.Join(untold, " "), name) {
			continue
		}
		changed := map[string]string{
			"BLOB": "CASE WHEN length(" + column + ") = 0 THEN x'00' ELSE " + flipped(column) + " END", "INTEGER": column + " + 1", "TEXT": column + " || 'x'",
		}[kind]
		switch name {
		case "slots.open":
			changed = "1 - open"
		case "refs.until": // a segment that nobody knows
			changed = "until - 1"
		}
		if changed == "" {
			t.Fatalf("%s is %s: say how to change that", name, kind)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, place := range []string{"0", "(SELECT count(*) / 2 FROM %[1]s)", "(SELECT count(*) - 1 FROM %[1]s)"} {
				key := primaryKeys[table]
				where := fmt.Sprintf("(%[2]s) = (SELECT %[2]s FROM %[1]s ORDER BY %[2]s LIMIT 1 OFFSET "+place+")", table, key)
				query := fmt.Sprintf("UPDATE OR REPLACE %s SET %s = %s WHERE %s", table, column, changed, where)
				verify, _ := l.judge(t, l.copyWith(t, query), l.w.Keys)
				wantFault(t, verify, anyIndex)
			}
		})
	}
	if len(tables) != len(primaryKeys) {
		t.Errorf("tables %v, known are %v", tables, primaryKeys)
	}
}

// primaryKeys are the primary keys of the tables.
var primaryKeys = map[string]string{
	"head": "id", "entries": "idx", "identities": "tag", "refs": "until, tag", "segments": "until", "slots": "id", "members": "list, tag",
	"tiles": "level, n", "quarantine": "id", "cosigned": "id",
	"subjects": "tag", "private": "idx, number",
}
