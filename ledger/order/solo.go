// Package order holds the Orderers. Solo is the embedded default: one node gives each batch
// its sequence and its time, by group commit.
package order

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"aval/domain"
	"aval/ledger"
)

// Linger is the longest that the first item of a batch waits for company: until half as many
// have come as made the batch before. So one who submits alone waits for nobody.
const Linger = 2 * time.Millisecond

// maxSleep is the longest that Next sleeps before it looks at the clock again.
const maxSleep = domain.Millis(60 * 60 * 1000)

// MaxClockStepBack is how far behind the last batch the clock may be when a ledger is
// opened. Beyond it Next gives ErrClockBehind instead of stamping batches far from the truth.
const MaxClockStepBack = time.Minute

// ErrClockBehind says that this machine's clock is behind the ledger's last batch.
var ErrClockBehind = errors.New("clock is behind the ledger's last batch")

// Solo orders for one node. Safe for concurrent use; Next has one caller.
type Solo struct {
	now    func() time.Time
	items  chan ledger.Item
	held   atomic.Int64 // bytes of the items in the channel
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
	// company is the number of items in the last batch; it belongs to the caller of Next.
	company int
}

// NewSolo makes an orderer that reads the time from now.
func NewSolo(now func() time.Time) *Solo {
	return &Solo{
		now: now, items: make(chan ledger.Item, ledger.MaxPool), wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// Propose implements ledger.Orderer.
func (s *Solo) Propose(ctx context.Context, item ledger.Item) error {
	select {
	case <-s.closed:
		return ledger.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	size := int64(len(item.Raw))
	if s.held.Add(size) > ledger.MaxPoolBytes {
		s.held.Add(-size)
		return ledger.ErrBusy
	}
	select {
	case s.items <- item:
		return nil
	default:
		s.held.Add(-size)
		return ledger.ErrBusy
	}
}

// took says that an item left the pool.
func (s *Solo) took(item ledger.Item) { s.held.Add(-int64(len(item.Raw))) }

// Wake makes Next look at the clock again: for a clock that does not run by itself.
func (s *Solo) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close implements ledger.Orderer.
func (s *Solo) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// CheckClock gives ErrClockBehind if the clock is too far behind the last batch to order another.
func (s *Solo) CheckClock(last domain.Millis) error {
	return behind(domain.Millis(s.now().UnixMilli()), last)
}

func behind(now, last domain.Millis) error {
	if now < last-domain.Millis(MaxClockStepBack.Milliseconds()) {
		return fmt.Errorf("%w by %d ms", ErrClockBehind, last-now)
	}
	return nil
}

// Next implements ledger.Orderer. A batch is cut at 1,000 items, at 8 MiB, when half the
// company of the last one is there or Linger after its first item, and without items when a deadline is due.
func (s *Solo) Next(ctx context.Context, last ledger.Batch, due domain.Millis) (ledger.Batch, error) {
	for {
		now := domain.Millis(s.now().UnixMilli())
		if err := behind(now, last.Now); err != nil {
			return ledger.Batch{}, err
		}
		if due != 0 && due <= now {
			b := &basket{}
			s.drain(b)
			return s.cut(last, b.items), nil
		}
		first, ready, err := s.await(ctx, now, due)
		if err != nil {
			return ledger.Batch{}, err
		}
		if ready {
			return s.cut(last, s.gather(ctx, first)), nil
		}
	}
}

// await waits for the first item, or until it is time to look at the clock again.
func (s *Solo) await(ctx context.Context, now, due domain.Millis) (ledger.Item, bool, error) {
	var alarm <-chan time.Time
	if due != 0 {
		timer := time.NewTimer(time.Duration(min(due-now, maxSleep)) * time.Millisecond)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case item := <-s.items:
		s.took(item)
		return item, true, nil
	case <-alarm:
	case <-s.wake:
	case <-s.closed:
		return ledger.Item{}, false, ledger.ErrClosed
	case <-ctx.Done():
		return ledger.Item{}, false, ctx.Err()
	}
	return ledger.Item{}, false, nil
}

// gather collects company for the first item.
func (s *Solo) gather(ctx context.Context, first ledger.Item) []ledger.Item {
	b := &basket{}
	b.put(first)
	s.drain(b)
	if len(b.items) >= s.company/2 || b.full() {
		return b.items
	}
	timer := time.NewTimer(Linger)
	defer timer.Stop()
	for len(b.items) < s.company/2 && !b.full() {
		select {
		case item := <-s.items:
			s.took(item)
			b.put(item)
			continue
		case <-timer.C:
		case <-ctx.Done():
		}
		break
	}
	s.drain(b) // what has come by now need not wait for the next batch
	return b.items
}

// drain takes what is there without waiting.
func (s *Solo) drain(b *basket) {
	for !b.full() {
		select {
		case item := <-s.items:
			s.took(item)
			b.put(item)
		default:
			return
		}
	}
}

// basket is a batch in the making.
type basket struct {
	items []ledger.Item
	bytes int
}

func (b *basket) put(item ledger.Item) {
	b.items = append(b.items, item)
	b.bytes += len(item.Raw)
}

// full says that no further item may join: there are too many, or the largest might not fit.
func (b *basket) full() bool {
	return len(b.items) >= ledger.MaxBatchItems || b.bytes > ledger.MaxBatchBytes-domain.MaxSubmissionBytes
}

// cut stamps a batch. Time never stands still: two batches within one millisecond of the
// clock get two different times.
func (s *Solo) cut(last ledger.Batch, items []ledger.Item) ledger.Batch {
	now := domain.Millis(s.now().UnixMilli())
	s.company = len(items)
	return ledger.Batch{Sequence: last.Sequence + 1, Now: max(now, last.Now+1), Items: items}
}
