package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/order"
)

// Origin is the name of every simulated ledger.
const Origin = "ledger.test/simulation"

// simulation is one run. Nothing in it may be used by two goroutines.
type simulation struct {
	Options
	chance chance
	luck   map[Trouble]chance
	clock  domain.Millis
	// quiet spares the beginning and the end all troubles.
	quiet bool

	keys    *ledger.Keys
	policy  ledger.Policy
	disk    *disk
	line    line
	engine  *ledger.Engine
	model   *model
	clients *clients
	book    *book
	report  Report
	trace   *trace

	// calls are the copies on their way, by the address of their bytes, waiting those of them
	// that somebody waits for, in order; flights the batches that are executed and not durable yet.
	calls   map[*byte]*call
	waiting []*call
	flights []flight
	// outbox holds what is signed and not sent yet, unanswered what nobody replied to.
	outbox     []*submission
	unanswered []*submission
}

// flight is a batch between its execution and its place on disk.
type flight struct {
	batch  ledger.Batch
	finish func() error
	// promised says that its submitters were told.
	promised bool
}

// observationCodec reads the messages of the sources.
var observationCodec domain.Codec = envelope.ObservationCodec{}

// start is when every simulation begins: 1 January 2026.
const start domain.Millis = 1_767_225_600_000

func newSimulation(o Options) (*simulation, error) {
	if o.Storage == nil {
		o.Storage = Memory()
	}
	s := &simulation{
		Options: o, clock: start, quiet: true, trace: newTrace(), calls: map[*byte]*call{}, model: newModel(Origin),
		report: Report{Seen: map[string]int{}},
	}
	s.draw(0)
	var err error
	if s.clients, err = newClients(s, o.Seed); err != nil {
		return s, err
	}
	if s.keys, err = ledger.NewKeys(Origin, s.clients.random); err != nil {
		return s, err
	}
	if s.policy, err = ledger.ParsePolicy(s.keys.Policy()); err != nil {
		return s, err
	}
	s.book = newBook(s)
	return s, s.begin()
}

// draw gives a step its chances: one stream for what is meant to happen, and one for each class
// of trouble, so that sparing a run one class leaves the others as they are.
func (s *simulation) draw(step uint64) {
	s.chance, s.luck = stepChance(s.Seed, step), map[Trouble]chance{}
	for i, t := range Troubles {
		s.luck[t] = stepChance(s.Seed, step|uint64(i+1)<<56)
	}
}

// happens says whether trouble strikes, p times in a thousand.
func (s *simulation) happens(t Trouble, p int) bool { return s.luck[t].permille(p) && s.troubled(t) }

// troubled says whether a class of trouble may happen now.
func (s *simulation) troubled(t Trouble) bool { return !s.quiet && !slices.Contains(s.Without, t) }

// config opens the store and puts the parts of a node together.
func (s *simulation) config() (ledger.Config, error) {
	store, err := s.Storage.Open()
	if err != nil {
		return ledger.Config{}, err
	}
	s.disk.Store = store
	if s.Solo {
		s.line = &solo{Solo: order.NewSolo(func() time.Time { return time.UnixMilli(int64(s.clock)) }), s: s}
	} else {
		s.line = &shuffler{s: s}
	}
	var top ledger.Store = s.disk
	if s.Plant.Store != nil {
		top = s.Plant.Store(top)
	}
	return ledger.Config{
		Keys: s.keys, Store: top, Orderer: s.line, Contracts: s.Contracts, Codecs: []domain.Codec{observationCodec},
		TableInterval: pick(s.luck[Crashes], []uint64{1, 10, 100, 500, ledger.DefaultTableInterval}),
	}, nil
}

