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

func (c call) accept() (domain.Effects, error) {
	var body Acceptance
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	s, err := c.shipment(Despatched, Inspection, Held, Claimed, Disputed)
	if err != nil {
		return domain.Effects{}, err
	}
	if err := c.only("buyer", s.Terms.Buyer); err != nil {
		return domain.Effects{}, err
	}
	if body.Deduction != 0 || body.Reason != "" {
		return c.offer(s, body)
	}
	var d draft
	if s.Status == Despatched {
		if err := c.receive(&d, &s); err != nil {
			return domain.Effects{}, err
		}
	}
	// From here on it must succeed.
	s.Claim, s.Reason = 0, ""
	c.approve(&d, s)
	return d.done()
}

// receive judges a shipment that its buyer accepts on the way; the sensors' proof comes first.
func (c call) receive(d *draft, s *Shipment) error {
	tracks, err := c.tracks(*s)
	if err != nil {
		return err
	}
	at, proof := delivery(*s, tracks)
	if proof == "" {
		at, proof = c.in.Now, ByBuyer
	}
	return c.pronounce(d, s, tracks, at, proof)
}

// offer is an acceptance with a deduction. In a dispute it may only lower the claim, and the
// dispute's deadline stands: nobody gains time by offering again.
func (c call) offer(s Shipment, body Acceptance) (domain.Effects, error) {
	if s.Status != Inspection && s.Status != Held && s.Status != Disputed {
		return domain.Effects{}, domain.Refuse(domain.WrongState, "shipment is %s: accept in full or not at all", s.Status)
	}
	if !reason(body.Reason) {
		return domain.Effects{}, domain.Refuse(domain.Malformed, "reason %.8q is not a code of the Peppol Invoice Response", body.Reason)
	}
	limit := s.net()
	if s.Status == Disputed {
		limit = s.Claim
	}
	if body.Deduction < 1 || body.Deduction >= limit {
		return domain.Effects{}, domain.Refuse(domain.InvalidAmount, "deduction: want 1 minor unit to less than what is in question")
	}
	return c.claim(s, body.Deduction, body.Reason)
}

func (c call) reject() (domain.Effects, error) {
	var body Rejection
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	s, err := c.shipment(Inspection, Held)
	if err != nil {
		return domain.Effects{}, err
	}
	if err := c.only("buyer", s.Terms.Buyer); err != nil {
		return domain.Effects{}, err
	}
	if !reason(body.Reason) {
		return domain.Effects{}, domain.Refuse(domain.Malformed, "reason %.8q is not a code of the Peppol Invoice Response", body.Reason)
	}
	return c.claim(s, s.net(), body.Reason)
}

// claimed says what the buyer refuses and until when the supplier is asked.
type claimed struct {
	Claim    domain.Money  `json:"claim"`
	Reason   string        `json:"reason"`
	DecideAt domain.Millis `json:"decideAt"`
}

// claim asks the supplier to concede what the buyer refuses.
func (c call) claim(s Shipment, amount int64, reason string) (domain.Effects, error) {
	// From here on it must succeed.
	if s.Status != Disputed {
		s.Status, s.DecideAt = Claimed, c.in.Now+s.Terms.ResponseMillis
	}
	s.Claim, s.Reason = amount, reason
	var d draft
	s.save(&d)
	d.event("InvoiceClaimed", shipmentKey(s.ID), claimed{s.money(amount), reason, s.DecideAt}, s.insiders()...)
	return d.done()
}

// answering loads a shipment whose claim its supplier may answer.
func (c call) answering(states ...string) (Shipment, error) {
	s, err := c.shipment(states...)
	if err == nil {
		err = c.only("supplier", s.Terms.Supplier)
	}
	return s, err
}

func (c call) concede() (domain.Effects, error) {
	s, err := c.answering(Claimed, Disputed)
	if err != nil {
		return domain.Effects{}, err
	}
	return c.yield(s)
}

// yield accepts the invoice less what the buyer refuses.
func (c call) yield(s Shipment) (domain.Effects, error) {
	// From here on it must succeed.
	s.Deduction = s.Claim
	var d draft
	c.approve(&d, s)
	return d.done()
}

func (c call) contest() (domain.Effects, error) {
	s, err := c.answering(Claimed)
	if err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	s.Status, s.DecideAt = Disputed, c.in.Now+s.Terms.ResponseMillis
	var d draft
	s.save(&d)
	d.event("InvoiceContested", shipmentKey(s.ID), window{s.Status, s.DecideAt}, s.insiders()...)
	return d.done()
}

// decide ends a window in which nobody spoke.
func (c call) decide() (domain.Effects, error) {
	s, err := c.shipment(Inspection, Held, Claimed, Disputed)
	if err != nil {
		return domain.Effects{}, err
	}
	switch {
	case s.Status == Claimed:
		return c.yield(s)
	case s.Status == Disputed:
		return c.split(s, s.disputeDue, ByDispute)
	case s.Status == Held:
		return c.split(s, s.silenceDue, BySilence)
	case s.Judgement.Complete():
		var d draft
		c.approve(&d, s)
		return d.done()
	}
	return c.hold(s)
}

// hold gives a silent buyer one more window before the silence rule: incomplete evidence is no acceptance.
func (c call) hold(s Shipment) (domain.Effects, error) {
	// From here on it must succeed.
	s.Status, s.DecideAt = Held, c.in.Now+s.Terms.ResponseMillis
	var d draft
	s.save(&d)
	d.event("InvoiceHeld", shipmentKey(s.ID), window{s.Status, s.DecideAt}, s.insiders()...)
	return d.done()
}

// split settles at once by a rule of the terms.
func (c call) split(s Shipment, due func() (int64, error), rule string) (domain.Effects, error) {
	paid, err := due()
	if err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	var d draft
	c.settle(&d, s, paid, rule)
	return d.done()
}
