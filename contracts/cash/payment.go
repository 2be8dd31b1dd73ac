package cash

import (
	"strings"

	"aval/domain"
)

// Payment is the body of issue and transfer, and an item of their bulks.
type Payment struct {
	To        domain.PartyID `json:"to"`
	Amount    domain.Money   `json:"amount"`
	Reference string         `json:"reference"`
	// ValueDate is the day from which the money counts outside; empty for the day of booking.
	ValueDate domain.Date `json:"valueDate,omitempty"`
}

// Paid is the body of the events "issued" and "transferred". They belong to the currency's record.
type Paid struct {
	From      domain.PartyID `json:"from"`
	To        domain.PartyID `json:"to"`
	Amount    domain.Money   `json:"amount"`
	Issuer    domain.PartyID `json:"issuer"`
	Reference string         `json:"reference"`
}

func currencyKey(c domain.Currency) string { return "currency/" + string(c) }

// order is a command being judged, and what it changes so far.
type order struct {
	view domain.View
	in   domain.Input
	fx   domain.Effects
	// keys are the records of the currencies that the bank issues, as far as the payments have named them.
	keys map[domain.Currency]string
}

// judge judges a command of any other kind than payments.
func judge(v domain.View, in domain.Input, command func(*order) error) (domain.Effects, error) {
	o := &order{view: v, in: in}
	err := command(o)
	return o.fx, err
}

// move adds a posting, caused by the event that is told next.
func (o *order) move(p domain.Posting) {
	p.Cause = len(o.fx.Events)
	o.fx.Postings = append(o.fx.Postings, p)
}

func (o *order) event(name, key string, body any, parties ...domain.PartyID) error {
	e, err := domain.NewEvent(name, key, body, parties...)
	o.fx.Events = append(o.fx.Events, e)
	return err
}

// one judges a command with one payment in its body.
func one(v domain.View, in domain.Input, book func(*order, Payment) error) (domain.Effects, error) {
	var p Payment
	if err := in.Command.DecodeBody(&p); err != nil {
		return domain.Effects{}, err
	}
	o := &order{view: v, in: in, keys: map[domain.Currency]string{}}
	err := book(o, p)
	return o.fx, err
}

// issue books new money. The first payment in a currency makes it the bank's.
func (o *order) issue(p Payment) error {
	if !o.in.Has(domain.RoleBank) || o.in.Command.Contract != string(o.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "only a party with role bank issues, under its own ID as contract")
	}
	if err := o.check(p); err != nil {
		return err
	}
	if _, known := o.keys[p.Amount.Currency]; !known {
		if err := o.claim(p.Amount.Currency); err != nil {
			return err
		}
	}
	return o.pay(p, domain.IssueAccount(o.in.Sender), "issue", "issued")
}

// claim notes a currency of the bank's, which becomes so if it is nobody's.
func (o *order) claim(currency domain.Currency) error {
	key := currencyKey(currency)
	c, found, err := domain.Load[Currency](o.view, key)
	if err != nil {
		return err
	}
	if found && c.Issuer != o.in.Sender {
		return domain.Refuse(domain.NotPermitted, "%s is issued by another bank", currency)
	}
	o.keys[currency] = key
	if found {
		return nil
	}
	w, err := domain.Put(key, Currency{Code: currency, Issuer: o.in.Sender, Since: o.in.Now}, Issued, o.in.Sender)
	o.fx.Writes = append(o.fx.Writes, w)
	return err
}

// transfer books money from the sender to another party.
func (o *order) transfer(p Payment) error {
	if err := o.checkTransfer(p); err != nil {
		return err
	}
	if _, known := o.keys[p.Amount.Currency]; !known {
		if err := checkIssuer(o.view, o.in.Command.Contract, p.Amount.Currency); err != nil {
			return err
		}
		o.keys[p.Amount.Currency] = currencyKey(p.Amount.Currency)
	}
	return o.pay(p, domain.PartyAccount(o.in.Sender), "transfer", "transferred")
}

// checkTransfer refuses what is no payment from the sender to somebody else.
func (o *order) checkTransfer(p Payment) error {
	if err := o.check(p); err != nil {
		return err
	}
	if p.To == o.in.Sender {
		return domain.Refuse(domain.InvalidTerms, "to: payer and payee are the same party")
	}
	return nil
}

// pay adds the payment's posting, and its event for payer and payee alone.
func (o *order) pay(p Payment, from domain.AccountID, purpose, event string) error {
	o.move(domain.Posting{Debit: from, Credit: domain.PartyAccount(p.To), Amount: p.Amount, Purpose: purpose, ValueDate: p.ValueDate})
	return o.event(event, o.keys[p.Amount.Currency], Paid{
		From: o.in.Sender, To: p.To, Amount: p.Amount, Issuer: domain.PartyID(o.in.Command.Contract), Reference: p.Reference,
	}, o.in.Sender, p.To)
}

// check refuses a payment that is none, or that goes to nobody.
func (o *order) check(p Payment) error {
	if err := p.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if err := checkText("reference", p.Reference, 0); err != nil {
		return err
	}
	if err := p.ValueDate.CheckValue(o.in.Now); err != nil {
		return err
	}
	if err := p.To.Check(); err != nil {
		return err
	}
	if _, known := o.in.Registry.Party(p.To); !known {
		return domain.Refuse(domain.NotFound, "to: party %s is not registered", p.To)
	}
	return nil
}

// checkIssuer refuses a bank that does not issue the currency.
func checkIssuer(v domain.View, bank string, currency domain.Currency) error {
	c, found, err := domain.Load[Currency](v, currencyKey(currency))
	if err != nil {
		return err
	}
	if !found || string(c.Issuer) != bank {
		return domain.Refuse(domain.NotFound, "contract: %.64s issues no %s", bank, currency)
	}
	return nil
}

// checkText refuses text outside least..MaxText bytes or with characters that could forge
// lines of a statement. That it is UTF-8 is checked where JSON is read.
func checkText(field, text string, least int) error {
	if len(text) < least || len(text) > MaxText {
		return domain.Refuse(domain.Malformed, "%s: %d bytes, want %d to %d", field, len(text), least, MaxText)
	}
	if strings.ContainsFunc(text, breaksLine) {
		return domain.Refuse(domain.Malformed, "%s: control character", field)
	}
	return nil
}

// breaksLine finds control characters, line separators, and the marks that turn the
// direction of writing. The ranges are spelt out because Unicode tables grow with the
// compiler, and a replay must judge as the first run did.
func breaksLine(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
