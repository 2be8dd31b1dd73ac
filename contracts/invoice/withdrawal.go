package invoice

import (
	"slices"

	"aval/domain"
)

// withdrawn tells everybody that a publisher took evidence back.
type withdrawn struct {
	Device string   `json:"device"`
	Events []string `json:"events"`
}

// takeBackEvidence takes evidence back after the judgement. What nothing binds yet is judged again; about what
// is unconditional or paid a dispute opens, and nothing that was paid is taken back.
//
// Of a message that comes so late nothing counts but the withdrawal of what had counted, and the events that
// correct it.
func (d *draft) takeBackEvidence(s *Shipment, device int, o domain.Observation) error {
	reg, _, err := domain.Load[register](d.view, registerKey(s.ID, device))
	if err != nil {
		return err
	}
	names := reg.counted(withdrawals(o))
	o.Readings = reg.amending(o.Readings, names)
	if len(o.Readings) == 0 || s.Swept && len(names) == 0 {
		return domain.Refuse(domain.WrongState, "shipment is %s and takes no more evidence, nor had what is withdrawn counted", s.Status)
	}
	if len(names) > 0 {
		d.event("EvidenceWithdrawn", shipmentKey(s.ID), withdrawn{o.Holder, names}, s.everybody()...)
	}
	if s.Swept {
		for _, name := range names {
			reg.withdraw(name, d.in.Now)
		}
		put(d, registerKey(s.ID, device), reg, "open", false, s.insiders()...)
	} else if err := d.correct(s, device, o); err != nil {
		return err
	}
	if len(names) == 0 {
		return d.advanceAll(s)
	}
	bills, err := d.billsOf(s)
	if err != nil {
		return err
	}
	for _, b := range bills {
		if b.PayAt != 0 || b.settled() {
			d.dispute(b, s, o.Holder)
		}
	}
	return d.advanceAll(s)
}

// correct takes what amends the evidence, and judges again.
func (d *draft) correct(s *Shipment, device int, o domain.Observation) error {
	if _, err := d.gather(s, device, o); err != nil {
		return err
	}
	return d.rejudge(s)
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
	case s.DecideAt != 0:
		s.Status = s.delivered()
	case doubted && !j.Complete():
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
	bills, err := d.billsOf(s)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(bills, func(b *Bill) bool { return b.PayAt == 0 && !b.settled() }) {
		return nil
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

// sweep closes the evidence: the log keeps the messages themselves. The registers stay until the shipment is
// final, to tell what had counted.
func (d *draft) sweep(s *Shipment) {
	s.Swept, s.SweepAt = true, 0
	for i, device := range s.witnesses() {
		put(d, traceKey(s.ID, i), trace{Device: device}, "closed", true, s.insiders()...)
	}
	for _, r := range d.view.Scan(samplesPrefix(s.ID), "", domain.MaxScan) {
		put(d, r.Key, slice{}, "closed", true, s.insiders()...)
	}
}

// ofEvents says whether a message states or withdraws business events.
func ofEvents(o domain.Observation) bool {
	return slices.ContainsFunc(o.Readings, func(r domain.Reading) bool { return r.Event != "" || r.Name == domain.QuantityWithdrawal })
}
