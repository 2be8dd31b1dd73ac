package cash

import "aval/domain"

// The deadlines of a redemption.
const (
	returnName  = "Return"
	overdueName = "Overdue"
	closeName   = "Close"
)

func redemptionKey(id string) string { return "redemption/" + id }

func redeem(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	var body struct {
		ID        string       `json:"id"`
		Amount    domain.Money `json:"amount"`
		Reference string       `json:"reference"`
		Payout
	}
	if err := in.Command.DecodeBody(&body); err != nil {
		return fx, err
	}
	if err := domain.CheckID("id", body.ID); err != nil {
		return fx, err
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return fx, err
	}
	if err := checkText("reference", body.Reference, 0); err != nil {
		return fx, err
	}
	payout, err := body.Payout.given(body.Amount)
	if err != nil {
		return fx, err
	}
	if err := checkIssuer(v, in.Command.Contract, body.Amount.Currency); err != nil {
		return fx, err
	}
	key := redemptionKey(body.ID)
	if _, open := v.Get(key); open || v.Closed(key) {
		return fx, domain.Refuse(domain.AlreadyExists, "id: redemption %s exists", body.ID)
	}
	r := Redemption{
		ID: body.ID, Bank: domain.PartyID(in.Command.Contract), Holder: in.Sender, Amount: body.Amount, Reference: body.Reference,
		Status: Requested, RequestedAt: in.Now, DueAt: in.Now + AcceptWindow, Payout: payout,
	}
	if r.PayTo, err = payToInForce(v, r.Holder, r.Amount.Currency); err != nil {
		return fx, err
	}
	fx.Postings = []domain.Posting{{Debit: domain.PartyAccount(in.Sender), Credit: r.escrow(), Amount: r.Amount, Purpose: "redemption"}}
	fx.Deadlines = []domain.Deadline{{At: r.DueAt, Contract: r.ID, Name: returnName}}
	return r.record(fx)
}

func accept(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	if err := in.Command.DecodeBody(&struct{}{}); err != nil {
		return fx, err
	}
	r, err := answer(v, in, Requested)
	if err != nil {
		return fx, err
	}
	if r.PayTo, err = payToInForce(v, r.Holder, r.Amount.Currency); err != nil {
		return fx, err
	}
	r.Status, r.AcceptedAt, r.DueAt = Accepted, in.Now, in.Now+SettleWindow
	fx.Deadlines = []domain.Deadline{{Contract: r.ID, Name: returnName}, {At: r.DueAt, Contract: r.ID, Name: overdueName}}
	return r.record(fx)
}

func settle(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	var body struct {
		Reference string `json:"reference"`
	}
	if err := in.Command.DecodeBody(&body); err != nil {
		return fx, err
	}
	if err := checkText("reference", body.Reference, 1); err != nil {
		return fx, err
	}
	r, err := answer(v, in, Requested, Accepted, Instructed, Acked, Queued, Overdue)
	if err != nil {
		return fx, err
	}
	r.Answer = body.Reference
	if r.Attempt > 0 {
		return r.paid(in.Now, "")
	}
	return r.end(in.Now, Settled, domain.IssueAccount(r.Bank), "redeemed")
}

func refuse(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := in.Command.DecodeBody(&body); err != nil {
		return fx, err
	}
	if err := checkText("reason", body.Reason, 1); err != nil {
		return fx, err
	}
	r, err := answer(v, in, Requested, Accepted, Queued, Overdue)
	if err != nil {
		return fx, err
	}
	r.Answer = body.Reason
	return r.end(in.Now, Refused, domain.PartyAccount(r.Holder), "return")
}

// giveBack ends a request on which the bank was silent.
func giveBack(v domain.View, in domain.Input) (domain.Effects, error) {
	r, err := load(v, in.Command.Contract, Requested, Queued)
	if err != nil {
		return domain.Effects{}, err
	}
	if r.Exceptions > 0 { // money may have left outside: only the bank can know
		r.Status, r.DueAt = Overdue, 0
		return r.record(domain.Effects{})
	}
	return r.end(in.Now, Returned, domain.PartyAccount(r.Holder), "return")
}

// markOverdue tells both sides that the bank is late. The money stays where it is.
func markOverdue(v domain.View, in domain.Input) (domain.Effects, error) {
	r, err := load(v, in.Command.Contract, Accepted, Instructed, Acked)
	if err != nil {
		return domain.Effects{}, err
	}
	r.Status, r.DueAt = Overdue, 0
	return r.record(domain.Effects{})
}
