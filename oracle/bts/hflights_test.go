package bts_test

import (
	"strings"
	"testing"
)

const hflightsHeader = "Year,Month,DayofMonth,DayOfWeek,DepTime,ArrTime,UniqueCarrier,FlightNum,TailNum,ActualElapsedTime,AirTime,ArrDelay,DepDelay," +
	"Origin,Dest,Distance,TaxiIn,TaxiOut,Cancelled,CancellationCode,Diverted\n"

func TestDepartedScheduleIsActualMinusDelay(t *testing.T) {
	for name, c := range map[string]struct{ row, out, in, actualIn string }{
		"early": {
			"2011,1,1,6,1400,1500,AA,428,N576AA,60,40,-10,0,IAH,DFW,224,7,13,0,,0",
			"2011-01-01T20:00:00Z", "2011-01-01T21:10:00Z", "2011-01-01T21:00:00Z"},
		"left after midnight, dated by its schedule": {
			"2011,1,1,6,11,216,AA,428,N576AA,125,40,36,21,IAH,DFW,224,7,13,0,,0",
			"2011-01-02T05:50:00Z", "2011-01-02T07:40:00Z", "2011-01-02T08:16:00Z"},
		"arrives at 2400": {
			"2011,1,1,6,2058,2400,AA,428,N576AA,182,40,0,0,IAH,DFW,224,7,13,0,,0",
			"2011-01-02T02:58:00Z", "2011-01-02T06:00:00Z", "2011-01-02T06:00:00Z"},
		"more than a day late": {
			"2011,1,1,6,1500,1600,AA,428,N576AA,60,40,1500,1500,IAH,DFW,224,7,13,0,,0",
			"2011-01-01T20:00:00Z", "2011-01-01T21:00:00Z", "2011-01-02T22:00:00Z"},
		"second pass of a repeated hour": {
			"2011,11,6,7,130,400,AA,428,N576AA,210,40,0,0,IAH,PHX,224,7,13,0,,0",
			"2011-11-06T07:30:00Z", "2011-11-06T11:00:00Z", "2011-11-06T11:00:00Z"},
	} {
		f := one(t, hflightsHeader, c.row)
		if f.ScheduledOut != at(t, c.out) || f.ScheduledIn != at(t, c.in) || f.ActualIn != at(t, c.actualIn) || f.Borrowed {
			t.Errorf("%s: out %v, in %v, actual %v", name, utc(f.ScheduledOut), utc(f.ScheduledIn), utc(f.ActualIn))
		}
	}
}

func TestCancelledFlightBorrowsTheNearestSchedule(t *testing.T) {
	const (
		cancelled = "2011,1,24,1,NA,,AA,428,,,,,,IAH,DFW,224,,,1,A,0\n"
		before    = "2011,1,22,1,1400,1500,AA,428,,60,40,0,0,IAH,DFW,224,7,13,0,,0\n"
		sameAway  = "2011,1,26,1,1500,1600,AA,428,,60,40,0,0,IAH,DFW,224,7,13,0,,0\n"
		far       = "2010,12,23,1,1500,1600,AA,428,,60,40,0,0,IAH,DFW,224,7,13,0,,0\n"
		otherLeg  = "2011,1,24,1,1500,1600,AA,428,,60,40,0,0,DFW,IAH,224,7,13,0,,0\n"
	)
	for name, c := range map[string]struct{ others, out string }{
		"of two, the earlier": {sameAway + before, "2011-01-24T20:00:00Z"},
		"only one":            {sameAway + otherLeg, "2011-01-24T21:00:00Z"},
		"too far":             {far, ""},
		"another leg":         {otherLeg, ""},
	} {
		result := read(t, hflightsHeader+cancelled+c.others)
		if c.out == "" {
			if len(result.Unusable) != 1 || result.Unusable[0].Row != 2 || !strings.Contains(result.Unusable[0].Reason, "no schedule") {
				t.Errorf("%s: %+v", name, result.Unusable)
			}
			continue
		}
		f := result.Flights[0]
		if f.Row != 2 || !f.Borrowed || !f.Cancelled || f.ScheduledOut != at(t, c.out) || f.ScheduledIn-f.ScheduledOut != 3_600_000 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestDivertedDepartureKeepsItsOwnTimes(t *testing.T) {
	result := read(t, hflightsHeader+
		"2011,1,24,1,1410,1800,AA,428,,,,,10,IAH,DFW,224,,13,0,,1\n"+
		"2011,1,25,1,1500,1600,AA,428,,60,40,0,0,IAH,DFW,224,7,13,0,,0\n")
	f := result.Flights[0]
	if !f.Diverted || !f.Borrowed || f.ActualIn != 0 || f.ScheduledOut != at(t, "2011-01-24T20:00:00Z") || f.ActualOut != at(t, "2011-01-24T20:10:00Z") {
		t.Errorf("got %+v", f)
	}
}

func TestDepartedRowThatContradictsItself(t *testing.T) {
	result := read(t, hflightsHeader+"2011,1,1,6,1400,1501,AA,428,N576AA,60,40,-10,0,IAH,DFW,224,7,13,0,,0\n")
	if len(result.Unusable) != 1 || !strings.Contains(result.Unusable[0].Reason, "ArrTime 1501 contradicts") {
		t.Errorf("got %+v", result)
	}
}
