package cash

import (
	"strings"

	"aval/domain"
)

// payToNamed is the body of approvePayTo and cancelPayTo. The number says what was looked at: an
// approval never falls on another account than that.
type payToNamed struct {
	Party    domain.PartyID  `json:"party"`
	Currency domain.Currency `json:"currency"`
	Number   int64           `json:"number"`
}

// open loads what is asked for, for the party or its bank. To anybody else it does not exist.
func (o *order) asked() (p PayTo, err error) {
	var body payToNamed
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return p, err
	}
	if err := body.Party.Check(); err != nil {
		return p, err
	}
	if _, err := body.Currency.Exponent(); err != nil {
		return p, err
	}
	p, found, err := domain.Load[PayTo](o.view, payToKey(body.Party, body.Currency))
	if err != nil {
		return p, err
	}
	if !found || o.in.Sender != p.Party && o.in.Sender != p.Bank || o.in.Command.Contract != string(p.Bank) {
		return p, domain.Refuse(domain.NotFound, "no account of %s for %s at %.64s", body.Party, body.Currency, o.in.Command.Contract)
	}
	if p.Asked == nil || p.Number != body.Number {
		return p, domain.Refuse(domain.WrongState, "number: %d is not asked for, %d was the last", body.Number, p.Number)
	}
	return p, nil
}

// approvePayTo confirms a party's first account, which is its bank's to do and holds at once, or approves
// a change, which holds when its cool-off has passed.
func (o *order) approvePayTo() error {
	p, err := o.asked()
	if err != nil {
		return err
	}
	if p.Asked.EffectiveAt != 0 {
		return domain.Refuse(domain.WrongState, "number: %d is approved", p.Number)
	}
	if err := o.mayApprove(p); err != nil {
		return err
	}
	p.Asked.ApprovedBy, p.Asked.ApprovedKey = o.in.Sender, o.in.Key
	if p.Account == nil {
		return o.pin(p, "payToConfirmed")
	}
	p.Asked.EffectiveAt = o.in.Now + coolOff(o.in.Limits)
	o.fx.Deadlines = append(o.fx.Deadlines, domain.Deadline{At: p.Asked.EffectiveAt, Contract: payToDeadline(p), Name: payToName})
	return o.putPayTo(p, "payToApproved")
}

// mayApprove lets the bank approve, or for a change another key of the party's. One that was registered less
// than a cool-off before it was asked does not count: whoever took one key could have made it.
func (o *order) mayApprove(p PayTo) error {
	if o.in.Key == p.Asked.Key {
		return domain.Refuse(domain.NotPermitted, "the key that asked does not approve")
	}
	if o.in.Sender == p.Bank {
		return nil
	}
	if p.Account == nil {
		return domain.Refuse(domain.NotPermitted, "only %s confirms the first account", p.Bank)
	}
	key, _ := o.in.Registry.Key(o.in.Key)
	if key.Since+coolOff(o.in.Limits) > p.Asked.At {
		return domain.Refuse(domain.NotPermitted, "the key was registered less than the cool-off before the change was asked")
	}
	return nil
}

// coolOff is how long a change waits.
func coolOff(l domain.Limits) domain.Millis {
	if l.PayToHours == 0 {
		return DefaultCoolOff
	}
	return domain.Millis(l.PayToHours) * hour
}

// pin puts what was asked into force.
func (o *order) pin(p PayTo, event string) error {
	account := p.Asked.Account
	p.Account, p.Since, p.Asked = &account, o.in.Now, nil
	return o.putPayTo(p, event)
}

// cancelPayTo lets either side end what is asked for, also while it cools off.
func (o *order) cancelPayTo() error {
	p, err := o.asked()
	if err != nil {
		return err
	}
	return o.drop(p)
}

// drop ends what is asked for; what is in force stays.
func (o *order) drop(p PayTo) error {
	if p.Asked.EffectiveAt != 0 {
		o.fx.Deadlines = append(o.fx.Deadlines, domain.Deadline{Contract: payToDeadline(p), Name: payToName})
	}
	p.Asked = nil
	return o.putPayTo(p, "payToCancelled")
}

// payToTakesEffect ends a cool-off. A party that is frozen or erased by then keeps its old account.
func (o *order) payToTakesEffect() error {
	party, currency, _ := strings.Cut(o.in.Command.Contract, "_")
	p, found, err := domain.Load[PayTo](o.view, payToKey(domain.PartyID(party), domain.Currency(currency)))
	if err != nil {
		return err
	}
	if !found || p.Asked == nil {
		return domain.Refuse(domain.NotFound, "nothing is asked for")
	}
	if holder, _ := o.in.Registry.Party(p.Party); holder.Frozen != 0 || holder.Erased != 0 {
		p.Asked = nil
		return o.putPayTo(p, "payToCancelled")
	}
	return o.pin(p, "payToChanged")
}
