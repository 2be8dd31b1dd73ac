package invoice

import (
	"slices"

	"aval/domain"
)

// Acceptance is the body of accept; empty accepts in full.
type Acceptance struct {
	// Deduction in minor units is what the buyer will not pay; 0 is none.
	Deduction int64 `json:"deduction,omitempty"`
	// Reason is needed with a deduction.
	Reason string `json:"reason,omitempty"`
}

// Rejection is the body of reject.
type Rejection struct {
	Reason string `json:"reason"`
}

// reason says whether a code is one of Peppol's clarification reasons for a refusal. NON (no
// issue), REC (receiver unknown) and PPD (partially paid) do not give one.
func reason(code string) bool {
	return slices.Contains([]string{"REF", "LEG", "QUA", "DEL", "PRI", "QTY", "ITM", "PAY", "UNR", "FIN", "OTH"}, code)
}

func checkReason(code string) error {
	if !reason(code) {
		return domain.Refuse(domain.Malformed, "reason %.8q is not a code of the Peppol Invoice Response", code)
	}
	return nil
}

func (d *draft) accept() error {
	var body Acceptance
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	return d.acceptance(body)
}

// acceptance approves an invoice in full, with a word about its goods, or with a deduction.
func (d *draft) acceptance(body Acceptance) error {
	b, err := d.bill(Received, Valid, Held, Exception, UnderQuery, Disputed)
	if err != nil {
		return err
	}
	if err := d.only("buyer", b.Payment.Buyer); err != nil {
		return err
	}
	if body.Deduction != 0 || body.Reason != "" {
		return d.offer(b, body)
	}
	goods, err := d.goods(b)
	if err != nil {
		return err
	}
	for _, s := range goods {
		if err := d.arrive(s, d.in.Now); err != nil {
			return err
		}
	}
	d.verdict(goods, GoodsAccepted)
	d.recountBill(b, true)
	b.Claim, b.Reason = 0, ""
	if err := d.approve(b); err != nil {
		return err
	}
	return d.advanceOthers(goods)
}

// advanceOthers looks again at the other invoices about goods of which one has brought a verdict.
func (d *draft) advanceOthers(goods []*Shipment) error {
	for _, s := range goods {
		if err := d.advanceAll(s); err != nil {
			return err
		}
	}
	return nil
}

// arrive judges a shipment that its buyer takes on the way; the sensors' proof comes first.
func (d *draft) arrive(s *Shipment, received domain.Millis) error {
	if s.Status == Planned {
		return domain.Refuse(domain.WrongState, "shipment is %s: its goods have not left", s.Status)
	}
	if !s.underway() {
		return nil
	}
	tracks, err := d.tracks(*s)
	if err != nil {
		return err
	}
	at, proof := delivery(*s, tracks)
	if proof == "" {
		at, proof = received, ByBuyer
	}
	return d.pronounce(s, tracks, at, proof)
}

// judgedGoods loads what an invoice covers and refuses while something is on its way.
func (d *draft) judgedGoods(b *Bill) ([]*Shipment, error) {
	goods, err := d.goods(b)
	if err != nil {
		return nil, err
	}
	for _, s := range goods {
		if s.sensing() {
			return nil, domain.Refuse(domain.WrongState, "shipment is %s: accept in full or not at all", s.Status)
		}
	}
	return goods, nil
}

// offer is an acceptance with a deduction. In a dispute it may only lower the claim, and the
// dispute's deadline stands: nobody gains time by offering again.
func (d *draft) offer(b *Bill, body Acceptance) error {
	if b.Status == UnderQuery || b.Status == Exception || b.Status == Received {
		return domain.Refuse(domain.WrongState, "invoice is %s: accept in full or not at all", b.Status)
	}
	goods, err := d.judgedGoods(b)
	if err != nil {
		return err
	}
	if err := checkReason(body.Reason); err != nil {
		return err
	}
	limit := b.net()
	if b.Status == Disputed {
		limit = b.Claim
	}
	if body.Deduction < 1 || body.Deduction >= limit {
		return domain.Refuse(domain.InvalidAmount, "deduction: want 1 minor unit to less than what is in question")
	}
	d.verdict(goods, Conditional)
	if err := d.claim(b, body.Deduction, body.Reason); err != nil {
		return err
	}
	return d.advanceOthers(goods)
}

