// Package iot takes signed sensor messages from MQTT to the ledger, and answers with receipts.
//
// A broker's acknowledgement proves nothing about a ledger: brokers drop what they
// acknowledged, and client libraries report success without having had an acknowledgement. So
// there is one function, Ingest.Accept, that returns only when a message is durably on the
// ledger or in quarantine, and two callers that acknowledge after it and never before: the
// embedded broker (package broker) and a session with an external one (package session).
// Every outcome is acknowledged, poison included, for unacknowledged poison would stall a
// session; only "no commit could be had" is not. A gateway keeps each message until it has a
// ledger receipt for it, so lost acknowledgements and lost receipts alike end in a repeat,
// and a repeat is a duplicate with one effect.
//
// Payload formats are in packages senml and epcis, topics in Topic, answers in Receipt.
package iot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"aval/domain"
	"aval/iot/epcis"
	"aval/iot/senml"
	"aval/ledger"
)

// Limits of an Ingest.
const (
	// MaxMessageBytes bounds one message.
	MaxMessageBytes = senml.MaxBytes
	// MaxConcurrent bounds the messages that wait for a commit; beyond it Accept fails with ErrBusy.
	MaxConcurrent = 4096
	// DefaultTimeout is how long a message waits for its commit.
	DefaultTimeout = 5 * time.Second
	// maxRecent bounds the memory of what is already in quarantine.
	maxRecent = 4096
)

// ErrBusy says that MaxConcurrent messages are waiting. The message must not be acknowledged.
var ErrBusy = errors.New("too many messages wait for a commit")

// Ledger is what an Ingest needs of the engine. Both methods are durable on return. Submit
// returns a *domain.Rejection for what is refused before ordering and left no trace; any
// other error means that the outcome is open and the same bytes may be submitted again. Both
// are called concurrently, so that the engine can commit messages in groups.
type Ledger interface {
	Submit(ctx context.Context, format string, raw []byte, wait ledger.Wait) (ledger.Reply, error)
	Quarantine(ctx context.Context, reason domain.Code, raw []byte) error
}

// Config makes an Ingest.
type Config struct {
	Ledger Ledger
	// Net is the name of the ledger's network in topics.
	Net string
	// Gateway tells through which gateway a device is registered to speak; nil means that
	// nobody compares. It must be safe for concurrent use.
	Gateway func(device string) (gateway string, known bool)
	// Timeout bounds one message's wait, zero means DefaultTimeout.
	Timeout time.Duration
}

// Origin says where a message came from.
type Origin struct {
	// Org and Gateway are those that the connection proved; both empty when an external
	// broker's access control is all there is, and then the topic's stand.
	Org, Gateway string
	Topic        string
}

// Status is what became of a message. Each of them is acknowledged.
type Status string

// The statuses.
const (
	Committed   Status = "committed"   // on the ledger, with success or a logged refusal
	Duplicate   Status = "duplicate"   // was on the ledger before
	Quarantined Status = "quarantined" // refused before ordering, kept aside
	Ignored     Status = "ignored"     // a state hint
)

// Outcome is the answer to one message.
type Outcome struct {
	Status Status
	// Code is why a message was quarantined, or the refusal in Reply.
	Code domain.Code
	// Reply is the ledger's, for Committed and Duplicate.
	Reply ledger.Reply
	// AnswerTopic and Answer are to be published to the gateway; empty when nobody can be answered.
	AnswerTopic string
	Answer      []byte
}

// Ingest feeds one ledger. Safe for concurrent use.
type Ingest struct {
	config   Config
	slots    chan struct{}
	counters counters

	mu sync.Mutex
	// recent holds digests of what is already in quarantine, ring their order of arrival.
	recent map[[32]byte]bool
	ring   [][32]byte
}

// New checks the configuration.
func New(c Config) (*Ingest, error) {
	if c.Ledger == nil {
		return nil, errors.New("iot: no ledger given")
	}
	if err := CheckName("net", c.Net); err != nil {
		return nil, fmt.Errorf("iot: %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return &Ingest{config: c, slots: make(chan struct{}, MaxConcurrent), recent: map[[32]byte]bool{}}, nil
}

// Net is the name of the network in topics.
func (g *Ingest) Net() string { return g.config.Net }

// Counters gives a snapshot.
func (g *Ingest) Counters() Counters { return g.counters.snapshot() }

// NoteGap counts a session that the broker forgot.
func (g *Ingest) NoteGap() { g.counters.change(func(c *Counters) { c.Gaps++ }) }

// NoteRetained counts a retained message that was dropped.
func (g *Ingest) NoteRetained() { g.counters.change(func(c *Counters) { c.Retained++ }) }

// NoteReplyDropped counts an answer that could not be queued.
func (g *Ingest) NoteReplyDropped() { g.counters.change(func(c *Counters) { c.RepliesDropped++ }) }

// Accept commits one message and returns when it is durable: on the ledger or in quarantine.
// With an error nothing is known to be durable and the message must not be acknowledged:
// ErrBusy, the ledger's own errors, or the end of ctx or of the timeout. It keeps raw no longer than the call.
func (g *Ingest) Accept(ctx context.Context, origin Origin, raw []byte) (Outcome, error) {
	outcome, err := g.accept(ctx, origin, raw)
	if err != nil {
		g.counters.change(func(c *Counters) { c.Unacknowledged++ })
	}
	return outcome, err
}

func (g *Ingest) accept(ctx context.Context, origin Origin, raw []byte) (Outcome, error) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		return Outcome{}, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, g.config.Timeout)
	defer cancel()
	topic, err := g.place(origin)
	if err != nil {
		return g.quarantine(ctx, origin, raw, err)
	}
	origin.Org, origin.Gateway = topic.Org, topic.Gateway
	if topic.Class == States {
		g.counters.change(func(c *Counters) { c.States++ })
		return Outcome{Status: Ignored}, nil
	}
	o, format, err := read(raw)
	if err != nil {
		return g.quarantine(ctx, origin, raw, err)
	}
	reply, err := g.config.Ledger.Submit(ctx, format, raw, ledger.ForReceipt)
	if err != nil {
		return g.quarantine(ctx, origin, raw, err)
	}
	return g.committed(topic, o, reply), nil
}

