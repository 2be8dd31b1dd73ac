package governance

import "aval/domain"

// Frozen is the status of a party whose commands are refused.
const Frozen = "frozen"

// Freezing is the body of the events "frozen" and "unfrozen".
type Freezing struct {
	Party domain.PartyID `json:"party"`
}

// freeze makes the engine refuse whatever the party signs; what it owns stays where it is.
func freeze(c *change) error { return c.setFrozen(c.in.Now, Frozen, "frozen") }

func unfreeze(c *change) error { return c.setFrozen(0, Active, "unfrozen") }

func (c *change) setFrozen(since domain.Millis, status, event string) error {
	var body Freezing
	if err := c.open(&body, func() string { return string(body.Party) }); err != nil {
		return err
	}
	h, err := c.holder(domain.PartyHolder, string(body.Party))
	if err != nil {
		return err
	}
	p, err := c.living(body.Party)
	if err != nil {
		return err
	}
	if (p.Frozen != 0) == (since != 0) {
		return domain.Refuse(domain.WrongState, "party %s is %s", body.Party, status)
	}
	p.Frozen = since
	if err := write(c, partyKey(p.ID), p, status, h.Registrar, h.Party); err != nil {
		return err
	}
	return c.announce(event, partyKey(p.ID), body, h.Registrar, h.Party)
}
