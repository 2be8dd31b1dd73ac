package cash

import (
	"strings"

	"aval/domain"
	"aval/domain/ident"
)

// Limits of pay-to accounts.
const (
	// MaxOther bounds an account number that is no IBAN, MaxName its holder's name: what ISO 20022 carries.
	MaxOther = 34
	MaxName  = 70
	// DefaultCoolOff is how long an approved change waits, in milliseconds (48 h), unless governance says otherwise.
	DefaultCoolOff domain.Millis = 48 * hour
	hour           domain.Millis = 60 * 60 * 1000
)

// The statuses of a pay-to account: nothing is in force yet, nothing is asked, a change waits for its
// approval, or for the end of its cool-off.
const (
	Unconfirmed = "unconfirmed"
	InForce     = "in-force"
	Asked       = "asked"
	Cooling     = "cooling-off"
)

// payToName is the deadline at which a change takes effect.
const payToName = "PayToTakesEffect"

// Account is an account outside, at any bank.
type Account struct {
	// IBAN is one of ISO 13616, or Other a number of a country without them: 1 to MaxOther of A-Z, a-z, 0-9 and " -/.".
	IBAN  string `json:"iban,omitempty"`
	Other string `json:"other,omitempty"`
	// BIC is that of its bank, ISO 9362; empty where it follows from the IBAN.
	BIC string `json:"bic,omitempty"`
	// Name is the holder's, 1 to MaxName bytes of UTF-8.
	Name string `json:"name"`
}

// PayTo is the record payto/<party>/<currency>, visible to the party and to the bank that issues the
// currency: where the bank pays what the party redeems.
type PayTo struct {
	Party    domain.PartyID  `json:"party"`
	Currency domain.Currency `json:"currency"`
	Bank     domain.PartyID  `json:"bank"`
	// Account is in force since Since; nil before the bank confirmed the first one.
	Account *Account      `json:"account,omitempty"`
	Since   domain.Millis `json:"since"`
	// Number counts what was asked, from 1; Asked is what is open.
	Number int64        `json:"number"`
	Asked  *PayToChange `json:"asked,omitempty"`
	Status string       `json:"status"`
}

// PayToChange is another account that a party asked for.
type PayToChange struct {
	Account Account `json:"account"`
	// At is when it was asked, Key the thumbprint of the party's key that asked.
	At  domain.Millis `json:"at"`
	Key string        `json:"key"`
	// ApprovedBy and ApprovedKey are who approved it, EffectiveAt when the cool-off ends; not set until then.
	ApprovedBy  domain.PartyID `json:"approvedBy,omitempty"`
	ApprovedKey string         `json:"approvedKey,omitempty"`
	EffectiveAt domain.Millis  `json:"effectiveAt,omitempty"`
}

func payToKey(party domain.PartyID, c domain.Currency) string {
	return "payto/" + string(party) + "/" + string(c)
}

// payToDeadline names the record in the contract of its deadline; no party's ID has a '_'.
func payToDeadline(p PayTo) string { return string(p.Party) + "_" + string(p.Currency) }

// check refuses what names no account, or two.
func (a Account) check() error {
	switch {
	case (a.IBAN == "") == (a.Other == ""):
		return domain.Refuse(domain.Malformed, "account: want iban or other, one of them")
	case strings.TrimSpace(a.Name) != a.Name || strings.Map(carried, a.Name) != a.Name:
		return domain.Refuse(domain.Malformed, "account.name: white space at an end, or a character that a message cannot carry")
	case a.Name == "" || len(a.Name) > MaxName:
		return domain.Refuse(domain.Malformed, "account.name: %d bytes, want 1 to %d", len(a.Name), MaxName)
	case len(a.Other) > MaxOther || strings.ContainsFunc(a.Other, notNumbering) || strings.TrimSpace(a.Other) != a.Other:
		return domain.Refuse(domain.Malformed, "account.other: want 1 to %d letters, digits, ' ', '-', '/' or '.'", MaxOther)
	}
	if a.BIC != "" {
		if err := ident.CheckBIC("account.bic", a.BIC); err != nil {
			return err
		}
	}
	if a.IBAN != "" {
		if err := ident.CheckIBAN("account.iban", a.IBAN); err != nil {
			return err
		}
	}
	return checkText("account.name", a.Name, 1)
}

func notNumbering(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(" -/.", r)
}

// payTo asks for an account of the sender's own. Nothing changes yet.
func (o *order) payTo() error {
	var body struct {
		Currency domain.Currency `json:"currency"`
		Account  Account         `json:"account"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := body.Account.check(); err != nil {
		return err
	}
	if err := checkIssuer(o.view, o.in.Command.Contract, body.Currency); err != nil {
		return err
	}
	p, found, err := domain.Load[PayTo](o.view, payToKey(o.in.Sender, body.Currency))
	switch {
	case err != nil:
		return err
	case !found:
		p = PayTo{Party: o.in.Sender, Currency: body.Currency, Bank: domain.PartyID(o.in.Command.Contract)}
	case p.Asked != nil:
		return domain.Refuse(domain.WrongState, "account: number %d is asked for; cancel it first", p.Number)
	case p.Account != nil && *p.Account == body.Account:
		return domain.Refuse(domain.AlreadyExists, "account: it is in force")
	}
	p.Number++
	p.Asked = &PayToChange{Account: body.Account, At: o.in.Now, Key: o.in.Key}
	return o.putPayTo(p, "payToAsked")
}

// putPayTo writes the record and tells party and bank.
func (o *order) putPayTo(p PayTo, event string) error {
	p.Status = p.status()
	w, err := domain.Put(payToKey(p.Party, p.Currency), p, p.Status, p.Party, p.Bank)
	if err != nil {
		return err
	}
	o.fx.Writes = append(o.fx.Writes, w)
	return o.event(event, w.Key, p, p.Party, p.Bank)
}

func (p PayTo) status() string {
	switch {
	case p.Asked != nil && p.Asked.EffectiveAt != 0:
		return Cooling
	case p.Account == nil:
		return Unconfirmed
	case p.Asked != nil:
		return Asked
	}
	return InForce
}

// payToInForce is the account to which the party's money of a currency goes now; nil if none is pinned.
func payToInForce(v domain.View, party domain.PartyID, c domain.Currency) (*Account, error) {
	p, _, err := domain.Load[PayTo](v, payToKey(party, c))
	return p.Account, err
}
