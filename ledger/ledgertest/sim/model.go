package sim

import (
	"slices"
	"strings"

	"aval/domain"
)

// model is what the ledger should be: maps, slices and the rules in their shortest form.
type model struct {
	origin string
	// base is where the batch begins that is applied.
	base     int
	sequence uint64
	now      domain.Millis
	// log holds every leaf; a seal leaf is nil.
	log []*entry
	// done holds the first entry under each identity.
	done      map[string]*entry
	balances  map[money]int64
	deadlines []deadline
	// watches are the subjects on which observations are awaited, and until when.
	watches map[string]domain.Millis

	parties map[domain.PartyID]*party
	keys    map[string]*key
	sources map[string]domain.PartyID

	issuers     map[domain.Currency]domain.PartyID
	redemptions map[string]*redemption
	holds       map[string]*heldMoney
	limits      map[money]*limits
	spent       map[spending]int64
	reversed    map[reversal]int64
	deposits    map[string]*deposit
	chains      map[string]*links
}

// money names a balance.
type money struct {
	account  string
	currency domain.Currency
}

// posting moves money.
type posting struct {
	from, to string
	amount   domain.Money
}

// deadline is a command that the ledger gives itself.
type deadline struct {
	at       domain.Millis
	kind     domain.Kind
	contract string
	name     string
}

// entry is one leaf as it should be.
type entry struct {
	index    uint64
	sequence uint64
	now      domain.Millis
	// from is the submission; nil for a deadline and for genesis.
	from     *submission
	sender   domain.PartyID
	kind     domain.Kind
	contract string
	name     string
	verdict  verdict
	// code is what the engine gave, known once it was compared.
	code     domain.Code
	postings []posting
	viewers  []domain.PartyID
}

// outcome is what became of one item of a batch: an entry, perhaps an earlier one, or none.
type outcome struct {
	entry     *entry
	duplicate bool
	refused   verdict
}

func newModel(origin string) *model {
	return &model{
		origin: origin, done: map[string]*entry{}, balances: map[money]int64{}, watches: map[string]domain.Millis{},
		parties: map[domain.PartyID]*party{}, keys: map[string]*key{}, sources: map[string]domain.PartyID{},
		issuers: map[domain.Currency]domain.PartyID{}, redemptions: map[string]*redemption{},
		holds: map[string]*heldMoney{}, limits: map[money]*limits{}, spent: map[spending]int64{}, reversed: map[reversal]int64{},
		deposits: map[string]*deposit{}, chains: map[string]*links{},
	}
}

// admit is what the engine may say before a submission is ordered.
func (m *model) admit(s *submission) verdict {
	v := verdict{any: s.broken}
	v.refuse(s.ledger != m.origin, domain.WrongLedger)
	k := m.keys[s.key]
	at := m.now + 1
	if k != nil {
		at = max(at, k.since)
	}
	mute := m.mute(s, at)
	v.codes = append(v.codes, mute.codes...)
	v.refuse(!m.known(s.kind), domain.UnknownKind)
	return v
}

func (m *model) known(k domain.Kind) bool { return slices.Contains(kinds, k) }

// speaks says whether the key of a submission may act at that time.
func (m *model) speaks(s *submission, at domain.Millis) bool {
	k := m.keys[s.key]
	if k == nil || k.since > at || k.revoked != 0 && k.revoked <= at {
		return false
	}
	if s.observation() {
		return k.class == domain.SourceHolder
	}
	return k.class == domain.PartyHolder
}

// apply takes one batch: what is due first, then the items. It gives the new entries and
// what became of each item. A batch without entries leaves nothing.
func (m *model) apply(sequence uint64, now domain.Millis, items []*submission) ([]*entry, []outcome) {
	before, base := m.now, len(m.log)
	m.now, m.base = now, base
	for d, ok := m.due(); ok; d, ok = m.due() {
		m.fire(d, sequence)
	}
	outcomes := make([]outcome, len(items))
	for i, s := range items {
		outcomes[i] = m.take(s, sequence)
	}
	if len(m.log) == base {
		m.now = before
		return nil, outcomes
	}
	entries := slices.Clone(m.log[base:])
	m.sequence, m.log = sequence, append(m.log, nil)
	return entries, outcomes
}

// due takes the earliest deadline whose time has come.
func (m *model) due() (deadline, bool) {
	if len(m.deadlines) == 0 {
		return deadline{}, false
	}
	first := slices.MinFunc(m.deadlines, func(a, b deadline) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(string(a.kind)+" "+a.contract+" "+a.name, string(b.kind)+" "+b.contract+" "+b.name)
	})
	return first, first.at <= m.now
}

func (m *model) nextDue() domain.Millis {
	d, _ := m.due()
	return d.at
}

// ask sets, moves or, at zero, cancels a deadline. None is due in the batch that asks for it.
func (m *model) ask(at domain.Millis, kind domain.Kind, contract, name string) {
	m.deadlines = slices.DeleteFunc(m.deadlines, func(d deadline) bool {
		return d.kind == kind && d.contract == contract && d.name == name
	})
	if at != 0 {
		m.deadlines = append(m.deadlines, deadline{max(at, m.now+1), kind, contract, name})
	}
}

