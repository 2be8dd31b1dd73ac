package ledger

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/domain/envelope"
)

// Limits of execution.
const (
	// MaxBatchDeadlines bounds the deadlines that run in one batch; the rest run in the next.
	MaxBatchDeadlines = 1000
	// MaxEffectBytes bounds the events and postings of one command, so that its entry, with the
	// signed bytes, stays below what canon encodes.
	MaxEffectBytes = 2 << 20
	// MaxRecordBytes bounds the bodies of the records that one command writes.
	MaxRecordBytes = 4 << 20
)

// executor judges batches. It holds tables only: no clock, no disk, no chance.
type executor struct {
	origin string
	// log verifies what the log key signed; nil knows none.
	log    note.Verifier
	kinds  map[domain.Kind]domain.Contract
	codecs map[string]domain.Codec
}

// outcome is what became of one item: its own entry, or that of the first submission with the same identity.
type outcome struct {
	// index is the entry; duplicate says that it is an earlier one.
	index     uint64
	duplicate bool
	// refused is set when the item left no entry at all: a reused ID, or an unknown key.
	refused *domain.Rejection
}

// execute runs a batch: due deadlines first, then the items in order. Entries are numbered
// from base. An error is a bug in a contract or a broken law, never a refusal.
func (x executor) execute(st *State, h History, b Batch, base uint64) (*run, error) {
	r := &run{executor: x, state: st, history: h, batch: b, base: base, seen: map[string]*entry{}, disclosures: map[uint64][][]byte{}}
	for range MaxBatchDeadlines {
		_, due, ok := st.deadlines.Min()
		if !ok || due.At > b.Now {
			break
		}
		if err := r.deadline(due); err != nil {
			return nil, err
		}
	}
	r.outcomes = make([]outcome, len(b.Items))
	for i, item := range b.Items {
		var err error
		if r.outcomes[i], err = r.item(item); err != nil {
			return nil, err
		}
	}
	return r, r.chain()
}

// run is the work on one batch and what came of it: entries in order of their index, and an
// outcome for each item.
type run struct {
	executor
	state    *State
	history  History
	batch    Batch
	base     uint64
	entries  []*entry
	outcomes []outcome
	// seen holds this batch's entries by identity.
	seen map[string]*entry
	// disclosures are the private values of accepted commands, by index.
	disclosures map[uint64][][]byte
}

func (r *run) begin(format string, raw []byte, c domain.Command) *entry {
	return &entry{
		Index: r.base + uint64(len(r.entries)), Sequence: r.batch.Sequence, BookedAt: r.batch.Now, Format: format, Raw: raw,
		ID: c.ID, Kind: c.Kind, Contract: c.Contract, Name: c.Name,
	}
}

func (r *run) deadline(due *slot) error {
	r.state.drop(due.name())
	command := domain.Command{Ledger: r.origin, Kind: due.Kind, Contract: due.Key, Name: due.Name}
	e := r.begin(deadlineFormat, nil, command)
	r.entries = append(r.entries, e)
	return r.apply(e, domain.Input{Command: command})
}

// item judges one submission. Who may not even be logged, because nobody registered its
// key, leaves no trace; who reuses an identity is pointed to the first entry.
func (r *run) item(item Item) (outcome, error) {
	s := item.checked
	if s == nil {
		parsed, err := r.parse(item.Format, item.Raw)
		if err == nil { // what is executed again was parsed before, and comes without its private values
			err = envelope.CheckDisclosures(parsed.command.Private, parsed.disclosures)
		}
		if err != nil {
			return refusedOutcome(err)
		}
		s = parsed
	}
	sender, err := s.authenticate(r.state, r.batch.Now)
	if err != nil {
		return refusedOutcome(err)
	}
	identity := s.identity(sender)
	index, same, found := r.find(identity, s.fingerprint)
	if found && same {
		return outcome{index: index, duplicate: true}, nil
	}
	if found && s.observation == nil {
		return outcome{refused: domain.Refuse(domain.IDConflict, "id %s was used for another command", s.command.ID)}, nil
	}
	if found {
		return r.equivocation(s, identity)
	}
	return r.accept(s, sender, identity)
}

// equivocation logs a second message under one device identity, once per content.
func (r *run) equivocation(s *submission, identity string) (outcome, error) {
	identity = fmt.Sprintf("%s again %x", identity, s.fingerprint)
	if index, _, found := r.find(identity, s.fingerprint); found {
		return outcome{index: index, duplicate: true}, nil
	}
	s.command.Name = domain.Equivocate
	return r.accept(s, "", identity)
}

