package cash

import "aval/domain"

// expireName is the deadline of a hold.
const expireName = "Expire"

// Hold is the record hold/<id>, visible to payer and payee: money that its payer has set
// aside for its payee. What was neither captured nor released lies in the hold's escrow.
type Hold struct {
	ID     string         `json:"id"`
	Issuer domain.PartyID `json:"issuer"`
	Payer  domain.PartyID `json:"payer"`
	Payee  domain.PartyID `json:"payee"`
	Amount domain.Money   `json:"amount"`
	// Captured is what the payee took so far.
	Captured domain.Money `json:"captured"`
	// Reference is the payer's.
	Reference string `json:"reference"`
	Status    string `json:"status"`
	// HeldAt and EndedAt are batch times, EndedAt zero while the hold is open. What is left at ExpiresAt returns by itself.
	HeldAt    domain.Millis `json:"heldAt"`
	ExpiresAt domain.Millis `json:"expiresAt"`
	EndedAt   domain.Millis `json:"endedAt"`
}

func holdKey(id string) string { return "hold/" + id }

func (h Hold) escrow() domain.AccountID { return domain.EscrowAccount(domain.CashKind, holdKey(h.ID)) }

// left is what lies in the escrow.
func (h Hold) left() domain.Money {
	return domain.Money{Minor: h.Amount.Minor - h.Captured.Minor, Currency: h.Amount.Currency}
}

func (o *order) hold() error {
	var body struct {
		ID        string         `json:"id"`
		To        domain.PartyID `json:"to"`
		Amount    domain.Money   `json:"amount"`
		ExpiresAt domain.Millis  `json:"expiresAt"`
		Reference string         `json:"reference"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := domain.CheckID("id", body.ID); err != nil {
		return err
	}
	if err := o.checkTransfer(Payment{To: body.To, Amount: body.Amount, Reference: body.Reference}); err != nil {
		return err
	}
	if err := checkIssuer(o.view, o.in.Command.Contract, body.Amount.Currency); err != nil {
		return err
	}
	if body.ExpiresAt <= o.in.Now || body.ExpiresAt > o.in.Now+MaxHold {
		return domain.Refuse(domain.InvalidTerms, "expiresAt: want an instant after now, at most %d ms from now", MaxHold)
	}
	if _, open := o.view.Get(holdKey(body.ID)); open || o.view.Closed(holdKey(body.ID)) {
		return domain.Refuse(domain.AlreadyExists, "id: hold %s exists", body.ID)
	}
	h := Hold{
		ID: body.ID, Issuer: domain.PartyID(o.in.Command.Contract), Payer: o.in.Sender, Payee: body.To, Amount: body.Amount,
		Captured: domain.Money{Currency: body.Amount.Currency}, Reference: body.Reference, HeldAt: o.in.Now, ExpiresAt: body.ExpiresAt,
	}
	o.move(domain.Posting{Debit: domain.PartyAccount(h.Payer), Credit: h.escrow(), Amount: h.Amount, Purpose: "hold"})
	o.fx.Deadlines = []domain.Deadline{{At: h.ExpiresAt, Contract: h.ID, Name: expireName}}
	return o.tell(h, Held, "held")
}

// capture pays the payee out of a hold. A final one ends it and gives the rest back.
func (o *order) capture() error {
	var body struct {
		Amount    domain.Money `json:"amount"`
		Final     bool         `json:"final"`
		ValueDate domain.Date  `json:"valueDate"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if err := body.ValueDate.CheckValue(o.in.Now); err != nil {
		return err
	}
	h, err := o.openHold()
	if err != nil {
		return err
	}
	if o.in.Sender != h.Payee {
		return domain.Refuse(domain.NotPermitted, "only the payee captures a hold")
	}
	rest, err := h.left().Sub(body.Amount)
	if err != nil {
		return err
	}
	if rest.Minor < 0 {
		return domain.Refuse(domain.InvalidAmount, "amount: %s, but the hold has %s left", body.Amount, h.left())
	}
	o.move(domain.Posting{
		Debit: h.escrow(), Credit: domain.PartyAccount(h.Payee), Amount: body.Amount, Purpose: "capture", ValueDate: body.ValueDate,
	})
	h.Captured.Minor += body.Amount.Minor
	if rest.Minor > 0 && !body.Final {
		return o.tell(h, Held, "holdCaptured")
	}
	return o.endHold(h, Captured, "holdCaptured")
}

// release gives back what a hold has left: at the payee's word, or at the payer's once it expired.
func (o *order) release() error {
	if err := o.in.Command.DecodeBody(&struct{}{}); err != nil {
		return err
	}
	h, err := o.openHold()
	if err != nil {
		return err
	}
	if o.in.Sender != h.Payee && o.in.Now < h.ExpiresAt {
		return domain.Refuse(domain.TooEarly, "the payer may release at %s; until then only the payee", h.ExpiresAt)
	}
	return o.endHold(h, Released, "holdReleased")
}

// expire is the deadline: nobody ended the hold in time.
func (o *order) expire() error {
	h, found, err := domain.Load[Hold](o.view, holdKey(o.in.Command.Contract))
	if err == nil && !found {
		err = noHold(o.in.Command.Contract)
	}
	if err != nil {
		return err
	}
	return o.endHold(h, Expired, "holdExpired")
}

func noHold(id string) error { return domain.Refuse(domain.NotFound, "no open hold %.64s", id) }

// openHold loads a hold for its payer or payee. To anybody else it does not exist.
func (o *order) openHold() (Hold, error) {
	h, found, err := domain.Load[Hold](o.view, holdKey(o.in.Command.Contract))
	if err == nil && (!found || o.in.Sender != h.Payer && o.in.Sender != h.Payee) {
		err = noHold(o.in.Command.Contract)
	}
	return h, err
}

// endHold gives what is left back to the payer and closes the record.
func (o *order) endHold(h Hold, status, event string) error {
	if left := h.left(); left.Minor > 0 {
		o.move(domain.Posting{Debit: h.escrow(), Credit: domain.PartyAccount(h.Payer), Amount: left, Purpose: "release"})
	}
	o.fx.Deadlines = append(o.fx.Deadlines, domain.Deadline{Contract: h.ID, Name: expireName})
	h.EndedAt = o.in.Now
	return o.tell(h, status, event)
}

// tell writes the hold in its new status and says what became of it.
func (o *order) tell(h Hold, status, event string) error {
	h.Status = status
	w, err := domain.Put(holdKey(h.ID), h, status, h.Payer, h.Payee)
	if err != nil {
		return err
	}
	w.Final, w.HeldFor = h.EndedAt != 0, h.Payer
	o.fx.Writes = append(o.fx.Writes, w)
	return o.event(event, holdKey(h.ID), h, h.Payer, h.Payee)
}
