package bts

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"aval/domain"
)

// ReadFile reads a file of flights; a name ending in .gz is decompressed.
func ReadFile(name string, airports Airports) (Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	if !strings.HasSuffix(name, ".gz") {
		return Read(f, airports)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return Result{}, fmt.Errorf("read flights: %w", err)
	}
	defer z.Close()
	return Read(z, airports)
}

// Read reads flights in the BTS or the hflights columns, told apart by the header. An error
// means that the file as a whole is unreadable; single rows are judged in the Result.
func Read(r io.Reader, airports Airports) (Result, error) {
	t, err := newTable(r)
	if err != nil {
		return Result{}, fmt.Errorf("read flights: %w", err)
	}
	f := &file{airports: airports, seen: map[identity]int{}}
	rows, finish := f.onTimeRow, func() {}
	if t.has("UniqueCarrier") {
		rows, finish = f.departedRow, f.borrow
		err = t.require(hflightsColumns()...)
	} else {
		err = t.require(onTimeColumns()...)
	}
	if err != nil {
		return Result{}, fmt.Errorf("read flights: %w", err)
	}
	if err := f.readAll(t, rows); err != nil {
		return Result{}, fmt.Errorf("read flights: %w", err)
	}
	finish()
	f.sort()
	return f.Result, nil
}

// file is a Result in the making.
type file struct {
	Result
	airports Airports
	seen     map[identity]int // the row of each leg
	waiting  []incomplete     // rows whose schedule is not in the row
}

type identity struct {
	route
	date string
}

func (f *file) readAll(t *table, row func(*line)) error {
	for {
		l, more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		if f.Rows++; f.Rows > MaxRows {
			return fmt.Errorf("more than %d rows", MaxRows)
		}
		if l.bad == nil {
			row(l)
		}
		if l.bad != nil {
			f.unusable(l.row, l.bad)
		}
	}
}

func (f *file) unusable(row int, why error) {
	f.Unusable = append(f.Unusable, Remark{Row: row, Reason: why.Error()})
}

// add takes a finished flight, unless its leg stands in the file already: then nobody could
// say which of the two an answer belongs to.
func (f *file) add(flight Flight, adjusted bool) error {
	id := identity{flight.route(), flight.Date}
	if first, twice := f.seen[id]; twice {
		return fmt.Errorf("same flight leg as line %d", first)
	}
	f.seen[id] = flight.Row
	f.Flights = append(f.Flights, flight)
	if adjusted {
		f.Adjusted = append(f.Adjusted, Remark{Row: flight.Row, Reason: "columns disagree by the hour of a clock change"})
	}
	return nil
}

// identify reads what both forms of file share, under the names that each gives to it.
func (f *file) identify(l *line, names identityColumns) (Flight, ends) {
	flight := Flight{
		Row: l.row, Carrier: l.text(names.carrier), Origin: l.text(names.origin),
		Destination: l.text(names.destination), Tail: l.text(names.tail),
	}
	date := calendarDate(l, names.year, names.month, names.day)
	flight.Date = l.table.keep(date.Format(time.DateOnly))
	if !code(flight.Carrier, 2, 3) {
		l.fail("%s %.10q: want 2 or 3 capitals or digits", names.carrier, flight.Carrier)
	}
	number, ok := flightNumber(strings.TrimSuffix(l.text(names.number), ".0"))
	if !ok {
		l.fail("%s %.10q: want digits and at most one letter", names.number, l.text(names.number))
	}
	flight.Number = l.table.keep(number)
	flight.Cancelled, flight.Diverted = l.flag(names.cancelled), l.flag(names.diverted)
	if flight.Cancelled && flight.Diverted {
		l.fail("cancelled and diverted at once")
	}
	from, here := f.airports[flight.Origin]
	dest, there := f.airports[flight.Destination]
	if !here || !there || flight.Origin == flight.Destination {
		l.fail("route %.6q to %.6q: want two known airports", flight.Origin, flight.Destination)
	}
	return flight, ends{date, from.Zone, dest.Zone}
}

type identityColumns struct {
	year, month, day, carrier, number, tail, origin, destination, cancelled, diverted string
}

// ends is the local date of a flight and the zones it leads from and to.
type ends struct {
	date     time.Time
	from, to *time.Location
}

func calendarDate(l *line, year, month, day string) time.Time {
	y, m, d := l.need(year, 1987, 2200), l.need(month, 1, 12), l.need(day, 1, 31)
	date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if date.Day() != d {
		l.fail("%04d-%02d has no day %d", y, m, d)
	}
	return date
}

func millis(t time.Time) domain.Millis { return domain.Millis(t.UnixMilli()) }

// later adds minutes to an instant that is known.
func later(m domain.Millis, minutes int) domain.Millis {
	return m + domain.Millis(minutes)*60_000
}

func instant(m domain.Millis) time.Time { return time.UnixMilli(int64(m)).UTC() }

var errNoSchedule = errors.New("no schedule: not in the row, and no such flight with one near in the file")
