package oracle

import (
	"container/heap"
	"slices"
	"time"

	"aval/domain"
)

type subjectKey struct {
	name  string
	query domain.FlightQuery
}

// subject is one thing to poll. All is guarded by Runner.mu.
type subject struct {
	key     subjectKey
	watches []*watch
	// due is when there is next something to do, zero for never.
	due domain.Millis
	// at is the place in the agenda, -1 for none.
	at int
	// busy says that a worker has it; then it is not in the agenda.
	busy bool
	// polled is when it was last polled, failures how often in a row that failed.
	polled   domain.Millis
	failures int
}

type watchKey struct {
	kind domain.Kind
	name string
}

// watch is one kind's wish to know of a subject.
type watch struct {
	kind    domain.Kind
	subject *subject

	// Guarded by Runner.mu. next is the scheduled poll, jitter how much later it may be made.
	phases       []domain.WatchPhase
	schedule     schedule
	until        domain.Millis
	next, jitter domain.Millis
	closed       bool
	generation   uint64

	// mail belongs to the worker while the subject is busy, else it is guarded by Runner.mu.
	mail mail
}

// agenda is a heap of subjects, the earliest due first, subjects of one instant by name.
type agenda []*subject

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].due != a[j].due {
		return a[i].due < a[j].due
	}
	return a[i].key.name < a[j].key.name
}
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].at, a[j].at = i, j
}
func (a *agenda) Push(x any) {
	s := x.(*subject)
	s.at = len(*a)
	*a = append(*a, s)
}
func (a *agenda) Pop() any {
	last := len(*a) - 1
	s := (*a)[last]
	(*a)[last], s.at = nil, -1
	*a = (*a)[:last]
	return s
}

// place puts a subject where it belongs after a change, and forgets it if nothing is left of it.
func (r *Runner) place(s *subject) {
	if s.busy {
		return // its worker does this when it is done
	}
	s.watches = slices.DeleteFunc(s.watches, func(w *watch) bool { return w.closed && w.mail.unsent == nil })
	s.due = 0
	for _, w := range s.watches {
		for _, due := range []domain.Millis{w.pollAt(), w.mail.resendAt()} {
			if due != 0 && (s.due == 0 || due < s.due) {
				s.due = due
			}
		}
	}
	switch {
	case s.due == 0 && s.at >= 0:
		heap.Remove(&r.agenda, s.at)
	case s.due != 0 && s.at < 0:
		heap.Push(&r.agenda, s)
	case s.due != 0:
		heap.Fix(&r.agenda, s.at)
	}
	if len(s.watches) == 0 {
		delete(r.subjects, s.key)
	}
}

func (w *watch) pollAt() domain.Millis {
	if w.closed || w.next == 0 {
		return 0
	}
	return w.next + w.jitter
}

// plan sets the next poll, unless it would come when the watch is over.
func (r *Runner) plan(w *watch, next domain.Millis) {
	if next >= w.until {
		next = 0
	}
	w.next, w.jitter = next, 0
	if next == 0 || !r.live {
		return
	}
	if bound := min(MaxJitter.Milliseconds(), int64(w.schedule.interval(next))/10); bound > 0 {
		w.jitter = domain.Millis(r.config.Jitter(time.Duration(bound) * time.Millisecond).Milliseconds())
	}
}
