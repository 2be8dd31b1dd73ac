package sim

import (
	"encoding/json"

	"aval/domain"
	"aval/domain/envelope"
)

// guests are private persons: what is private about them is erased now and then. Erasing is for members
// together, and the clients make no proposals; so in some runs nobody joins the root, which then decides alone.
var guests = []domain.PartyID{"p-1", "p-2", "p-3", "p-4", "p-5", "p-6"}

// alone says whether the root stays the only member.
func (s *simulation) alone() bool { return s.Seed%3 == 1 }

// secret is a private value about somebody: nearly always one who is there.
func (c *clients) secret(ch chance, s *submission) []envelope.Value {
	s.subject = root
	if ch.percent(60) {
		s.subject = pick(ch, guests)
		for n := 0; n < 4 && (c.s.model.parties[s.subject] == nil || c.s.model.erased(s.subject)); n++ {
			s.subject = pick(ch, guests)
		}
	}
	return []envelope.Value{{Subject: s.subject, Name: "secret", Value: json.RawMessage(`"whispered"`)}}
}

// erase ends a guest.
func erase(c *clients, ch chance, s *submission) (string, any) {
	p := pick(ch, guests)
	s.kind, s.contract, s.name = domain.GovernanceKind, string(p), "erase"
	return registrar(ch), map[string]any{"party": p}
}

// visit is a guest who pays, or would like to.
func visit(c *clients, ch chance, s *submission) (string, any) {
	p := pick(ch, guests)
	s.kind, s.contract, s.name = domain.CashKind, string(banks[0]), "transfer"
	s.wants = request{to: pick(ch, people), amount: domain.Money{Minor: ch.between(1, 1000), Currency: "EUR"}}
	return string(p), payment(s.wants)
}

// erased says whether a party was.
func (m *model) erased(p domain.PartyID) bool { return m.parties[p] != nil && m.parties[p].erased }

// erase judges the command: the party signs nothing more, and nothing private is kept about it.
func (m *model) erase(e *entry) {
	v, p := &e.verdict, m.parties[domain.PartyID(e.contract)]
	v.refuse(m.members() > 1, domain.NotPermitted)
	v.refuse(p == nil, domain.NotFound)
	v.refuse(m.erased(domain.PartyID(e.contract)), domain.Erased)
	if v.success() {
		for _, id := range p.keys {
			m.keys[id].revoked = m.now
		}
		p.erased, p.keys, p.roles = true, nil, nil
		e.see(p.registrar, domain.PartyID(e.contract))
	}
}

// mute is why a submission is not heard at all.
func (m *model) mute(s *submission, at domain.Millis) (v verdict) {
	k := m.keys[s.key]
	if k == nil || k.class != domain.PartyHolder || !m.erased(domain.PartyID(k.holder)) {
		v.refuse(!m.speaks(s, at), domain.UnknownKey)
		return v
	}
	v.refuse(!s.forged, domain.Erased)
	v.refuse(s.forged, domain.UnknownKey)
	return v
}

// checkSecret asks for the private value of an entry, which is there unless its subject was erased meanwhile.
func (s *simulation) checkSecret(e *entry) error {
	if e == nil || e.from == nil || e.from.digest == "" {
		return nil
	}
	s.report.Seen["private values asked for"]++
	return s.checkPrivate(e)
}
