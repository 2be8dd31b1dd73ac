package flightdelay

import (
	"slices"

	"aval/domain"
)

// Limits of what one book records; beyond, observations are refused and change nothing.
const (
	// MaxReports bounds the reports accepted from one family, and those after a decision.
	MaxReports = 1000
	// MaxUnknowns bounds the reports of unknown.
	MaxUnknowns = 1000
)

// observe hands one observation to every product that covers the leg. It is refused only if
// it counts for none of them.
func (t *turn) observe() error {
	o, err := t.evidence()
	if err != nil {
		return err
	}
	if err := checkStatus(*o.Flight); err != nil {
		return err
	}
	entries, err := t.onLeg(t.id())
	if err != nil {
		return err
	}
	var refusal error = domain.Refuse(domain.NoWatch, "leg %s: no policy waits for it", t.id())
	taken := 0
	for _, e := range entries {
		if err := t.take(e, o); err == nil {
			taken++
		} else if taken == 0 {
			refusal = err
		}
	}
	if taken == 0 {
		return refusal
	}
	t.commit(t.id(), entries)
	return nil
}

// evidence is the one observation of the command, if it is about this leg.
func (t *turn) evidence() (domain.Observation, error) {
	if len(t.in.Evidence) != 1 {
		return domain.Observation{}, domain.Refuse(domain.NotEvidence, "want one observation, not %d", len(t.in.Evidence))
	}
	o := t.in.Evidence[0]
	if o.Flight == nil || o.Kind != Kind || o.Subject != t.id() {
		return o, domain.Refuse(domain.NotEvidence, "want a flight status of leg %s", t.id())
	}
	return o, nil
}

// checkStatus refuses a status that says nothing of an outcome, or holds impossible instants.
func checkStatus(f domain.FlightStatus) error {
	if !f.Final() && f.Phase != domain.FlightUnknown {
		return domain.Refuse(domain.NotEvidence, "phase %.20q: want landed, cancelled, diverted or unknown", string(f.Phase))
	}
	for _, at := range []domain.Millis{f.ActualOut, f.ActualOn, f.ActualIn, f.FetchedAt} {
		if at < 0 || at > maxInstant {
			return domain.Refuse(domain.NotEvidence, "actualOut, actualOn, actualIn, fetchedAt: an instant is out of range")
		}
	}
	if f.Phase == domain.FlightLanded && f.ActualIn == 0 {
		return domain.Refuse(domain.NotEvidence, "landed without actualIn: a runway time alone is not final")
	}
	return nil
}

// take lets one book consider an observation. On an error the book is unchanged.
func (t *turn) take(e *entry, o domain.Observation) error {
	ev, f := e.terms.Evidence, *o.Flight
	if f.Leg != t.id() {
		return domain.Refuse(domain.NotEvidence, "the status is of another leg")
	}
	if !slices.Contains(ev.Sources, o.Holder) || slices.Contains(e.book.Faults, o.Holder) {
		return domain.Refuse(domain.NotEvidence, "source %.64q does not count on leg %s", o.Holder, t.id())
	}
	oldest, newest := t.in.Now-minutes(ev.StaleMinutes), t.in.Now+minutes(ev.SkewMinutes)
	if first := min(f.FetchedAt, o.ObservedAt); first < oldest {
		return domain.Refuse(domain.NotEvidence, "fetchedAt, observedAt: more than %d minutes ago", ev.StaleMinutes)
	}
	if last := max(f.FetchedAt, o.ObservedAt); last > newest {
		return domain.Refuse(domain.NotEvidence, "fetchedAt, observedAt: more than %d minutes ahead", ev.SkewMinutes)
	}
	return t.enter(e, newReport(o, e))
}

// enter books a report that may count.
func (t *turn) enter(e *entry, r report) error {
	b := &e.book
	switch {
	case b.Decision.made():
		return t.late(e, r)
	case !b.Leg.frozen() && r.rank() == 0:
		return domain.Refuse(domain.NotEvidence, "leg %s: no policy waits for it", t.id())
	case !b.Leg.frozen():
		b.Reported, e.changed = true, true // no policy yet, and none to come
		return nil
	}
	old, found := b.find(r.Family)
	if r.Phase == domain.FlightUnknown {
		if b.Unknowns >= MaxUnknowns {
			return domain.Refuse(domain.LimitExceeded, "leg %s: %d reports of unknown, limit %d", t.id(), b.Unknowns, MaxUnknowns)
		}
		b.Unknowns++
	} else if found && !r.newer(old) {
		return domain.Refuse(domain.NotEvidence, "leg %s: a newer report of this family was taken", t.id())
	} else if old.Count >= MaxReports {
		return domain.Refuse(domain.LimitExceeded, "leg %s: %d reports of one family, limit %d", t.id(), old.Count, MaxReports)
	}
	b.Reported, e.changed = b.Reported || r.rank() == 1, true
	if !found || r.newer(old) {
		r.Count = old.Count
		if r.Phase != domain.FlightUnknown {
			r.Count++
		}
		b.replace(r)
	}
	t.event("LegReported", e.key, e.statement(r), b.Insurer)
	t.consider(e, false)
	return nil
}

// late records a report that came after the decision. Nothing is paid or clawed back by it.
func (t *turn) late(e *entry, r report) error {
	if e.book.Late >= MaxReports {
		return domain.Refuse(domain.LimitExceeded, "leg %s: %d late reports, limit %d", t.id(), e.book.Late, MaxReports)
	}
	e.book.Late++
	e.changed = true
	s := e.statement(r)
	d := e.book.Decision
	s.Agrees = r.Phase == d.Phase && delayMinutes(r.ActualIn, e.book.Leg.ScheduledIn) == delayMinutes(d.In, e.book.Leg.ScheduledIn)
	t.event("LateReport", e.key, s, e.book.Insurer)
	return nil
}

// equivocate strikes out a source that signed two messages under one identity: nobody can
// say which of them it means.
func (t *turn) equivocate() error {
	o, err := t.evidence()
	if err != nil {
		return err
	}
	entries, err := t.onLeg(t.id())
	if err != nil {
		return err
	}
	struck := false
	for _, e := range entries {
		if slices.Contains(e.terms.Evidence.Sources, o.Holder) && !slices.Contains(e.book.Faults, o.Holder) {
			t.strike(e, o)
			struck = true
		}
	}
	if !struck {
		return domain.Refuse(domain.NotEvidence, "source %.64q does not count on leg %s", o.Holder, t.id())
	}
	t.commit(t.id(), entries)
	return nil
}

func (t *turn) strike(e *entry, o domain.Observation) {
	e.book.Faults = append(e.book.Faults, o.Holder)
	e.book.Reports = slices.DeleteFunc(e.book.Reports, func(r report) bool { return r.Source == o.Holder })
	e.changed = true
	t.event("SourceFaulted", e.key, struct {
		Source string `json:"source"`
		Report []byte `json:"report"`
	}{o.Holder, o.Fingerprint}, e.book.Insurer)
	t.consider(e, false) // a struck vote may have been what made a tie
}
