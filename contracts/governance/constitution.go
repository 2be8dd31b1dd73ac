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

// DefaultRoles are the roles that touch money or evidence: on a ledger with several members none of them
// gives one alone, unless they decide otherwise.
func DefaultRoles() []domain.Role {
	return []domain.Role{
		domain.RoleAuditor, domain.RoleBank, domain.RoleGateway, domain.RoleInsurer, domain.RoleOperator, domain.RoleOracle,
	}
}

// constitution is the one in force.
func (c *change) constitution() (domain.Constitution, error) {
	now, _, err := domain.Load[domain.Constitution](c.view, constitutionKey)
	return now, err
}

// constitute writes the constitution that a ledger begins with.
func (c *change) constitute(first domain.PartyID) error {
	now := domain.Constitution{Number: 1, Rule: DefaultRule, Proposed: []string{}, Roles: DefaultRoles(), Since: c.in.Now}
	return write(c, constitutionKey, now, Active, first)
}

// reserved refuses a member alone to touch who is a member, or has a role that the constitution reserves.
func (c *change) reserved(roles ...domain.Role) error {
	if !c.alone {
		return nil
	}
	now, err := c.constitution()
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r == domain.RoleMember || slices.Contains(now.Roles, r) {
			return domain.Refuse(domain.NotPermitted, "%s wants a proposal: it touches role %s", c.in.Command.Name, r)
		}
	}
	return nil
}

// setConstitution changes how members decide from the next decision on.
func setConstitution(c *change) error {
	var body struct {
		Rule     string   `json:"rule"`
		Proposed []string `json:"proposed"`
		// Roles stay as they are if they are not named.
		Roles *[]domain.Role `json:"roles"`
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
	next := domain.Constitution{Number: now.Number + 1, Rule: body.Rule, Proposed: proposed, Roles: now.Roles, Since: c.in.Now}
	if body.Roles != nil {
		if next.Roles, err = checkRoles(*body.Roles); err != nil {
			return err
		}
	}
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