func (d *draft) reject() error {
	var body Rejection
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	return d.rejection(body)
}

// rejection refuses an invoice and the goods that it covers.
func (d *draft) rejection(body Rejection) error {
	b, err := d.bill(Received, Valid, Held)
	if err != nil {
		return err
	}
	if err := d.only("buyer", b.Payment.Buyer); err != nil {
		return err
	}
	if err := checkReason(body.Reason); err != nil {
		return err
	}
	goods, err := d.judgedGoods(b)
	if err != nil {
		return err
	}
	d.verdict(goods, GoodsRejected)
	if err := d.claim(b, b.net(), body.Reason); err != nil {
		return err
	}
	return d.advanceOthers(goods)
}

// claimed says what the buyer refuses and until when the supplier is asked.
type claimed struct {
	Claim    domain.Money  `json:"claim"`
	Reason   string        `json:"reason"`
	AnswerAt domain.Millis `json:"answerAt"`
}

// claim asks the supplier to concede what the buyer refuses, and approves the rest.
func (d *draft) claim(b *Bill, amount int64, reason string) error {
	if b.Status != Disputed {
		b.Status, b.AnswerAt = UnderQuery, d.in.Now+b.Payment.ResponseMillis
	}
	b.Claim, b.Reason = amount, reason
	d.bills.touch(b)
	d.event("InvoiceClaimed", billKey(b.ID), claimed{b.money(amount), reason, b.AnswerAt}, b.insiders()...)
	return d.clear(b)
}

// answerable loads an invoice whose claim its supplier may answer.
func (d *draft) answerable(states ...string) (*Bill, error) {
	b, err := d.bill(states...)
	if err == nil {
		err = d.only("supplier", b.Payment.Supplier)
	}
	return b, err
}

func (d *draft) concede() error {
	b, err := d.answerable(Exception, UnderQuery, Disputed)
	if err != nil {
		return err
	}
	return d.yield(b)
}

// yield approves the invoice less what the buyer refuses.
func (d *draft) yield(b *Bill) error {
	b.Deductions = append(b.Deductions, Deduction{Kind: ForClaim, Minor: b.Claim, Reason: b.Reason})
	return d.approve(b)
}

func (d *draft) contest() error {
	b, err := d.answerable(Exception, UnderQuery)
	if err != nil {
		return err
	}
	b.Status, b.AnswerAt = Disputed, d.in.Now+b.Payment.ResponseMillis
	d.bills.touch(b)
	d.event("InvoiceContested", billKey(b.ID), answering{b.Status, b.AnswerAt}, b.insiders()...)
	return nil
}

// answer ends a window in which nobody spoke.
func (d *draft) answer() error {
	b, err := d.bill(Received, Held, Exception, UnderQuery, Disputed)
	if err != nil {
		return err
	}
	switch b.Status {
	case Received:
		return d.settle(b, 0, ByExpiry)
	case UnderQuery, Exception:
		return d.yield(b)
	case Disputed:
		return d.splitDispute(b)
	}
	return d.split(b, b.silenceDue, BySilence)
}

// splitDispute splits a dispute that nobody settled, and not before its goods have met their end.
func (d *draft) splitDispute(b *Bill) error {
	goods, err := d.goods(b)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(goods, func(s *Shipment) bool { return !s.Ended }) {
		b.AnswerAt = d.in.Now + b.Payment.ResponseMillis
		d.bills.touch(b)
		return nil
	}
	return d.split(b, b.disputeDue, ByDispute)
}

// split settles at once by a rule of the terms. What order and receipt do not cover is no part of
// it; in a dispute that is itself in question, and only what never came is not.
func (d *draft) split(b *Bill, due func() (int64, error), rule string) error {
	paid, err := due()
	if err != nil {
		return err
	}
	if !b.compared() {
		uncovered, err := d.match(b)
		if err != nil {
			return err
		}
		most := b.net()
		for _, m := range uncovered {
			if rule == BySilence || m.Reason == ByDelivery {
				most -= m.Minor
			}
		}
		paid = min(paid, max(0, most))
	}
	return d.settle(b, paid, rule)
}
