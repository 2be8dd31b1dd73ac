package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"aval/domain"
	"aval/domain/envelope"
)

// Ticket is the place of one submission in the queue. Safe for concurrent use.
type Ticket struct {
	engine      *Engine
	id          string
	fingerprint []byte
	done        chan struct{}
	// outcome and sealed are written once by the goroutine that commits, before it closes done.
	outcome outcome
	sealed  *sealedEntry
}

// Submit admits one signed submission and waits as asked: Offer and Ticket.Reply in one.
func (e *Engine) Submit(ctx context.Context, format string, raw []byte, wait Wait) (Reply, error) {
	if wait == ForWitnessed && !e.public.AsksWitnesses() {
		return Reply{}, domain.Refuse(domain.Malformed, "this ledger asks no witnesses: wait for the receipt")
	}
	t, err := e.offer(ctx, format, raw, wait == ForAccepted)
	if err != nil {
		return Reply{}, err
	}
	return t.Reply(ctx, wait)
}

// Offer admits one signed submission and does not wait. Form and registration are checked
// here, on the caller's goroutine, the signature with those of its batch. A *domain.Rejection,
// from here or from the ticket, left no trace. ErrBusy, ErrClosed and context errors say that
// the outcome is open: the same bytes may be submitted again, and have one effect.
func (e *Engine) Offer(ctx context.Context, format string, raw []byte) (*Ticket, error) {
	return e.offer(ctx, format, raw, false)
}

func (e *Engine) offer(ctx context.Context, format string, raw []byte, verified bool) (*Ticket, error) {
	s, err := e.admit(ctx, format, raw, verified)
	if err != nil {
		return nil, err
	}
	s.ticket = &Ticket{engine: e, id: s.command.ID, fingerprint: s.fingerprint, done: make(chan struct{})}
	return s.ticket, e.orderer.Propose(ctx, Item{Format: format, Raw: raw, checked: s})
}

// Done is closed once the submission is committed or refused.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Reply waits as asked and gives the answer. A refusal by a contract is a Reply with a Code, logged and provable.
func (t *Ticket) Reply(ctx context.Context, wait Wait) (Reply, error) {
	e := t.engine
	if wait == ForWitnessed {
		return t.witnessed(ctx)
	}
	if wait == ForAccepted {
		return Reply{ID: t.id}, nil
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	case <-e.stopped:
		select {
		case <-t.done: // committed just before the stop
		default:
			return Reply{}, ErrClosed
		}
	}
	if t.outcome.refused != nil {
		return Reply{}, t.outcome.refused
	}
	if err := e.enter(ctx); err != nil {
		return Reply{}, err
	}
	defer e.leave()
	return e.reply(t, wait)
}

// enter waits for a place among those who compute, of which there are as many as processors:
// thousands of callers who parse and prove at once would leave the goroutines that commit a
// thousandth of a processor. leave gives the place back.
func (e *Engine) enter(ctx context.Context) error {
	select {
	case e.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) leave() { <-e.places }

// admit checks what can be checked without an order; the signature too if it will be answered
// before its batch is.
func (e *Engine) admit(ctx context.Context, format string, raw []byte, verified bool) (*submission, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	if format == genesisFormat {
		return nil, domain.Refuse(domain.NotPermitted, "a ledger begins once")
	}
	if _, own := saying(format); own {
		return nil, domain.Refuse(domain.NotPermitted, "only a node itself says how it was opened, or who read")
	}
	s, err := e.parse(format, raw)
	if err != nil {
		return nil, err
	}
	if s.command.Ledger != e.origin {
		return nil, domain.Refuse(domain.WrongLedger, "signed for another ledger than %s", e.origin)
	}
	now := e.published.Load()
	key, err := s.admissible(registry{now.state}, now.head.Now)
	if err == nil { // not before: a stranger's would cost more than his signature
		err = envelope.CheckDisclosures(s.command.Private, s.disclosures)
	}
	if err == nil {
		err = e.admitPrivate(s.command.Private)
	}
	if err == nil && verified {
		err = s.verify(key)
	}
	if err != nil {
		return nil, err
	}
	if _, ok := e.kinds[s.command.Kind]; !ok {
		return nil, domain.Refuse(domain.UnknownKind, "kind %.32q is not built in", string(s.command.Kind))
	}
	return s, e.admitSpace()
}

// admissible gives the key of a submission that a batch after the last one could accept.
// Admission has no clock: a key that becomes active later is let through, for the time of the
// next batch to judge.
func (s *submission) admissible(r domain.Registry, last domain.Millis) (domain.Key, error) {
	key, ok := r.Key(s.shell.KeyID)
	if !ok {
		return key, s.unknownKey()
	}
	if err := s.ofErased(r, key); err != nil {
		return key, err
	}
	if !key.ActiveAt(max(last+1, key.Since)) {
		return key, s.unknownKey()
	}
	sender, err := s.holder(r, key)
	if err != nil {
		return key, err
	}
	if err = frozen(r, sender); err != nil { // only who holds the key is told
		return key, cmp.Or(s.verify(key), err)
	}
	return key, nil
}

// reply turns an outcome into an answer, reading back the first entry for a duplicate.
func (e *Engine) reply(t *Ticket, wait Wait) (Reply, error) {
	s := t.sealed
	if s == nil {
		var err error
		if s, err = e.sealedAt(t.outcome.index); err != nil {
			return Reply{}, err
		}
		// Where the first one is filed is a row that the disk could have changed: never
		// answer with somebody else's entry.
		if !bytes.Equal(s.Fingerprint, t.fingerprint) {
			return Reply{}, errors.New("the identity is filed for another entry: the store was changed")
		}
	}
	r := replyOf(s.entry)
	r.Duplicate = t.outcome.duplicate
	if wait != ForReceipt || s.Sender == "" {
		return r, nil
	}
	receipt, err := e.receipt(s, s.Sender)
	r.Receipt = string(receipt)
	return r, err
}

func replyOf(e *entry) Reply {
	return Reply{ID: e.ID, Index: e.Index, Sequence: e.Sequence, BookedAt: e.BookedAt, Code: e.Code, Detail: e.Detail}
}

// receipt proves an entry under the newest cosigned checkpoint that covers it, else the newest one.
func (e *Engine) receipt(s *sealedEntry, viewer domain.PartyID) ([]byte, error) {
	size, checkpoint := e.headOver(s.Index)
	return formatReceipt(s, viewer, size, checkpoint, e.tree)
}

// MaxQuarantine bounds the messages kept in quarantine; beyond it the oldest goes.
const MaxQuarantine = 100_000

// Quarantine durably keeps, sealed, a message that was refused before ordering, so that its
// sender's transport can be acknowledged. Messages beyond MaxCommandBytes are kept by their
// first bytes.
func (e *Engine) Quarantine(ctx context.Context, reason domain.Code, raw []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-e.stopped:
		return ErrClosed
	default:
	}
	if err := e.checkSpace(); err != nil {
		return err
	}
	kept := raw[:min(len(raw), domain.MaxCommandBytes)]
	now := e.published.Load().head.Now
	return e.store.Quarantine(now, string(reason), e.vault.seal(quarantinePlace(now, string(reason)), kept), MaxQuarantine)
}

// Ready is nil while the engine admits and commits; a *NoSpace when the disk is too full.
func (e *Engine) Ready() error {
	select {
	case <-e.stopped:
		return ErrClosed
	default:
	}
	if e.published.Load().head.Size == 0 {
		return errors.New("the ledger has no genesis yet")
	}
	return e.checkSpace()
}
