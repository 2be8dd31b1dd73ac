package demo

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Payouts of the demonstration's product, in US cents.
const (
	payLate60    = 50_00
	payLate120   = 100_00
	payLate180   = 200_00
	payCancelled = 200_00
	payDiverted  = 100_00
)

// row is what one line of the file says about one flight.
type row struct {
	line int
	// flight is carrier-number-origin-destination, as people write it.
	flight string
	tier   string
	pays   int64
	// delay is in minutes, zero for unknown.
	delay int
}

// expect reads, straight from the lines of a file with BTS columns, what a day of cover must
// pay. It shares no code with the ledger, the oracle or their reader of such files: it is
// the second opinion that the demonstration compares itself with.
func expect(file io.Reader, date string) ([]row, error) {
	lines := csv.NewReader(file)
	header, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	column, err := columns(header)
	if err != nil {
		return nil, err
	}
	var rows []row
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		cell := func(name string) string { return whole(cells[column[name]]) }
		if dateOf(cell("YEAR"), cell("MONTH"), cell("DAY")) != date {
			continue
		}
		line, _ := lines.FieldPos(0)
		r := row{line: line, flight: strings.Join([]string{
			cell("AIRLINE"), strings.TrimLeft(cell("FLIGHT_NUMBER"), "0"), cell("ORIGIN_AIRPORT"), cell("DESTINATION_AIRPORT"),
		}, "-")}
		r.tier, r.pays = tierOf(cell("CANCELLED") == "1", cell("DIVERTED") == "1", cell("ARRIVAL_DELAY"))
		r.delay, _ = strconv.Atoi(cell("ARRIVAL_DELAY")) // no number: zero, which is never the latest
		rows = append(rows, r)
	}
}

// aliases are the names that hflights, the other published form of the same data, gives the columns.
var aliases = map[string]string{
	"DAYOFMONTH": "DAY", "UNIQUECARRIER": "AIRLINE", "FLIGHTNUM": "FLIGHT_NUMBER", "ORIGIN": "ORIGIN_AIRPORT",
	"DEST": "DESTINATION_AIRPORT", "ARRDELAY": "ARRIVAL_DELAY",
}

// columns finds the needed columns in the header.
func columns(header []string) (map[string]int, error) {
	column := map[string]int{}
	for i, name := range header {
		name = strings.ToUpper(strings.TrimSpace(name))
		if alias, ok := aliases[name]; ok {
			name = alias
		}
		column[name] = i
	}
	for _, name := range []string{
		"YEAR", "MONTH", "DAY", "AIRLINE", "FLIGHT_NUMBER", "ORIGIN_AIRPORT", "DESTINATION_AIRPORT", "ARRIVAL_DELAY", "CANCELLED", "DIVERTED",
	} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("no column %s", name)
		}
	}
	return column, nil
}

// whole cuts decimals that are all zero: the same column is written 12, 12.0 or 12.00.
func whole(cell string) string {
	cell = strings.TrimSpace(cell)
	before, after, ok := strings.Cut(cell, ".")
	if ok && strings.Trim(after, "0") == "" {
		return before
	}
	return cell
}

func dateOf(year, month, day string) string {
	pad := func(text string, width int) string { return strings.Repeat("0", max(0, width-len(text))) + text }
	return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2)
}

// tierOf reads one row: cancelled and diverted come before any delay.
func tierOf(cancelled, diverted bool, delay string) (string, int64) {
	minutes, err := strconv.Atoi(delay)
	switch {
	case cancelled:
		return "cancelled", payCancelled
	case diverted:
		return "diverted", payDiverted
	case err != nil: // no delay on record: nobody knows, so nothing is due
		return "", 0
	case minutes >= 180:
		return "180", payLate180
	case minutes >= 120:
		return "120", payLate120
	case minutes >= 60:
		return "60", payLate60
	}
	return "", 0
}
