package oracle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/oracle"
)

// live is a stage in real time, with a channel that says that the watches changed.
func live(t *testing.T, change func(*oracle.Config)) (s *stage, changed chan chan struct{}) {
	changed = make(chan chan struct{}, 1)
	changed <- make(chan struct{})
	s = newStage(t, func(c *oracle.Config) {
		c.Now, c.Jitter = time.Now, func(time.Duration) time.Duration { return 0 }
		c.Changed = func() <-chan struct{} {
			current := <-changed
			changed <- current
			return current
		}
		if change != nil {
			change(c)
		}
	})
	s.upstream.now = time.Now
	return s, changed
}

// announce closes the current channel and puts a new one in its place.
func announce(changed chan chan struct{}) {
	current := <-changed
	changed <- make(chan struct{})
	close(current)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *stage) open(name, schedule string, script ...answer) {
	now := domain.Millis(time.Now().UnixMilli())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches = append(s.watches, ledger.WatchView{Kind: "flightdelay/1", Watch: domain.Watch{
		Subject: name, Until: now + hour, Query: &domain.FlightQuery{Number: name}, Phases: []domain.WatchPhase{{From: now, Schedule: schedule}},
	}})
	s.upstream.mu.Lock()
	defer s.upstream.mu.Unlock()
	s.upstream.script[name] = script
}

func TestRunPollsWakesAndStops(t *testing.T) {
	s, changed := live(t, nil)
	s.open("L1", "@every 1s", pending(), landed(1))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	eventually(t, "the second poll of L1", func() bool { return len(s.story()) == 1 })
	s.open("L2", "@every 1h", landed(1))
	announce(changed)
	eventually(t, "the watch that was opened meanwhile", func() bool { return len(s.story()) == 2 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.checkChain()
}

func TestRunIsNotHeldUpByASlowSubject(t *testing.T) {
	hold := make(chan struct{})
	s, changed := live(t, func(c *oracle.Config) {
		c.Concurrency = 2
		c.Source = slow{c.Source, hold}
	})
	s.open("slow", "@every 1h", landed(1))
	s.open("L1", "@every 1h", landed(1))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	eventually(t, "the quick subject", func() bool { return len(s.story()) == 1 })
	s.open("L2", "@every 1h", landed(1))
	announce(changed)
	eventually(t, "another one", func() bool { return len(s.story()) == 2 })
	close(hold)
	eventually(t, "the slow one", func() bool { return len(s.story()) == 3 })
	cancel()
	<-ended
}

// slow holds back the answer about one leg.
type slow struct {
	oracle.Source
	hold chan struct{}
}

func (s slow) Fetch(ctx context.Context, q domain.FlightQuery, leg string) (domain.FlightStatus, error) {
	if leg == "slow" {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return domain.FlightStatus{}, ctx.Err()
		}
	}
	return s.Source.Fetch(ctx, q, leg)
}

func TestRunSpreadsPolls(t *testing.T) {
	asked := make(chan time.Duration, 1)
	s, _ := live(t, func(c *oracle.Config) {
		c.Jitter = func(bound time.Duration) time.Duration {
			select {
			case asked <- bound:
			default:
			}
			return bound / 2
		}
	})
	s.open("L1", "@every 1h", landed(1))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if bound := <-asked; bound != oracle.MaxJitter {
		t.Errorf("jitter below %v", bound)
	}
	cancel()
	<-ended
}
