package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// work is one batch between its execution and its place on disk.
type work struct {
	*run
	changes []change
	// after is the state that the batch ends in, for readers once the batch is durable.
	after *State
}

// Run commits batches until the context ends, then closes the orderer. It returns nil on a
// clean stop; any other error means that the state in memory is no longer trusted and the
// ledger must be opened again. Two goroutines overlap: one orders, checks and executes a batch
// while the other makes the one before it durable.
func (e *Engine) Run(ctx context.Context) error {
	defer e.stop()
	executed, ended := make(chan *work), make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(executed)
		return e.executeAll(ctx, executed, ended)
	})
	group.Go(func() error {
		defer close(ended)
		for w := range executed {
			if err := e.finish(w); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// stop tells everybody who waits that nothing more will come.
func (e *Engine) stop() {
	e.orderer.Close()
	e.stopOnce.Do(func() { close(e.stopped) })
}

// executeAll hands over batch after batch until the context ends. What was executed is handed
// over even then, unless the other side has failed.
func (e *Engine) executeAll(ctx context.Context, executed chan<- *work, ended <-chan struct{}) error {
	for {
		w, err := e.advance(ctx)
		if err != nil || w == nil {
			return err
		}
		select {
		case executed <- w:
		case <-ended:
			return nil
		}
	}
}

// Step takes the next batch through all stages on the caller's goroutine: for simulations,
// in which nothing may depend on the scheduler. It must not be mixed with Run. After an error,
// ErrClosed or the context's included, the engine is stopped as after Run.
func (e *Engine) Step(ctx context.Context) error {
	w, err := e.advance(ctx)
	if err == nil && w == nil {
		err = errors.Join(ctx.Err(), ErrClosed)
	}
	if err == nil {
		err = e.finish(w)
	}
	if err != nil {
		e.stop()
	}
	return err
}

// advance orders, checks and executes the next batch; nil when the engine is to stop.
func (e *Engine) advance(ctx context.Context) (*work, error) {
	b, err := e.orderer.Next(ctx, e.last, e.state.nextDue())
	if ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	e.roomy.Store(false)
	w, err := e.process(b)
	if err != nil {
		return nil, fmt.Errorf("batch %d: %w", b.Sequence, err)
	}
	return w, nil
}

// process executes a batch on the state in memory.
func (e *Engine) process(b Batch) (*work, error) {
	if b.Now <= e.last.Now || b.Sequence <= e.last.Sequence {
		return nil, fmt.Errorf("batch time %d after %d, sequence %d after %d: both must increase", b.Now, e.last.Now, b.Sequence, e.last.Sequence)
	}
	e.checkSignatures(registry{e.state}, b)
	h, err := e.prefetch(b)
	if err != nil {
		return nil, err
	}
	r, err := e.execute(e.state, h, b, e.size)
	if err == nil {
		err = h.err // a history that could not be read gave answers that must not count
	}
	if err != nil {
		return nil, err
	}
	e.last = Batch{Sequence: b.Sequence, Now: b.Now}
	w := &work{run: r}
	if len(r.entries) == 0 {
		return w, nil
	}
	e.trails = append(e.trails, trail{sequence: b.Sequence, seen: r.seen, closed: e.state.closed, base: r.base, entries: r.entries})
	e.size += uint64(len(r.entries)) + 1
	w.changes, err = e.state.settle()
	w.after = e.state.snapshot()
	return w, err
}

// finish makes a batch durable and answers. A crash before Append: nothing happened. After
// it: the waiters ask again and get the first reply.
func (e *Engine) finish(w *work) error {
	sealed, err := e.persist(w)
	if err != nil {
		return fmt.Errorf("batch %d: %w", w.batch.Sequence, err)
	}
	e.wake(w, sealed)
	return nil
}

func (e *Engine) persist(w *work) ([]*sealedEntry, error) {
	if len(w.entries) == 0 {
		return nil, nil
	}
	if err := e.rotate(); err != nil {
		return nil, err
	}
	sealed, c, err := e.seal(w)
	if err != nil {
		return nil, err
	}
	if err := e.store.Append(c); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	e.tree.landed(c.Head.Size)
	e.rights.note(w.batch.Sequence, w.changes)
	e.published.Store(&published{state: w.after, head: c.Head, note: c.Checkpoint})
	e.durable.Store(w.batch.Sequence)
	return sealed, e.rotate()
}

// seal makes of an executed batch everything that the disk is to hold, signed.
func (e *Engine) seal(w *work) ([]*sealedEntry, Commit, error) {
	sealed, closing, err := sealBatch(w.batch, w.entries, w.after, e.vault.salt)
	if err != nil {
		return nil, Commit{}, err
	}
	c := e.commitOf(sealed, closing, w.changes, func(i int) []byte {
		return e.vault.sealEntry(sealed[i].Index, sealed[i].body, sealed[i].Raw)
	})
	c.Head = Head{Size: w.base + uint64(len(c.Entries)), Sequence: w.batch.Sequence, Now: w.batch.Now}
	if c.Private, err = e.sealPrivate(w); err != nil {
		return nil, Commit{}, err
	}
	c.Checkpoint, err = e.sign(c.Head.Size)
	return sealed, c, err
}

// wake answers the submitters of this node and everybody who waits for news.
func (e *Engine) wake(w *work, sealed []*sealedEntry) {
	for i, item := range w.batch.Items {
		if item.checked == nil || item.checked.ticket == nil {
			continue
		}
		t, o := item.checked.ticket, w.outcomes[i]
		t.outcome = o
		if at := o.index - w.base; o.refused == nil && o.index >= w.base && at < uint64(len(sealed)) {
			t.sealed = sealed[at]
		}
		close(t.done)
	}
	if len(sealed) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.changed)
	e.changed = make(chan struct{})
}

// trail is what a batch did that may not be on disk yet, for the batches executed after it.
type trail struct {
	sequence uint64
	seen     map[string]*entry
	closed   map[string]*slot
	base     uint64
	entries  []*entry
}

// forget drops the trails of batches that are on disk. To be called before the disk is asked.
func (e *Engine) forget() {
	durable := e.durable.Load()
	for len(e.trails) > 0 && e.trails[0].sequence <= durable {
		e.trails = e.trails[1:]
	}
}
