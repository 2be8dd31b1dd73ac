package invoice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"aval/contracts/invoice/fingerprint"
	"aval/contracts/invoice/interest"
	"aval/domain"
)

// Limits of financing.
const (
	// MaxInvited bounds the financiers that are asked about one receivable.
	MaxInvited = 16
	// MaxOffer bounds how long an offer stands: 30 days.
	MaxOffer domain.Millis = 30 * Day
	// Reservation is how long a reservation lasts without the advance: 2 days.
	Reservation domain.Millis = 2 * Day
)

// Inviting is the body of invite.
type Inviting struct {
	Financiers []domain.PartyID `json:"financiers"`
	// Seed is fingerprint.SeedBytes of chance, for this invoice alone. Only the first invitation needs it.
	Seed []byte `json:"seed,omitempty"`
}

// listed says what financiers and registry are told: a fingerprint and a status.
type listed struct {
	Fingerprint string `json:"fingerprint"`
	Status      string `json:"status"`
}

// invite asks financiers about an approved invoice. They are shown its fingerprint and nothing else.
func (d *draft) invite() error {
	var body Inviting
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.assignable()
	if err != nil {
		return err
	}
	if err := checkInvited(body.Financiers, d.in.Registry); err != nil {
		return err
	}
	r, err := d.pledge(b, body.Seed)
	if err != nil {
		return err
	}
	r.Invited = body.Financiers
	d.receivables.touch(r)
	if r.Fingerprint == "" {
		return nil // the registry is asked first
	}
	return d.list(r)
}

// assignable loads an approved invoice whose supplier may dispose of it.
func (d *draft) assignable() (*Bill, error) {
	b, err := d.bill(Approved)
	if err != nil {
		return nil, err
	}
	if err := d.only("supplier", b.Payment.Supplier); err != nil {
		return nil, err
	}
	if b.Instruction != nil {
		return nil, domain.Refuse(domain.WrongState, "the payment of the invoice is under way")
	}
	return b, nil
}

func checkInvited(financiers []domain.PartyID, registry domain.Registry) error {
	if len(financiers) == 0 || len(financiers) > MaxInvited {
		return domain.Refuse(domain.LimitExceeded, "financiers: %d, want 1 to %d", len(financiers), MaxInvited)
	}
	for i, id := range financiers {
		party, known := registry.Party(id)
		if !known || !slices.Contains(party.Roles, domain.RoleFinancier) || slices.Contains(financiers[:i], id) {
			return domain.Refuse(domain.NotPermitted, "financiers: number %d is not a registered financier, or stands twice", i+1)
		}
	}
	return nil
}

// pledge gives the receivable of an invoice a record, and its fingerprint if no registry is asked.
func (d *draft) pledge(b *Bill, seed []byte) (*Receivable, error) {
	r, err := d.receivable(b)
	if err != nil {
		return nil, err
	}
	if r != nil && !r.free() {
		return nil, domain.Refuse(domain.WrongState, "the receivable is %s", r.Status)
	}
	if r != nil {
		return r, nil
	}
	if len(seed) != fingerprint.SeedBytes {
		return nil, domain.Refuse(domain.Malformed, "seed: %d bytes, want %d", len(seed), fingerprint.SeedBytes)
	}
	b.Pledged = true
	d.bills.touch(b)
	r = d.receivables.add(receivableKey(b.ID), Receivable{
		Invoice: b.ID, Status: Free, Controller: b.Payment.Supplier, Supplier: b.Payment.Supplier, Buyer: b.Payment.Buyer,
		Currency: b.Payment.Currency, Due: b.remaining(), ApprovedOn: b.ApprovedOn, DueOn: b.DueOn, Seed: seed,
		Calendar: b.Payment.calendar(),
	})
	if s := b.Payment.Debt; s != nil && s.Registry != nil {
		id := b.identity()
		r.Registry, r.RegistryKey, r.Identity = s.Registry.Party, s.Registry.PublicKey, &id
		return r, d.ask(b, r)
	}
	// Without a registry the mark is known to this ledger alone, and says nothing to who has not the seed.
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(b.ID))
	r.Fingerprint, r.Cleared = hex.EncodeToString(mac.Sum(nil)), true
	if d.taken(fingerprintKey(r.Fingerprint)) {
		return nil, domain.Refuse(domain.AlreadyExists, "seed: it was used before")
	}
	return r, nil
}

// list shows a receivable to those that are invited.
func (d *draft) list(r *Receivable) error {
	if r.Elsewhere {
		return domain.Refuse(domain.WrongState, "the registry reports the receivable as financed elsewhere")
	}
	r.Status = Offered
	d.receivables.touch(r)
	d.event("ReceivableListed", fingerprintKey(r.Fingerprint), listed{r.Fingerprint, r.Status}, append([]domain.PartyID{r.Supplier, r.Registry}, r.Invited...)...)
	return nil
}

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

// forget is the deadline of an offer.
func (d *draft) forgetOffer() error {
	o, err := d.standing()
	if err != nil {
		return err
	}
	d.endOffer(o, Forgotten, "OfferExpired")
	return nil
}

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
