package contracttest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
)

// maxDeadlineRuns bounds one Advance: a contract that asks for a deadline at once for ever is a bug.
const maxDeadlineRuns = 100_000

// Send delivers one command as the engine would: due deadlines first, then the command, at
// batch time max(at, time of the last deadline). It returns the *domain.Rejection or nil.
//
// Body is any value that marshals to JSON; nil is no body. Sender "" plays the engine and
// may send only names with an upper-case initial; nobody else may send those. Sender "acme+spare" is
// acme, signing with another key than its usual one.
func (b *Bench) Send(at domain.Millis, sender domain.PartyID, kind domain.Kind, contract, name string, body any) error {
	b.t.Helper()
	b.runDeadlines(at)
	c, err := b.command(kind, contract, name, body)
	if err != nil {
		return err
	}
	if domain.Internal(name) != (sender == "") {
		return domain.Refuse(domain.NotPermitted, "%.40q: an upper-case initial is for the engine alone", name)
	}
	key := string(sender)
	sender, _, _ = cutKey(sender)
	party, known := b.Party(sender)
	if sender != "" && !known {
		return domain.Refuse(domain.UnknownKey, "party %.80q is not registered", sender)
	}
	return b.step(domain.Input{Now: b.now, Sender: sender, Roles: party.Roles, Key: key, Command: c, Registry: b})
}

// cutKey parts a sender from the name of the key that it signs with.
func cutKey(sender domain.PartyID) (domain.PartyID, string, bool) {
	party, key, other := strings.Cut(string(sender), "+")
	return domain.PartyID(party), key, other
}

func (b *Bench) command(kind domain.Kind, contract, name string, body any) (domain.Command, error) {
	b.t.Helper()
	b.commands++
	c := domain.Command{
		Ledger: Ledger, ID: fmt.Sprintf("0BENCH%020d", b.commands), Kind: kind, Contract: contract, Name: name,
		NotAfter: b.now + domain.MaxCommandLifetime,
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatalf("body of %s: %v", name, err)
		}
		c.Body = text
	}
	if len(c.Body) > domain.MaxCommandBytes {
		return c, domain.Refuse(domain.TooLarge, "body of %d bytes, limit %d", len(c.Body), domain.MaxCommandBytes)
	}
	if err := domain.CheckID("contract", contract); err != nil {
		return c, err
	}
	return c, domain.CheckID("name", name)
}

// Observe delivers one observation. Operator and Family come from the registration of
// o.Holder; KeyID defaults to the holder, Ledger to the Bench, Fingerprint to a hash of
// what the message states. An identity (KeyID, Epoch, Sequence) is remembered whatever becomes of the message.
func (b *Bench) Observe(at domain.Millis, o domain.Observation) error {
	b.t.Helper()
	b.runDeadlines(at)
	o, err := b.attribute(o)
	if err != nil {
		return err
	}
	name, sender := domain.Observe, o.Operator
	identity := messageKey{o.KeyID, o.Epoch, o.Sequence}
	if first, seen := b.messages[identity]; !seen {
		b.messages[identity] = string(o.Fingerprint)
	} else if first == string(o.Fingerprint) {
		return nil
	} else {
		name, sender = domain.Equivocate, ""
	}
	if w, open := b.watches[watchKey{o.Kind, o.Subject}]; !open || w.Until < b.now {
		return domain.Refuse(domain.NoWatch, "%s does not watch %.80q", o.Kind, o.Subject)
	}
	c, err := b.command(o.Kind, o.Subject, name, nil)
	if err != nil {
		return err
	}
	party, _ := b.Party(sender)
	return b.step(domain.Input{
		Now: b.now, Sender: sender, Roles: party.Roles, Command: c, Evidence: []domain.Observation{o}, Registry: b,
	})
}

