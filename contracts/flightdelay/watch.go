package flightdelay

import (
	"cmp"
	"fmt"
	"slices"

	"aval/domain"
)

// arm sets the leg's one Review deadline to the earliest instant that a book needs, or cancels it.
func (t *turn) arm(leg string, entries []*entry) {
	first := domain.Millis(0)
	for _, e := range entries {
		if due := e.book.due(); !e.closed && due != 0 && (first == 0 || due < first) {
			first = due
		}
	}
	t.deadline(first, leg, reviewName)
}

// watch asks for observations as often as the keenest book wants them, until the last one
// needs none; with no book left it closes the watch.
func (t *turn) watch(leg string, entries []*entry) {
	w := domain.Watch{Subject: leg}
	var plans [][]pace
	for _, e := range entries {
		if e.closed || !e.book.watched() {
			continue
		}
		if w.Query == nil {
			w.Query = e.book.Leg.query()
		}
		w.Until = max(w.Until, e.book.VoidAt, e.book.CloseAt)
		plans = append(plans, plan(e.terms.Polls, e.book.Leg))
	}
	w.Phases = keenest(plans)
	t.fx.Watches = append(t.fx.Watches, w)
}

// pace is an interval of polling from an instant on.
type pace struct {
	from  domain.Millis
	every int64 // minutes
}

// plan turns polls into paces of one leg, in order of their beginning.
func plan(polls []Poll, l Leg) []pace {
	var paces []pace
	for _, p := range polls {
		from := l.ScheduledOut
		if p.Anchor == "in" {
			from = l.ScheduledIn
		}
		paces = append(paces, pace{max(0, from+minutes(p.OffsetMinutes)), p.EveryMinutes})
	}
	slices.SortStableFunc(paces, func(a, b pace) int { return cmp.Compare(a.from, b.from) })
	return paces
}

// keenest merges plans: at every instant the shortest interval that any plan asks for then.
func keenest(plans [][]pace) []domain.WatchPhase {
	var starts []domain.Millis
	for _, paces := range plans {
		for _, p := range paces {
			starts = append(starts, p.from)
		}
	}
	slices.Sort(starts)
	var phases []domain.WatchPhase
	last := int64(0)
	for _, at := range slices.Compact(starts) {
		if every := shortest(plans, at); every != last {
			phases = append(phases, domain.WatchPhase{From: at, Schedule: fmt.Sprintf("@every %dm", every)})
			last = every
		}
	}
	return phases
}

func shortest(plans [][]pace, at domain.Millis) int64 {
	shortest := int64(0)
	for _, paces := range plans {
		current := int64(0)
		for _, p := range paces {
			if p.from <= at {
				current = p.every
			}
		}
		if current != 0 && (shortest == 0 || current < shortest) {
			shortest = current
		}
	}
	return shortest
}
