package order_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
)

func item(bytes int) ledger.Item { return ledger.Item{Raw: make([]byte, bytes)} }

func propose(t *testing.T, s *order.Solo, items ...ledger.Item) {
	t.Helper()
	for _, i := range items {
		if err := s.Propose(context.Background(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPoolIsBoundedByItemsAndBytes(t *testing.T) {
	for name, c := range map[string]struct{ size, fit int }{
		"items": {1, ledger.MaxPool}, "bytes": {domain.MaxCommandBytes, ledger.MaxPoolBytes / domain.MaxCommandBytes},
	} {
		s := order.NewSolo(ledgertest.NewClock().Now)
		for range c.fit {
			propose(t, s, item(c.size))
		}
		if err := s.Propose(context.Background(), item(c.size)); !errors.Is(err, ledger.ErrBusy) {
			t.Errorf("%s: %v, want busy", name, err)
		}
		b, err := s.Next(context.Background(), ledger.Batch{}, 0)
		if err != nil || len(b.Items) == 0 {
			t.Fatalf("%s: %d items, %v", name, len(b.Items), err)
		}
		for range b.Items { // what left the pool made room for as much
			propose(t, s, item(c.size))
		}
		if err := s.Propose(context.Background(), item(c.size)); !errors.Is(err, ledger.ErrBusy) {
			t.Errorf("%s: %v, want busy again", name, err)
		}
	}
}

func TestBatchIsBounded(t *testing.T) {
	s := order.NewSolo(ledgertest.NewClock().Now)
	for range ledger.MaxBatchItems + 1 {
		propose(t, s, item(1))
	}
	b, err := s.Next(context.Background(), ledger.Batch{}, 0)
	if err != nil || len(b.Items) != ledger.MaxBatchItems {
		t.Errorf("%d items, %v", len(b.Items), err)
	}
	for range 20 {
		propose(t, s, item(domain.MaxCommandBytes))
	}
	for _, due := range []domain.Millis{0, 1} { // gathered, and drained beside a deadline
		b, err = s.Next(context.Background(), b, due)
		total := 0
		for _, i := range b.Items {
			total += len(i.Raw)
		}
		if err != nil || total > ledger.MaxBatchBytes || len(b.Items) < 7 {
			t.Errorf("due %d: %d items of %d bytes, %v", due, len(b.Items), total, err)
		}
	}
}

// Time never stands still and follows the clock where it can.
func TestBatchTime(t *testing.T) {
	clock := ledgertest.NewClock()
	s, last := order.NewSolo(clock.Now), ledger.Batch{}
	next := func() ledger.Batch {
		t.Helper()
		propose(t, s, item(1))
		b, err := s.Next(context.Background(), last, 0)
		if err != nil || b.Now <= last.Now || b.Sequence != last.Sequence+1 {
			t.Fatalf("%+v after %+v, %v", b, last, err)
		}
		last = b
		return b
	}
	if b := next(); b.Now != clock.Millis() {
		t.Errorf("time %d, clock %d", b.Now, clock.Millis())
	}
	next()
	clock.Add(-order.MaxClockStepBack / 2)
	next()
	clock.Add(time.Hour)
	if b := next(); b.Now != clock.Millis() {
		t.Errorf("time %d, clock %d", b.Now, clock.Millis())
	}
	clock.Add(-order.MaxClockStepBack - time.Second)
	if _, err := s.Next(context.Background(), last, 0); !errors.Is(err, order.ErrClockBehind) {
		t.Errorf("clock an age behind: %v", err)
	}
}

// A deadline makes a batch without items, when it is due and not before.
func TestDeadlines(t *testing.T) {
	clock := ledgertest.NewClock()
	s, due := order.NewSolo(clock.Now), clock.Millis()+3_600_000
	batches := make(chan ledger.Batch, 1)
	go func() {
		b, _ := s.Next(context.Background(), ledger.Batch{}, due)
		batches <- b
	}()
	s.Wake() // looks at the clock and sleeps again
	clock.Add(time.Hour)
	s.Wake()
	if b := <-batches; b.Now != due || len(b.Items) != 0 {
		t.Errorf("%+v, want a batch at %d", b, due)
	}
}

// A deadline in the far future must not make the clock be looked at all the time.
func TestFarDeadlineSleeps(t *testing.T) {
	clock, looks := ledgertest.NewClock(), make(chan struct{}, 1_000_000)
	s := order.NewSolo(func() time.Time {
		looks <- struct{}{}
		return clock.Now()
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Next(ctx, ledger.Batch{}, math.MaxInt64); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(looks) > 1 {
		t.Errorf("looked at the clock %d times", len(looks))
	}
}

func TestClose(t *testing.T) {
	s, result := order.NewSolo(time.Now), make(chan error, 1)
	go func() {
		_, err := s.Next(context.Background(), ledger.Batch{}, 0)
		result <- err
	}()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("next: %v", err)
	}
	if err := s.Propose(context.Background(), item(1)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("propose: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := order.NewSolo(time.Now).Propose(ctx, item(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("propose without time: %v", err)
	}
}
