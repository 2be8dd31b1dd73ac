package invoice

import "aval/domain"

// Arrival is the body of deliver.
type Arrival struct {
	// At is when the goods arrived, by the supplier's word; not before despatch nor in the future.
	At domain.Millis `json:"at"`
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
