package oracle_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/oracle"
)

const (
	origin  = "ledger.example/test"
	minute  = domain.Millis(60_000)
	hour    = 60 * minute
	morning = domain.Millis(1_420_200_000_000) // 2015-01-02 12:00 UTC
)

// upstream is a Source that answers from a script: the nth call about a leg gets the nth
// answer, the last one stays.
type upstream struct {
	mu      sync.Mutex
	script  map[string][]answer
	calls   map[string]int
	now     func() time.Time
	working atomic.Int64
	peak    atomic.Int64
	hold    chan struct{}
}

type answer struct {
	status domain.FlightStatus
	err    error
}

func (u *upstream) Name() string { return "feed-a" }

func (u *upstream) Fetch(ctx context.Context, _ domain.FlightQuery, leg string) (domain.FlightStatus, error) {
	n := u.working.Add(1)
	defer u.working.Add(-1)
	for old := u.peak.Load(); n > old && !u.peak.CompareAndSwap(old, n); old = u.peak.Load() {
	}
	if u.hold != nil {
		select {
		case <-u.hold:
		case <-ctx.Done():
			return domain.FlightStatus{}, ctx.Err()
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	script := u.script[leg]
	a := script[min(u.calls[leg], len(script)-1)]
	u.calls[leg]++
	a.status.Leg, a.status.Source, a.status.FetchedAt = leg, u.Name(), domain.Millis(u.now().UnixMilli())
	a.status.RawSHA256 = make([]byte, 32)
	return a.status, a.err
}

func pending() answer { return answer{status: domain.FlightStatus{Phase: domain.FlightPending}} }
func landed(in domain.Millis) answer {
	return answer{status: domain.FlightStatus{Phase: domain.FlightLanded, ActualIn: in}}
}
func cancelled() answer { return answer{status: domain.FlightStatus{Phase: domain.FlightCancelled}} }
func diverted() answer  { return answer{status: domain.FlightStatus{Phase: domain.FlightDiverted}} }
func unknown(reason string) answer {
	return answer{status: domain.FlightStatus{Phase: domain.FlightUnknown, Reason: reason}}
}
func failing() answer { return answer{err: errors.New("no answer")} }

// stage is a Runner on a clock that the test moves, before a ledger that checks each message
// as the engine would and answers as the test says.
type stage struct {
	*oracle.Runner
	t        testing.TB
	upstream *upstream
	signer   *envelope.Signer
	clock    atomic.Int64

	mu      sync.Mutex
	watches []ledger.WatchView
	verdict func(o domain.Observation) error // nil accepts
	sent    [][]byte                         // each submission, in order
	record  []domain.Observation             // accepted ones
	seen    map[uint64][]byte
}

func (s *stage) now() time.Time { return time.UnixMilli(s.clock.Load()).UTC() }

func newStage(t testing.TB, change func(*oracle.Config)) *stage {
	t.Helper()
	s := &stage{t: t, seen: map[uint64][]byte{}}
	s.clock.Store(int64(morning))
	s.upstream = &upstream{script: map[string][]answer{}, calls: map[string]int{}, now: s.now}
	var err error
	if s.signer, err = envelope.NewSigner(envelope.EdDSA, rand.Reader); err != nil {
		t.Fatal(err)
	}
	c := oracle.Config{
		Ledger: origin, Epoch: 7, Signer: s.signer, Source: s.upstream, Watches: s.list, Submit: s.submit, Now: s.now,
	}
	if change != nil {
		change(&c)
	}
	if s.Runner, err = oracle.New(c); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) list() []ledger.WatchView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ledger.WatchView(nil), s.watches...)
}

// watch opens a watch that polls each quarter of an hour for a day.
func (s *stage) watch(kind domain.Kind, leg string, script ...answer) {
	s.watchAs(ledger.WatchView{Kind: kind, Watch: domain.Watch{
		Subject: leg, Until: morning + 24*hour, Query: &domain.FlightQuery{Carrier: "NK", Number: leg, ScheduledOut: morning},
		Phases: []domain.WatchPhase{{From: morning, Schedule: "@every 15m"}},
	}}, script...)
}

func (s *stage) watchAs(v ledger.WatchView, script ...answer) {
	s.mu.Lock()
	s.watches = append(s.watches, v)
	s.mu.Unlock()
	if script != nil {
		s.upstream.mu.Lock()
		s.upstream.script[v.Watch.Subject] = script
		s.upstream.mu.Unlock()
	}
	s.Refresh()
}

func (s *stage) submit(_ context.Context, format string, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, raw)
	o, shell, err := envelope.ObservationCodec{}.Decode(raw)
	if err != nil || envelope.Verify(s.signer.Key, shell) != nil || format != envelope.ObservationType || o.Ledger != origin || o.Epoch != 7 {
		s.t.Errorf("a message that no engine would take: %v, %+v", err, o)
		return err
	}
	if old := s.seen[o.Sequence]; old != nil && !bytes.Equal(old, raw) {
		s.t.Errorf("sequence %d was used for two messages", o.Sequence)
	}
	s.seen[o.Sequence] = raw
	if s.verdict != nil {
		if err := s.verdict(o); err != nil {
			return err
		}
	}
	s.record = append(s.record, o)
	return nil
}

// run polls all that falls due within the next span of time.
func (s *stage) run(span domain.Millis) oracle.Stats {
	s.t.Helper()
	var total oracle.Stats
	end := domain.Millis(s.clock.Load()) + span
	for {
		next, any := s.Next()
		if !any || domain.Millis(next.UnixMilli()) > end {
			s.clock.Store(int64(end))
			return total
		}
		s.clock.Store(max(s.clock.Load(), next.UnixMilli()))
		stats, err := s.Poll(context.Background(), s.now())
		if err != nil {
			s.t.Fatal(err)
		}
		total = plus(total, stats)
		if again, any := s.Next(); any && !again.After(s.now()) {
			s.t.Fatalf("still due at %v after Poll", again)
		}
	}
}

func plus(a, b oracle.Stats) oracle.Stats {
	return oracle.Stats{
		Polls: a.Polls + b.Polls, Finals: a.Finals + b.Finals, Pending: a.Pending + b.Pending, Unknown: a.Unknown + b.Unknown,
		Failures: a.Failures + b.Failures, Accepted: a.Accepted + b.Accepted, Refused: a.Refused + b.Refused,
		Unsent: a.Unsent + b.Unsent, Resent: a.Resent + b.Resent, Invalid: a.Invalid + b.Invalid,
	}
}

// story is what is on record: a word for each message, the reason for an unknown one.
func (s *stage) story() (words []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.record {
		word := string(o.Flight.Phase)
		if o.Flight.Reason != "" {
			word = o.Flight.Reason
		}
		words = append(words, word)
	}
	return words
}

// checkChain verifies that the messages of the epoch are numbered from 1 and linked.
func (s *stage) checkChain() {
	s.t.Helper()
	var previous []byte
	for n := uint64(1); n <= uint64(len(s.seen)); n++ {
		o, _, err := envelope.ObservationCodec{}.Decode(s.seen[n])
		if err != nil || !bytes.Equal(o.Previous, previous) {
			s.t.Fatalf("message %d does not follow the one before: %v", n, err)
		}
		previous = o.Fingerprint
	}
}
