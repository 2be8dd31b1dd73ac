package governance

import (
	"encoding/json"
	"slices"

	"aval/domain"
	"aval/domain/envelope"
)

// KeyEvent is the body of the events "keyRegistered" and "keyRevoked".
type KeyEvent struct {
	ID     string             `json:"id"`
	Class  domain.HolderClass `json:"class"`
	Holder string             `json:"holder"`
}

// addHolder writes a new holder with its first keys.
func (c *change) addHolder(class domain.HolderClass, id string, h Holder, keys []domain.Key) error {
	h.Keys = []string{}
	for _, k := range keys {
		if err := c.addKey(k, class, id, &h); err != nil {
			return err
		}
	}
	return putHolder(c, class, id, h)
}

// addKey checks a key, makes it active from now on and counts it among those of its holder.
func (c *change) addKey(k domain.Key, class domain.HolderClass, id string, h *Holder) error {
	if len(h.Keys) >= MaxKeys {
		return domain.Refuse(domain.LimitExceeded, "keys: %s has %d active keys, limit %d", class, len(h.Keys), MaxKeys)
	}
	if k.Class != "" && k.Class != class || k.Holder != "" && k.Holder != id || k.Since != 0 || k.Revoked != 0 {
		return domain.Refuse(domain.Malformed, "key: class and holder must be those of the command, since and revoked zero")
	}
	if err := envelope.CheckKey(k); err != nil {
		return err
	}
	if err := c.absent(keyKey(k.ID)); err != nil {
		return err
	}
	if slices.Contains(h.Keys, k.ID) {
		return domain.Refuse(domain.AlreadyExists, "key %.43s is given twice", k.ID)
	}
	k.Class, k.Holder, k.Since = class, id, c.in.Now
	h.Keys = append(h.Keys, k.ID)
	if err := write(c, keyKey(k.ID), k, Active, h.Registrar, h.Party); err != nil {
		return err
	}
	return say(c, "keyRegistered", keyKey(k.ID), KeyEvent{k.ID, class, id}, *h)
}

// keyRegistration is the body of registerKey.
type keyRegistration struct {
	Key    domain.Key         `json:"key"`
	Class  domain.HolderClass `json:"class"`
	Holder string             `json:"holder"`
}

// keyHolder is the party that a proposed registerKey is about; none if it is about a device or a source.
func keyHolder(a Action) domain.PartyID {
	var body keyRegistration
	command := domain.Command{Name: a.Name, Body: json.RawMessage(a.Body)}
	if command.DecodeBody(&body) != nil || body.Class != domain.PartyHolder {
		return ""
	}
	return domain.PartyID(body.Holder)
}

// registerKey adds a key: by its party, or by a member that vouches for it.
func registerKey(c *change) error {
	var body keyRegistration
	if err := c.decode(&body, func() string { return body.Key.ID }); err != nil {
		return err
	}
	switch body.Class {
	case domain.PartyHolder, domain.DeviceHolder, domain.SourceHolder:
	default:
		return domain.Refuse(domain.Malformed, "class %.20q: want party, device or source", string(body.Class))
	}
	h, err := c.holder(body.Class, body.Holder)
	if c.in.Sender != h.Party && !c.in.Has(domain.RoleMember) {
		return domain.Refuse(domain.NotPermitted, "registerKey is for the party concerned and for members")
	}
	if err == nil {
		_, err = c.living(h.Party)
	}
	if err != nil {
		return err
	}
	if err := c.touches(h); err != nil {
		return err
	}
	if err := c.addKey(body.Key, body.Class, body.Holder, &h); err != nil {
		return err
	}
	return putHolder(c, body.Class, body.Holder, h)
}

// touches refuses a member alone to touch keys of another party, or of its devices and sources, if that party is a
// member or has a reserved role: who gives himself a bank's key is the bank.
func (c *change) touches(h Holder) error {
	if h.Party == c.in.Sender {
		return nil
	}
	party, _ := c.in.Registry.Party(h.Party)
	return c.reserved(party.Roles...)
}

// revokeKey ends a key at this batch's time. The record stays, so that the key is never used again.
func revokeKey(c *change) error {
	var body struct {
		ID string `json:"id"`
	}
	if err := c.decode(&body, func() string { return body.ID }); err != nil {
		return err
	}
	k, h, err := c.revocable(body.ID)
	if err != nil {
		return err
	}
	if err := c.touches(h); err != nil {
		return err
	}
	k.Revoked = c.in.Now
	h.Keys = slices.DeleteFunc(h.Keys, func(id string) bool { return id == k.ID })
	if err := write(c, keyKey(k.ID), k, Revoked, h.Registrar, h.Party); err != nil {
		return err
	}
	if err := putHolder(c, k.Class, k.Holder, h); err != nil {
		return err
	}
	return say(c, "keyRevoked", keyKey(k.ID), KeyEvent{k.ID, k.Class, k.Holder}, h)
}

// revocable loads an active key that the sender may revoke. To anybody else it does not exist.
func (c *change) revocable(id string) (k domain.Key, h Holder, err error) {
	k, found, err := domain.Load[domain.Key](c.view, keyKey(id))
	if err != nil {
		return k, h, err
	}
	if found {
		if h, err = c.holder(k.Class, k.Holder); err != nil {
			return k, h, err
		}
	}
	if !found || !c.in.Has(domain.RoleMember) && c.in.Sender != h.Party {
		return k, h, domain.Refuse(domain.NotFound, "id: no key %.43s", id)
	}
	if k.Revoked != 0 {
		return k, h, domain.Refuse(domain.WrongState, "key %s is revoked", k.ID)
	}
	return k, h, nil
}
