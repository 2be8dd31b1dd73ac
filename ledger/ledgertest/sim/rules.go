package sim

import (
	"fmt"
	"slices"

	"aval/domain"
)

// kinds are those that a simulated ledger knows.
var kinds = []domain.Kind{domain.GovernanceKind, domain.CashKind, DepositKind, "invoice/1", "flightdelay/1"}

// party, key, redemption and deposit are what the rules below remember.
type party struct {
	roles     []domain.Role
	registrar domain.PartyID
	keys      []string
	erased    bool
}

type key struct {
	class          domain.HolderClass
	holder         string
	since, revoked domain.Millis
}

type redemption struct {
	bank, holder domain.PartyID
	amount       domain.Money
	status       string
	final        bool
}

type deposit struct {
	owner, to         domain.PartyID
	amount            domain.Money
	seen              int
	doubtful, watched bool
	status            string
	final             bool
}

func observationIdentity(s *submission) string {
	return fmt.Sprintf("observation %s %d %d", s.key, s.epoch, s.sequence)
}

// judge is the contract: it sets the verdict and, if that is success, has the effect.
func (m *model) judge(e *entry, o request) {
	if o.hopeless {
		e.verdict = verdict{any: true}
		return
	}
	switch e.kind {
	case domain.GovernanceKind:
		m.govern(e, o)
	case domain.CashKind:
		m.cash(e, o)
	case DepositKind:
		m.deposit(e, o)
	default:
		e.verdict = verdict{any: true}
	}
}

func (m *model) has(p domain.PartyID, r domain.Role) bool {
	return m.parties[p] != nil && slices.Contains(m.parties[p].roles, r)
}

// concerned is whom a registration is about: the party, or the operator of the source.
func (m *model) concerned(class domain.HolderClass, holder string) (domain.PartyID, *party, bool) {
	if class == domain.SourceHolder {
		operator, found := m.sources[holder]
		return operator, m.sourceHolder(holder), found
	}
	p := m.parties[domain.PartyID(holder)]
	return domain.PartyID(holder), p, p != nil
}

// sourceHolder keeps the keys of a source like those of a party.
func (m *model) sourceHolder(source string) *party {
	return m.parties[domain.PartyID("source "+source)]
}

// govern is governance/1.
func (m *model) govern(e *entry, o request) {
	v, member := &e.verdict, m.has(e.sender, domain.RoleMember)
	v.refuse(!member && e.name != "revokeKey" && e.name != "registerKey", domain.NotPermitted)
	switch e.name {
	case "registerParty":
		v.refuse(m.parties[domain.PartyID(e.contract)] != nil || m.keys[o.key] != nil, domain.AlreadyExists)
		v.refuse(m.reserved(o.roles), domain.NotPermitted)
		if v.success() {
			p := &party{roles: o.roles, registrar: e.sender}
			m.parties[domain.PartyID(e.contract)] = p
			m.addKey(o.key, domain.PartyHolder, e.contract, p)
			e.see(domain.PartyID(e.contract))
		}
	case "setRoles":
		p := m.parties[domain.PartyID(e.contract)]
		v.refuse(p == nil, domain.NotFound)
		was, is := m.has(domain.PartyID(e.contract), domain.RoleMember), slices.Contains(o.roles, domain.RoleMember)
		v.refuse(m.reserved(o.roles) || p != nil && m.reserved(p.roles), domain.NotPermitted)
		v.refuse(was && !is || is && p != nil && len(p.keys) == 0, domain.WrongState) // of one or two members both must be able to sign
		if v.success() {
			p.roles = o.roles
			e.see(p.registrar, domain.PartyID(e.contract))
		}
	case "registerKey":
		about, p, found := m.concerned(o.class, o.holder)
		v.refuse(!member && e.sender != about, domain.NotPermitted)
		v.refuse(m.others(e.sender, about), domain.NotPermitted)
		v.refuse(!found, domain.NotFound)
		v.refuse(m.keys[o.key] != nil, domain.AlreadyExists)
		v.refuse(found && len(p.keys) >= 16, domain.LimitExceeded)
		if v.success() {
			m.addKey(o.key, o.class, o.holder, p)
			e.see(p.registrar, about)
		}
	case "registerSource":
		v.refuse(m.parties[o.to] == nil, domain.NotFound)
		_, taken := m.sources[e.contract]
		v.refuse(taken || m.keys[o.key] != nil, domain.AlreadyExists)
		if v.success() {
			p := &party{registrar: e.sender}
			m.sources[e.contract], m.parties[domain.PartyID("source "+e.contract)] = o.to, p
			m.addKey(o.key, domain.SourceHolder, e.contract, p)
			e.see(o.to)
		}
	case "revokeKey":
		m.revoke(e, o)
	case "erase":
		m.erase(e)
	default:
		v.refuse(true, domain.UnknownCommand)
	}
}

func (m *model) addKey(id string, class domain.HolderClass, holder string, p *party) {
	m.keys[id] = &key{class: class, holder: holder, since: m.now}
	p.keys = append(p.keys, id)
}

func (m *model) revoke(e *entry, o request) {
	v, k := &e.verdict, m.keys[o.key]
	if k == nil {
		v.refuse(true, domain.NotFound)
		return
	}
	about, p, _ := m.concerned(k.class, k.holder)
	v.refuse(!m.has(e.sender, domain.RoleMember) && e.sender != about, domain.NotFound)
	v.refuse(k.revoked != 0, domain.WrongState)
	v.refuse(m.others(e.sender, about), domain.NotPermitted)
	v.refuse(k.class == domain.PartyHolder && m.has(domain.PartyID(k.holder), domain.RoleMember) && len(p.keys) == 1, domain.WrongState)
	if v.success() {
		k.revoked = m.now
		p.keys = slices.DeleteFunc(p.keys, func(id string) bool { return id == o.key })
		e.see(p.registrar, about)
	}
}

// members counts them: the clients make no proposals, so there are never more than two.
func (m *model) members() (n int) {
	for _, p := range m.parties {
		if slices.Contains(p.roles, domain.RoleMember) {
			n++
		}
	}
	return n
}

// reserved says whether no member alone may give or touch these roles: the first constitution stays in force,
// and the cast has no other of those that it reserves.
func (m *model) reserved(roles []domain.Role) bool {
	return m.members() > 1 && slices.ContainsFunc(roles, func(r domain.Role) bool {
		return r == domain.RoleMember || r == domain.RoleBank
	})
}

// others says whether a member means to touch the keys of another party that it may not touch alone.
func (m *model) others(sender, about domain.PartyID) bool {
	p := m.parties[about]
	return sender != about && m.has(sender, domain.RoleMember) && p != nil && m.reserved(p.roles)
}
