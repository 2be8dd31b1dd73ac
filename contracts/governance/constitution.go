package governance

import (
	"slices"

	"aval/domain"
)

const constitutionKey = "constitution/current"

// optional are the commands that one member may give alone, unless the constitution lists them.
// A list names any of them, but not those by which a party lets others see its own records.
var optional = []string{domain.ProductsProposed, "registerDevice", "registerKey", "registerParty", "registerSource", "revokeKey", "setRoles"}

// own are the commands by which a member, like any party, shows its own records.
var own = []string{"grant", "revokeGrant"}

// constitution is the one in force: until members decide another, the one a ledger begins with.
func (c *change) constitution() (domain.Constitution, error) {
	now, found, err := domain.Load[domain.Constitution](c.view, constitutionKey)
	if err == nil && !found {
		now = domain.Constitution{Number: 1, Rule: DefaultRule, Proposed: []string{}}
	}
	return now, err
}

// setConstitution changes how members decide from the next decision on.
func setConstitution(c *change) error {
	var body struct {
		Rule     string   `json:"rule"`
		Proposed []string `json:"proposed"`
	}
	if err := c.open(&body, func() string { return "constitution" }); err != nil {
		return err
	}
	now, err := c.constitution()
	if err != nil {
		return err
	}
	proposed := append([]string{}, body.Proposed...)
	slices.Sort(proposed)
	for i, name := range proposed {
		if !slices.Contains(optional, name) || i > 0 && proposed[i-1] == name {
			return domain.Refuse(domain.Malformed, "proposed: %.40q is none of %v, or stands twice", name, optional)
		}
	}
	if err := c.checkRule(body.Rule); err != nil {
		return err
	}
	next := domain.Constitution{Number: now.Number + 1, Rule: body.Rule, Proposed: proposed, Since: c.in.Now}
	return c.declare(constitutionKey, next, "constitutionSet")
}

// checkRule refuses a rule that locks members out or lets them in: at every number of members,
// every kind of command must pass when all want it, at once or at the end, and must not when nobody does.
func (c *change) checkRule(text string) error {
	r, err := c.rules.compile(text)
	if err != nil {
		return err
	}
	for members := 1; members <= MaxMembers; members++ {
		for _, kind := range proposable {
			t := Tally{Members: members, Kinds: []string{kind}}
			if len(r.verdicts(t)) > 0 {
				return domain.Refuse(domain.InvalidTerms, "rule: lets %s pass with no vote of %d members", kind, members)
			}
			t.Yes = members
			if len(r.verdicts(t)) == 0 {
				return domain.Refuse(domain.InvalidTerms, "rule: %s would not pass with all %d members for it", kind, members)
			}
		}
	}
	return nil
}

// verdicts are the moments, open or not, at which the tally passes.
func (r *rule) verdicts(t Tally) (passing []bool) {
	for _, open := range []bool{true, false} {
		t.Open = open
		if passes, err := r.passes(t); err == nil && passes {
			passing = append(passing, open)
		}
	}
	return passing
}
