package governance

import (
	"encoding/json"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Action is a proposed command: it is given, if the proposal passes, in the name of the proposer.
type Action struct {
	Name     string `json:"name"`
	Contract string `json:"contract"`
	// Body is the JSON text of the command's body.
	Body string `json:"body"`
}

// deeds gives the command that changes who may do what; nil for a name that is none.
func deeds(name string) func(*change) error {
	return map[string]func(*change) error{
		"approveProduct": approveProduct, "beginEpoch": beginEpoch, "distrustMeasurement": distrustMeasurement, "erase": erase, "freeze": freeze, "grant": grant,
		"registerDevice": registerDevice, "registerKey": registerKey, "registerParty": registerParty,
		"registerSource": registerSource, "revokeGrant": revokeGrant, "revokeKey": revokeKey, "setConstitution": setConstitution,
		"setLimits": setLimits, "setRecovery": setRecovery, "setRoles": setRoles, "trustMeasurement": trustMeasurement,
		"unfreeze": unfreeze, "withdrawApproval": withdrawApproval,
	}[name]
}

// proposable are the names of deeds, in order.
var proposable = []string{
	"approveProduct", "beginEpoch", "distrustMeasurement", "erase", "freeze", "grant", "registerDevice", "registerKey",
	"registerParty", "registerSource", "revokeGrant", "revokeKey", "setConstitution", "setLimits", "setRecovery", "setRoles",
	"trustMeasurement", "unfreeze", "withdrawApproval",
}

// perform gives a deed directly, or refuses if it wants a proposal. What touches members, money
// or trust is decided by members together; while there is one member, it is together with itself.
func (c *change) perform(deed func(*change) error) error {
	if !c.in.Has(domain.RoleMember) {
		return c.finish(deed)
	}
	now, err := c.constitution()
	if err != nil {
		return err
	}
	members, err := c.members()
	if err != nil {
		return err
	}
	name := c.in.Command.Name
	if slices.Contains(now.Proposed, name) || len(members) > 1 && !slices.Contains(optional, name) && !slices.Contains(own, name) {
		return c.needsProposal()
	}
	c.alone = len(members) > 1
	return c.finish(deed)
}

func (c *change) finish(deed func(*change) error) error {
	if err := deed(c); err != nil || !c.touchesMembers() {
		return err
	}
	return c.checkQuorum()
}

func (c *change) needsProposal() error {
	return domain.Refuse(domain.NotPermitted, "%s wants a proposal", c.in.Command.Name)
}

// enact runs actions in order, each on what the one before it left. The first refusal is returned
// and nothing of any of them is kept.
func (c *change) enact(proposer domain.PartyID, actions []Action) error {
	work := &change{rules: c.rules, view: c.view, in: c.in}
	work.in.Sender, work.in.Roles = proposer, []domain.Role{domain.RoleMember}
	for _, a := range actions {
		work.in.Command.Name, work.in.Command.Contract, work.in.Command.Body = a.Name, a.Contract, json.RawMessage(a.Body)
		work.view = overlay{c.view, work.fx.Writes}
		if err := deeds(a.Name)(work); err != nil {
			return err
		}
	}
	work.view = c.view
	if err := work.checkQuorum(); err != nil {
		return err
	}
	c.fx.Writes = append(c.fx.Writes, latest(work.fx.Writes)...)
	c.fx.Events = append(c.fx.Events, work.fx.Events...)
	c.fx.Deadlines = append(c.fx.Deadlines, work.fx.Deadlines...)
	return nil
}

// latest keeps the last write of each record, in the order of their first.
func latest(writes []domain.Write) (kept []domain.Write) {
	for _, w := range writes {
		same := func(k domain.Write) bool { return k.Key == w.Key }
		if i := slices.IndexFunc(kept, same); i >= 0 {
			kept[i] = w
			continue
		}
		kept = append(kept, w)
	}
	return kept
}

// overlay is the view after some writes of the same command.
type overlay struct {
	domain.View
	writes []domain.Write
}

func (o overlay) Get(key string) ([]byte, bool) {
	for _, w := range slices.Backward(o.writes) {
		if w.Key == key {
			return w.Body, !w.Final
		}
	}
	return o.View.Get(key)
}

func (o overlay) Closed(key string) bool {
	for _, w := range slices.Backward(o.writes) {
		if w.Key == key {
			return w.Final
		}
	}
	return o.View.Closed(key)
}

func (o overlay) Scan(prefix, after string, limit int) []domain.Record {
	found := slices.DeleteFunc(o.View.Scan(prefix, after, domain.MaxScan), func(r domain.Record) bool {
		return slices.ContainsFunc(o.writes, func(w domain.Write) bool { return w.Key == r.Key })
	})
	for _, w := range latest(o.writes) {
		if strings.HasPrefix(w.Key, prefix) && w.Key > after && !w.Final {
			found = append(found, domain.Record{Key: w.Key, Body: w.Body})
		}
	}
	slices.SortFunc(found, func(a, b domain.Record) int { return strings.Compare(a.Key, b.Key) })
	return found[:min(limit, len(found))]
}

// showProposal gives a proposal as JSON, whose commands are as they were sent.
func showProposal(body []byte) (any, error) {
	var p Proposal
	if err := canon.Decode(body, &p); err != nil {
		return nil, err
	}
	shown := struct {
		Proposal
		Actions []action `json:"actions"`
	}{Proposal: p}
	for _, a := range p.Actions {
		shown.Actions = append(shown.Actions, action{a.Name, a.Contract, json.RawMessage(a.Body)})
	}
	return shown, nil
}
