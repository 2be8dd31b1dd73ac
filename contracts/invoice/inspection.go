package invoice

import (
	"slices"

	"aval/domain"
)

// Arrival is the body of deliver.
type Arrival struct {
	// At is when the goods arrived, by the supplier's word; not before despatch nor in the future.
	At domain.Millis `json:"at"`
}

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

// judge looks, when the wait is over, whether the delivery is proved. A sign of arrival that
// proved nothing is dropped; a proof that is younger than the wait is looked at again.
func (c call) judge() (domain.Effects, error) {
	s, err := c.shipment(Despatched)
	if err != nil {
		return domain.Effects{}, err
	}
	tracks, err := c.tracks(s)
	if err != nil {
		return domain.Effects{}, err
	}
	at, proof := delivery(s, tracks)
	if proof != "" && at+s.Terms.Sampling.WaitMillis <= c.in.Now {
		return c.conclude(s, tracks, at, proof)
	}
	// From here on it must succeed.
	s.JudgeAt = 0
	if proof != "" {
		s.JudgeAt = at + s.Terms.Sampling.WaitMillis
	}
	var d draft
	s.save(&d)
	return d.done()
}

// deliver takes the supplier's word that the goods have arrived, and ends the gathering of
// evidence. Once the sensors have proved it, nobody may cut the wait for late messages short.
func (c call) deliver() (domain.Effects, error) {
	var body Arrival
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	s, err := c.shipment(Despatched)
	if err != nil {
		return domain.Effects{}, err
	}
	if err := c.only("supplier", s.Terms.Supplier); err != nil {
		return domain.Effects{}, err
	}
	if body.At < s.DespatchAt || body.At > c.in.Now {
		return domain.Effects{}, domain.Refuse(domain.Malformed, "at: want an instant from despatch to now")
	}
	tracks, err := c.tracks(s)
	if err != nil {
		return domain.Effects{}, err
	}
	if _, proof := delivery(s, tracks); proof != "" {
		return domain.Effects{}, domain.Refuse(domain.WrongState, "the delivery is proved and will be judged without your word")
	}
	return c.conclude(s, tracks, body.At, BySupplier)
}

// judged tells everybody what was proved, without a price.
type judged struct {
	DeliveredAt      domain.Millis `json:"deliveredAt"`
	Proof            Proof         `json:"proof"`
	Slots            int64         `json:"slots"`
	Covered          int64         `json:"covered"`
	LongestGapMillis domain.Millis `json:"longestGapMillis"`
	Excursions       int64         `json:"excursions"`
	Incomplete       []string      `json:"incomplete,omitempty"`
}

// conclude judges, ends the gathering of evidence, and accepts the invoice or opens its inspection.
func (c call) conclude(s Shipment, tracks []track, at domain.Millis, proof Proof) (domain.Effects, error) {
	var d draft
	if err := c.pronounce(&d, &s, tracks, at, proof); err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	if s.automatic() {
		c.approve(&d, s)
		return d.done()
	}
	s.Status, s.DecideAt = Inspection, c.in.Now+s.Terms.InspectionMillis
	s.save(&d)
	d.event("InspectionOpened", shipmentKey(s.ID), window{s.Status, s.DecideAt}, s.insiders()...)
	return d.done()
}

// window is the body of events that open one.
type window struct {
	Status   string        `json:"status"`
	DecideAt domain.Millis `json:"decideAt"`
}

func (c call) pronounce(d *draft, s *Shipment, tracks []track, at domain.Millis, proof Proof) error {
	j, err := s.assess(tracks, at, proof)
	if err != nil {
		return err
	}
	s.Judgement, s.JudgeAt = &j, 0
	c.retire(d, *s)
	d.event("DeliveryJudged", shipmentKey(s.ID), judged{
		j.DeliveredAt, j.Proof, j.Slots, j.Covered, j.LongestGapMillis, int64(len(j.Excursions)), j.Incomplete,
	}, s.everybody()...)
	for _, e := range j.Excursions {
		d.event("ExcursionCharged", shipmentKey(s.ID), e, s.insiders()...)
	}
	return nil
}

// automatic says whether every trigger of the terms is proved.
func (s Shipment) automatic() bool {
	for _, trigger := range s.Terms.Triggers {
		kept := trigger == ConditionKept && len(s.Judgement.Excursions) == 0
		if trigger != Delivered && !kept {
			return false
		}
	}
	return s.Judgement.Complete()
}

// approved says what is owed, and when it is paid.
type approved struct {
	Due   domain.Money  `json:"due"`
	PayAt domain.Millis `json:"payAt"`
}

// approve makes the obligation unconditional; with no payment days it is paid at once.
func (c call) approve(d *draft, s Shipment) {
	s.Status, s.DecideAt = Due, 0
	s.PayAt = c.in.Now + domain.Millis(s.Terms.PaymentDays)*Day
	d.event("InvoiceAccepted", shipmentKey(s.ID), approved{s.money(s.due()), s.PayAt}, s.insiders()...)
	if s.PayAt == c.in.Now || s.due() == 0 {
		c.settle(d, s, s.due(), ByAcceptance)
		return
	}
	s.save(d)
}

func (c call) pay() (domain.Effects, error) {
	s, err := c.shipment(Due)
	if err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	var d draft
	c.settle(&d, s, s.due(), ByAcceptance)
	return d.done()
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