func (m *model) fire(d deadline, sequence uint64) {
	m.ask(0, d.kind, d.contract, d.name)
	e := m.enter(&entry{sequence: sequence, kind: d.kind, contract: d.contract, name: d.name})
	m.judge(e, request{})
}

func (m *model) enter(e *entry) *entry {
	e.index, e.now = uint64(len(m.log)), m.now
	m.log = append(m.log, e)
	return e
}

// take judges one item.
func (m *model) take(s *submission, sequence uint64) outcome {
	refused := m.mute(s, m.now)
	refused.any = s.broken
	refused.refuse(s.forged, domain.BadSignature)
	if !refused.success() {
		return outcome{refused: refused}
	}
	sender, identity := m.identify(s)
	name := s.name
	if first := m.done[identity]; first != nil {
		if first.from.text == s.text {
			return outcome{entry: first, duplicate: true}
		}
		if !s.observation() {
			return outcome{refused: verdict{codes: []domain.Code{domain.IDConflict}}}
		}
		identity += " again " + string(s.fingerprint())
		if again := m.done[identity]; again != nil {
			return outcome{entry: again, duplicate: true}
		}
		name = domain.Equivocate
	}
	e := m.enter(&entry{sequence: sequence, from: s, sender: sender, kind: s.kind, contract: s.contract, name: name})
	m.done[identity] = e
	e.see(sender)
	e.verdict = m.screen(s)
	if e.verdict.success() {
		m.judge(e, s.wants)
	}
	return outcome{entry: e}
}

// identify gives the party that speaks and what may have one effect only.
func (m *model) identify(s *submission) (domain.PartyID, string) {
	if s.observation() {
		return m.sources[m.keys[s.key].holder], observationIdentity(s)
	}
	return domain.PartyID(m.keys[s.key].holder), "command " + m.keys[s.key].holder + " " + s.id
}

// screen is what no contract needs to judge.
func (m *model) screen(s *submission) verdict {
	var v verdict
	v.refuse(s.ledger != m.origin, domain.WrongLedger)
	if s.observation() {
		until, open := m.watches[s.contract]
		v.refuse(!open || s.kind != DepositKind || until < m.now, domain.NoWatch)
		return v
	}
	v.refuse(domain.Internal(s.name) || s.name == domain.Observe, domain.NotPermitted)
	v.refuse(s.notAfter < m.now || s.notAfter > m.now+domain.MaxCommandLifetime, domain.Expired)
	v.refuse(!m.known(s.kind), domain.UnknownKind)
	v.refuse(s.digest != "" && m.parties[s.subject] == nil, domain.UnknownSubject)
	v.refuse(s.digest != "" && m.erased(s.subject), domain.Erased)
	return v
}

// see adds viewers to an entry.
func (e *entry) see(parties ...domain.PartyID) {
	for _, p := range parties {
		if p != "" && !slices.Contains(e.viewers, p) {
			e.viewers = append(e.viewers, p)
		}
	}
}

// afford refuses movements that no account can carry: amounts that are none, overdrafts, and
// what the limits of the accounts do not allow.
func (m *model) afford(v *verdict, moves ...posting) {
	after, out, paid := map[money]int64{}, map[money]int64{}, map[money]bool{}
	for _, p := range moves {
		v.refuse(p.amount.Minor <= 0 || p.amount.Minor > domain.MaxMinor, domain.InvalidAmount)
		from, to := money{p.from, p.amount.Currency}, money{p.to, p.amount.Currency}
		after[from] -= p.amount.Minor
		after[to] += p.amount.Minor
		out[from] += p.amount.Minor
		paid[to] = paid[to] || !strings.HasPrefix(p.from, "escrow/")
	}
	for b, change := range after {
		left := m.balances[b] + change
		v.refuse(left < 0 && !strings.HasPrefix(b.account, "issue/"), domain.InsufficientFunds)
		if l := m.limits[b]; l != nil {
			v.refuse(!l.allows(change, left, out[b], m.spent[m.today(b)], paid[b]), domain.LimitExceeded)
		}
	}
}

// spending is a balance on one day.
type spending struct {
	money
	day int64
}

func (m *model) today(b money) spending { return spending{b, int64(m.now / day)} }

// pay moves money and shows it to the owners of both accounts.
func (m *model) pay(e *entry, moves ...posting) {
	for _, p := range moves {
		e.postings = append(e.postings, p)
		m.add(money{p.from, p.amount.Currency}, -p.amount.Minor)
		m.add(money{p.to, p.amount.Currency}, p.amount.Minor)
		from := money{p.from, p.amount.Currency}
		if l := m.limits[from]; l != nil && l.narrow(daily) != 0 {
			m.spent[m.today(from)] += p.amount.Minor
		}
		for _, account := range []string{p.from, p.to} {
			if kind, owner, _ := strings.Cut(account, "/"); kind != "escrow" {
				e.see(domain.PartyID(owner))
			}
		}
	}
}

func (m *model) add(b money, minor int64) {
	if m.balances[b] += minor; m.balances[b] == 0 {
		delete(m.balances, b)
	}
}
