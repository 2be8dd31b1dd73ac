package cash

import (
	"strings"

	"aval/domain"
)

// Payment is the body of issue and transfer.
type Payment struct {
	To        domain.PartyID `json:"to"`
	Amount    domain.Money   `json:"amount"`
	Reference string         `json:"reference"`
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

func issue(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	p, err := decodePayment(in)
	if err != nil {
		return fx, err
	}
	if !in.Has(domain.RoleBank) || in.Command.Contract != string(in.Sender) {
		return fx, domain.Refuse(domain.NotPermitted, "only a party with role bank issues, under its own ID as contract")
	}
	key := currencyKey(p.Amount.Currency)
	c, found, err := domain.Load[Currency](v, key)
	if err != nil {
		return fx, err
	}
	if found && c.Issuer != in.Sender {
		return fx, domain.Refuse(domain.NotPermitted, "%s is issued by another bank", p.Amount.Currency)
	}
	if !found {
		c = Currency{Code: p.Amount.Currency, Issuer: in.Sender, Since: in.Now}
		w, err := domain.Put(key, c, Issued, in.Sender)
		if err != nil {
			return fx, err
		}
		fx.Writes = append(fx.Writes, w)
	}
	return pay(fx, in, p, domain.IssueAccount(in.Sender), "issue", "issued")
}

func transfer(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	p, err := decodePayment(in)
	if err != nil {
		return fx, err
	}
	if p.To == in.Sender {
		return fx, domain.Refuse(domain.InvalidTerms, "to: payer and payee are the same party")
	}
	if err := checkIssuer(v, in.Command.Contract, p.Amount.Currency); err != nil {
		return fx, err
	}
	return pay(fx, in, p, domain.PartyAccount(in.Sender), "transfer", "transferred")
}

func pay(fx domain.Effects, in domain.Input, p Payment, from domain.AccountID, purpose, event string) (domain.Effects, error) {
	fx.Postings = []domain.Posting{{Debit: from, Credit: domain.PartyAccount(p.To), Amount: p.Amount, Purpose: purpose}}
	e, err := domain.NewEvent(event, currencyKey(p.Amount.Currency), Paid{
		From: in.Sender, To: p.To, Amount: p.Amount, Issuer: domain.PartyID(in.Command.Contract), Reference: p.Reference,
	}, in.Sender, p.To)
	fx.Events = []domain.Event{e}
	return fx, err
}

// decodePayment reads a payment to a registered party.
func decodePayment(in domain.Input) (p Payment, err error) {
	if err := in.Command.DecodeBody(&p); err != nil {
		return p, err
	}
	if err := p.Amount.CheckPositive("amount"); err != nil {
		return p, err
	}
	if err := checkText("reference", p.Reference, 0); err != nil {
		return p, err
	}
	if err := p.To.Check(); err != nil {
		return p, err
	}
	if _, known := in.Registry.Party(p.To); !known {
		return p, domain.Refuse(domain.NotFound, "to: party %s is not registered", p.To)
	}
	return p, nil
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