// attribute fills in what the engine and the codec fill in.
func (b *Bench) attribute(o domain.Observation) (domain.Observation, error) {
	device, isDevice := b.Device(o.Holder)
	source, isSource := b.Source(o.Holder)
	switch {
	case isDevice:
		o.Operator, o.Family = device.Operator, ""
	case isSource:
		o.Operator, o.Family = source.Operator, source.Family
	default:
		return o, domain.Refuse(domain.UnknownKey, "holder %.80q is not registered", o.Holder)
	}
	if (len(o.Readings) == 0) == (o.Flight == nil) {
		return o, domain.Refuse(domain.Malformed, "observation: want readings or flight, and not both")
	}
	if o.KeyID == "" {
		o.KeyID = o.Holder
	}
	if o.Ledger == "" {
		o.Ledger = Ledger
	}
	if len(o.Fingerprint) == 0 {
		stated, err := canon.Marshal(o)
		if err != nil {
			b.t.Fatalf("observation: %v", err)
		}
		sum := sha256.Sum256(stated)
		o.Fingerprint = sum[:]
	}
	return o, envelope.CheckObservation(o.Kind, o.Subject, o.Epoch, o.Sequence)
}

// Advance runs the deadlines due up to an instant, in order of time, kind, contract and
// name, each as its own batch at max(deadline, last batch time + 1). Work that goes on
// with deadlines due at once may end some milliseconds after that instant. A refused
// deadline fails the test: nobody would repeat it.
func (b *Bench) Advance(to domain.Millis) {
	b.t.Helper()
	b.runDeadlines(to)
}

// Now is the time of the last batch.
func (b *Bench) Now() domain.Millis { return b.now }

func (b *Bench) runDeadlines(to domain.Millis) {
	b.t.Helper()
	for range maxDeadlineRuns {
		key, at, due := b.nextDeadline(to)
		if !due {
			b.now = max(b.now, to)
			return
		}
		delete(b.deadlines, key)
		b.now = max(at, b.now+1)
		c, err := b.command(key.kind, key.contract, key.name, nil)
		if err == nil {
			err = b.step(domain.Input{Now: b.now, Command: c, Registry: b})
		}
		if err != nil && !b.forgiving {
			b.t.Fatalf("deadline %s %s %s was refused: %v", key.kind, key.contract, key.name, err)
		}
	}
	b.t.Fatalf("more than %d deadlines due up to %d", maxDeadlineRuns, to)
}

func (b *Bench) nextDeadline(to domain.Millis) (deadlineKey, domain.Millis, bool) {
	var first deadlineKey
	var due bool
	for key, at := range b.deadlines {
		earliest := b.deadlines[first]
		if at <= to && (!due || at < earliest || at == earliest && compareDeadlines(key, first) < 0) {
			first, due = key, true
		}
	}
	return first, b.deadlines[first], due
}

// step judges one input twice, applies its effects and checks the laws.
func (b *Bench) step(in domain.Input) error {
	b.t.Helper()
	c, known := b.kinds[in.Command.Kind]
	if !known {
		return domain.Refuse(domain.UnknownKind, "kind %.40q", string(in.Command.Kind))
	}
	in.Limits, _ = lookup(b, "limits/current", map[string]domain.Limits{"": b.governed}, "")
	fx, err := b.judge(c, in)
	if err == nil {
		err = b.apply(c.Kind(), in, fx)
	}
	b.entries = append(b.entries, nil)
	if err == nil {
		b.entries[len(b.entries)-1] = fx.Postings
	}
	b.checkLaws()
	return err
}

func (b *Bench) judge(c domain.Contract, in domain.Input) (domain.Effects, error) {
	b.t.Helper()
	fx, err := c.Apply(&view{b: b, kind: c.Kind(), sender: in.Sender}, in)
	again, errAgain := c.Apply(&view{b: b, kind: c.Kind(), sender: in.Sender}, in)
	if !reflect.DeepEqual(fx, again) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		b.t.Fatalf("law determinism: %s of %s gave two results:\n%+v, %v\n%+v, %v", in.Command.Name, c.Kind(), fx, err, again, errAgain)
	}
	var refusal *domain.Rejection
	if err != nil && (!errors.As(err, &refusal) || refusal == nil) {
		b.t.Fatalf("law refusal: %s of %s fails with what is not a rejection: %v", in.Command.Name, c.Kind(), err)
	}
	if err != nil {
		return domain.Effects{}, refusal
	}
	return fx, nil
}
