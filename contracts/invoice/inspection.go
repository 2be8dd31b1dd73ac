package invoice

import "aval/domain"

// decide ends the inspection of goods about which nobody spoke: complete evidence is deemed
// accepted, incomplete evidence is no acceptance.
func (d *draft) decide() error {
	s, err := d.shipment(GoodsDelivered, Inspection, Conditional)
	if err != nil {
		return err
	}
	status := Conditional
	if s.Judgement.Complete() {
		status = DeemedAccepted
	}
	d.settleGoods(s, status)
	return d.advanceAll(s)
}

// settleGoods gives delivered goods their end, and tells everybody.
func (d *draft) settleGoods(s *Shipment, status string) {
	d.finish(s, status)
	d.event("GoodsDecided", shipmentKey(s.ID), ended{status}, s.everybody()...)
}

// verdict applies what the buyer says of an invoice to the goods that it covers.
func (d *draft) verdict(goods []*Shipment, status string) {
	for _, s := range goods {
		came := s.Status != Lost && s.Status != Cancelled && s.Status != Returning && s.Status != Returned
		if came && (!s.Ended || s.Status != status) {
			d.settleGoods(s, status)
		}
	}
}

// billsOf loads the open invoices that cover a shipment, first of all: what happens to one may close it.
func (d *draft) billsOf(s *Shipment) ([]*Bill, error) {
	var bills []*Bill
	for _, id := range s.Bills {
		b, found, err := d.bills.fetch(d.view, billKey(id))
		if err != nil || !found {
			return nil, firstError(err, domain.Refuse(domain.NotFound, "invoice %.64q is not open", id))
		}
		bills = append(bills, b)
	}
	return bills, nil
}

// advanceAll looks again at every open invoice that covers a shipment.
func (d *draft) advanceAll(s *Shipment) error {
	bills, err := d.billsOf(s)
	if err != nil {
		return err
	}
	for _, b := range bills {
		if err := d.advance(b); err != nil {
			return err
		}
	}
	return nil
}

// advance moves an invoice on that waits for its goods: once all of them have met their end it
// is matched, held while the buyer owes a word about incomplete evidence, or rejected if nothing ever came.
func (d *draft) advance(b *Bill) error {
	waits := b.pending() || b.Status == Held
	if b.Payment.OnTerms && waits {
		return d.matched(b)
	}
	if len(b.Shipments) == 0 || !waits && (!b.questioned() || b.PayAt != 0) {
		return nil
	}
	goods, err := d.goods(b)
	if err != nil {
		return err
	}
	came, unsure := false, false
	for _, s := range goods {
		if !s.Ended {
			return nil
		}
		came = came || s.Judgement != nil
		told := s.Received && !s.foundOtherSeals()
		unsure = unsure || s.Status == Conditional && !s.Judgement.Complete() && !told
	}
	switch {
	case !came:
		return d.settle(b, 0, goods[0].Status)
	case !waits || unsure && b.Status == Held:
		return nil
	case unsure:
		d.hold(b)
		return nil
	}
	return d.matched(b)
}

// hold gives a silent buyer one more window before the silence rule: incomplete evidence is no acceptance.
func (d *draft) hold(b *Bill) {
	b.Status, b.AnswerAt = Held, d.in.Now+b.Payment.ResponseMillis
	d.bills.touch(b)
	d.event("InvoiceHeld", billKey(b.ID), answering{b.Status, b.AnswerAt}, b.insiders()...)
}

// answering is the body of events after which somebody is waited for.
type answering struct {
	Status   string        `json:"status"`
	AnswerAt domain.Millis `json:"answerAt"`
}
