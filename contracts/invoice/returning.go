package invoice

import (
	"aval/domain"
	"aval/domain/calendar"
)

// cancel calls a shipment off. Before despatch either side may, without cost. After it there is no
// cancelling, only a return: by the supplier, or by the buyer once it is as late as agreed.
func (d *draft) cancel() error {
	s, err := d.shipment(Planned, Despatched, InTransit)
	if err != nil {
		return err
	}
	if s.Status == Planned && d.in.Now < s.DespatchAt { // its deadline may run a batch late
		return d.abandon(s, Cancelled, "ShipmentCancelled")
	}
	allowed, err := s.mayRecall(d.in.Now)
	if err != nil {
		return err
	}
	if d.in.Sender != s.Carriage.Supplier && !allowed {
		return domain.Refuse(domain.WrongState, "shipment has been despatched: the supplier may call it back, you may reject it")
	}
	d.retire(*s)
	d.sweep(s)
	d.sendBack(s)
	return d.advanceAll(s)
}

// mayRecall says whether a shipment is so late that its buyer may call it off.
func (s Shipment) mayRecall(now domain.Millis) (bool, error) {
	late := s.Carriage.Late
	if late == nil || late.CancelDays == 0 || s.Excused || now <= s.deliverBy()+late.GraceMillis {
		return false, nil
	}
	days, err := calendar.Days(s.local().Day(s.deliverBy()), s.local().Day(now))
	return days >= late.CancelDays, err
}

// sendBack turns goods round: they are rejected, and on their way home.
func (d *draft) sendBack(s *Shipment) {
	d.event("GoodsDecided", shipmentKey(s.ID), ended{GoodsRejected}, s.everybody()...)
	d.finish(s, Returning)
	s.ReturnBy = d.in.Now + s.Carriage.InspectionMillis
	d.event("ReturnStarted", shipmentKey(s.ID), window{Returning, s.ReturnBy}, s.everybody()...)
}

// returnGoods sends rejected goods back, by the buyer.
func (d *draft) returnGoods() error {
	s, err := d.shipment(GoodsRejected)
	if err != nil {
		return err
	}
	if err := d.only("buyer", s.Carriage.Buyer); err != nil {
		return err
	}
	d.finish(s, Returning)
	s.ReturnBy = d.in.Now + s.Carriage.InspectionMillis
	d.event("ReturnStarted", shipmentKey(s.ID), window{Returning, s.ReturnBy}, s.everybody()...)
	return nil
}

// takeBack is the supplier's word that goods are home again.
func (d *draft) takeBack() error {
	s, err := d.shipment(Returning)
	if err != nil {
		return err
	}
	if err := d.only("supplier", s.Carriage.Supplier); err != nil {
		return err
	}
	return d.restock()
}

// restock ends a return; a silent supplier is taken to have its goods.
func (d *draft) restock() error {
	s, err := d.shipment(Returning)
	if err != nil {
		return err
	}
	s.ReturnBy = 0
	d.finish(s, Returned)
	d.event("ReturnEnded", shipmentKey(s.ID), ended{Returned}, s.everybody()...)
	return nil
}
