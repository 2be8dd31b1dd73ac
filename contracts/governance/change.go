package governance

import (
	"slices"

	"aval/domain"
)

// change is the work on one command. Transitions add to fx and never read their own writes.
type change struct {
	rules *rules
	view  domain.View
	in    domain.Input
	fx    domain.Effects
	// alone says that one of several members gives the command without the others.
	alone bool
}

func partyKey(id domain.PartyID) string { return "party/" + string(id) }
func keyKey(id string) string           { return "key/" + id }
func deviceKey(id string) string        { return "device/" + id }
func sourceKey(id string) string        { return "source/" + id }

func holderKey(class domain.HolderClass, id string) string {
	return "holder/" + string(class) + "/" + id
}

const rosterKey = "roster/members"

// open decodes the body of a command by a member whose contract must be the subject.
func (c *change) open(body any, subject func() string) error {
	if !c.in.Has(domain.RoleMember) {
		return domain.Refuse(domain.NotPermitted, "%s is for parties with role member", c.in.Command.Name)
	}
	return c.decode(body, subject)
}

func (c *change) decode(body any, subject func() string) error {
	if err := c.in.Command.DecodeBody(body); err != nil {
		return err
	}
	if c.in.Command.Contract != subject() {
		return domain.Refuse(domain.Malformed, "contract %.64s is not the subject of the body", c.in.Command.Contract)
	}
	return nil
}

// absent refuses a key that is taken. No record of this kind is ever final.
func (c *change) absent(key string) error {
	if _, found := c.view.Get(key); found {
		return domain.Refuse(domain.AlreadyExists, "%.110s is registered", key)
	}
	return nil
}

// write adds a record that registrar and party concerned may see.
func write[S any](c *change, key string, state S, status string, parties ...domain.PartyID) error {
	w, err := domain.Put(key, state, status, parties...)
	c.fx.Writes = append(c.fx.Writes, w)
	return err
}

// say adds an event for the sender, the registrar and the party concerned.
func say(c *change, name, key string, body any, h Holder) error {
	e, err := domain.NewEvent(name, key, body, c.in.Sender, h.Registrar, h.Party)
	c.fx.Events = append(c.fx.Events, e)
	return err
}

// announce adds an event for all members and the parties concerned.
func (c *change) announce(name, key string, body any, parties ...domain.PartyID) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	e, err := domain.NewEvent(name, key, body, append(parties, members...)...)
	c.fx.Events = append(c.fx.Events, e)
	return err
}

// declare writes a record that every member sees, and an event for them.
func (c *change) declare(key string, state any, event string) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	if err := write(c, key, state, Active, members...); err != nil {
		return err
	}
	return c.announce(event, key, state)
}

// putHolder writes a holder.
func putHolder(c *change, class domain.HolderClass, id string, h Holder) error {
	return write(c, holderKey(class, id), h, Active, h.Registrar, h.Party)
}

func (c *change) holder(class domain.HolderClass, id string) (Holder, error) {
	h, found, err := domain.Load[Holder](c.view, holderKey(class, id))
	if err == nil && !found {
		err = domain.Refuse(domain.NotFound, "%s %.64s is not registered", class, id)
	}
	return h, err
}

// checkRoles refuses unknown and repeated roles and gives them in order.
func checkRoles(roles []domain.Role) ([]domain.Role, error) {
	if len(roles) > MaxRoles {
		return nil, domain.Refuse(domain.LimitExceeded, "roles: %d, limit %d", len(roles), MaxRoles)
	}
	sorted := append([]domain.Role{}, roles...) // never nil: null is another encoding than none
	slices.Sort(sorted)
	for i, r := range sorted {
		if !slices.Contains(domain.Roles(), r) {
			return nil, domain.Refuse(domain.Malformed, "roles: %.20q is no role", string(r))
		}
		if i > 0 && sorted[i-1] == r {
			return nil, domain.Refuse(domain.Malformed, "roles: %s given twice", r)
		}
	}
	return sorted, nil
}