// place refuses a topic that is malformed, of another network, or not the publisher's own.
func (g *Ingest) place(origin Origin) (Topic, error) {
	t, err := ParseTopic(origin.Topic)
	if err != nil {
		return t, err
	}
	if t.Net != g.config.Net {
		return t, domain.Refuse(domain.WrongLedger, "topic of another network")
	}
	if origin.Gateway != "" && (t.Gateway != origin.Gateway || t.Org != origin.Org) {
		return t, domain.Refuse(domain.NotPermitted, "topic of another gateway")
	}
	return t, nil
}

func read(raw []byte) (domain.Observation, string, error) {
	if len(raw) > MaxMessageBytes {
		return domain.Observation{}, "", domain.Refuse(domain.TooLarge, "%d bytes, limit %d", len(raw), MaxMessageBytes)
	}
	codec, err := Sniff(raw)
	if err != nil {
		return domain.Observation{}, "", err
	}
	o, _, err := codec.Decode(raw)
	return o, codec.Format(), err
}

// Sniff names the codec that a message seems to be for: a pack of readings, or a carrier's document. A JWS begins
// with the base64url of its header, which says what it carries. Errors are *domain.Rejection.
func Sniff(raw []byte) (domain.Codec, error) {
	if epcis.Sniff(raw) {
		return epcis.JWS{}, nil
	}
	return senml.Sniff(raw)
}

func (g *Ingest) committed(topic Topic, o domain.Observation, reply ledger.Reply) Outcome {
	outcome := Outcome{Status: Committed, Code: reply.Code, Reply: reply}
	if reply.Duplicate {
		outcome.Status = Duplicate
	}
	g.counters.change(func(c *Counters) { g.count(c, topic, o, reply) })
	outcome.AnswerTopic = ReceiptTopic(topic.Net, topic.Org, topic.Gateway)
	outcome.Answer = Receipt{
		KeyID: o.KeyID, Epoch: o.Epoch, Sequence: o.Sequence, Fingerprint: fingerprintText(o.Fingerprint),
		Index: reply.Index, Code: reply.Code, Receipt: reply.Receipt,
	}.Format()
	return outcome
}

// count also flags who carried the message: evidence is the device's, whoever delivers it.
func (g *Ingest) count(c *Counters, topic Topic, o domain.Observation, reply ledger.Reply) {
	switch {
	case reply.Duplicate:
		c.Duplicates++
		return
	case reply.Code != "":
		c.Refused[reply.Code]++
	default:
		c.Accepted++
	}
	if o.Holder != topic.Device {
		c.DeviceMismatch++
	}
	if g.config.Gateway == nil {
		return
	}
	if gateway, known := g.config.Gateway(o.Holder); known && gateway != topic.Gateway {
		c.GatewayMismatch++
	}
}

// quarantine keeps what was refused for cause, or passes an error on that is no refusal.
func (g *Ingest) quarantine(ctx context.Context, origin Origin, raw []byte, cause error) (Outcome, error) {
	var refusal *domain.Rejection
	if !errors.As(cause, &refusal) {
		return Outcome{}, fmt.Errorf("submit to ledger: %w", cause)
	}
	digest := sha256.Sum256(raw)
	if !g.kept(digest) {
		if err := g.config.Ledger.Quarantine(ctx, refusal.Code, raw); err != nil {
			return Outcome{}, fmt.Errorf("quarantine message: %w", err)
		}
		g.remember(digest)
	}
	g.counters.change(func(c *Counters) { c.Quarantined[refusal.Code]++ })
	outcome := Outcome{Status: Quarantined, Code: refusal.Code}
	if origin.Gateway != "" {
		outcome.AnswerTopic = ReceiptTopic(g.config.Net, origin.Org, origin.Gateway)
		outcome.Answer = Receipt{Fingerprint: fingerprintText(digest[:]), Code: refusal.Code}.Format()
	}
	return outcome, nil
}

// kept says whether the same bytes went to quarantine lately. A gateway repeats what has no
// receipt; that must not fill the quarantine with copies.
func (g *Ingest) kept(digest [32]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.recent[digest]
}

// remember is called only once the quarantine is durable.
func (g *Ingest) remember(digest [32]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.recent[digest] {
		return
	}
	if len(g.ring) == maxRecent {
		delete(g.recent, g.ring[0])
		g.ring = g.ring[1:]
	}
	g.recent[digest] = true
	g.ring = append(g.ring, digest)
}
