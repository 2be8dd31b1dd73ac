package governance

import (
	"slices"

	"aval/domain"
)

// RolesSet is the body of the events "partyRegistered" and "rolesSet".
type RolesSet struct {
	Party domain.PartyID `json:"party"`
	Roles []domain.Role  `json:"roles"`
}

// genesis registers the first member. Nobody signs it: whoever makes the ledger makes it.
func genesis(c *change) error {
	var g domain.Genesis
	if err := c.in.Command.DecodeBody(&g); err != nil {
		return err
	}
	if len(c.view.Scan("party/", "", 1)) > 0 {
		return domain.Refuse(domain.AlreadyExists, "the ledger has begun")
	}
	if g.Ledger == "" || g.Ledger != c.in.Command.Ledger {
		return domain.Refuse(domain.WrongLedger, "ledger: the genesis is of another ledger")
	}
	if !slices.Contains(g.Party.Roles, domain.RoleMember) {
		return domain.Refuse(domain.InvalidTerms, "party.roles: the first party must be a member")
	}
	if err := c.addParty(g.Party, []domain.Key{g.Key}, g.Party.ID); err != nil {
		return err
	}
	if !slices.Contains(g.Party.Roles, domain.RoleAuditor) {
		return nil
	}
	return c.addGrant(domain.Grant{
		ID: genesisGrant, Granter: g.Party.ID, Viewer: g.Party.ID, Scope: domain.ScopeAll, Since: c.in.Now,
	})
}

func registerParty(c *change) error {
	var body struct {
		Party domain.PartyID `json:"party"`
		Roles []domain.Role  `json:"roles"`
		Keys  []domain.Key   `json:"keys"`
	}
	if err := c.open(&body, func() string { return string(body.Party) }); err != nil {
		return err
	}
	return c.addParty(domain.Party{ID: body.Party, Roles: body.Roles}, body.Keys, c.in.Sender)
}

func (c *change) addParty(p domain.Party, keys []domain.Key, registrar domain.PartyID) error {
	if err := p.ID.Check(); err != nil {
		return err
	}
	if err := c.absent(partyKey(p.ID)); err != nil {
		return err
	}
	roles, err := checkRoles(p.Roles)
	if err != nil {
		return err
	}
	h := Holder{Registrar: registrar, Party: p.ID}
	if err := c.setParty(RolesSet{p.ID, roles}, "partyRegistered", h); err != nil {
		return err
	}
	if slices.Contains(roles, domain.RoleMember) {
		if err := c.setMember(p.ID, true); err != nil {
			return err
		}
	}
	return c.addHolder(domain.PartyHolder, string(p.ID), h, keys)
}

func (c *change) setParty(set RolesSet, event string, h Holder) error {
	p := domain.Party{ID: set.Party, Roles: set.Roles}
	if err := write(c, partyKey(p.ID), p, Active, h.Registrar, h.Party); err != nil {
		return err
	}
	return say(c, event, partyKey(p.ID), set, h)
}

func setRoles(c *change) error {
	var body RolesSet
	if err := c.open(&body, func() string { return string(body.Party) }); err != nil {
		return err
	}
	if _, err := c.living(body.Party); err != nil {
		return err
	}
	h, err := c.holder(domain.PartyHolder, string(body.Party))
	if err != nil {
		return err
	}
	if body.Roles, err = checkRoles(body.Roles); err != nil {
		return err
	}
	if err := c.setParty(body, "rolesSet", h); err != nil {
		return err
	}
	return c.setMember(body.Party, slices.Contains(body.Roles, domain.RoleMember))
}

// setMember keeps the roster. Taking the last member that can sign off it is refused.
func (c *change) setMember(p domain.PartyID, member bool) error {
	roster, _, err := domain.Load[Roster](c.view, rosterKey)
	if err != nil {
		return err
	}
	at, listed := slices.BinarySearch(roster.Members, p)
	switch {
	case listed == member:
		return nil
	case listed:
		if err := c.checkSigner(roster, p, ""); err != nil {
			return err
		}
		roster.Members = slices.Delete(roster.Members, at, at+1)
	case len(roster.Members) >= MaxMembers:
		return domain.Refuse(domain.LimitExceeded, "%d parties have role member, limit %d", len(roster.Members), MaxMembers)
	default:
		roster.Members = slices.Insert(roster.Members, at, p)
	}
	return write(c, rosterKey, roster, Active)
}

// checkSigner refuses to go on without a member that can sign. Of the party without, all
// keys are to be lost, or only one if that is given.
func (c *change) checkSigner(roster Roster, without domain.PartyID, key string) error {
	for _, member := range roster.Members {
		h, err := c.holder(domain.PartyHolder, string(member))
		if err != nil {
			return err
		}
		left := len(h.Keys)
		if member == without {
			left = 0
			if key != "" {
				left = len(h.Keys) - 1
			}
		}
		if left > 0 {
			return nil
		}
	}
	return domain.Refuse(domain.WrongState, "no member that can sign would be left")
}
