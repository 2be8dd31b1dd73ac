package flightdelay

import (
	"slices"

	"aval/domain"
)

// rule is what judge needs of a product and a leg.
type rule struct {
	quorum    int64
	tolerance domain.Millis
	tiers     []Tier
	// Cancellations and diversions fetched before these instants do not count yet.
	cancelledFrom, divertedFrom domain.Millis
	// scheduledIn is the frozen arrival from which delays count.
	scheduledIn domain.Millis
}

func (e *entry) rule() rule {
	ev, leg := e.terms.Evidence, e.book.Leg
	return rule{
		quorum: ev.Quorum, tolerance: minutes(ev.ToleranceMinutes), tiers: e.terms.Payouts.Tiers,
		cancelledFrom: leg.ScheduledOut + minutes(ev.CancelledAfterMinutes),
		divertedFrom:  leg.ScheduledIn + minutes(ev.DivertedAfterMinutes),
		scheduledIn:   leg.ScheduledIn,
	}
}

// verdict is what reports come to. Phase is empty while nothing stands.
type verdict struct {
	phase domain.FlightPhase
	// in is the agreed gate-in of a landed leg.
	in domain.Millis
	// agreed are the reports of the winning category, counted the number that count in all.
	agreed  []report
	counted int64
}

// judge decides from reports, one for each family. It is a function of their set: neither
// order nor arrival matters. Category first, then the upper median of gate-in; sentinels
// cannot be averaged with times because only landed reports have one.
func judge(reports []report, r rule) verdict {
	votes := map[domain.FlightPhase][]report{}
	counted := int64(0)
	for _, rep := range reports {
		if r.counts(rep) {
			votes[rep.Phase] = append(votes[rep.Phase], rep)
			counted++
		}
	}
	phase, agreed := winner(votes)
	if int64(len(agreed)) < r.quorum {
		return verdict{counted: counted}
	}
	in := domain.Millis(0)
	if phase == domain.FlightLanded {
		var held bool
		if in, held = r.gateIn(agreed); held {
			return verdict{counted: counted}
		}
	}
	return verdict{phase: phase, in: in, agreed: agreed, counted: counted}
}

// counts says whether a report has a vote.
func (r rule) counts(rep report) bool {
	switch rep.Phase {
	case domain.FlightLanded:
		return true
	case domain.FlightCancelled:
		return rep.FetchedAt >= r.cancelledFrom
	case domain.FlightDiverted:
		return rep.FetchedAt >= r.divertedFrom
	}
	return false
}

// winner is the category with most votes; a tie has none.
func winner(votes map[domain.FlightPhase][]report) (domain.FlightPhase, []report) {
	var best domain.FlightPhase
	tie := true
	for _, phase := range []domain.FlightPhase{domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted} {
		switch n := len(votes[phase]); {
		case n > len(votes[best]):
			best, tie = phase, false
		case n == len(votes[best]):
			tie = true
		}
	}
	if tie {
		return "", nil
	}
	return best, votes[best]
}

// gateIn is the upper median of the gate-in times. held says that they spread wider than the
// tolerance and that some policy of the leg would be paid by another tier for one than for another.
func (r rule) gateIn(landed []report) (in domain.Millis, held bool) {
	times := make([]domain.Millis, len(landed))
	for i, rep := range landed {
		times[i] = rep.ActualIn
	}
	slices.Sort(times)
	first, last := times[0], times[len(times)-1]
	low, _ := delayPayout(r.tiers, delayMinutes(first, r.scheduledIn))
	high, _ := delayPayout(r.tiers, delayMinutes(last, r.scheduledIn))
	return times[len(times)/2], last-first > r.tolerance && low != high
}
