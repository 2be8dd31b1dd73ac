package cash

import (
	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// Booking is the body of book: one transaction of a booked entry of a camt.054.
type Booking struct {
	Advice
	Amount domain.Money `json:"amount"`
	// Direction is the entry's on Account, the number of the account that the notification is about.
	Direction iso20022.Direction `json:"direction"`
	Account   string             `json:"account"`
	// Status is that of the entry. Only BOOK moved money.
	Status string `json:"status"`
	// Reversal says that the entry takes back another, Returned that the payment came back.
	Reversal bool `json:"reversal"`
	Returned bool `json:"returned"`
	// Reference is the bank's own. ValueDate is the entry's; empty for the day of booking on the ledger.
	Reference string      `json:"reference"`
	ValueDate domain.Date `json:"valueDate"`
}

func (b Booking) check(in domain.Input) error {
	if err := b.Advice.check(); err != nil {
		return err
	}
	if err := b.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if b.Direction != iso20022.Debit && b.Direction != iso20022.Credit {
		return domain.Refuse(domain.Malformed, "direction: want DBIT or CRDT")
	}
	if err := checkText("account", b.Account, 1); err != nil {
		return err
	}
	if err := checkText("reference", b.Reference, 0); err != nil {
		return err
	}
	if b.Status != iso20022.Booked {
		return domain.Refuse(domain.InvalidTerms, "status: only an entry that is BOOK moved money")
	}
	return b.ValueDate.CheckValue(in.Now)
}

// cameBack says whether the money moved towards the payer: by the bank's word, or because it was credited to the account that it had left.
func (b Booking) cameBack(r Redemption) bool {
	return b.Reversal || b.Returned || b.Direction == iso20022.Credit && b.Account == r.Payment.PaidFrom
}

// book takes an entry of a camt.054.
func (o *order) book() error {
	var b Booking
	if err := o.in.Command.DecodeBody(&b); err != nil {
		return err
	}
	if err := b.check(o.in); err != nil {
		return err
	}
	r, open, err := o.subject(b.Advice)
	if err != nil {
		return err
	}
	if err := o.take(b.Advice); err != nil {
		return err
	}
	switch {
	case !open || b.Attempt != r.Attempt:
		return o.except(r, b.Advice, PastAttempt, b.Amount)
	case b.Amount != r.Amount:
		return o.except(r, b.Advice, WrongAmount, b.Amount)
	case b.cameBack(r):
		return o.comeBack(r, b)
	}
	return o.leave(r, b)
}

// comeBack judges money that came back.
func (o *order) comeBack(r Redemption, b Booking) error {
	if r.Payment.Message == "" {
		return o.except(r, b.Advice, NothingToReturn, b.Amount)
	}
	attempt := *r.Payment
	attempt.Reason, attempt.Text, attempt.Heard = b.Reason, b.Text, b.place()
	r.Payment = &attempt
	return o.adopt(r.requeue(o.in.Now, b.ValueDate, "paymentReturned"))
}

// leave judges money that left the payer's account, or arrived at the payee's. Each of the two is booked once.
func (o *order) leave(r Redemption, b Booking) error {
	attempt := *r.Payment
	seen := &attempt.Debited
	if b.Direction == iso20022.Credit {
		seen = &attempt.Credited
	}
	switch {
	case attempt.Message == "":
		return o.except(r, b.Advice, PastAttempt, b.Amount)
	case *seen:
		return o.except(r, b.Advice, PaidTwice, b.Amount)
	}
	*seen, attempt.Heard = true, b.place()
	r.Payment = &attempt
	if attempt.SettledAt != 0 {
		return o.adopt(r.say(domain.Effects{}, "paymentBooked"))
	}
	r.Answer = b.Reference
	return o.adopt(r.paid(o.in.Now, b.ValueDate))
}
