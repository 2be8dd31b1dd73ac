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
	if err := c.constitute(g.Party.ID); err != nil {
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
	if err := c.reserved(roles...); err != nil {
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
	p, _, err := domain.Load[domain.Party](c.view, partyKey(set.Party))
	if err != nil {
		return err
	}
	p.ID, p.Roles = set.Party, set.Roles
	status := Active
	if p.Frozen != 0 {
		status = Frozen
	}
	if err := write(c, partyKey(p.ID), p, status, h.Registrar, h.Party); err != nil {
		return err
	}
	return say(c, event, partyKey(p.ID), set, h)
}

func setRoles(c *change) error {
	var body RolesSet
	if err := c.open(&body, func() string { return string(body.Party) }); err != nil {
		return err
	}
	old, err := c.living(body.Party)
	if err != nil {
		return err
	}
	h, err := c.holder(domain.PartyHolder, string(body.Party))
	if err != nil {
		return err
	}
	if body.Roles, err = checkRoles(body.Roles); err != nil {
		return err
	}
	if err := c.reserved(append(slices.Clone(old.Roles), body.Roles...)...); err != nil {
		return err
	}
	if err := c.setParty(body, "rolesSet", h); err != nil {
		return err
	}
	return c.setMember(body.Party, slices.Contains(body.Roles, domain.RoleMember))
}

// setMember keeps the roster.
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
		roster.Members = slices.Delete(roster.Members, at, at+1)
		if err := c.dropShare(p, roster); err != nil {
			return err
		}
	case len(roster.Members) >= MaxMembers:
		return domain.Refuse(domain.LimitExceeded, "%d parties have role member, limit %d", len(roster.Members), MaxMembers)
	default:
		roster.Members = slices.Insert(roster.Members, at, p)
	}
	return c.publish(roster)
}

// publish writes the roster, and again the records that members see, so that its members do.
func (c *change) publish(roster Roster) error {
	if err := write(c, rosterKey, roster, Active, roster.Members...); err != nil {
		return err
	}
	rewritten := func(key string) bool {
		return slices.ContainsFunc(c.fx.Writes, func(w domain.Write) bool { return w.Key == key })
	}
	for _, class := range []string{"approval/", "constitution/", "epoch/", "limits/", "measurement/", "opening/", "recovery/", "proposal/"} {
		status := Active
		if class == "proposal/" {
			status = Open
		}
		for _, r := range c.view.Scan(class, "", domain.MaxScan) {
			if rewritten(r.Key) {
				continue
			}
			c.fx.Writes = append(c.fx.Writes, domain.Write{Key: r.Key, Body: r.Body, Parties: roster.Members, Status: status})
		}
	}
	return nil
}
