package invoice

import (
	"slices"

	"aval/domain"
)

// Offer is the record offer/<id>: a financier's price for a receivable that it knows by its fingerprint.
type Offer struct {
	ID          string         `json:"id"`
	Financier   domain.PartyID `json:"financier"`
	Supplier    domain.PartyID `json:"supplier"`
	Fingerprint string         `json:"fingerprint"`
	Programme   string         `json:"programme"`
	Price       Price          `json:"price"`
	ExpiresAt   domain.Millis  `json:"expiresAt"`
	Status      string         `json:"status"`
	// Invoice is told to the financier whose offer was taken.
	Invoice string `json:"invoice,omitempty"`
}

// The states of an offer; only a standing one is open.
const (
	Standing  = "standing"
	Taken     = "taken"
	Retracted = "retracted"
	Forgotten = "expired"
)

// Offering is the body of offer.
type Offering struct {
	Fingerprint string        `json:"fingerprint"`
	Programme   string        `json:"programme"`
	Price       Price         `json:"price"`
	ExpiresAt   domain.Millis `json:"expiresAt"`
}

func offerKey(id string) string { return "offer/" + id }

func (o Offer) save(d *draft) {
	put(d, offerKey(o.ID), o, o.Status, o.Status != Standing, o.Financier, o.Supplier)
	at := domain.Millis(0)
	if o.Status == Standing {
		at = o.ExpiresAt
	}
	d.deadline(o.ID, forget, at)
}

// offerPrice names a financier's price. Its competitors do not see it.
func (d *draft) offerPrice() error {
	var body Offering
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if d.taken(offerKey(d.in.Command.Contract)) {
		return domain.Refuse(domain.AlreadyExists, "offer %s: the ID is taken", d.in.Command.Contract)
	}
	if err := body.Price.check(); err != nil {
		return err
	}
	if body.ExpiresAt <= d.in.Now || body.ExpiresAt > d.in.Now+MaxOffer {
		return domain.Refuse(domain.Malformed, "expiresAt: want an instant in the next %d days", MaxOffer/Day)
	}
	r, err := d.marked(body.Fingerprint)
	if err != nil {
		return err
	}
	if r == nil || r.Status != Offered || !slices.Contains(r.Invited, d.in.Sender) {
		return domain.Refuse(domain.NotFound, "fingerprint %.64q: nothing that you were asked about", body.Fingerprint)
	}
	p, found, err := d.programmes.fetch(d.view, programmeKey(body.Programme))
	if err != nil {
		return err
	}
	if !found || p.Financier != d.in.Sender || p.Currency != r.Currency {
		return domain.Refuse(domain.NotFound, "programme %.64q: none of yours in the currency of the receivable", body.Programme)
	}
	o := Offer{
		ID: d.in.Command.Contract, Financier: d.in.Sender, Supplier: r.Supplier, Fingerprint: body.Fingerprint,
		Programme: body.Programme, Price: body.Price, ExpiresAt: body.ExpiresAt, Status: Standing,
	}
	o.save(d)
	d.event("FinancingOffered", offerKey(o.ID), o, o.Financier, o.Supplier)
	return nil
}

// marked loads the receivable with a fingerprint; nil if there is none.
func (d *draft) marked(mark string) (*Receivable, error) {
	m, found, err := domain.Load[Mark](d.view, fingerprintKey(mark))
	if err != nil || !found || m.Invoice == "" {
		return nil, err
	}
	r, found, err := d.receivables.fetch(d.view, receivableKey(m.Invoice))
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// standing loads an offer for its financier or supplier, or for its deadline.
func (d *draft) standing() (Offer, error) {
	o, found, err := domain.Load[Offer](d.view, offerKey(d.in.Command.Contract))
	if err == nil && (!found || !d.in.FromDeadline() && d.in.Sender != o.Financier && d.in.Sender != o.Supplier) {
		err = domain.Refuse(domain.NotFound, "offer %.64q: none of yours stands", d.in.Command.Contract)
	}
	return o, err
}

// endOffer gives an offer its last state.
func (d *draft) endOffer(o Offer, status, event string) {
	o.Status = status
	o.save(d)
	d.event(event, offerKey(o.ID), o, o.Financier, o.Supplier)
}

func (d *draft) retract() error {
	o, err := d.standing()
	if err == nil {
		err = d.only("financier", o.Financier)
	}
	if err != nil {
		return err
	}
	d.endOffer(o, Retracted, "OfferRetracted")
	return nil
}

// forgetOffer is the deadline of an offer.
func (d *draft) forgetOffer() error {
	o, err := d.standing()
	if err != nil {
		return err
	}
	d.endOffer(o, Forgotten, "OfferExpired")
	return nil
}
