package ledger

import (
	"bytes"
	"context"
	"errors"

	"aval/domain"
)

// pending is where a submitter waits. The engine's goroutine writes it once, then closes done.
type pending struct {
	done chan struct{}
	// fingerprint is that of the submission, set before it is shared.
	fingerprint []byte
	outcome     outcome
	sealed      *sealedEntry
}

// Submit admits one signed submission and waits as asked. Form, signature and registration
// are checked here, on the caller's goroutine; a *domain.Rejection from here left no trace.
// A refusal by a contract is a Reply with a Code, logged and provable. ErrBusy, ErrClosed
// and context errors say that the outcome is open: the same bytes may be submitted again,
// and have one effect.
func (e *Engine) Submit(ctx context.Context, format string, raw []byte, wait Wait) (Reply, error) {
	s, err := e.admit(ctx, format, raw)
	if err != nil {
		return Reply{}, err
	}
	s.pending = &pending{done: make(chan struct{}), fingerprint: s.fingerprint}
	if err := e.orderer.Propose(ctx, Item{Format: format, Raw: raw, checked: s}); err != nil {
		return Reply{}, err
	}
	if wait == ForAccepted {
		return Reply{ID: s.command.ID}, nil
	}
	select {
	case <-s.pending.done:
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	case <-e.stopped:
		select {
		case <-s.pending.done: // committed just before the stop
		default:
			return Reply{}, ErrClosed
		}
	}
	if err := e.enter(ctx); err != nil {
		return Reply{}, err
	}
	defer e.leave()
	return e.reply(s.pending, wait)
}

// enter waits for a place among those who compute, of which there are as many as processors:
// thousands of callers who verify and prove at once would leave the one goroutine that
// commits a thousandth of a processor. leave gives the place back.
func (e *Engine) enter(ctx context.Context) error {
	select {
	case e.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) leave() { <-e.places }

// admit checks what can be checked without an order.
func (e *Engine) admit(ctx context.Context, format string, raw []byte) (*submission, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	if format == genesisFormat {
		return nil, domain.Refuse(domain.NotPermitted, "a ledger begins once")
	}
	s, err := e.parse(format, raw)
	if err != nil {
		return nil, err
	}
	if s.command.Ledger != e.origin {
		return nil, domain.Refuse(domain.WrongLedger, "signed for another ledger than %s", e.origin)
	}
	now := e.published.Load()
	if _, err := s.authenticate(registry{now.state}, admissionTime(registry{now.state}, s.shell.KeyID, now.head.Now)); err != nil {
		return nil, err
	}
	if _, ok := e.kinds[s.command.Kind]; !ok {
		return nil, domain.Refuse(domain.UnknownKind, "kind %.32q is not built in", string(s.command.Kind))
	}
	return s, nil
}

// admissionTime is the earliest batch time at which the submission could be judged. Admission
// has no clock: a key that becomes active after the last batch is let through, for the time
// of the next batch to judge.
func admissionTime(r domain.Registry, keyID string, last domain.Millis) domain.Millis {
	key, _ := r.Key(keyID)
	return max(last+1, key.Since)
}

// reply turns an outcome into an answer, reading back the first entry for a duplicate.
func (e *Engine) reply(p *pending, wait Wait) (Reply, error) {
	if p.outcome.refused != nil {
		return Reply{}, p.outcome.refused
	}
	s := p.sealed
	if s == nil {
		var err error
		if s, err = e.sealedAt(p.outcome.index); err != nil {
			return Reply{}, err
		}
		// Where the first one is filed is a row that the disk could have changed: never
		// answer with somebody else's entry.
		if !bytes.Equal(s.Fingerprint, p.fingerprint) {
			return Reply{}, errors.New("the identity is filed for another entry: the store was changed")
		}
	}
	r := replyOf(s.entry)
	r.Duplicate = p.outcome.duplicate
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

// receipt proves an entry under the newest checkpoint.
func (e *Engine) receipt(s *sealedEntry, viewer domain.PartyID) ([]byte, error) {
	now := e.published.Load()
	return formatReceipt(s, viewer, now.head.Size, now.note, e.tree)
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
	kept := raw[:min(len(raw), domain.MaxCommandBytes)]
	return e.store.Quarantine(e.published.Load().head.Now, string(reason), e.vault.seal("quarantine", kept), MaxQuarantine)
}

// Ready is nil while the engine commits batches.
func (e *Engine) Ready() error {
	select {
	case <-e.stopped:
		return ErrClosed
	default:
	}
	if e.published.Load().head.Size == 0 {
		return errors.New("the ledger has no genesis yet")
	}
	return nil
}
