// Package flightdelay is the contract kind flightdelay/1: flight-delay insurance that
// settles itself from signed observations of flight data.
//
// # Parties
//
// The insurer offers a product and puts its own money behind it. The holder buys a policy
// for one flight leg. Sources, registered by governance, report what became of the leg.
// Nobody files a claim and nobody can decide one by hand.
//
// # Life cycle and commands
//
// Contract is the ID that stands first; bodies are the exported structs.
//
//	product ID  offer Offer            insurer   a product is immutable; other terms are another ID
//	product ID  reserve Amount         insurer   own money -> the product's reserve
//	product ID  withdraw Amount        insurer   free reserve -> own money; never what policies or quotes hold
//	product ID  pause, resume          insurer   stops and starts the sale; given quotes stay good
//	product ID  list List              insurer   states the schedule of legs on sale
//	quote ID    quote Quote            holder    price and payouts; capacity is kept until the quote expires
//	policy ID   bind Bind              holder    by quote, or directly at a stated premium
//	product ID  bulkBind BulkBind      holder    up to domain.MaxBulk policies at a stated premium each, all or none; the
//	                                   insurer  insurer binds so for its customers, and pays their premiums
//	leg key     observe                source    one observation
//	leg key     Equivocate             engine    two messages under one identity: that source no longer counts on the leg
//	quote ID    Expire                 deadline  capacity goes back
//	leg key     Review                 deadline  end of a wait, void, end of the correction window
//	leg key     Settle                 deadline  one slice of SettleSlice policies, again until none is left
//
//	quote:  open -> bound | expired
//	leg:    open -> decided | void -> (settled ->) closed      record leg/<leg key>/<product>: one for each product on the leg
//	policy: bound -> paid | notDue | void
//
// # Evidence
//
// Only listed sources count, a family once, with its latest report. A report is landed (gate-in
// stated), cancelled or diverted; pending is no evidence; unknown is recorded and neither
// pays nor denies, and so is a report that contradicts itself. A cancellation counts if fetched
// cancelledAfterMinutes after the scheduled departure or later, since it may be taken back. Agreement
// is on the category first: the one with most families, at least quorum, and no tie. Then the upper
// median of gate-in. If the reports spread wider than the tolerance and their tiers differ, the leg is held
// until newer reports agree or the deadline comes. The clock is gate-in, against the schedule
// frozen in the policy, whatever a feed calls scheduled later. With waitMinutes zero a leg is
// decided by the first quorum; else the remaining families have that long to be heard.
//
// # Money
//
//	when      from             to               amount
//	reserve   party/insurer    product escrow   as stated
//	withdraw  product escrow   party/insurer    as stated, at most what is free
//	bind      party/holder     policy escrow    premium; in a bulk of the insurer's, from party/insurer
//	bind      product escrow   policy escrow    highest payout
//	paid      policy escrow    party/holder     amount of the tier, or of cancelled, or diverted
//	paid, notDue  policy escrow  product escrow  highest payout less what was paid
//	paid, notDue  policy escrow  party/insurer   premium
//	void      policy escrow    party/holder     premium
//	void      policy escrow    product escrow   highest payout
//
// # Deadlines
//
// Quote: quoteMinutes after it was given, never after the sale closes. Void: voidAfterMinutes after
// scheduled arrival; a report counts only if it is ordered before. After the decision nothing is
// clawed back: later reports are recorded as events until the leg closes.
//
// # Visibility
//
// A quote or policy: its holder and the insurer. Product and leg: the insurer. Indexes: nobody.
// Refusals tell a buyer nothing about other policies.
//
// # Sources of rules
//
// Gate-in as the clock: CJEU C-452/13 (door open). Frozen schedule, per-leg cap, refund when there is
// no data, category before number, upper median: see the package tests, which name each case.
// Whoever states the schedule can move the delay: with statedSchedule the first buyer of a leg does, which
// fits only products sold through a trusted channel; without it the insurer lists each leg.
package flightdelay

import (
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Kind is the name and version of these rules.
const Kind domain.Kind = "flightdelay/1"

// Contract is the kind. It holds nothing and is safe for concurrent use.
var Contract domain.Contract = contract{}

type contract struct{}

func (contract) Kind() domain.Kind { return Kind }

// Apply judges one command, deadline or observation.
func (contract) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	t := &turn{view: v, in: in, bound: map[string]int64{}}
	step := transition(in.Command.Name)
	if step == nil {
		return domain.Effects{}, domain.Refuse(domain.UnknownCommand, "flightdelay/1 has no command %.40q", in.Command.Name)
	}
	if domain.Internal(in.Command.Name) != in.FromDeadline() {
		return domain.Effects{}, domain.Refuse(domain.NotPermitted, "command %s is not for this sender", in.Command.Name)
	}
	if err := domain.CheckID("contract", in.Command.Contract); err != nil {
		return domain.Effects{}, err
	}
	if err := step(t); err != nil {
		return domain.Effects{}, err
	}
	return t.fx, t.bug
}

func transition(name string) func(*turn) error {
	switch name {
	case "offer":
		return (*turn).offer
	case "reserve":
		return (*turn).reserve
	case "withdraw":
		return (*turn).withdraw
	case "pause":
		return (*turn).pause
	case "resume":
		return (*turn).resume
	case "list":
		return (*turn).list
	case "quote":
		return (*turn).quote
	case "bind":
		return (*turn).bind
	case "bulkBind":
		return (*turn).bulkBind
	case domain.Observe:
		return (*turn).observe
	case domain.Equivocate:
		return (*turn).equivocate
	case expireName:
		return (*turn).expire
	case reviewName:
		return (*turn).review
	case settleName:
		return (*turn).settle
	}
	return nil
}

// Show gives a record's fields to a party that may see it, all of them to an auditor ("").
func (contract) Show(key string, body []byte, viewer domain.PartyID) (any, error) {
	class, _, _ := strings.Cut(key, "/")
	switch class {
	case "product":
		return shown[product](body, viewer)
	case "leg":
		return shown[book](body, viewer)
	case "quote":
		return shown[quotation](body, viewer)
	case "policy":
		return shown[policy](body, viewer)
	case "cover", "holder", "quoted":
		return shown[index](body, viewer)
	}
	return nil, domain.Refuse(domain.NotFound, "no record of that class")
}

// readable is a record that knows who may see it.
type readable interface{ parties() []domain.PartyID }

func shown[S readable](body []byte, viewer domain.PartyID) (any, error) {
	var state S
	if err := canon.Unmarshal(body, &state); err != nil {
		return nil, err
	}
	for _, party := range state.parties() {
		if viewer == party {
			return state, nil
		}
	}
	if viewer == "" {
		return state, nil
	}
	return nil, domain.Refuse(domain.NotFound, "no such record, or not yours")
}

// index is the body of records that only order other records; nobody but an auditor sees it.
type index struct {
	Insurer domain.PartyID `json:"insurer"`
}

func (index) parties() []domain.PartyID { return nil }
