package invoice

import (
	"slices"

	"aval/contracts/invoice/interest"
	"aval/domain"
)

// take accepts an offer: the receivable is this financier's alone from here on, before anything
// is paid out. Of two offers taken in one batch the first wins, and the second finds it reserved.
func (d *draft) take() error {
	o, err := d.standing()
	if err == nil {
		err = d.only("supplier", o.Supplier)
	}
	if err != nil {
		return err
	}
	r, err := d.marked(o.Fingerprint)
	if err != nil {
		return err
	}
	if r == nil || r.Status != Offered {
		return domain.Refuse(domain.WrongState, "the receivable is no longer offered")
	}
	o.Invoice = r.Invoice
	d.endOffer(o, Taken, "OfferTaken")
	return d.reserve(r, o.Programme, o.Price)
}

// Drawing is the body of draw.
type Drawing struct {
	Programme string `json:"programme"`
	Seed      []byte `json:"seed,omitempty"`
}

// draw takes the standing price of a programme: reverse factoring.
func (d *draft) draw() error {
	var body Drawing
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.assignable()
	if err != nil {
		return err
	}
	p, found, err := d.programmes.fetch(d.view, programmeKey(body.Programme))
	if err != nil {
		return err
	}
	if !found || p.Standing == nil || p.Currency != b.Payment.Currency || !slices.ContainsFunc(p.Suppliers, func(l Line) bool { return l.Party == d.in.Sender }) {
		return domain.Refuse(domain.NotFound, "programme %.64q: none with a standing price for you", body.Programme)
	}
	r, err := d.pledge(b, body.Seed)
	if err != nil {
		return err
	}
	return d.reserve(r, p.ID, *p.Standing)
}

// reserve gives a receivable to one financier, within the limits of its programme.
func (d *draft) reserve(r *Receivable, programme string, price Price) error {
	b, _, err := d.bills.fetch(d.view, billKey(r.Invoice))
	if err != nil {
		return err
	}
	if err := d.financeable(b); err != nil {
		return err
	}
	if r.Elsewhere {
		return domain.Refuse(domain.WrongState, "the registry reports the receivable as financed elsewhere")
	}
	p, _, err := d.programmes.fetch(d.view, programmeKey(programme))
	if err != nil {
		return err
	}
	advance, err := interest.Flat(r.money(b.remaining()), price.AdvancePercent)
	if err != nil {
		return err
	}
	if advance.Minor == 0 {
		return domain.Refuse(domain.InvalidAmount, "advancePercent of what is due is nothing")
	}
	if err := p.use(r.Buyer, r.Supplier, advance.Minor); err != nil {
		return err
	}
	d.programmes.touch(p)
	r.Status, r.Due = Reserved, b.remaining()
	r.Deal = &Deal{
		Financier: p.Financier, Programme: p.ID, Price: price, Advance: advance.Minor, ReservedUntil: d.in.Now + Reservation,
	}
	d.receivables.touch(r)
	d.event("ReceivableReserved", receivableKey(r.Invoice), reserved{
		r.Fingerprint, r.money(r.Due), advance, r.ApprovedOn, r.DueOn, r.Deal.ReservedUntil, r.Similar,
	}, r.partners()...)
	return nil
}

// financeable refuses an invoice whose debt is not certain and quiet any more.
func (d *draft) financeable(b *Bill) error {
	a, found, err := d.agreements.fetch(d.view, agreementKey(b.Agreement))
	if err != nil {
		return err
	}
	_, disputed := d.view.Get(disputeKey(b.ID))
	if b.Status != Approved || b.Instruction != nil || !found || a.Suspension != nil || disputed {
		return domain.Refuse(domain.WrongState, "the invoice is no longer one to finance")
	}
	return nil
}

// reserved is what the chosen financier is told.
type reserved struct {
	Fingerprint   string        `json:"fingerprint"`
	Due           domain.Money  `json:"due"`
	Advance       domain.Money  `json:"advance"`
	ApprovedOn    domain.Date   `json:"approvedOn"`
	DueOn         domain.Date   `json:"dueOn"`
	ReservedUntil domain.Millis `json:"reservedUntil"`
	Similar       bool          `json:"similar,omitempty"`
}
