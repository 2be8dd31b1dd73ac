package governance

import (
	"slices"

	"aval/domain"
)

// MaxRecoveryMembers bounds the members that hold a share of the ledger's keys.
const MaxRecoveryMembers = 64

// recoveryKeyBytes is the length of a member's recovery key: ML-KEM-768 and X25519, as HPKE encodes them.
const recoveryKeyBytes = 1184 + 32

const (
	epochKey    = "epoch/current"
	recoveryKey = "recovery/current"
	openingKey  = "opening/current"
)

// beginEpoch makes bodies be sealed under a new key from the next batch on.
func beginEpoch(c *change) error {
	var body struct {
		Number uint32 `json:"number"`
	}
	if err := c.open(&body, func() string { return "epoch" }); err != nil {
		return err
	}
	now, found, err := domain.Load[domain.LedgerEpoch](c.view, epochKey)
	if err != nil {
		return err
	}
	if !found {
		now.Number = 1
	}
	if body.Number != now.Number+1 {
		return domain.Refuse(domain.WrongState, "number: epoch %d is current, the next is %d", now.Number, now.Number+1)
	}
	return c.declare(epochKey, domain.LedgerEpoch{Number: body.Number, Since: c.in.Now}, "epochBegun")
}

// setRecovery names who can open the ledger's keys together.
func setRecovery(c *change) error {
	var body struct {
		Threshold int                     `json:"threshold"`
		Members   []domain.RecoveryMember `json:"members"`
	}
	if err := c.open(&body, func() string { return "recovery" }); err != nil {
		return err
	}
	if err := c.checkRecovery(body.Threshold, body.Members); err != nil {
		return err
	}
	now, _, err := domain.Load[domain.Recovery](c.view, recoveryKey)
	if err != nil {
		return err
	}
	return c.declare(recoveryKey, domain.Recovery{Number: now.Number + 1, Threshold: body.Threshold, Members: body.Members}, "recoverySet")
}

func (c *change) checkRecovery(threshold int, members []domain.RecoveryMember) error {
	if len(members) > MaxRecoveryMembers {
		return domain.Refuse(domain.LimitExceeded, "members: %d, limit %d", len(members), MaxRecoveryMembers)
	}
	if threshold < 1 || threshold > len(members) {
		return domain.Refuse(domain.InvalidTerms, "threshold: %d of %d members", threshold, len(members))
	}
	for i, m := range members {
		if _, err := c.holder(domain.PartyHolder, string(m.Party)); err != nil {
			return err
		}
		if len(m.Key) != recoveryKeyBytes {
			return domain.Refuse(domain.Malformed, "members[%d].key: %d bytes, want %d", i, len(m.Key), recoveryKeyBytes)
		}
		if slices.ContainsFunc(members[:i], func(o domain.RecoveryMember) bool { return o.Party == m.Party }) {
			return domain.Refuse(domain.Malformed, "members[%d].party: %s given twice", i, m.Party)
		}
	}
	return nil
}

// dropShare ends the share of a member that leaves: the shares of the others are issued again under
// the next number. It refuses to leave fewer shares than the threshold.
func (c *change) dropShare(p domain.PartyID, left Roster) error {
	now, found, err := domain.Load[domain.Recovery](c.view, recoveryKey)
	holds := func(m domain.RecoveryMember) bool { return m.Party == p }
	if err != nil || !found || !slices.ContainsFunc(now.Members, holds) {
		return err
	}
	now.Number, now.Members = now.Number+1, slices.DeleteFunc(now.Members, holds)
	if len(now.Members) < now.Threshold {
		return domain.Refuse(domain.WrongState, "recovery: without %s %d members hold shares, and %d are needed; set the recovery first", p, len(now.Members), now.Threshold)
	}
	if err := write(c, recoveryKey, now, Active, left.Members...); err != nil {
		return err
	}
	return c.announce("recoverySet", recoveryKey, now)
}

// accessed tells of one read under a grant everybody whom it concerns. The engine checked that the holder of
// the log key says so.
func accessed(c *change) error {
	var body domain.Access
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := body.Check(); err != nil {
		return err
	}
	members, err := c.members()
	if err != nil {
		return err
	}
	c.fx, err = body.Effects(c.view, c.in.Now, members)
	return err
}

// opened records how a node came by its keys, when no platform could unseal them. The engine checked that
// the holder of the log key says so.
func opened(c *change) error {
	var body domain.Opening
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	body.At = c.in.Now
	return c.declare(openingKey, body, "opened")
}
