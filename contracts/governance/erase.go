package governance

import (
	"aval/domain"
)

// Erased is the status of a party whose private data was erased.
const Erased = "erased"

// ErasedEvent is the body of the event "partyErased".
type ErasedEvent struct {
	Party domain.PartyID `json:"party"`
}

// erase ends a party for good: what is kept about it beside the log goes with the batch, all its
// keys are revoked, it has no role, and its name is never used again. What it signed, and what
// was booked for it, stays in the log, which holds digests of its private values alone.
func erase(c *change) error {
	var body ErasedEvent
	if err := c.open(&body, func() string { return string(body.Party) }); err != nil {
		return err
	}
	p, err := c.living(body.Party)
	if err != nil {
		return err
	}
	h, err := c.holder(domain.PartyHolder, string(p.ID))
	if err != nil {
		return err
	}
	if err := c.setMember(p.ID, false); err != nil { // refuses to take the last member that can sign
		return err
	}
	if err := c.revokeAll(&h); err != nil {
		return err
	}
	p.Erased, p.Roles = c.in.Now, []domain.Role{}
	if err := write(c, partyKey(p.ID), p, Erased, h.Registrar, h.Party); err != nil {
		return err
	}
	if err := putHolder(c, domain.PartyHolder, string(p.ID), h); err != nil {
		return err
	}
	return say(c, "partyErased", partyKey(p.ID), body, h)
}

// revokeAll revokes the keys of a holder.
func (c *change) revokeAll(h *Holder) error {
	for _, id := range h.Keys {
		k, _, err := domain.Load[domain.Key](c.view, keyKey(id))
		if err != nil {
			return err
		}
		k.Revoked = c.in.Now
		if err := write(c, keyKey(id), k, Revoked, h.Registrar, h.Party); err != nil {
			return err
		}
		if err := say(c, "keyRevoked", keyKey(id), KeyEvent{k.ID, k.Class, k.Holder}, *h); err != nil {
			return err
		}
	}
	h.Keys = []string{}
	return nil
}

// living gives a party that is registered and was not erased.
func (c *change) living(id domain.PartyID) (domain.Party, error) {
	p, found, err := domain.Load[domain.Party](c.view, partyKey(id))
	switch {
	case err != nil:
		return p, err
	case !found:
		return p, domain.Refuse(domain.NotFound, "party %.48s is not registered", string(id))
	case p.Erased != 0:
		return p, domain.Refuse(domain.Erased, "party %s was erased", p.ID)
	}
	return p, nil
}