// begin makes the ledger and registers most of the cast.
func (s *simulation) begin() error {
	s.disk = &disk{s: s}
	config, err := s.config()
	if err != nil {
		return err
	}
	first := s.clients.signers[string(root)][0].Key
	roles := []domain.Role{domain.RoleAuditor, domain.RoleMember}
	genesis, err := json.Marshal(domain.Genesis{Ledger: Origin, Party: domain.Party{ID: root, Roles: roles}, Key: first})
	if err != nil {
		return err
	}
	if s.engine, err = ledger.Create(context.Background(), config, genesis); err != nil {
		return err
	}
	s.opened()
	if err := s.turn(); err != nil {
		return err
	}
	for _, p := range append(guests[:4:4], people[:len(people)-1]...) {
		if err := s.introduce(func(sub *submission) any { return s.clients.introduce(sub, p) }); err != nil {
			return err
		}
	}
	return s.introduce(func(sub *submission) any { return s.clients.plug(sub, sources[0], traders[0]) })
}

func (s *simulation) opened() {
	if s.Plant.Opened != nil {
		s.Plant.Opened(s.engine)
	}
}

// introduce lets root register somebody at once.
func (s *simulation) introduce(what func(*submission) any) error {
	sub := &submission{ledger: Origin, id: s.clients.newID(s.clock), notAfter: s.clock + 3_600_000}
	body := what(sub)
	if _, err := s.clients.sign(s.chance, sub, s.clients.signers[string(root)][0], body); err != nil {
		return err
	}
	if err := s.offer(sub); err != nil {
		return err
	}
	return s.turn()
}

// genesis is the first entry, which nobody signed.
func (m *model) genesis(first string, sequence uint64, now domain.Millis) []*entry {
	m.now, m.sequence = now, sequence
	p := &party{roles: []domain.Role{domain.RoleAuditor, domain.RoleMember}, registrar: root}
	m.parties[root] = p
	m.addKey(first, domain.PartyHolder, string(root), p)
	e := m.enter(&entry{sequence: sequence, kind: domain.GovernanceKind, contract: "ledger", name: "Genesis"})
	e.see(root)
	m.log = append(m.log, nil)
	return []*entry{e}
}

// copyOf is an item as another node would pass it on: the same bytes, nothing checked.
func (s *simulation) copyOf(item ledger.Item) ledger.Item {
	c := s.calls[&item.Raw[0]]
	if c == nil {
		return item
	}
	again := &call{submission: c.submission, raw: bytes.Clone(item.Raw)}
	s.calls[&again.raw[0]] = again
	return ledger.Item{Format: item.Format, Raw: again.raw}
}

// offer sends one copy of a submission and compares what admission says.
func (s *simulation) offer(sub *submission) error {
	if len(sub.raw) == 0 {
		return nil
	}
	s.report.Submissions++
	c := &call{submission: sub, raw: bytes.Clone(sub.raw), wait: pick(s.chance, []ledger.Wait{ledger.ForCommitted, ledger.ForReceipt, ledger.ForReceipt})}
	s.calls[&c.raw[0]] = c
	allowed := s.model.admit(sub)
	ticket, err := s.engine.Offer(context.Background(), sub.format, c.raw)
	s.trace.line("offer %d: %s", sub.n, codeOf(err))
	var refusal *domain.Rejection
	switch {
	case err == nil && (allowed.success() || allowed.any):
		c.ticket = ticket
		s.waiting = append(s.waiting, c)
		return nil
	case errors.As(err, &refusal):
		s.untraced(refusal.Code)
		delete(s.calls, &c.raw[0])
		if allowed.allows(refusal.Code) || sub.forged && refusal.Code == domain.BadSignature {
			return nil
		}
	case errors.Is(err, ledger.ErrBusy):
		s.report.Seen["busy"]++
		s.unanswered = append(s.unanswered, sub)
		return nil
	}
	return fmt.Errorf("submission %d (%s %s) at admission: got %v, allowed %v", sub.n, sub.kind, sub.name, err, allowed)
}

// untraced counts a refusal that left no entry.
func (s *simulation) untraced(code domain.Code) {
	s.report.Untraced++
	s.report.Seen["no trace of "+string(code)]++
}

// codeOf names an error in the trace.
func codeOf(err error) string {
	var refusal *domain.Rejection
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return string(refusal.Code)
	case errors.Is(err, ledger.ErrBusy):
		return "busy"
	}
	return "error"
}
