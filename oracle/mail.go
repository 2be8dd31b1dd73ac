package oracle

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aval/domain"
	"aval/domain/envelope"
)

// The reasons of domain.FlightStatus that a Runner gives or looks at.
const (
	unreachable   = "unreachable"
	contradictory = "contradictory"
	noMatch       = "no-match"
)

// mail is what went between one watch and the ledger.
type mail struct {
	// last is the last status that is on record, nil before the first.
	last *domain.FlightStatus
	// unsent is a message whose fate is open.
	unsent *message
	// refused is the last status that was refused, refusals how often in a row.
	refused  *domain.FlightStatus
	refusals int
}

// message is a signed observation and how its submission goes.
type message struct {
	raw      []byte
	status   domain.FlightStatus
	attempts int
	again    domain.Millis
}

func (m *mail) resendAt() domain.Millis {
	if m.unsent == nil {
		return 0
	}
	return m.unsent.again
}

// report puts an answer on record if it says anything new. See the package comment.
func (r *Runner) report(ctx context.Context, j job, status domain.FlightStatus, now domain.Millis, stats *Stats) {
	status, news := j.mail.news(status, j.interval)
	if !news || j.mail.unsent != nil {
		return
	}
	raw, err := r.chain.seal(r.config, j.kind, j.subject.key.name, status)
	if err != nil {
		stats.Refused++ // a subject or kind that no message can carry
		r.config.Failed(err)
		return
	}
	j.mail.unsent = &message{raw: raw, status: status}
	r.deliver(ctx, &j.mail, now, stats)
}

// news says whether a status is worth a message, and in which words.
func (m *mail) news(status domain.FlightStatus, interval domain.Millis) (domain.FlightStatus, bool) {
	hadFinal := m.last != nil && m.last.Final()
	if status.Phase == domain.FlightPending {
		status.Phase, status.Reason = domain.FlightUnknown, contradictory
		return status, hadFinal && !m.tired(status)
	}
	if m.tired(status) || hadFinal && (status.Reason == unreachable || status.Reason == noMatch) {
		return status, false
	}
	if m.last == nil || !same(*m.last, status) {
		return status, true
	}
	// A tenth less than the interval is enough: polls have jitter.
	revocable := status.Phase == domain.FlightCancelled || status.Phase == domain.FlightDiverted
	return status, revocable && interval > 0 && status.FetchedAt-m.last.FetchedAt >= interval-interval/10
}

// tired says whether the ledger refused this content often, and not long ago.
func (m *mail) tired(status domain.FlightStatus) bool {
	return m.refusals >= MaxRefusals && same(*m.refused, status) &&
		status.FetchedAt-m.refused.FetchedAt < domain.Millis(RefusalRest.Milliseconds())
}

// same compares what two answers say, apart from when and how they were fetched. Of unknown,
// only the reason matters.
func same(a, b domain.FlightStatus) bool {
	if a.Phase != b.Phase || a.Reason != b.Reason || a.Phase == domain.FlightUnknown {
		return a.Phase == b.Phase && a.Reason == b.Reason
	}
	return a.ScheduledOut == b.ScheduledOut && a.ScheduledIn == b.ScheduledIn &&
		a.ActualOut == b.ActualOut && a.ActualOn == b.ActualOn && a.ActualIn == b.ActualIn
}

// deliver submits the unsent message. If its fate stays open, the same bytes go again later.
func (r *Runner) deliver(ctx context.Context, m *mail, now domain.Millis, stats *Stats) {
	ctx, cancel := context.WithTimeout(ctx, SubmitTimeout)
	defer cancel()
	sent := m.unsent
	err := r.config.Submit(ctx, envelope.ObservationType, sent.raw)
	var refusal *domain.Rejection
	switch {
	case err == nil:
		stats.Accepted++
		*m = mail{last: &sent.status}
	case errors.As(err, &refusal):
		stats.Refused++
		m.settle(refusal.Code, sent.status)
		r.config.Failed(fmt.Errorf("observation refused: %s", refusal.Code)) // its sentence may name the flight
	default:
		stats.Unsent++
		sent.again = now + domain.Millis(min(MinResend<<min(sent.attempts, 16), MaxResend).Milliseconds())
		sent.attempts++
		r.config.Failed(fmt.Errorf("submit observation: %w", err))
	}
}

// settle ends a message that was refused. A watch that is gone has no use for another; what is
// refused before it gets a place, for a key that is not registered yet or a party that is frozen, may be tried for ever.
func (m *mail) settle(code domain.Code, status domain.FlightStatus) {
	m.unsent = nil
	switch {
	case code == domain.NoWatch:
		*m = mail{last: &status}
	case code == domain.UnknownKey, code == domain.Frozen:
	case m.refused != nil && same(*m.refused, status):
		m.refused, m.refusals = &status, m.refusals+1
	default:
		m.refused, m.refusals = &status, 1
	}
}

// chain numbers and links the messages of one epoch.
type chain struct {
	mu       sync.Mutex
	sequence uint64
	previous []byte
}

// seal signs the next message. Nothing is used up by an error.
func (c *chain) seal(config Config, kind domain.Kind, subject string, status domain.FlightStatus) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := envelope.SealObservation(config.Signer, domain.Observation{
		Ledger: config.Ledger, Kind: kind, Subject: subject, Epoch: config.Epoch, Sequence: c.sequence + 1,
		Previous: c.previous, ObservedAt: millis(config.Now()), Flight: &status,
	})
	if err != nil {
		return nil, err
	}
	o, _, err := envelope.ObservationCodec{}.Decode(raw) // as the ledger will
	if err != nil {
		return nil, err
	}
	c.sequence, c.previous = o.Sequence, o.Fingerprint
	return raw, nil
}
