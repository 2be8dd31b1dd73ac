package cash

import (
	"slices"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// Report is the body of report: the word of a pain.002 that counts for one payment.
type Report struct {
	Advice
	// Status is the code of its transaction, block or group: "ACSP".
	Status string `json:"status"`
}

// duplicates are the reasons with which a bank refuses the second copy of what it has: a message, a block or a transaction.
var duplicates = []string{"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"}

// outcome is what the word means for the payment. That the bank has it already is no rejection: to pay again under another ID would pay twice.
func (b Report) outcome() iso20022.Outcome {
	outcome := iso20022.OutcomeOf(b.Status)
	if outcome == iso20022.Rejected && slices.Contains(duplicates, b.Reason) {
		return iso20022.InProgress
	}
	return outcome
}

// report takes the word of a pain.002.
func (o *order) report() error {
	var b Report
	if err := o.in.Command.DecodeBody(&b); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	outcome := b.outcome()
	if outcome == iso20022.Silent {
		return domain.Refuse(domain.InvalidTerms, "status: %.4q says nothing about one payment", b.Status)
	}
	r, open, err := o.subject(b.Advice)
	if err != nil {
		return err
	}
	if err := o.take(b.Advice); err != nil {
		return err
	}
	if open && b.Attempt == r.Attempt && r.Payment.Message != "" {
		return o.hear(r, b, outcome)
	}
	if outcome != iso20022.Paid {
		return domain.Refuse(domain.TooLate, "attempt %d is over", b.Attempt)
	}
	return o.except(r, b.Advice, PastAttempt, domain.Money{})
}

// hear judges a word on the attempt under way, or on one that settled.
func (o *order) hear(r Redemption, b Report, outcome iso20022.Outcome) error {
	attempt := *r.Payment
	attempt.BankStatus, attempt.Reason, attempt.Text, attempt.Heard = b.Status, b.Reason, b.Text, b.place()
	settled := attempt.SettledAt != 0
	switch {
	case outcome == iso20022.Unknown:
		return o.except(r, b.Advice, UnknownStatus, domain.Money{})
	case outcome == iso20022.Rejected && settled:
		return o.except(r, b.Advice, RejectedLate, domain.Money{})
	}
	if !settled { // a late word changes nothing
		r.Payment = &attempt
	}
	switch {
	case outcome == iso20022.Rejected:
		return o.adopt(r.requeue(o.in.Now, "", "paymentRejected"))
	case outcome == iso20022.Paid && !settled:
		r.Answer = b.Message
		return o.adopt(r.paid(o.in.Now, ""))
	case r.Status == Instructed:
		r.Status = Acked
	}
	return o.adopt(r.say(domain.Effects{}, "paymentAcked"))
}

// adopt adds effects to those of the order.
func (o *order) adopt(fx domain.Effects, err error) error {
	o.fx.Writes, o.fx.Events = append(o.fx.Writes, fx.Writes...), append(o.fx.Events, fx.Events...)
	o.fx.Postings, o.fx.Deadlines = append(o.fx.Postings, fx.Postings...), append(o.fx.Deadlines, fx.Deadlines...)
	return err
}
