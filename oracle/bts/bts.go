// Package bts reads recorded flights: the on-time files of the US Bureau of Transportation
// Statistics and the hflights extract of the same records, with a table of airports that
// gives each its time zone. It owns the turning of local clock times into UTC instants.
//
// It promises that each data row ends in exactly one of two lists, usable or unusable, the
// latter with its line number and a reason; no row is dropped in silence.
//
// Rules, in the order in which they apply to a row:
//
//  1. The scheduled departure is the local clock time at the origin on the date of the row;
//     2400 is the end of that day. A time that the clocks skip in spring makes the row
//     unusable. Of a time that comes twice in autumn, the one from which the scheduled
//     elapsed time leads to the scheduled arrival counts; if both do, the earlier.
//  2. The scheduled arrival is the departure plus the scheduled elapsed time, and the clocks
//     at the destination must then show the scheduled arrival time. If they are off by just
//     one hour and a change of clocks is near, the local time is believed, because it is what
//     passengers were told, and the row is listed as adjusted. Any other difference makes the
//     row unusable. Without an elapsed time, the arrival is the first instant after the
//     departure at which clocks at the destination show it.
//  3. An actual time is the scheduled one plus the delay, so that whole minutes agree with the
//     official delay however late the flight is. A recorded clock time that contradicts it
//     makes the row unusable, again except for one hour near a change of clocks.
//  4. A diverted row without an arrival delay has no actual arrival: the record does not say at
//     which airport its arrival time was read.
//
// hflights has no schedule columns. There scheduled is actual minus delay; a flight without
// a delay borrows the schedule of the same carrier, number and route on the nearest date in
// the file, at most MaxBorrowDays away, the earlier date of two, and says so in Borrowed.
package bts

import (
	"strings"

	"aval/domain"
)

// Limits of one file.
const (
	// MaxRows bounds the data rows: more than two years of all US domestic flights.
	MaxRows = 20_000_000
	// MaxLineBytes bounds one line.
	MaxLineBytes = 64 << 10
	// MaxBorrowDays bounds how far away a borrowed schedule may lie.
	MaxBorrowDays = 31
	// MaxElapsedMinutes bounds a scheduled flight, MaxDelayMinutes a delay.
	MaxElapsedMinutes = 30 * 60
	MaxDelayMinutes   = 7 * 24 * 60
	// MaxEarlyMinutes bounds how much before its schedule a flight may be.
	MaxEarlyMinutes = 12 * 60
)

// Flight is one recorded flight. Instants are UTC; zero means unknown.
type Flight struct {
	// Row is the line in the file; the header is line 1.
	Row     int
	Carrier string
	// Number has no leading zeros.
	Number      string
	Origin      string
	Destination string
	// Date is the local date at the origin of the scheduled departure, YYYY-MM-DD.
	Date string
	Tail string

	ScheduledOut domain.Millis
	ScheduledIn  domain.Millis
	ActualOut    domain.Millis
	ActualOff    domain.Millis
	ActualOn     domain.Millis
	ActualIn     domain.Millis

	// ArrivalDelay is in minutes, negative when early; it means nothing unless ArrivalDelayKnown.
	ArrivalDelay      int
	ArrivalDelayKnown bool
	Cancelled         bool
	Diverted          bool
	// Borrowed says that the schedule is that of another date.
	Borrowed bool
}

// Leg is the leg key of the flight.
func (f Flight) Leg() string {
	return domain.LegKey(f.Carrier, f.Number, f.Origin, f.Destination, f.Date)
}

// Remark is something to know about one line of the file.
type Remark struct {
	Row    int
	Reason string
}

// Result is everything a file held: Rows = len(Flights) + len(Unusable).
type Result struct {
	Rows    int
	Flights []Flight
	// Unusable lists the rows that are not among Flights, and why.
	Unusable []Remark
	// Adjusted lists rows among Flights whose columns disagree by the hour of a clock change.
	Adjusted []Remark
}

// route is what stays the same from day to day.
type route struct{ carrier, number, origin, destination string }

func (f Flight) route() route { return route{f.Carrier, f.Number, f.Origin, f.Destination} }

// flightNumber drops leading zeros, so that LH0400 is LH400, and refuses what is not 1 to 5
// digits with at most one letter after them.
func flightNumber(cell string) (string, bool) {
	digits := strings.TrimRight(cell, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if len(cell)-len(digits) > 1 || digits == "" || len(digits) > 5 || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	trimmed := strings.TrimLeft(digits, "0")
	if trimmed == "" {
		trimmed = "0"
	}
	return trimmed + cell[len(digits):], true
}

// code says whether cell is a carrier or airport designator of low to high characters.
func code(cell string, low, high int) bool {
	return len(cell) >= low && len(cell) <= high && strings.Trim(cell, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
