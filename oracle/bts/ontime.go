package bts

import "slices"

// onTimeColumns are the BTS columns without which a row has no meaning.
func onTimeColumns() []string {
	return []string{
		"YEAR", "MONTH", "DAY", "AIRLINE", "FLIGHT_NUMBER", "ORIGIN_AIRPORT", "DESTINATION_AIRPORT",
		"SCHEDULED_DEPARTURE", "SCHEDULED_ARRIVAL", "ARRIVAL_DELAY", "DIVERTED", "CANCELLED",
	}
}

// onTimeRow reads one row of BTS columns.
func (f *file) onTimeRow(l *line) {
	flight, ends := f.identify(l, identityColumns{
		"YEAR", "MONTH", "DAY", "AIRLINE", "FLIGHT_NUMBER", "TAIL_NUMBER", "ORIGIN_AIRPORT", "DESTINATION_AIRPORT", "CANCELLED", "DIVERTED",
	})
	p := plan{date: ends.date, fromZone: ends.from, destZone: ends.to}
	var known bool
	if p.out, known = l.clock("SCHEDULED_DEPARTURE"); !known {
		l.fail("SCHEDULED_DEPARTURE is empty")
	}
	p.in, p.inKnown = l.clock("SCHEDULED_ARRIVAL")
	p.elapsed, _ = l.number("SCHEDULED_TIME", 1, MaxElapsedMinutes)
	if p.elapsed == 0 && !p.inKnown {
		l.fail("SCHEDULED_TIME and SCHEDULED_ARRIVAL are both empty")
	}
	if l.bad != nil {
		return
	}
	out, in, adjusted, err := p.resolve()
	if err != nil {
		l.bad = err
		return
	}
	flight.ScheduledOut, flight.ScheduledIn = millis(out), millis(in)
	adjusted = f.onTimeActuals(l, &flight, ends) || adjusted
	if l.bad == nil {
		l.bad = f.add(flight, adjusted)
	}
}

// onTimeActuals fills in what really happened. See rules 3 and 4 of the package.
func (f *file) onTimeActuals(l *line, flight *Flight, ends ends) (adjusted bool) {
	if delay, known := l.number("DEPARTURE_DELAY", -MaxEarlyMinutes, MaxDelayMinutes); known {
		flight.ActualOut = later(flight.ScheduledOut, delay)
		adjusted = l.confirm("DEPARTURE_TIME", instant(flight.ActualOut), ends.from)
		if taxi, known := l.number("TAXI_OUT", 0, MaxDelayMinutes); known {
			flight.ActualOff = later(flight.ActualOut, taxi)
		}
	}
	flight.ArrivalDelay, flight.ArrivalDelayKnown = l.number("ARRIVAL_DELAY", -MaxEarlyMinutes, MaxDelayMinutes)
	if !flight.ArrivalDelayKnown {
		return adjusted
	}
	flight.ActualIn = later(flight.ScheduledIn, flight.ArrivalDelay)
	// The clock of a diverted flight may have been read at another airport.
	if !flight.Diverted {
		adjusted = l.confirm("ARRIVAL_TIME", instant(flight.ActualIn), ends.to) || adjusted
	}
	if taxi, known := l.number("TAXI_IN", 0, MaxDelayMinutes); known {
		flight.ActualOn = later(flight.ActualIn, -taxi)
	}
	checkActuals(l, *flight)
	return adjusted
}

// checkActuals refuses a flight that ended before it began, or was cancelled and arrived.
func checkActuals(l *line, flight Flight) {
	if flight.Cancelled && flight.ArrivalDelayKnown {
		l.fail("cancelled, and yet it has an arrival delay")
	}
	if flight.ActualOut != 0 && flight.ActualIn != 0 && flight.ActualIn <= flight.ActualOut {
		l.fail("actual arrival is not after actual departure")
	}
}

// sort puts the remarks in order of their lines; flights that had to wait come to their places.
func (f *file) sort() {
	slices.SortFunc(f.Flights, func(a, b Flight) int { return a.Row - b.Row })
	slices.SortFunc(f.Unusable, func(a, b Remark) int { return a.Row - b.Row })
	slices.SortFunc(f.Adjusted, func(a, b Remark) int { return a.Row - b.Row })
}
