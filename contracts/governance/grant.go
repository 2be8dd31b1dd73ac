package governance

import (
	"strings"

	"aval/domain"
)

const (
	// MaxGrants bounds the grants of one viewer that are in force, since each read may look at all.
	MaxGrants = 64
	// genesisGrant is what the engine's first party gets if it is an auditor.
	genesisGrant = "genesis"
	// expireGrant is the deadline that ends a grant.
	expireGrant = "ExpireGrant"
	// The statuses of a grant.
	granted = "granted"
	ended   = "ended"
)

func grantKey(viewer domain.PartyID, id string) string { return "grant/" + string(viewer) + "/" + id }

// grantDeadline names a grant in one identifier: no party has a '_' in its name.
func grantDeadline(viewer domain.PartyID, id string) string { return string(viewer) + "_" + id }

// grant lets a registered party see what is the sender's to show, or a member's to decide.
func grant(c *change) error {
	var body struct {
		ID     string         `json:"id"`
		Viewer domain.PartyID `json:"viewer"`
		Scope  string         `json:"scope"`
		Until  domain.Millis  `json:"until"`
	}
	if err := c.decode(&body, func() string { return body.ID }); err != nil {
		return err
	}
	g := domain.Grant{ID: body.ID, Granter: c.in.Sender, Viewer: body.Viewer, Scope: body.Scope, Since: c.in.Now, Until: body.Until}
	if err := g.Check(); err != nil {
		return err
	}
	if g.Governed() && !c.in.Has(domain.RoleMember) {
		return domain.Refuse(domain.NotPermitted, "scope %s: only a member grants it", g.Scope)
	}
	if g.Governed() && c.alone {
		return c.needsProposal()
	}
	if _, known := c.in.Registry.Party(g.Viewer); !known {
		return domain.Refuse(domain.NotFound, "viewer: no such party")
	}
	return c.addGrant(g)
}

func (c *change) addGrant(g domain.Grant) error {
	key := grantKey(g.Viewer, g.ID)
	if err := c.absent(key); err != nil {
		return err
	}
	if c.view.Closed(key) {
		return domain.Refuse(domain.AlreadyExists, "grant %s was used before", g.ID)
	}
	if domain.CheckID("grant", grantDeadline(g.Viewer, g.ID)) != nil {
		return domain.Refuse(domain.LimitExceeded, "id: with the viewer's name longer than 63 characters")
	}
	if len(c.view.Scan("grant/"+string(g.Viewer)+"/", "", MaxGrants)) == MaxGrants {
		return domain.Refuse(domain.LimitExceeded, "viewer: has %d grants, limit %d", MaxGrants, MaxGrants)
	}
	if g.Until != 0 {
		c.fx.Deadlines = append(c.fx.Deadlines, domain.Deadline{At: g.Until, Contract: grantDeadline(g.Viewer, g.ID), Name: expireGrant})
	}
	return c.putGrant(g, "granted", false)
}

// putGrant writes a grant and tells granter and viewer.
func (c *change) putGrant(g domain.Grant, event string, final bool) error {
	status := granted
	if final {
		status = ended
	}
	if err := write(c, grantKey(g.Viewer, g.ID), g, status, g.Granter, g.Viewer); err != nil {
		return err
	}
	c.fx.Writes[len(c.fx.Writes)-1].Final = final
	e, err := domain.NewEvent(event, grantKey(g.Viewer, g.ID), g, g.Granter, g.Viewer)
	c.fx.Events = append(c.fx.Events, e)
	return err
}

// revokeGrant ends a grant at this batch's time: by its granter, or by a member if governance gave it.
func revokeGrant(c *change) error {
	var body struct {
		ID     string         `json:"id"`
		Viewer domain.PartyID `json:"viewer"`
	}
	if err := c.decode(&body, func() string { return body.ID }); err != nil {
		return err
	}
	g, found, err := domain.Load[domain.Grant](c.view, grantKey(body.Viewer, body.ID))
	if err != nil {
		return err
	}
	if !found || g.Granter != c.in.Sender && !(g.Governed() && c.in.Has(domain.RoleMember)) {
		return domain.Refuse(domain.NotFound, "grant %.64q: none of yours is in force", body.ID)
	}
	if g.Governed() && c.alone {
		return c.needsProposal()
	}
	if g.Until != 0 {
		c.fx.Deadlines = append(c.fx.Deadlines, domain.Deadline{Contract: grantDeadline(g.Viewer, g.ID), Name: expireGrant})
	}
	g.Until = c.in.Now
	return c.putGrant(g, "grantRevoked", true)
}

// expire ends a grant that was made until now.
func expire(c *change) error {
	viewer, id, _ := strings.Cut(c.in.Command.Contract, "_")
	g, found, err := domain.Load[domain.Grant](c.view, grantKey(domain.PartyID(viewer), id))
	if err == nil && !found {
		err = domain.Refuse(domain.NotFound, "grant %.64q is not in force", id)
	}
	if err != nil {
		return err
	}
	return c.putGrant(g, "grantExpired", true)
}
