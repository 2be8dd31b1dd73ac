// Package oracle brings facts from data services into a ledger. A Runner polls what open
// watches ask about, signs what a Source answers, and submits it. It never judges: whether a
// fact pays anybody is for the contracts to say.
//
// One Runner serves one Source with one key. It polls a subject once, however many kinds and
// policies watch it, and hands the answer to each kind that does. What is put on record:
//
//   - A final answer, when there was none before or it differs from the last one on record in
//     more than when and how it was fetched.
//   - A cancellation or a diversion again, word for word, when an interval of its schedule has
//     passed since the last one on record: both can be taken back, so contracts count only
//     those that were fetched late enough.
//   - Unknown once, until phase or reason change. No match and no answer do not replace a final
//     answer: services forget flights after some days, and networks fail.
//   - Pending never. But a final answer that is taken back, as with a reinstated flight, goes on
//     record as unknown, "contradictory": otherwise the old answer would keep its vote.
//   - Unknown, "unreachable", after UnreachableAfter polls in a row without an answer.
//
// Messages of one Runner form a chain: sequences count from 1, and each names the fingerprint
// of the one before. A message whose submission failed is submitted again with the same bytes
// until the ledger has accepted or refused it, and its watch gets no other message meanwhile. A
// refusal is followed by a fresh message at the next poll, since it may have been for age or
// for a clock; after MaxRefusals of the same content only every RefusalRest.
package oracle

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// Limits of a Runner.
const (
	// DefaultConcurrency and MaxConcurrency bound the subjects that are worked on at a time.
	DefaultConcurrency = 16
	MaxConcurrency     = 1024
	// FetchTimeout bounds one poll with all its retries, SubmitTimeout one submission.
	FetchTimeout  = 5 * time.Minute
	SubmitTimeout = time.Minute
	// UnreachableAfter is how many polls in a row fail before that goes on record.
	UnreachableAfter = 3
	// MaxRefusals is how often in a row the same content is put to a ledger that refuses it; after
	// that there is a rest of RefusalRest before each further try.
	MaxRefusals = 4
	RefusalRest = time.Hour
	// MinResend doubles from one failed submission of a message to the next, up to MaxResend.
	MinResend = 5 * time.Second
	MaxResend = 5 * time.Minute
	// MaxPhases bounds the phases of one watch, MaxScheduleBytes the text of one schedule.
	MaxPhases        = 64
	MaxScheduleBytes = 100
	// MaxSchedules bounds how many different schedules are kept parsed.
	MaxSchedules = 1024
	// MaxJitter bounds by how much Run polls later than scheduled; never more than a tenth of the interval.
	MaxJitter = 10 * time.Second
	// RefreshEvery is the shortest time between two looks at the watches in Run, RefreshAfter the longest.
	RefreshEvery = time.Second
	RefreshAfter = time.Minute
)

// Source is one subscription to one upstream service. Safe for concurrent use.
type Source interface {
	// Name is the ID under which the source is registered.
	Name() string
	// Fetch asks about one flight leg. The status is what the service says, in the normal form,
	// with the hash of the body it was read from; what cannot be told apart is unknown. An error
	// says that there was no answer. It names neither key nor flight. Retries are the source's own.
	Fetch(ctx context.Context, q domain.FlightQuery, leg string) (domain.FlightStatus, error)
}

// Config is what a Runner needs. Ledger, Epoch, Signer, Source, Watches, Submit and Now are required.
type Config struct {
	// Ledger is the origin of the ledger.
	Ledger string
	// Epoch numbers this process; a later process has a greater one. 1 to 2^53-1.
	Epoch uint64
	// Signer holds the source's registered key. No other Runner may use it.
	Signer *envelope.Signer
	Source Source
	// Watches lists the open watches.
	Watches func() []ledger.WatchView
	// Changed gives a channel that is closed when the watches may have changed, taken before
	// Watches is called. Run then looks again; without it, every RefreshAfter.
	Changed func() <-chan struct{}
	// Submit puts a message to the ledger and returns when its fate is known: nil for accepted or
	// accepted before, a *domain.Rejection for refused, by the engine or by a contract. Any other error
	// leaves it open. Called from several goroutines.
	Submit func(ctx context.Context, format string, raw []byte) error
	// Now is the clock for observedAt and for Run. The times given to Poll must be of the same clock.
	Now func() time.Time
	// Concurrency is how many subjects are worked on at a time, zero for DefaultConcurrency. With
	// 1, the order of messages is that of due times, then subjects.
	Concurrency int
	// Failed is told of each failed poll or submission and each watch that cannot be polled, for a
	// log; nil for none. It must be quick and safe for concurrent use.
	Failed func(error)
	// Jitter gives a duration from zero to below its argument, for Run; nil for a random one.
	Jitter func(time.Duration) time.Duration
}

// Stats counts what happened.
type Stats struct {
	// Polls is how often the source was asked: Finals + Pending + Unknown + Failures.
	Polls    uint64
	Finals   uint64
	Pending  uint64
	Unknown  uint64
	Failures uint64
	// Accepted and Refused are messages whose fate is known. Unsent is how often a submission
	// failed, Resent how often one was tried again.
	Accepted uint64
	Refused  uint64
	Unsent   uint64
	Resent   uint64
	// Invalid is how many watches asked for what cannot be done: a schedule that cannot be read.
	Invalid uint64
}

func (s *Stats) add(o Stats) {
	s.Polls += o.Polls
	s.Finals += o.Finals
	s.Pending += o.Pending
	s.Unknown += o.Unknown
	s.Failures += o.Failures
	s.Accepted += o.Accepted
	s.Refused += o.Refused
	s.Unsent += o.Unsent
	s.Resent += o.Resent
	s.Invalid += o.Invalid
}

// New checks the configuration. The Runner knows no watch before the first Refresh or Run.
func New(c Config) (*Runner, error) {
	if c.Ledger == "" || c.Signer == nil || c.Source == nil || c.Watches == nil || c.Submit == nil || c.Now == nil {
		return nil, errors.New("oracle: Ledger, Signer, Source, Watches, Submit and Now are required")
	}
	if c.Epoch == 0 || c.Epoch > domain.MaxMinor {
		return nil, errors.New("oracle: Epoch: want 1 to 2^53-1")
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.Concurrency < 1 || c.Concurrency > MaxConcurrency {
		return nil, errors.New("oracle: Concurrency: want 1 to 1024")
	}
	if c.Failed == nil {
		c.Failed = func(error) {}
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	return &Runner{
		config: c, open: map[watchKey]*watch{}, subjects: map[subjectKey]*subject{},
		schedules: schedules{}, finished: make(chan struct{}, 1),
	}, nil
}
