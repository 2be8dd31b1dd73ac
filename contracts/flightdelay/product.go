package flightdelay

import (
	"aval/domain"
)

// Offer is the body of offer.
type Offer struct {
	Terms Terms `json:"terms"`
}

// Amount is the body of reserve and withdraw.
type Amount struct {
	Amount domain.Money `json:"amount"`
}

// product is the record product/<id>: immutable terms, and the running sums that cap the sale.
type product struct {
	Insurer   domain.PartyID `json:"insurer"`
	Terms     Terms          `json:"terms"`
	OfferedAt domain.Millis  `json:"offeredAt"`
	Paused    bool           `json:"paused"`
	// Locked is the sum of highest payouts of live policies, Quoted that of open quotes, in minor units.
	Locked int64 `json:"locked"`
	Quoted int64 `json:"quoted"`
	// Policies counts live policies.
	Policies int64 `json:"policies"`
}

func (p product) parties() []domain.PartyID { return []domain.PartyID{p.Insurer} }

func (t *turn) putProduct(id string, p product) {
	status := "onSale"
	if p.Paused {
		status = "paused"
	}
	t.put("product/"+id, p, status)
	t.fx.Writes[len(t.fx.Writes)-1].HeldFor = p.Insurer // the reserve that no policy has locked
}

// checkOnSale refuses a product whose sale is paused, or that governance has yet to approve.
func (t *turn) checkOnSale(id string, p product) error {
	if p.Paused {
		return domain.Refuse(domain.WrongState, "product %s: its sale is paused", id)
	}
	if !t.in.Registry.Approved(t.in.Command.Kind, id, p.OfferedAt) {
		return domain.Refuse(domain.WrongState, "product %s: governance has not approved it", id)
	}
	return nil
}

func (t *turn) offer() error {
	var body Offer
	if !t.in.Has(domain.RoleInsurer) {
		return domain.Refuse(domain.NotPermitted, "offer: only a party with role insurer may offer a product")
	}
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if t.exists("product/" + t.id()) {
		return domain.Refuse(domain.AlreadyExists, "product %s was offered before; other terms need another ID", t.id())
	}
	if err := body.Terms.check(t.in.Registry); err != nil {
		return err
	}
	p := product{Insurer: t.in.Sender, Terms: body.Terms, OfferedAt: t.in.Now}
	t.putProduct(t.id(), p)
	t.event("ProductOffered", "product/"+t.id(), body, p.Insurer)
	return nil
}

// own loads the sender's product; that of another reads as absent.
func (t *turn) own() (product, error) {
	p, err := load[product](t, "product", t.id())
	if err == nil && p.Insurer != t.in.Sender {
		return product{}, domain.Refuse(domain.NotFound, "product %s: no such record, or not yours", t.id())
	}
	return p, err
}

func (t *turn) ownAmount() (p product, amount domain.Money, err error) {
	var body Amount
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return product{}, domain.Money{}, err
	}
	if p, err = t.own(); err != nil {
		return product{}, domain.Money{}, err
	}
	if body.Amount.Currency != p.Terms.Payouts.Currency {
		return p, body.Amount, domain.Refuse(domain.CurrencyMismatch, "amount: want %s", p.Terms.Payouts.Currency)
	}
	return p, body.Amount, body.Amount.CheckPositive("amount")
}

func (t *turn) reserve() error {
	p, amount, err := t.ownAmount()
	if err != nil {
		return err
	}
	t.post("reserve", domain.PartyAccount(p.Insurer), escrow("product", t.id()), amount.Minor, amount.Currency)
	t.event("ReserveAdded", "product/"+t.id(), Amount{amount}, p.Insurer)
	return nil
}

func (t *turn) withdraw() error {
	p, amount, err := t.ownAmount()
	if err != nil {
		return err
	}
	// What policies hold lies in their own escrows, out of reach; quotes hold capacity here.
	free := t.view.Available(escrow("product", t.id()), amount.Currency) - p.Quoted
	if amount.Minor > free {
		return domain.Refuse(domain.InsufficientFunds, "amount: %d minor units, free reserve %d", amount.Minor, free)
	}
	t.post("withdraw", escrow("product", t.id()), domain.PartyAccount(p.Insurer), amount.Minor, amount.Currency)
	t.event("ReserveWithdrawn", "product/"+t.id(), Amount{amount}, p.Insurer)
	return nil
}

func (t *turn) pause() error { return t.setPaused(true, "SalePaused") }

func (t *turn) resume() error { return t.setPaused(false, "SaleResumed") }

func (t *turn) setPaused(paused bool, event string) error {
	if err := t.in.Command.DecodeBody(&struct{}{}); err != nil {
		return err
	}
	p, err := t.own()
	if err != nil {
		return err
	}
	if p.Paused == paused {
		return domain.Refuse(domain.WrongState, "product %s: paused is %t already", t.id(), paused)
	}
	p.Paused = paused
	t.putProduct(t.id(), p)
	t.event(event, "product/"+t.id(), struct{}{}, p.Insurer)
	return nil
}
