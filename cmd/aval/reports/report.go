// Package reports makes lists for people out of records that a party may see: what a buyer has to
// pay, what a supplier will get, what a financier has out, what a carrier brought, and
// the trail of one invoice. It asks nobody and judges nothing; amounts are the ledger's.
package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"aval/domain"
	"aval/ledger"
)

// Sheet is one report. It is JSON as it is, a table for spreadsheets, and a page for a terminal.
type Sheet struct {
	Report string         `json:"report"`
	Party  domain.PartyID `json:"party"`
	AsOf   domain.Date    `json:"asOf"`
	Rows   []Row          `json:"rows"`
	Totals []Total        `json:"totals"`
	head   []column
}

// Row is one line of a report.
type Row interface {
	// cells are its texts, one for each column.
	cells() []string
}

// Total is a sum over some rows.
type Total struct {
	Name   string       `json:"name"`
	Amount domain.Money `json:"amount"`
}

// column has a name, and says whether its cells are numbers. Hidden ones are in tables only.
type column struct {
	name   string
	number bool
	hidden bool
}

// Table gives the report to spreadsheets.
func (s Sheet) Table() ledger.Table {
	var t ledger.Table
	for _, c := range s.head {
		t.Columns = append(t.Columns, c.name)
	}
	for _, r := range s.Rows {
		cells := r.cells()
		for i := range cells {
			if !s.head[i].number {
				cells[i] = ledger.Harmless(cells[i])
			}
		}
		t.Add(cells...)
	}
	return t
}

// maxCell bounds a cell of the page, in characters. Tables and JSON have all.
const maxCell = 64

// Write shows the page. What somebody else wrote cannot move the cursor or turn the direction of writing.
func (s Sheet) Write(w io.Writer) {
	fmt.Fprintf(w, "%s of %s, as of %s\n", s.Report, s.Party, s.AsOf)
	if len(s.Rows) == 0 {
		fmt.Fprintln(w, "nothing")
		return
	}
	lines := [][]string{s.names()}
	for _, r := range s.Rows {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(s.head))
	for _, line := range lines {
		for i := range line {
			line[i] = shown(line[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	for i, line := range lines {
		fmt.Fprintln(w, strings.TrimRight(s.align(line, widths), " "))
		if i > 0 {
			s.details(w, s.Rows[i-1])
		}
	}
	for _, t := range s.Totals {
		fmt.Fprintf(w, "%-30s %20s\n", shown(t.Name), t.Amount)
	}
}

// details shows what a row has beside its columns.
func (s Sheet) details(w io.Writer, r Row) {
	if d, has := r.(interface{ details() []string }); has {
		for _, line := range d.details() {
			fmt.Fprintf(w, "        %s\n", printable(line))
		}
	}
}

func (s Sheet) names() (names []string) {
	for _, c := range s.head {
		names = append(names, c.name)
	}
	return names
}

func (s Sheet) align(line []string, widths []int) string {
	var b strings.Builder
	for i, cell := range line {
		if s.head[i].hidden {
			continue
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if s.head[i].number {
			b.WriteString(pad + cell + "  ")
		} else {
			b.WriteString(cell + pad + "  ")
		}
	}
	return b.String()
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

func shown(text string) string {
	text = printable(text)
	if utf8.RuneCountInString(text) > maxCell {
		text = string([]rune(text)[:maxCell-3]) + "..."
	}
	return text
}

// sums adds up amounts by name and currency, and gives them in the order of the names.
type sums struct {
	all map[Total]int64
	err error
}

func (s *sums) add(name string, m domain.Money) {
	if s.all == nil {
		s.all = map[Total]int64{}
	}
	key := Total{name, domain.Money{Currency: m.Currency}}
	sum, err := domain.AddMinor(s.all[key], m.Minor)
	s.all[key], s.err = sum, cmp.Or(s.err, err)
}

// totals lists the sums, those of the names given first.
func (s *sums) totals(order ...string) ([]Total, error) {
	all := []Total{}
	for key, minor := range s.all {
		key.Amount.Minor = minor
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b Total) int {
		return cmp.Or(cmp.Compare(place(order, a.Name), place(order, b.Name)), strings.Compare(a.Name, b.Name), strings.Compare(string(a.Amount.Currency), string(b.Amount.Currency)))
	})
	return all, s.err
}

func place(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// amount is money without its currency, in the currency's decimals.
func amount(m domain.Money) string {
	text, _, _ := strings.Cut(m.String(), " ")
	return text
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
