package invoice

import "aval/domain"

// Arrival is the body of deliver.
type Arrival struct {
	// At is when the goods arrived, by the supplier's word; not before despatch nor in the future.
	At domain.Millis `json:"at"`
}

// judge looks, when the wait is over, whether the delivery is proved. A sign of arrival that
// proved nothing is dropped; a proof that is younger than the wait is looked at again.
func (d *draft) judge() error {
	s, err := d.shipment(Despatched, InTransit)
	if err != nil {
		return err
	}
	tracks, err := d.tracks(*s)
	if err != nil {
		return err
	}
	at, proof := delivery(*s, tracks)
	if proof != "" && at+s.Carriage.Sampling.WaitMillis <= d.in.Now {
		return d.conclude(s, tracks, at, proof)
	}
	s.JudgeAt = 0
	if proof != "" {
		s.JudgeAt = at + s.Carriage.Sampling.WaitMillis
	}
	d.shipments.touch(s)
	return nil
}

// deliver takes the supplier's word that the goods have arrived, and ends the gathering of
// evidence. Once the sensors have proved it, nobody may cut the wait for late messages short.
func (d *draft) deliver() error {
	var body Arrival
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	s, err := d.shipment(Despatched, InTransit)
	if err != nil {
		return err
	}
	if err := d.only("supplier", s.Carriage.Supplier); err != nil {
		return err
	}
	if body.At < s.DespatchAt || body.At > d.in.Now {
		return domain.Refuse(domain.Malformed, "at: want an instant from despatch to now")
	}
	tracks, err := d.tracks(*s)
	if err != nil {
		return err
	}
	if _, proof := delivery(*s, tracks); proof != "" {
		return domain.Refuse(domain.WrongState, "the delivery is proved and will be judged without your word")
	}
	return d.conclude(s, tracks, body.At, BySupplier)
}

// judged tells everybody what was proved, without a price.
type judged struct {
	DeliveredAt      domain.Millis `json:"deliveredAt"`
	Proof            Proof         `json:"proof"`
	Slots            int64         `json:"slots"`
	Covered          int64         `json:"covered"`
	LongestGapMillis domain.Millis `json:"longestGapMillis"`
	Excursions       int64         `json:"excursions"`
	DaysLate         int64         `json:"daysLate,omitempty"`
	Incomplete       []string      `json:"incomplete,omitempty"`
}

// conclude judges, ends the gathering of evidence, and accepts the goods or opens their inspection.
func (d *draft) conclude(s *Shipment, tracks []track, at domain.Millis, proof Proof) error {
	if err := d.pronounce(s, tracks, at, proof); err != nil {
		return err
	}
	if s.automatic() {
		d.settleGoods(s, GoodsAccepted)
		return d.advanceAll(s)
	}
	return d.inspect(s)
}

// inspect opens the buyer's time to look at goods.
func (d *draft) inspect(s *Shipment) error {
	d.shipments.touch(s)
	s.Status = s.delivered()
	var err error
	s.DecideAt, err = s.inspectUntil(d.in.Now)
	d.event("InspectionOpened", shipmentKey(s.ID), window{s.Status, s.DecideAt}, s.everybody()...)
	return err
}

// delivered is the state of goods that were judged and wait for the buyer.
func (s Shipment) delivered() string {
	switch {
	case !s.Judgement.Complete():
		return Conditional
	case len(s.Judgement.Excursions) > 0:
		return Inspection
	}
	return GoodsDelivered
}

// window is the body of the event that opens an inspection.
type window struct {
	Status string `json:"status"`
	// DecideAt is when it ends without a word.
	DecideAt domain.Millis `json:"decideAt"`
}

// pronounce judges the evidence and charges the invoices that cover the goods.
func (d *draft) pronounce(s *Shipment, tracks []track, at domain.Millis, proof Proof) error {
	j, err := s.assess(tracks, at, proof)
	if err != nil {
		return err
	}
	s.Judgement, s.JudgeAt = &j, 0
	d.shipments.touch(s)
	d.retire(*s)
	d.announce(s)
	return d.recharge(s)
}

// announce tells everybody what was judged.
func (d *draft) announce(s *Shipment) {
	j := s.Judgement
	d.event("DeliveryJudged", shipmentKey(s.ID), judged{
		j.DeliveredAt, j.Proof, j.Slots, j.Covered, j.LongestGapMillis, int64(len(j.Excursions)), j.DaysLate, j.Incomplete,
	}, s.everybody()...)
	for _, e := range j.Excursions {
		d.event("ExcursionFound", shipmentKey(s.ID), e, s.everybody()...)
	}
}

// automatic says whether every trigger of the terms is proved.
func (s Shipment) automatic() bool {
	for _, trigger := range s.Carriage.Triggers {
		kept := trigger == ConditionKept && len(s.Judgement.Excursions) == 0
		received := trigger == GoodsReceipt && s.Received
		if trigger != Delivered && trigger != TermsAgreed && !kept && !received {
			return false
		}
	}
	return s.Judgement.Complete()
}
