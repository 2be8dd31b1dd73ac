package governance

import (
	"errors"
	"fmt"
	"slices"

	"aval/domain"
)

// members are the parties with role member, in order of name.
func (c *change) members() ([]domain.PartyID, error) {
	roster, _, err := domain.Load[Roster](c.view, rosterKey)
	return roster.Members, err
}

// frozen says whether a party may not act for now.
func (c *change) frozen(p domain.PartyID) (bool, error) {
	party, _, err := domain.Load[domain.Party](c.view, partyKey(p))
	return party.Frozen != 0, err
}

// count tallies the ballots of those who are members now. A frozen member counts among the members,
// so that freezing never makes a majority, but its ballot does not. checked says whether one of
// the yes is not the proposer's.
func (c *change) count(p Proposal, open bool) (t Tally, checked bool, err error) {
	members, err := c.members()
	if err != nil {
		return t, false, err
	}
	concerned := c.concerned(p.Actions, members)
	t = Tally{Kinds: kinds(p.Actions), Open: open}
	for _, m := range members {
		frozen, err := c.frozen(m)
		if err != nil {
			return t, false, err
		}
		if m == concerned {
			continue
		}
		t.Members++
		at := slices.IndexFunc(p.Ballots, func(b Ballot) bool { return b.Party == m })
		if at < 0 || frozen {
			continue
		}
		switch p.Ballots[at].Ballot {
		case Yes:
			t.Yes++
			checked = checked || m != p.Proposer
		case No:
			t.No++
		case Veto:
			t.Veto++
		}
	}
	return t, checked || len(members) == 1, nil
}

func kinds(actions []Action) []string {
	found := []string{}
	for _, a := range actions {
		found = append(found, a.Name)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// minJudges is the number of members from which one that a proposal is about has no say: two others are left.
const minJudges = 3

// concerned is the one member that all actions are about, who has no say in its own matter; none
// if there are others, or if too few would be left to decide.
func (c *change) concerned(actions []Action, members []domain.PartyID) domain.PartyID {
	var about domain.PartyID
	for i, a := range actions {
		switch a.Name {
		case "setRoles", "freeze", "unfreeze", "registerKey", "revokeKey", "erase":
		default:
			return ""
		}
		subject := c.subject(a)
		if i > 0 && subject != about || !slices.Contains(members, subject) {
			return ""
		}
		about = subject
	}
	if len(members) < minJudges {
		return ""
	}
	return about
}

// subject is the party that an action is about.
func (c *change) subject(a Action) domain.PartyID {
	switch a.Name {
	case "registerKey":
		return keyHolder(a)
	case "revokeKey":
		k, _, err := domain.Load[domain.Key](c.view, keyKey(a.Contract))
		if err != nil || k.Class != domain.PartyHolder {
			return ""
		}
		return domain.PartyID(k.Holder)
	}
	return domain.PartyID(a.Contract)
}

// judge counts a proposal, and ends it if it passes or if its time is over.
func (c *change) judge(p Proposal, event string, open bool) error {
	now, err := c.constitution()
	if err != nil {
		return err
	}
	r, err := c.rules.compile(now.Rule)
	if err != nil {
		return fmt.Errorf("compile the constitution in force: %w", err)
	}
	var checked bool
	if p.Tally, checked, err = c.count(p, open); err != nil {
		return err
	}
	p.Constitution = now.Number
	if event != "" {
		if err := c.tell(event, p); err != nil {
			return err
		}
	}
	passes, err := r.passes(p.Tally)
	switch {
	case err == nil && passes && checked:
		return c.accept(p)
	case !open:
		return c.end(p, Lapsed)
	}
	return c.put(p)
}

// accept gives the commands of a proposal that passed.
func (c *change) accept(p Proposal) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	p.Solo = len(members) == 1
	err = c.enact(p.Proposer, p.Actions)
	var refusal *domain.Rejection
	switch {
	case errors.As(err, &refusal):
		p.Failure = refusal.Error()
		return c.end(p, Failed)
	case err != nil:
		return err
	}
	return c.end(p, Accepted)
}

func (c *change) end(p Proposal, status string) error {
	p.Status, p.DecidedAt = status, c.in.Now
	if !c.in.FromDeadline() {
		c.fx.Deadlines = append(slices.DeleteFunc(c.fx.Deadlines, func(d domain.Deadline) bool { return d.Name == lapse }),
			domain.Deadline{Contract: p.ID, Name: lapse})
	}
	if err := c.tell(status, p); err != nil {
		return err
	}
	return c.put(p)
}

// Decision is the body of the events of a proposal: "proposed", "voted" and its final statuses.
type Decision struct {
	Proposal     string         `json:"proposal"`
	By           domain.PartyID `json:"by"`
	Kinds        []string       `json:"kinds"`
	Ballots      []Ballot       `json:"ballots"`
	Members      int            `json:"members"`
	Constitution uint32         `json:"constitution"`
	Solo         bool           `json:"solo"`
	Failure      string         `json:"failure"`
}

func (c *change) tell(event string, p Proposal) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	d := Decision{p.ID, c.in.Sender, kinds(p.Actions), p.Ballots, p.Tally.Members, p.Constitution, p.Solo, p.Failure}
	e, err := domain.NewEvent(event, proposalKey(p.ID), d, members...)
	c.fx.Events = append(c.fx.Events, e)
	return err
}

// put writes a proposal for all who were members before it was decided.
func (c *change) put(p Proposal) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	w, err := domain.Put(proposalKey(p.ID), p, p.Status, members...)
	w.Final = p.Status != Open
	c.fx.Writes = append(slices.DeleteFunc(c.fx.Writes, func(o domain.Write) bool { return o.Key == w.Key }), w)
	return err
}
