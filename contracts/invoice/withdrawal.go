package invoice

import "aval/domain"

// withdrawn tells everybody that a publisher took evidence back.
type withdrawn struct {
	Device string   `json:"device"`
	Events []string `json:"events"`
}

// takeBackEvidence takes evidence back after the judgement. What nothing binds yet is judged again; about what
// is unconditional or paid a dispute opens, and nothing that was paid is taken back.
func (d *draft) takeBackEvidence(s *Shipment, device int, o domain.Observation) error {
	d.event("EvidenceWithdrawn", shipmentKey(s.ID), withdrawn{o.Holder, withdrawals(o)}, s.everybody()...)
	if !s.Swept {
		if _, err := d.gather(s, device, o); err != nil {
			return err
		}
		if err := d.rejudge(s); err != nil {
			return err
		}
	}
	for _, id := range s.Bills {
		b, _, err := d.bills.fetch(d.view, billKey(id))
		if err != nil {
			return err
		}
		if b.PayAt != 0 {
			d.dispute(b, s, o.Holder)
		}
	}
	return d.advanceAll(s)
}

// withdrawals are the names of the events that a message takes back.
func withdrawals(o domain.Observation) []string {
	var names []string
	for _, r := range o.Readings {
		if r.Name == domain.QuantityWithdrawal {
			names = append(names, r.Text)
		}
	}
	return names
}

// rejudge judges again, from what still stands. A delivery that nothing proves any more was the supplier's word.
func (d *draft) rejudge(s *Shipment) error {
	tracks, err := d.tracks(*s)
	if err != nil {
		return err
	}
	before := s.Judgement
	at, proof := delivery(*s, tracks)
	switch {
	case before.Proof == ByBuyer || before.Proof == BySupplier:
		at, proof = before.DeliveredAt, before.Proof
	case proof == "":
		at, proof = before.DeliveredAt, BySupplier
	}
	j, err := s.assess(tracks, at, proof)
	if err != nil {
		return err
	}
	s.Judgement = &j
	d.shipments.touch(s)
	d.announce(s)
	doubted := !s.Received && (s.Status == GoodsAccepted || s.Status == DeemedAccepted)
	switch {
	case s.DecideAt != 0 && j.Complete():
		s.Status = Inspection
	case s.DecideAt != 0 || doubted && !j.Complete():
		s.Status = Conditional
	}
	return d.recharge(s)
}

// sift closes the evidence of a shipment once nothing can be judged by it any more: its goods have met
// their end, and every invoice about them is unconditional.
func (d *draft) sift(s *Shipment) error {
	if s.Judgement == nil || !s.Ended || s.Swept || s.InvoiceBy != 0 || s.SweepAt != 0 {
		return nil
	}
	for _, id := range s.Bills {
		b, _, err := d.bills.fetch(d.view, billKey(id))
		if err != nil || b.PayAt == 0 && !b.settled() {
			return err
		}
	}
	d.shipments.touch(s)
	if len(d.shipments) > 1 { // each in a batch of its own, for the limit of writes
		s.SweepAt = d.in.Now
		return nil
	}
	d.sweep(s)
	return nil
}

// sweepLater is sift's work for a shipment of many.
func (d *draft) sweepLater() error {
	s, found, err := d.shipments.fetch(d.view, shipmentKey(d.in.Command.Contract))
	if err != nil || !found || s.SweepAt == 0 {
		return firstError(err, domain.Refuse(domain.NotFound, "shipment %.64q keeps no evidence to close", d.in.Command.Contract))
	}
	d.shipments.touch(s)
	d.sweep(s)
	return nil
}

// sweep closes the evidence: the log keeps the messages themselves.
func (d *draft) sweep(s *Shipment) {
	s.Swept, s.SweepAt = true, 0
	for i, device := range s.witnesses() {
		put(d, traceKey(s.ID, i), trace{Device: device}, "closed", true, s.insiders()...)
	}
	for _, r := range d.view.Scan(registerPrefix(s.ID), "", domain.MaxScan) {
		put(d, r.Key, register{}, "closed", true, s.insiders()...)
	}
	for _, r := range d.view.Scan(samplesPrefix(s.ID), "", domain.MaxScan) {
		put(d, r.Key, slice{}, "closed", true, s.insiders()...)
	}
}
