package invoice

import (
	"aval/domain"
	"aval/domain/calendar"
)

// MaxReference bounds the end-to-end identification of an order to a bank (ISO 20022 Max35Text).
const MaxReference = 35

// Instruction is an order that the payer gave to its bank outside. It pays whoever the debt
// was owed to when it was given: a notice of assignment after it does not make it wrong.
type Instruction struct {
	// Reference is the EndToEndId of the order.
	Reference string         `json:"reference"`
	Payee     domain.PartyID `json:"payee"`
	Owing     Owing          `json:"owing"`
	At        domain.Millis  `json:"at"`
	// PaidAt is when the payee confirmed it; zero while it is under way.
	PaidAt domain.Millis `json:"paidAt,omitempty"`
}

// Ordering is the body of instruct, Confirming of confirm and returned.
type Ordering struct {
	Reference string `json:"reference"`
}

// Confirming repeats the reference and says how much arrived.
type Confirming struct {
	Reference string       `json:"reference"`
	Amount    domain.Money `json:"amount"`
}

// instruct records that the payer has ordered its bank to pay what is owed today.
func (d *draft) instruct() error {
	var body Ordering
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.bill(Approved, Due, Defaulted)
	if err != nil {
		return err
	}
	if err := d.only("payer", b.Payment.payer()); err != nil {
		return err
	}
	if !b.Payment.owed() || b.Instruction != nil {
		return domain.Refuse(domain.WrongState, "the invoice is paid out of its escrow, or an order is under way")
	}
	if !printable(body.Reference, MaxReference) {
		return domain.Refuse(domain.Malformed, "reference: want 1 to %d printable ASCII characters", MaxReference)
	}
	owing, err := b.owing(b.Cleared-b.Paid, d.today(b.Payment))
	if err != nil {
		return err
	}
	payee, err := d.payee(b)
	if err != nil {
		return err
	}
	b.Instruction = &Instruction{Reference: body.Reference, Payee: payee, Owing: owing, At: d.in.Now}
	d.bills.touch(b)
	d.event("PaymentInstructed", billKey(b.ID), *b.Instruction, append(b.everybody(), payee)...)
	return nil
}

// payee is who a payment of today goes to.
func (d *draft) payee(b *Bill) (domain.PartyID, error) {
	if b.Creditor != "" {
		return b.Creditor, nil
	}
	r, err := d.receivable(b)
	if err != nil {
		return "", err
	}
	if r != nil && r.noticed() {
		return r.Controller, nil
	}
	if frozen, err := d.frozen(b); err != nil || frozen {
		return "", firstError(err, domain.Refuse(domain.WrongState, "the agreement is suspended"))
	}
	return d.redirect(b)
}

// instructed loads an invoice whose order is paid to the sender.
func (d *draft) instructed(reference string, paid bool) (*Bill, error) {
	b, found, err := d.bills.fetch(d.view, billKey(d.in.Command.Contract))
	if err != nil {
		return nil, err
	}
	if !found || b.Instruction == nil || b.Instruction.Payee != d.in.Sender || b.Instruction.Reference != reference {
		return nil, domain.Refuse(domain.NotFound, "invoice %.64q: no order with that reference pays you", d.in.Command.Contract)
	}
	if (b.Instruction.PaidAt != 0) != paid {
		return nil, domain.Refuse(domain.WrongState, "the order was confirmed, or was not yet")
	}
	return b, nil
}

// confirm is the payee's word that the money arrived, to the last minor unit. The invoice is
// paid, and stays open for as long as a bank may return the money.
func (d *draft) confirm() error {
	var body Confirming
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.instructed(body.Reference, false)
	if err != nil {
		return err
	}
	if body.Amount != b.money(b.Instruction.Owing.total()) {
		return domain.Refuse(domain.InvalidAmount, "amount: not what was ordered; a wrong amount is a matter between the two of you")
	}
	b.Instruction.PaidAt, b.Status, b.DefaultAt = d.in.Now, Paid, 0
	day, err := calendar.AddDays(d.today(b.Payment), b.Payment.Debt.ReturnDays)
	if err != nil {
		return err
	}
	if b.CloseAt, err = b.Payment.calendar().Close(day); err != nil {
		return err
	}
	d.bills.touch(b)
	d.event("PaymentConfirmed", billKey(b.ID), *b.Instruction, append(b.everybody(), b.Instruction.Payee)...)
	return d.paidOutside(b)
}

// closePaid is the deadline after which no bank returns a payment.
func (d *draft) closePaid() error {
	b, err := d.bill(Paid)
	if err != nil {
		return err
	}
	o := b.Instruction.Owing
	b.Instruction, b.CloseAt = nil, 0
	b.Paid, b.Interest, b.Fee = b.Paid+o.Principal, b.Interest+o.Interest, b.Fee+o.Fee
	return d.settle(b, b.Cleared, ByAcceptance)
}

// returned is the payee's word that the bank took the money back, or that it never came: the
// debt lives again, and its interest counts from its own due day.
func (d *draft) returned() error {
	var body Ordering
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, _, err := d.bills.fetch(d.view, billKey(d.in.Command.Contract))
	if err != nil {
		return err
	}
	paid := b != nil && b.Status == Paid
	if b, err = d.instructed(body.Reference, paid); err != nil {
		return err
	}
	was := *b.Instruction
	b.Instruction, b.CloseAt = nil, 0
	d.event("PaymentReturned", billKey(b.ID), was, append(b.everybody(), was.Payee)...)
	if paid {
		if err := d.returnedOutside(b, was); err != nil {
			return err
		}
	}
	b.Attempts = 0
	d.bills.touch(b)
	if b.Status = Approved; d.in.Now < b.PayAt {
		return nil
	}
	return d.settle(b, b.Cleared, ByAcceptance)
}
