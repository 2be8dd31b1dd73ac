package aeroapi

import (
	"reflect"
	"slices"

	"aval/domain"
)

// judge finds the leg among the rows and fills in what its row says.
func (l list) judge(q domain.FlightQuery, now domain.Millis, status *domain.FlightStatus) {
	matches := l.matches(q)
	switch {
	case len(matches) > 1 || l.cut:
		status.Reason = "ambiguous"
	case len(matches) == 1:
		matches[0].fill(status, now)
	}
}

// matches gives the rows of the leg, each once.
func (l list) matches(q domain.FlightQuery) []row {
	var found []row
	for _, r := range l.rows {
		out, ok := millis(r.ScheduledOut)
		moved := max(out-q.ScheduledOut, q.ScheduledOut-out)
		if !ok || out == 0 || moved > domain.Millis(MatchTolerance.Milliseconds()) || r.PositionOnly {
			continue
		}
		same := func(other row) bool { return reflect.DeepEqual(r, other) }
		if r.Origin.is(q.Origin) && r.Destination.is(q.Destination) && r.flownBy(q.Carrier) && r.numbered(q.Number) &&
			!slices.ContainsFunc(found, same) {
			found = append(found, r)
		}
	}
	return found
}

// fill brings one row to the normal form. The times stay even where the phase is unknown: they
// show why.
func (r row) fill(status *domain.FlightStatus, now domain.Millis) {
	status.ProviderID = r.FAFlightID
	legible := true
	for _, field := range []struct {
		to   *domain.Millis
		from *string
	}{
		{&status.ScheduledOut, r.ScheduledOut}, {&status.ScheduledIn, r.ScheduledIn}, {&status.ActualOut, r.ActualOut},
		{&status.ActualOn, r.ActualOn}, {&status.ActualIn, r.ActualIn},
	} {
		m, ok := millis(field.from)
		*field.to, legible = m, legible && ok
	}
	status.Phase, status.Reason = domain.FlightUnknown, "contradictory"
	switch {
	case !legible || contradictory(r, *status, now):
	case r.Blocked || r.Type != "" && r.Type != "Airline" && r.Type != "General_Aviation":
		status.Reason = "ambiguous"
	default:
		status.Phase, status.Reason = phase(r, *status), ""
	}
}

func phase(r row, s domain.FlightStatus) domain.FlightPhase {
	switch {
	case r.Cancelled:
		return domain.FlightCancelled
	case r.Diverted:
		return domain.FlightDiverted
	case s.ActualIn != 0:
		return domain.FlightLanded
	}
	return domain.FlightPending
}

// contradictory says whether the row tells two things that cannot both be. The service marks
// flights as cancelled that it only lost track of, so a cancelled one that landed is not known to be either.
func contradictory(r row, s domain.FlightStatus, now domain.Millis) bool {
	latest := now + domain.Millis(MaxSkew.Milliseconds())
	return r.Cancelled && (r.Diverted || s.ActualOn != 0 || s.ActualIn != 0) ||
		s.ActualOut > latest || s.ActualOn > latest || s.ActualIn > latest ||
		s.ActualIn != 0 && s.ActualOut != 0 && s.ActualIn <= s.ActualOut ||
		s.ScheduledIn != 0 && s.ScheduledIn <= s.ScheduledOut
}
