package governance

import (
	"encoding/json"
	"slices"

	"aval/domain"
)

// Limits of proposals.
const (
	// MaxActions bounds the commands of one proposal.
	MaxActions = 16
	// MaxProposal bounds the bytes of the commands of one proposal.
	MaxProposal = 256 << 10
	// MaxOpen bounds the proposals that are open, MaxOpenEach those of one member.
	MaxOpen     = 64
	MaxOpenEach = 8
	// MaxProposalTime bounds how long members may vote, in milliseconds.
	MaxProposalTime domain.Millis = 30 * 24 * 60 * 60 * 1000
)

// The ballots.
const (
	Yes  = "yes"
	No   = "no"
	Veto = "veto"
)

// The statuses of a proposal. All but Open are final.
const (
	Open      = "open"
	Accepted  = "accepted"
	Failed    = "failed" // it passed, but its commands are refused by now
	Withdrawn = "withdrawn"
	Lapsed    = "lapsed" // its time ended before it passed
)

const lapse = "Lapse"

func proposalKey(id string) string { return "proposal/" + id }

// Ballot is the last word of one member.
type Ballot struct {
	Party  domain.PartyID `json:"party"`
	Ballot string         `json:"ballot"`
	At     domain.Millis  `json:"at"`
}

// Proposal is the record proposal/<id>.
type Proposal struct {
	ID         string         `json:"id"`
	Proposer   domain.PartyID `json:"proposer"`
	ProposedAt domain.Millis  `json:"proposedAt"`
	// Expires is the batch time from which nobody may vote.
	Expires domain.Millis `json:"expires"`
	Actions []Action      `json:"actions"`
	// Ballots stand in the order in which members first voted.
	Ballots []Ballot `json:"ballots"`
	Status  string   `json:"status"`
	// Tally is the last count, Constitution the number of the one it was judged by.
	Tally        Tally  `json:"tally"`
	Constitution uint32 `json:"constitution"`
	// Solo says that the ledger had one member, so that nobody checked the proposer.
	Solo      bool          `json:"solo"`
	DecidedAt domain.Millis `json:"decidedAt"`
	// Failure is the refusal of a proposal that failed.
	Failure string `json:"failure"`
}

// action is an Action as it is sent: its body is JSON, not text.
type action struct {
	Name     string          `json:"name"`
	Contract string          `json:"contract"`
	Body     json.RawMessage `json:"body"`
}

// propose opens a proposal and casts the proposer's yes.
func propose(c *change) error {
	var body struct {
		ID      string        `json:"id"`
		Actions []action      `json:"actions"`
		Expires domain.Millis `json:"expires"`
	}
	if err := c.open(&body, func() string { return body.ID }); err != nil {
		return err
	}
	if err := c.checkNew(body.ID, body.Expires); err != nil {
		return err
	}
	actions, err := checkActions(body.Actions)
	if err != nil {
		return err
	}
	trial := &change{rules: c.rules, view: c.view, in: c.in}
	if err := trial.enact(c.in.Sender, actions); err != nil {
		return err
	}
	p := Proposal{
		ID: body.ID, Proposer: c.in.Sender, ProposedAt: c.in.Now, Expires: body.Expires, Actions: actions, Status: Open,
		Ballots: []Ballot{{c.in.Sender, Yes, c.in.Now}},
	}
	c.fx.Deadlines = []domain.Deadline{{At: p.Expires, Contract: p.ID, Name: lapse}}
	return c.judge(p, "proposed", true)
}

