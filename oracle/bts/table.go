package bts

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// table reads a CSV by the names in its header, so that order and extra columns do not matter.
type table struct {
	csv     *csv.Reader
	columns map[string]int
	// kept holds one copy of each short text that recurs, so that flights do not keep whole lines alive.
	kept map[string]string
}

// line is one data row. The first cell that cannot be read sets bad; later reads change nothing.
type line struct {
	table *table
	row   int
	cells []string
	bad   error
}

func newTable(r io.Reader) (*table, error) {
	c := csv.NewReader(&boundedLines{r: r})
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	t := &table{csv: c, columns: map[string]int{}, kept: map[string]string{}}
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff")
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := t.columns[name]; twice {
			return nil, fmt.Errorf("column %.40q stands twice", name)
		}
		t.columns[name] = i
	}
	return t, nil
}

func (t *table) has(column string) bool {
	_, ok := t.columns[strings.ToLower(column)]
	return ok
}

func (t *table) require(columns ...string) error {
	missing := slices.DeleteFunc(columns, t.has)
	if len(missing) > 0 {
		return fmt.Errorf("columns missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// next gives the next row. A row that is not well-formed CSV comes back with bad set; an
// error means that the rest of the file cannot be read.
func (t *table) next() (*line, bool, error) {
	cells, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, false, nil
	}
	if form := (*csv.ParseError)(nil); errors.As(err, &form) {
		return &line{table: t, row: form.StartLine, bad: fmt.Errorf("not a CSV row: %w", form.Err)}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	row, _ := t.csv.FieldPos(0)
	return &line{table: t, row: row, cells: cells}, true, nil
}

// text is the cell of a column without surrounding spaces; empty if absent, empty or NA.
func (l *line) text(column string) string {
	i, ok := l.table.columns[strings.ToLower(column)]
	if !ok || l.bad != nil {
		return ""
	}
	cell := strings.TrimSpace(l.cells[i])
	if cell == "NA" {
		return ""
	}
	return l.table.keep(cell)
}

func (t *table) keep(cell string) string {
	if kept, ok := t.kept[cell]; ok {
		return kept
	}
	own := strings.Clone(cell)
	t.kept[own] = own
	return own
}

// number is a whole number such as -11 or -11.0, and whether the cell holds one.
func (l *line) number(column string, low, high int) (int, bool) {
	cell := l.text(column)
	if cell == "" {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(cell, ".")
	n, err := strconv.Atoi(whole)
	if err != nil || strings.Trim(fraction, "0") != "" || n < low || n > high {
		l.fail("%s %.20q: want a whole number from %d to %d", column, cell, low, high)
		return 0, false
	}
	return n, true
}

// need is number for a cell that must be there.
func (l *line) need(column string, low, high int) int {
	n, known := l.number(column, low, high)
	if !known {
		l.fail("%s is empty", column)
	}
	return n
}

func (l *line) flag(column string) bool { return l.need(column, 0, 1) == 1 }

// clock is a local time hhmm, with or without leading zeros, as minutes since midnight; 2400
// is 1440. It is also said whether the cell holds one.
func (l *line) clock(column string) (int, bool) {
	hhmm, known := l.number(column, 0, 2400)
	if known && hhmm%100 > 59 {
		l.fail("%s %04d is not a time of day", column, hhmm)
		return 0, false
	}
	return hhmm/100*60 + hhmm%100, known
}

func (l *line) fail(format string, args ...any) {
	if l.bad == nil {
		l.bad = fmt.Errorf(format, args...)
	}
}

// boundedLines fails a line that is longer than MaxLineBytes before it fills the memory.
type boundedLines struct {
	r   io.Reader
	run int
}

func (b *boundedLines) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), MaxLineBytes)])
	if last := bytes.LastIndexByte(p[:n], '\n'); last >= 0 {
		b.run = n - last - 1
	} else if b.run += n; b.run > MaxLineBytes {
		return 0, fmt.Errorf("a line is longer than %d bytes", MaxLineBytes)
	}
	return n, err
}
