package bts

import (
	"errors"
	"time"
)

// hflightsColumns are the hflights columns without which a row has no meaning.
func hflightsColumns() []string {
	return []string{
		"Year", "Month", "DayofMonth", "DepTime", "ArrTime", "UniqueCarrier", "FlightNum", "ActualElapsedTime",
		"ArrDelay", "DepDelay", "Origin", "Dest", "Cancelled", "Diverted",
	}
}

// incomplete is a flight whose row does not hold its whole schedule.
type incomplete struct {
	flight Flight
	ends   ends
}

// departedRow reads one row of hflights columns.
func (f *file) departedRow(l *line) {
	flight, ends := f.identify(l, identityColumns{
		"Year", "Month", "DayofMonth", "UniqueCarrier", "FlightNum", "TailNum", "Origin", "Dest", "Cancelled", "Diverted",
	})
	departed, isOut := l.clock("DepTime")
	delay, isDelay := l.number("DepDelay", -MaxEarlyMinutes, MaxDelayMinutes)
	if l.bad == nil && isOut && isDelay {
		departure(l, &flight, ends, departed, delay)
	}
	adjusted := false
	if l.bad == nil && flight.ActualOut != 0 {
		adjusted = l.confirm("DepTime", instant(flight.ActualOut), ends.from)
		adjusted = arrival(l, &flight, ends) || adjusted
		checkActuals(l, flight)
	}
	switch {
	case l.bad != nil:
	case flight.ScheduledIn == 0:
		f.waiting = append(f.waiting, incomplete{flight, ends})
	default:
		l.bad = f.add(flight, adjusted)
	}
}

// departure takes the delay off the clock time: the schedule lies on the date of the row,
// whatever the date when the flight really left.
func departure(l *line, flight *Flight, ends ends, departed, delay int) {
	scheduled := ((departed-delay)%1440 + 1440) % 1440
	outs := instants(ends.date, scheduled, ends.from)
	if len(outs) == 0 {
		l.fail("scheduled departure %s does not exist in %s: clocks skip it", hhmm(scheduled), ends.from)
		return
	}
	out := outs[0]
	if clue, landed := l.arrivalClues(); landed && len(outs) == 2 {
		away := time.Duration(delay+clue.minutes) * time.Minute
		if off(outs[0].Add(away), clue.clock, ends.to) != 0 && off(outs[1].Add(away), clue.clock, ends.to) == 0 {
			out = outs[1] // the repeated hour: only its second pass leads to the arrival time
		}
	}
	flight.ScheduledOut = millis(out)
	flight.ActualOut = later(flight.ScheduledOut, delay)
	if taxi, known := l.number("TaxiOut", 0, MaxDelayMinutes); known {
		flight.ActualOff = later(flight.ActualOut, taxi)
	}
}

// clues are what tells the two passes of a repeated hour apart.
type clues struct{ minutes, clock int }

func (l *line) arrivalClues() (clues, bool) {
	elapsed, flown := l.number("ActualElapsedTime", 1, MaxElapsedMinutes)
	clock, known := l.clock("ArrTime")
	return clues{elapsed, clock}, flown && known
}

// arrival adds the elapsed time to the departure and takes the delay off for the schedule.
func arrival(l *line, flight *Flight, ends ends) (adjusted bool) {
	elapsed, flown := l.number("ActualElapsedTime", 1, MaxElapsedMinutes)
	flight.ArrivalDelay, flight.ArrivalDelayKnown = l.number("ArrDelay", -MaxEarlyMinutes, MaxDelayMinutes)
	if !flown || !flight.ArrivalDelayKnown {
		flight.ArrivalDelay, flight.ArrivalDelayKnown = 0, false
		return false
	}
	flight.ActualIn = later(flight.ActualOut, elapsed)
	adjusted = l.confirm("ArrTime", instant(flight.ActualIn), ends.to)
	flight.ScheduledIn = later(flight.ActualIn, -flight.ArrivalDelay)
	if minutes := (flight.ScheduledIn - flight.ScheduledOut) / 60_000; minutes < 1 || minutes > MaxElapsedMinutes {
		l.fail("schedule of %d minutes: want 1 to %d", minutes, MaxElapsedMinutes)
	}
	if taxi, known := l.number("TaxiIn", 0, MaxDelayMinutes); known {
		flight.ActualOn = later(flight.ActualIn, -taxi)
	}
	return adjusted
}

// borrow completes the waiting flights from flights of the same route that have a schedule.
func (f *file) borrow() {
	flown := map[route][]Flight{}
	for _, flight := range f.Flights {
		flown[flight.route()] = append(flown[flight.route()], flight)
	}
	for _, w := range f.waiting {
		lender, found := nearest(flown[w.flight.route()], w.ends.date)
		err := errNoSchedule
		if found {
			if err = w.complete(lender); err == nil {
				err = f.add(w.flight, false)
			}
		}
		if err != nil {
			f.unusable(w.flight.Row, err)
		}
	}
}

// nearest is the flight whose date lies nearest, at most MaxBorrowDays away; of two, the earlier.
func nearest(flights []Flight, date time.Time) (lender Flight, found bool) {
	best := time.Duration(MaxBorrowDays)*24*time.Hour + 1
	for _, flight := range flights {
		day, _ := time.Parse(time.DateOnly, flight.Date) // written by this package
		distance := day.Sub(date).Abs()
		if distance < best || distance == best && flight.Date < lender.Date {
			best, lender, found = distance, flight, true
		}
	}
	return lender, found
}

// complete takes over the local departure time and the elapsed time, keeping what the row itself knows.
func (w *incomplete) complete(lender Flight) error {
	elapsed := lender.ScheduledIn - lender.ScheduledOut
	if w.flight.ScheduledOut == 0 {
		local := instant(lender.ScheduledOut).In(w.ends.from)
		outs := instants(w.ends.date, local.Hour()*60+local.Minute(), w.ends.from)
		if len(outs) == 0 {
			return errors.New("the borrowed departure time does not exist: clocks skip it")
		}
		w.flight.ScheduledOut = millis(outs[0])
	}
	w.flight.ScheduledIn = w.flight.ScheduledOut + elapsed
	w.flight.Borrowed = true
	return nil
}
