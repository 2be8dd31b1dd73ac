package main

import (
	"encoding/csv"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"aval/ledger"
)

// tabler prints a list for people, with --json for machines, with --csv for spreadsheets.
type tabler struct {
	printer
	asCSV bool
	// headed says that the columns of the table were written.
	headed bool
}

func (t *tabler) flags(c *cobra.Command) {
	t.flag(c)
	c.Flags().BoolVar(&t.asCSV, "csv", false, "print a table, RFC 4180 with a header line, instead of text")
}

func (t *tabler) check() error {
	if t.asJSON && t.asCSV {
		return errors.New("--json and --csv: want one of them")
	}
	return nil
}

// rows writes the rows of a table that keep lets through, the header before the first.
func (t *tabler) rows(w io.Writer, table ledger.Table, keep func(row []string) bool) error {
	all := ledger.Table{Columns: table.Columns}
	for _, row := range table.Rows {
		if keep(row) {
			all.Rows = append(all.Rows, row)
		}
	}
	if !t.headed {
		t.headed = true
		return all.Write(w)
	}
	writer := csv.NewWriter(w)
	writer.UseCRLF = true
	return writer.WriteAll(all.Rows)
}
