package oracle

import (
	"context"
	"sync"
	"time"
)

// Run polls in real time until the context ends, which is what it returns. A slow subject
// holds up no other as long as there is a free slot. Polls are made a little later than
// scheduled, each by another amount, so that thousands of equal schedules do not strike at once.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.live = true
	r.mu.Unlock()
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, r.config.Concurrency)
	for ctx.Err() == nil {
		changed := r.changed()
		r.Refresh()
		r.serve(ctx, changed, slots, &workers)
	}
	return ctx.Err()
}

// serve hands out work until it is time for the next Refresh.
func (r *Runner) serve(ctx context.Context, changed <-chan struct{}, slots chan struct{}, workers *sync.WaitGroup) {
	earliest, latest := time.NewTimer(RefreshEvery), time.NewTimer(RefreshAfter)
	defer earliest.Stop()
	defer latest.Stop()
	stale, rested := false, false
	for !stale || !rested {
		r.dispatch(ctx, slots, workers)
		due := time.NewTimer(r.pause(slots))
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-due.C:
		case <-r.finished:
		case <-changed:
			stale, changed = true, nil
		case <-latest.C:
			stale = true
		case <-earliest.C:
			rested = true
		}
		due.Stop()
	}
}

// dispatch starts a worker for each due subject while there are free slots.
func (r *Runner) dispatch(ctx context.Context, slots chan struct{}, workers *sync.WaitGroup) {
	now := millis(r.config.Now())
	for {
		select {
		case slots <- struct{}{}:
		default:
			return
		}
		s := r.take(now)
		if s == nil {
			<-slots
			return
		}
		workers.Go(func() {
			r.work(ctx, s, now)
			<-slots
			r.wake()
		})
	}
}

// wake tells Run that a slot is free and the agenda may have changed.
func (r *Runner) wake() {
	select {
	case r.finished <- struct{}{}:
	default:
	}
}

// pause is how long there is nothing to do but wait: until the next due time, or, with all
// slots taken, until a worker is done.
func (r *Runner) pause(slots chan struct{}) time.Duration {
	next, any := r.Next()
	if !any || len(slots) == cap(slots) {
		return RefreshAfter
	}
	return max(0, next.Sub(r.config.Now()))
}

func (r *Runner) changed() <-chan struct{} {
	if r.config.Changed == nil {
		return nil
	}
	return r.config.Changed()
}
