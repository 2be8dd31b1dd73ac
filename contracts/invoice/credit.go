package invoice

import (
	"slices"
	"strings"

	"aval/domain"
)

// MaxNetted bounds the invoices against which one command nets a credit.
const MaxNetted = 16

// Credit is the record credit/<id>: what a supplier takes back of what it asked for, after
// goods came back or a price was wrong.
type Credit struct {
	ID        string          `json:"id"`
	Agreement string          `json:"agreement"`
	Supplier  domain.PartyID  `json:"supplier"`
	Buyer     domain.PartyID  `json:"buyer"`
	Currency  domain.Currency `json:"currency"`
	// Invoice is the one that it corrects; empty for an unmatched credit.
	Invoice        string `json:"invoice,omitempty"`
	Number         string `json:"number"`
	TypeCode       string `json:"typeCode"`
	DocumentSHA256 string `json:"documentSha256,omitempty"`
	// Minor is what it lowers debts by, positive in either style; Left is what has lowered none
	// yet, and is the supplier's debt to the buyer.
	Minor  int64  `json:"minor"`
	Left   int64  `json:"left"`
	Status string `json:"status"`
}

// The states of a credit.
const (
	Balance  = "balance"  // something is left, which the supplier owes
	Applied  = "applied"  // all of it has lowered a debt
	Refunded = "refunded" // the supplier paid the rest back
)

// Crediting is the body of credit.
type Crediting struct {
	Agreement string `json:"agreement"`
	Invoice   string `json:"invoice,omitempty"`
	Number    string `json:"number"`
	// TypeCode is 381 or 396 with a positive amount, or 380 or 384 with a negative one.
	TypeCode       string       `json:"typeCode"`
	Amount         domain.Money `json:"amount"`
	DocumentSHA256 string       `json:"documentSha256,omitempty"`
}

func creditKey(id string) string { return "credit/" + id }

func (c Credit) insiders() []domain.PartyID { return []domain.PartyID{c.Supplier, c.Buyer} }

func (c Credit) save(d *draft) {
	put(d, creditKey(c.ID), c, c.Status, c.Status != Balance, c.insiders()...)
}

// credit takes a credit note in. It lowers its invoice at once; what is more than that, or has
// no open invoice, stays as the supplier's debt until the buyer nets it or the supplier refunds it.
func (d *draft) credit() error {
	var body Crediting
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.agreement(body.Agreement)
	if err != nil {
		return err
	}
	if err := d.only("supplier", a.Terms.Supplier); err != nil {
		return err
	}
	minor, err := body.minor(a.Terms.Currency)
	if err != nil {
		return err
	}
	c := Credit{
		ID: d.in.Command.Contract, Agreement: a.ID, Supplier: a.Terms.Supplier, Buyer: a.Terms.Buyer, Currency: a.Terms.Currency,
		Invoice: body.Invoice, Number: strings.Trim(body.Number, " "), TypeCode: body.TypeCode, DocumentSHA256: body.DocumentSHA256,
		Minor: minor, Left: minor, Status: Balance,
	}
	if err := d.checkCredit(c); err != nil {
		return err
	}
	put(d, numberKey(c.Supplier, c.Number), usedNumber{c.ID}, "used", true, c.Supplier)
	d.count(a.ID, 1)
	d.event("CreditDeclared", creditKey(c.ID), c, c.insiders()...)
	if c.Invoice != "" {
		if err := d.lowerNamed(&c); err != nil {
			return err
		}
	}
	d.keepCredit(c)
	return nil
}

// minor is the amount without its sign, which must be that of its style.
func (c Crediting) minor(currency domain.Currency) (int64, error) {
	amount := c.Amount
	switch c.TypeCode {
	case "381", "396":
	case "380", "384":
		amount.Minor = -max(amount.Minor, -domain.MaxMinor-1) // the least number has no negation
	default:
		return 0, domain.Refuse(domain.Malformed, "typeCode %.8q: want 381 or 396, or a negative 380 or 384", c.TypeCode)
	}
	if amount.Currency != currency {
		return 0, domain.Refuse(domain.CurrencyMismatch, "amount is in %.3s, the agreement in %s", string(amount.Currency), currency)
	}
	if amount.Minor < 1 {
		return 0, domain.Refuse(domain.InvalidAmount, "amount: %s has a positive amount in a credit note, 380 and 384 a negative one", c.TypeCode)
	}
	return amount.Minor, amount.CheckPositive("amount")
}

func (d *draft) checkCredit(c Credit) error {
	if d.taken(creditKey(c.ID)) {
		return domain.Refuse(domain.AlreadyExists, "credit %s: the ID is taken", c.ID)
	}
	if !printable(c.Number, MaxNumberLength) {
		return domain.Refuse(domain.Malformed, "number: want 1 to %d printable ASCII characters", MaxNumberLength)
	}
	if err := checkDocument(c.DocumentSHA256); err != nil {
		return err
	}
	if d.taken(numberKey(c.Supplier, c.Number)) {
		return domain.Refuse(domain.AlreadyExists, "number: you have used this document number before")
	}
	if c.Invoice != "" && !d.taken(billKey(c.Invoice)) {
		return domain.Refuse(domain.NotFound, "invoice %.64q: there is none", c.Invoice)
	}
	return nil
}

