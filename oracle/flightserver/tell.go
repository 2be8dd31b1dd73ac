package flightserver

import "aval/domain"

// estimateStep is by how much an overdue departure or arrival is expected later than now.
const estimateStep domain.Millis = 15 * 60_000

// tell is the flight as the service knows it at now.
func (s *Server) tell(r *record, now domain.Millis, fault Fault) flight {
	f := flight{
		Ident: r.ident, IdentIATA: &r.ident, FAFlightID: r.flightAware,
		Operator: &r.Carrier, OperatorIATA: &r.Carrier, FlightNumber: &r.Number, Registration: text(r.Tail),
		Codeshares: []string{}, CodesharesIATA: []string{}, Type: "Airline",
		Origin: s.airport(r.Origin), Destination: s.airport(r.Destination),
		ScheduledOut: moment(r.ScheduledOut), ScheduledIn: moment(r.ScheduledIn),
		FiledETE: seconds(r.ScheduledIn - r.ScheduledOut),
	}
	f.Cancelled = r.cancelledAt != 0 && now >= r.cancelledAt
	f.Diverted = r.divertedAt != 0 && now >= r.divertedAt
	out := reached(r.ActualOut, now)
	f.ActualOut, f.ActualOff = moment(out), moment(reached(r.ActualOff, now))
	f.ActualOn, f.ActualIn = moment(reached(r.ActualOn, now)), moment(reached(r.ActualIn, now))
	switch {
	case f.Cancelled:
		f.Status = "Cancelled"
	case f.ActualIn != nil:
		arrived(&f, r)
	case f.Diverted:
		f.Status, f.DepartureDelay = "Diverted", delay(out, r.ScheduledOut)
	case out != 0:
		underWay(&f, r, now)
	default:
		waiting(&f, r, now)
	}
	if fault == UnlistedStatus {
		f.Status = unlisted(f.Status)
	}
	return f
}

func arrived(f *flight, r *record) {
	hundred := int64(100)
	f.Status, f.ProgressPercent = "Arrived / Gate Arrival", &hundred
	f.EstimatedOut, f.EstimatedIn = f.ActualOut, f.ActualIn
	f.DepartureDelay = delay(r.ActualOut, r.ScheduledOut)
	f.ArrivalDelay = seconds(r.ActualIn - r.ScheduledIn)
}

// underWay guesses the arrival from the departure delay. The guess is what arrival_delay
// holds too: a client must not settle on it.
func underWay(f *flight, r *record, now domain.Millis) {
	guess := r.ActualOut + r.ScheduledIn - r.ScheduledOut
	if guess <= now {
		guess = overdue(now)
	}
	f.EstimatedOut, f.EstimatedIn = f.ActualOut, moment(guess)
	f.DepartureDelay, f.ArrivalDelay = delay(r.ActualOut, r.ScheduledOut), seconds(guess-r.ScheduledIn)
	percent := min(99, int64(now-r.ActualOut)*100/max(1, int64(guess-r.ActualOut)))
	f.ProgressPercent = &percent
	f.Status = "En Route / On Time"
	if guess-r.ScheduledIn >= estimateStep {
		f.Status = "En Route / Delayed"
	}
	if f.ActualOn != nil {
		f.Status = "Landed / Taxiing"
	}
}

func waiting(f *flight, r *record, now domain.Millis) {
	guess, status := r.ScheduledOut, "Scheduled"
	if guess <= now {
		guess, status = overdue(now), "Scheduled / Delayed"
	}
	var none int64
	f.Status, f.ProgressPercent = status, &none
	f.EstimatedOut, f.EstimatedIn = moment(guess), moment(guess+r.ScheduledIn-r.ScheduledOut)
	f.DepartureDelay, f.ArrivalDelay = seconds(guess-r.ScheduledOut), seconds(guess-r.ScheduledOut)
}

// overdue is the next guess for something that should have happened by now, in whole minutes.
func overdue(now domain.Millis) domain.Millis {
	return (now + estimateStep) / 60_000 * 60_000
}

// delay is null while the actual time is not known.
func delay(actual, scheduled domain.Millis) *int64 {
	if actual == 0 {
		return nil
	}
	return seconds(actual - scheduled)
}
