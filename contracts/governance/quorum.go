package governance

import (
	"slices"

	"aval/domain"
)

// checkQuorum refuses what the command does if it leaves so few members free to act, with a key and not
// frozen, that not even all of them could remove or unfreeze one of the others.
func (c *change) checkQuorum() error {
	after := &change{rules: c.rules, view: overlay{c.view, c.fx.Writes}, in: c.in}
	members, err := after.members()
	if err != nil {
		return err
	}
	free, err := after.free(members)
	if err != nil || free == len(members) && free > 0 {
		return err
	}
	now, err := after.constitution()
	if err != nil {
		return err
	}
	r, err := c.rules.compile(now.Rule)
	if err != nil {
		return err
	}
	t := Tally{Members: len(members), Yes: free, Kinds: []string{"setRoles"}}
	if len(members) >= minJudges {
		t.Members-- // the one concerned has no say
	}
	thaw := t
	thaw.Kinds = []string{"unfreeze"}
	if free < 2 || len(r.verdicts(t)) == 0 || len(r.verdicts(thaw)) == 0 {
		return domain.Refuse(domain.WrongState, "of %d members %d could act: too few to decide about the others", len(members), free)
	}
	return nil
}

// free counts the members that have a key and are not frozen.
func (c *change) free(members []domain.PartyID) (free int, err error) {
	for _, m := range members {
		h, err := c.holder(domain.PartyHolder, string(m))
		if err != nil {
			return 0, err
		}
		frozen, err := c.frozen(m)
		if err != nil {
			return 0, err
		}
		if len(h.Keys) > 0 && !frozen {
			free++
		}
	}
	return free, nil
}

// touchesMembers says whether the command changed who can act as a member.
func (c *change) touchesMembers() bool {
	return slices.ContainsFunc(c.fx.Writes, func(w domain.Write) bool { return w.Key == rosterKey }) || c.in.Command.Name == "revokeKey" || c.in.Command.Name == "freeze"
}
