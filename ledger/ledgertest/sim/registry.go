package sim

import (
	"aval/domain"
	"aval/domain/envelope"
)

// registrar is a member, or now and then somebody who only would like to be one.
func registrar(ch chance) string {
	if ch.percent(10) {
		return string(pick(ch, people))
	}
	return string(pick(ch, members))
}

// rolesOf are the roles that a party of the cast has by its nature.
func (c *clients) rolesOf(p domain.PartyID) []domain.Role {
	switch p {
	case "second":
		if !c.s.alone() {
			return []domain.Role{domain.RoleMember}
		}
	case banks[0], banks[1]:
		return []domain.Role{domain.RoleBank}
	}
	return []domain.Role{domain.RoleBuyer}
}

func registerParty(c *clients, ch chance, s *submission) (string, any) {
	return registrar(ch), c.introduce(s, pick(ch, append(guests, people...)))
}

// introduce asks to register a party with its first key.
func (c *clients) introduce(s *submission, p domain.PartyID) any {
	first := c.signers[string(p)][0].Key
	s.kind, s.contract, s.name = domain.GovernanceKind, string(p), "registerParty"
	s.wants = request{key: first.ID, roles: c.rolesOf(p)}
	return map[string]any{"party": p, "roles": s.wants.roles, "keys": []domain.Key{first}}
}

func setRoles(c *clients, ch chance, s *submission) (string, any) {
	p := pick(ch, people)
	s.kind, s.contract, s.name = domain.GovernanceKind, string(p), "setRoles"
	s.wants.roles = c.rolesOf(p)
	switch ch.IntN(4) {
	case 0:
		s.wants.roles = []domain.Role{}
	case 1:
		if !c.s.alone() {
			s.wants.roles = []domain.Role{domain.RoleMember}
		}
	}
	return registrar(ch), map[string]any{"party": p, "roles": s.wants.roles}
}

// registerKey adds a key to a party or a source, making new ones as they run out.
func registerKey(c *clients, ch chance, s *submission) (string, any) {
	class, holder := domain.PartyHolder, string(pick(ch, people))
	if ch.percent(25) {
		class, holder = domain.SourceHolder, pick(ch, sources)
	}
	key := pick(ch, c.signers[holder]).Key
	if ch.percent(40) {
		algorithm := envelope.EdDSA
		if ch.percent(20) {
			algorithm = envelope.ES256
		}
		if made, err := c.addSigner(holder, algorithm); err == nil {
			key = made.Key
		}
	}
	s.kind, s.contract, s.name = domain.GovernanceKind, key.ID, "registerKey"
	s.wants = request{key: key.ID, class: class, holder: holder}
	return registrar(ch), map[string]any{"key": key, "class": class, "holder": holder}
}

func revokeKey(c *clients, ch chance, s *submission) (string, any) {
	holder := string(pick(ch, people))
	if ch.percent(20) {
		holder = pick(ch, sources)
	}
	key := pick(ch, c.signers[holder]).Key
	s.kind, s.contract, s.name = domain.GovernanceKind, key.ID, "revokeKey"
	s.wants.key = key.ID
	body := map[string]any{"id": key.ID}
	if ch.percent(40) {
		return holder, body // a source cannot: its operator would have to
	}
	return registrar(ch), body
}

func registerSource(c *clients, ch chance, s *submission) (string, any) {
	source := pick(ch, sources)
	return registrar(ch), c.plug(s, source, pick(ch, traders))
}

// plug asks to register a source with its first key.
func (c *clients) plug(s *submission, source string, operator domain.PartyID) any {
	first := c.signers[source][0].Key
	s.kind, s.contract, s.name = domain.GovernanceKind, source, "registerSource"
	s.wants = request{key: first.ID, to: operator}
	return map[string]any{"source": source, "operator": operator, "family": source, "key": first}
}
