package oracle

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"aval/domain"
	"aval/ledger"
)

// Runner polls open watches. Safe for concurrent use; drive it either with Run or, on a clock
// of your own, with Refresh, Next and Poll.
type Runner struct {
	config Config
	chain  chain

	mu         sync.Mutex
	open       map[watchKey]*watch
	subjects   map[subjectKey]*subject
	agenda     agenda
	schedules  schedules
	generation uint64
	live       bool // Run is at work: polls get jitter
	total      Stats
	// finished tells Run that a worker is done.
	finished chan struct{}
}

// Refresh looks at the watches again: new ones are put on the agenda, changed ones moved,
// closed ones taken off. It costs a comparison for each open watch, and the agenda is touched
// only for those that changed. A message that is still unsent outlives its watch.
func (r *Runner) Refresh() {
	list, now := r.config.Watches(), millis(r.config.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generation++
	for _, view := range list {
		if view.Watch.Query != nil && len(view.Watch.Phases) > 0 {
			r.note(view, now)
		}
	}
	for key, w := range r.open {
		if w.generation != r.generation {
			r.close(key, w)
		}
	}
}

// note takes in one open watch.
func (r *Runner) note(view ledger.WatchView, now domain.Millis) {
	key, asked := watchKey{view.Kind, view.Watch.Subject}, view.Watch
	w := r.open[key]
	if w != nil && w.subject.key.query != *asked.Query {
		r.close(key, w)
		w = nil
	}
	if w != nil && w.until == asked.Until && slices.Equal(w.phases, asked.Phases) {
		w.generation = r.generation
		return
	}
	if w == nil {
		w = r.enter(key, *asked.Query)
	}
	w.generation, w.until, w.phases = r.generation, asked.Until, slices.Clone(asked.Phases)
	var err error
	if w.schedule, err = r.schedules.parse(asked.Phases); err != nil {
		r.total.Invalid++
		r.config.Failed(fmt.Errorf("watch of %s: %w", key.kind, err))
	}
	next := w.schedule.first(now)
	if w.subject.polled != 0 { // a policy more on a leg does not mean a poll more
		if next = w.schedule.after(w.subject.polled); next != 0 {
			next = max(next, now)
		}
	}
	r.plan(w, next)
	r.place(w.subject)
}

func (r *Runner) enter(key watchKey, query domain.FlightQuery) *watch {
	s := r.subjects[subjectKey{key.name, query}]
	if s == nil {
		s = &subject{key: subjectKey{key.name, query}, at: -1}
		r.subjects[s.key] = s
	}
	w := &watch{kind: key.kind, subject: s}
	// A watch that closed with a message unsent and opens again goes on where it was.
	if i := slices.IndexFunc(s.watches, func(old *watch) bool { return old.kind == key.kind }); i >= 0 {
		w = s.watches[i]
		w.closed = false
	} else {
		s.watches = append(s.watches, w)
	}
	r.open[key] = w
	return w
}

func (r *Runner) close(key watchKey, w *watch) {
	w.closed = true
	delete(r.open, key)
	r.place(w.subject)
}

// Next says when the earliest poll or repeated submission is due; false if none is.
func (r *Runner) Next() (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.agenda) == 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(r.agenda[0].due)).UTC(), true
}

// Stats is what happened since the Runner was made.
func (r *Runner) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// Poll does everything that is due at now and returns when it is done. It does not look for
// new watches: see Refresh. The error is the context's; a failing subject is counted and stops
// nobody else.
func (r *Runner) Poll(ctx context.Context, now time.Time) (Stats, error) {
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, r.config.Concurrency)
	before := r.Stats()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return Stats{}, ctx.Err()
		}
		s := r.take(millis(now))
		if s == nil {
			break
		}
		workers.Go(func() {
			r.work(ctx, s, millis(now))
			<-slots
		})
	}
	workers.Wait()
	return difference(r.Stats(), before), ctx.Err()
}

func difference(a, b Stats) Stats {
	return Stats{
		a.Polls - b.Polls, a.Finals - b.Finals, a.Pending - b.Pending, a.Unknown - b.Unknown, a.Failures - b.Failures,
		a.Accepted - b.Accepted, a.Refused - b.Refused, a.Unsent - b.Unsent, a.Resent - b.Resent, a.Invalid - b.Invalid,
	}
}

// take gives a worker the earliest subject that is due, nil if none is.
func (r *Runner) take(now domain.Millis) *subject {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.agenda) == 0 || r.agenda[0].due > now {
		return nil
	}
	s := heap.Pop(&r.agenda).(*subject)
	s.busy = true
	return s
}

func millis(t time.Time) domain.Millis { return domain.Millis(t.UnixMilli()) }