// lowerNamed lowers the invoice that the credit names, if it is open.
func (d *draft) lowerNamed(c *Credit) error {
	b, found, err := d.bills.fetch(d.view, billKey(c.Invoice))
	if err != nil || !found {
		return err
	}
	if b.Agreement != c.Agreement {
		return domain.Refuse(domain.NotFound, "invoice %.64q: there is none", c.Invoice)
	}
	return d.lower(c, b)
}

// lower takes as much off an invoice as credit and debt allow; an invoice of nothing is closed.
// One that a bank undertook to pay, or whose payment is under way or made, is fixed.
func (d *draft) lower(c *Credit, b *Bill) error {
	if b.Guarantor != "" || b.Instruction != nil {
		return nil
	}
	minor := min(c.Left, b.remaining())
	if minor == 0 {
		return nil
	}
	c.Left -= minor
	b.Deductions = append(b.Deductions, Deduction{Kind: ForCredit, Credit: c.ID, Minor: minor})
	rest := b.due() // what is in question bears a credit first
	b.Claim = min(b.Claim, max(0, rest-b.Cleared))
	b.Cleared = min(b.Cleared, rest)
	d.bills.touch(b)
	d.event("CreditApplied", creditKey(c.ID), applied{b.ID, b.money(minor), b.money(b.remaining())}, b.insiders()...)
	switch {
	case b.questioned() && b.Claim == 0:
		return d.approve(b)
	case b.remaining() == 0 && slices.Contains([]string{Approved, Due, Defaulted}, b.Status):
		return d.settle(b, b.Cleared, ByCredit)
	}
	return d.diluted(b)
}

// applied says what a credit took off an invoice, and what is left of that.
type applied struct {
	Invoice   string       `json:"invoice"`
	Amount    domain.Money `json:"amount"`
	Remaining domain.Money `json:"remaining"`
}

// remaining is what is or may be owed of an invoice, and is not paid.
func (b Bill) remaining() int64 {
	if b.settled() || b.Status == Paid {
		return 0
	}
	return max(0, b.due()-b.Paid)
}

// keepCredit writes a credit in the state that follows from what is left of it.
func (d *draft) keepCredit(c Credit) {
	if c.Left == 0 && c.Status == Balance {
		c.Status = Applied
	}
	if c.Status != Balance {
		d.count(c.Agreement, -1)
	}
	c.save(d)
}

// ownCredit loads an open credit for one of its two parties.
func (d *draft) ownCredit() (Credit, error) {
	c, found, err := domain.Load[Credit](d.view, creditKey(d.in.Command.Contract))
	if err == nil && (!found || !slices.Contains(c.insiders(), d.in.Sender)) {
		err = domain.Refuse(domain.NotFound, "credit %.64q: none of yours is open", d.in.Command.Contract)
	}
	return c, err
}

// netCredit is the buyer's consent: what is left of a credit lowers the approved invoices of the
// agreement, the first to be due first. A financed one is left alone: its debt is another's.
func (d *draft) netCredit() error {
	c, err := d.ownCredit()
	if err != nil {
		return err
	}
	if err := d.only("buyer", c.Buyer); err != nil {
		return err
	}
	debts, err := d.debts(c.Agreement)
	if err != nil {
		return err
	}
	before, looked := c.Left, 0
	for _, debt := range debts {
		if c.Left == 0 || looked == MaxNetted {
			break
		}
		b, _, err := d.bills.fetch(d.view, billKey(debt.Invoice))
		if err != nil {
			return err
		}
		r, err := d.receivable(b)
		if err != nil {
			return err
		}
		if b.Guarantor != "" || b.Creditor != "" || r != nil && !r.free() {
			continue
		}
		looked++
		if err := d.lower(&c, b); err != nil {
			return err
		}
	}
	if c.Left == before {
		return domain.Refuse(domain.WrongState, "no approved invoice of the agreement is free to net against")
	}
	d.keepCredit(c)
	return nil
}

// refund pays what is left of a credit back to the buyer.
func (d *draft) refund() error {
	c, err := d.ownCredit()
	if err != nil {
		return err
	}
	if err := d.only("supplier", c.Supplier); err != nil {
		return err
	}
	account := domain.PartyAccount(c.Supplier)
	if d.balance(account, c.Currency) < c.Left {
		return domain.Refuse(domain.InsufficientFunds, "your account holds less than is left of the credit")
	}
	d.move("refund", account, domain.PartyAccount(c.Buyer), c.Left, c.Currency)
	c.Status, c.Left = Refunded, 0
	d.event("CreditRefunded", creditKey(c.ID), c, c.insiders()...)
	d.keepCredit(c)
	return nil
}