func (c *change) checkNew(id string, expires domain.Millis) error {
	key := proposalKey(id)
	if err := domain.CheckKey(key); err != nil {
		return err
	}
	if _, open := c.view.Get(key); open || c.view.Closed(key) {
		return domain.Refuse(domain.AlreadyExists, "id: proposal %s exists", id)
	}
	if expires <= c.in.Now || expires > c.in.Now+MaxProposalTime {
		return domain.Refuse(domain.InvalidTerms, "expires: want an instant in the next %d days", MaxProposalTime/(24*60*60*1000))
	}
	open, mine := c.view.Scan("proposal/", "", MaxOpen), 0
	for _, r := range open {
		p, _, err := domain.Load[Proposal](c.view, r.Key)
		if err != nil {
			return err
		}
		if p.Proposer == c.in.Sender {
			mine++
		}
	}
	if len(open) >= MaxOpen || mine >= MaxOpenEach {
		return domain.Refuse(domain.LimitExceeded, "proposals: %d open, limit %d; %d of yours, limit %d", len(open), MaxOpen, mine, MaxOpenEach)
	}
	return nil
}

func checkActions(sent []action) ([]Action, error) {
	if len(sent) == 0 || len(sent) > MaxActions {
		return nil, domain.Refuse(domain.LimitExceeded, "actions: %d, want 1 to %d", len(sent), MaxActions)
	}
	actions, size := []Action{}, 0
	for i, a := range sent {
		if _, known := slices.BinarySearch(proposable, a.Name); !known {
			return nil, domain.Refuse(domain.UnknownCommand, "actions[%d].name: %.40q cannot be proposed", i, a.Name)
		}
		if err := domain.CheckID("contract", a.Contract); err != nil {
			return nil, err
		}
		if size += len(a.Body); size > MaxProposal {
			return nil, domain.Refuse(domain.TooLarge, "actions: more than %d bytes", MaxProposal)
		}
		actions = append(actions, Action{a.Name, a.Contract, string(a.Body)})
	}
	return actions, nil
}

// load gives an open proposal.
func (c *change) load(id string) (Proposal, error) {
	p, found, err := domain.Load[Proposal](c.view, proposalKey(id))
	switch {
	case err != nil || found:
		return p, err
	case domain.CheckKey(proposalKey(id)) == nil && c.view.Closed(proposalKey(id)):
		return p, domain.Refuse(domain.WrongState, "proposal %s is decided", id)
	}
	return p, domain.Refuse(domain.NotFound, "no proposal %.64q", id)
}

// vote casts a member's ballot, or changes it.
func vote(c *change) error {
	var body struct {
		Proposal string `json:"proposal"`
		Ballot   string `json:"ballot"`
	}
	if err := c.open(&body, func() string { return body.Proposal }); err != nil {
		return err
	}
	if body.Ballot != Yes && body.Ballot != No && body.Ballot != Veto {
		return domain.Refuse(domain.Malformed, "ballot %.20q: want yes, no or veto", body.Ballot)
	}
	p, err := c.load(body.Proposal)
	if err != nil {
		return err
	}
	cast := Ballot{c.in.Sender, body.Ballot, c.in.Now}
	at := slices.IndexFunc(p.Ballots, func(b Ballot) bool { return b.Party == cast.Party })
	switch {
	case at < 0:
		p.Ballots = append(p.Ballots, cast)
	case p.Ballots[at].Ballot == cast.Ballot:
		return domain.Refuse(domain.AlreadyExists, "%s voted %s before", cast.Party, cast.Ballot)
	default:
		p.Ballots[at] = cast
	}
	return c.judge(p, "voted", true)
}

// withdraw ends a proposal by its proposer.
func withdraw(c *change) error {
	var body struct {
		Proposal string `json:"proposal"`
	}
	if err := c.open(&body, func() string { return body.Proposal }); err != nil {
		return err
	}
	p, err := c.load(body.Proposal)
	if err != nil {
		return err
	}
	if p.Proposer != c.in.Sender {
		return domain.Refuse(domain.NotPermitted, "proposal %s is another member's", p.ID)
	}
	return c.end(p, Withdrawn)
}

// lapsed is the end of the time to vote: the ballots are counted once more, then it is over.
func lapsed(c *change) error {
	if !c.in.FromDeadline() {
		return domain.Refuse(domain.NotPermitted, "%s is for the ledger", lapse)
	}
	p, err := c.load(c.in.Command.Contract)
	if err != nil {
		return err
	}
	return c.judge(p, "", false)
}
