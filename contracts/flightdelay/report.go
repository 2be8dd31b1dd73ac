package flightdelay

import (
	"bytes"
	"cmp"
	"slices"

	"aval/domain"
)

// report is what one family says of a leg: its latest observation in short.
type report struct {
	Family string `json:"family"`
	Source string `json:"source"`
	// Phase is landed, cancelled, diverted, or unknown with a Reason.
	Phase    domain.FlightPhase `json:"phase"`
	Reason   string             `json:"reason,omitempty"`
	ActualIn domain.Millis      `json:"actualIn"`
	// FetchedAt, then Epoch and Sequence, say which of two reports is newer.
	FetchedAt   domain.Millis `json:"fetchedAt"`
	Epoch       uint64        `json:"epoch"`
	Sequence    uint64        `json:"sequence"`
	Fingerprint []byte        `json:"fingerprint"`
	// Count is the number of reports taken from this family so far, unknown ones apart.
	Count int64 `json:"count"`
}

// newer says whether r takes the place of old in the same family. It is a strict order, so
// the order of arrival does not matter: a statement outranks no data, since not knowing now
// does not undo what was known; then the later fetch, which is how a reinstated flight
// outranks its cancellation, and a contradiction what it contradicts; then the later message.
func (r report) newer(old report) bool {
	return cmp.Or(
		cmp.Compare(r.rank(), old.rank()), cmp.Compare(r.FetchedAt, old.FetchedAt),
		cmp.Compare(r.Epoch, old.Epoch), cmp.Compare(r.Sequence, old.Sequence),
		bytes.Compare(r.Fingerprint, old.Fingerprint),
	) > 0
}

// rank is 1 for a statement of an outcome, even a contradictory one, and 0 for no data.
func (r report) rank() int {
	if r.Phase == domain.FlightUnknown && r.Reason != contradiction {
		return 0
	}
	return 1
}

// contradiction is the reason of a report whose own parts cannot all be true.
const contradiction = "contradictory"

// find gives the report that counts for a family.
func (b *book) find(family string) (report, bool) {
	i := slices.IndexFunc(b.Reports, func(r report) bool { return r.Family == family })
	if i < 0 {
		return report{}, false
	}
	return b.Reports[i], true
}

// replace puts r in the place of its family. A source has one place, even if governance moved
// it to another family meanwhile.
func (b *book) replace(r report) {
	b.Reports = slices.DeleteFunc(b.Reports, func(old report) bool { return old.Family == r.Family || old.Source == r.Source })
	b.Reports = append(b.Reports, r)
	slices.SortFunc(b.Reports, func(a, b report) int { return cmp.Compare(a.Family, b.Family) })
}

// newReport reads an observation as a report; one that contradicts itself says unknown.
func newReport(o domain.Observation, e *entry) report {
	f := *o.Flight
	r := report{
		Family: family(o.Family, o.Holder), Source: o.Holder, Phase: f.Phase, ActualIn: f.ActualIn,
		FetchedAt: f.FetchedAt, Epoch: o.Epoch, Sequence: o.Sequence, Fingerprint: o.Fingerprint,
	}
	switch {
	case f.Phase == domain.FlightUnknown:
		r.Reason = listed(f.Reason)
	case e.book.Leg.frozen() && contradictory(f, e.book.Leg, minutes(e.terms.Evidence.SkewMinutes)):
		r.Phase, r.Reason = domain.FlightUnknown, contradiction
	}
	if r.Phase != domain.FlightLanded {
		r.ActualIn = 0
	}
	return r
}

// listed keeps a reason that domain names, so that no source writes free text into the ledger.
func listed(reason string) string {
	if slices.Contains([]string{"no-match", "ambiguous", contradiction, "unreachable"}, reason) {
		return reason
	}
	return "unlisted"
}

// contradictory says that the instants of a final status cannot all be true.
func contradictory(f domain.FlightStatus, leg Leg, skew domain.Millis) bool {
	if f.Phase != domain.FlightLanded {
		return f.Phase == domain.FlightCancelled && f.ActualIn != 0
	}
	late := f.ActualIn - leg.ScheduledIn
	return f.ActualIn < f.ActualOut || f.ActualIn < f.ActualOn || f.ActualOn != 0 && f.ActualOn < f.ActualOut ||
		f.ActualIn > f.FetchedAt+skew || // an estimate, whatever it is called
		late > minutes(MaxDelayMinutes) || late < -minutes(MaxEarlyMinutes)
}

// statement is the body of events about one report.
type statement struct {
	Family string             `json:"family"`
	Source string             `json:"source"`
	Phase  domain.FlightPhase `json:"phase"`
	Reason string             `json:"reason,omitempty"`
	// Minutes is the delay of a landed report against the leg's schedule.
	Minutes int64  `json:"minutes"`
	Report  []byte `json:"report"`
	// Agrees is about reports after a decision: whether they say the same.
	Agrees bool `json:"agrees,omitempty"`
}

func (e *entry) statement(r report) statement {
	s := statement{Family: r.Family, Source: r.Source, Phase: r.Phase, Reason: r.Reason, Report: r.Fingerprint}
	if r.Phase == domain.FlightLanded {
		s.Minutes = delayMinutes(r.ActualIn, e.book.Leg.ScheduledIn)
	}
	return s
}
