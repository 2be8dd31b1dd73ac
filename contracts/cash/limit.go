package cash

import (
	"aval/domain"
	"aval/domain/canon"
)

// boundsSet is the body of the event "limited", the bounds that one side set, and all that
// the bank may see of a limit.
type boundsSet struct {
	Party    domain.PartyID  `json:"party"`
	Currency domain.Currency `json:"currency"`
	By       domain.PartyID  `json:"by"`
	Bounds   domain.Bounds   `json:"bounds"`
}

func limitKey(party domain.PartyID, c domain.Currency) string {
	return "limit/" + string(party) + "/" + string(c)
}

// limit sets the sender's bounds on an account: the owner's on its own, or those of the bank
// that issues the currency on anybody's. The engine keeps them, for every kind.
func (o *order) limit() error {
	var body struct {
		Party    domain.PartyID  `json:"party"`
		Currency domain.Currency `json:"currency"`
		Bounds   domain.Bounds   `json:"bounds"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := body.Party.Check(); err != nil {
		return err
	}
	if err := body.Bounds.Check(); err != nil {
		return err
	}
	bank := domain.PartyID(o.in.Command.Contract)
	if err := checkIssuer(o.view, string(bank), body.Currency); err != nil {
		return err
	}
	if o.in.Sender != body.Party && o.in.Sender != bank {
		return domain.Refuse(domain.NotPermitted, "only its owner and the bank limit an account")
	}
	if _, known := o.in.Registry.Party(body.Party); !known {
		return domain.Refuse(domain.NotFound, "party: %s is not registered", body.Party)
	}
	return o.setBounds(body.Party, bank, body.Currency, body.Bounds)
}

// setBounds writes one side's part of a limit. What the owner sets for itself is not told to the bank.
func (o *order) setBounds(party, bank domain.PartyID, currency domain.Currency, bounds domain.Bounds) error {
	key, seen := limitKey(party, currency), []domain.PartyID{party}
	l, _, err := domain.Load[domain.Limit](o.view, key)
	if err != nil {
		return err
	}
	l.Party, l.Currency = party, currency
	if o.in.Sender == party {
		l.Own = bounds
	} else {
		l.Bank, seen = bounds, append(seen, bank)
	}
	parties := []domain.PartyID{party}
	if l.Bank != (domain.Bounds{}) {
		parties = append(parties, bank)
	}
	w, err := domain.Put(key, l, limitStatus(l), parties...)
	if err != nil {
		return err
	}
	o.fx.Writes = append(o.fx.Writes, w)
	return o.event("limited", key, boundsSet{party, currency, o.in.Sender, bounds}, seen...)
}

func limitStatus(l domain.Limit) string {
	if l.Narrowest() == (domain.Bounds{}) {
		return Unlimited
	}
	return Limited
}

// showLimit shows a limit to its bank without what the owner set for itself.
func showLimit(body []byte, viewer domain.PartyID) (any, error) {
	var l domain.Limit
	if err := canon.Decode(body, &l); err != nil {
		return nil, err
	}
	if viewer == "" || viewer == l.Party {
		return l, nil
	}
	return boundsSet{l.Party, l.Currency, viewer, l.Bank}, nil
}