func (r *run) accept(s *submission, sender domain.PartyID, identity string) (outcome, error) {
	e := r.begin(s.format, s.raw, s.command)
	e.Sender, e.Fingerprint, e.identity = sender, s.fingerprint, identity
	if s.observation != nil {
		e.Sender = s.observation.Operator
	}
	r.entries = append(r.entries, e)
	r.seen[identity] = e
	if refusal := r.screen(s); refusal != nil {
		e.refuse(refusal)
		return outcome{index: e.Index}, nil
	}
	in := domain.Input{Sender: sender, Key: s.shell.KeyID, Command: s.command}
	if s.observation != nil {
		in.Evidence = []domain.Observation{*s.observation}
	}
	err := r.apply(e, in)
	if err == nil && e.Code == "" && len(s.command.Private) > 0 {
		e.Private = s.command.Private
		r.disclosures[e.Index] = s.disclosures
	}
	return outcome{index: e.Index}, err
}

// screen refuses what no contract needs to see.
func (r *run) screen(s *submission) *domain.Rejection {
	c, now := s.command, r.batch.Now
	switch {
	case c.Ledger != r.origin:
		return domain.Refuse(domain.WrongLedger, "signed for another ledger")
	case s.format == genesisFormat && r.base+uint64(len(r.entries)) != 1:
		return domain.Refuse(domain.NotPermitted, "a ledger begins once")
	case s.unsigned():
		return nil
	case s.observation != nil:
		return r.screenObservation(s)
	case domain.Internal(c.Name), c.Name == domain.Observe:
		return domain.Refuse(domain.NotPermitted, "command %s is not for senders", c.Name)
	case c.NotAfter < now || c.NotAfter > now+domain.MaxCommandLifetime:
		return domain.Refuse(domain.Expired, "notAfter %d: want batch time %d to %d ms later", c.NotAfter, now, domain.MaxCommandLifetime)
	}
	return screenPrivate(registry{r.state}, c.Private)
}

// screenPrivate refuses a private value about or for somebody who is not there, or was erased.
func screenPrivate(r domain.Registry, items []domain.Private) *domain.Rejection {
	for i, item := range items {
		for _, id := range append([]domain.PartyID{item.Subject}, item.Readers...) {
			party, registered := r.Party(id)
			if !registered {
				return domain.Refuse(domain.UnknownSubject, "private/%d: party %s is not registered", i, id)
			}
			if party.Erased != 0 {
				return domain.Refuse(domain.Erased, "private/%d: party %s was erased", i, id)
			}
		}
	}
	return nil
}

func (r *run) screenObservation(s *submission) *domain.Rejection {
	name := (&slot{Type: watchSlot, Kind: s.command.Kind, Key: s.command.Contract}).name()
	watch, ok := r.state.slots.Get(name)
	if !ok || watch.Watch.Until < r.batch.Now {
		return domain.Refuse(domain.NoWatch, "nobody waits for observations on this subject")
	}
	return nil
}

// apply lets the contract judge and books its effects, whole or not at all.
func (r *run) apply(e *entry, in domain.Input) error {
	contract, ok := r.kinds[e.Kind]
	if !ok {
		e.refuse(domain.Refuse(domain.UnknownKind, "kind %.32q is not built in", string(e.Kind)))
		return nil
	}
	in.Now, in.Registry = r.batch.Now, registry{r.state}
	in.Limits, _ = lookup[domain.Limits](registry{r.state}, "limits/current")
	if in.Sender != "" {
		party, _ := in.Registry.Party(in.Sender)
		in.Roles = party.Roles
	}
	effects, err := contract.Apply(&view{state: r.state, history: r.history, base: r.base, kind: e.Kind, sender: in.Sender}, in)
	if err == nil {
		err = effects.Check(e.Kind, in)
	}
	if err == nil {
		err = checkBytes(effects)
	}
	if err == nil {
		err = r.book(e, effects)
	}
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		e.refuse(refusal)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s at index %d: %w", e.Kind, e.Name, e.Index, err)
	}
	return nil
}

// checkBytes refuses effects that are too large to be one entry, or one change of state.
func checkBytes(fx domain.Effects) error {
	records, total := 0, 0
	for _, w := range fx.Writes {
		records += len(w.Body)
	}
	if records > MaxRecordBytes {
		return domain.Refuse(domain.TooLarge, "records of %d bytes, limit %d", records, MaxRecordBytes)
	}
	const names = 64 // more than the names of the fields and the lengths take
	for _, event := range fx.Events {
		total += len(event.Name) + len(event.Key) + len(event.Body) + names
		for _, party := range event.Parties {
			total += len(party) + 2
		}
	}
	for _, p := range fx.Postings {
		total += len(p.Debit) + len(p.Credit) + len(p.Purpose) + names
	}
	if total > MaxEffectBytes {
		return domain.Refuse(domain.TooLarge, "events and postings of %d bytes, limit %d", total, MaxEffectBytes)
	}
	return nil
}

// find looks for an identity in this batch, then in the log before it.
func (r *run) find(identity string, fingerprint []byte) (index uint64, same, found bool) {
	if e, ok := r.seen[identity]; ok {
		return e.Index, slices.Equal(e.Fingerprint, fingerprint), true
	}
	return r.history.Seen(identity, fingerprint)
}

func refusedOutcome(err error) (outcome, error) {
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return outcome{refused: refusal}, nil
	}
	return outcome{}, err
}
