package cash

import (
	"fmt"

	"aval/domain"
)

// Reversal is the record reversal/<index>-<number>, visible to both sides: how much of one
// posting was given back. It is final when nothing of it is left to give.
type Reversal struct {
	domain.PostingRef
	// Payee gives back what Payer paid; the payer is the bank if the money was issued.
	Payer    domain.PartyID `json:"payer"`
	Payee    domain.PartyID `json:"payee"`
	Amount   domain.Money   `json:"amount"`
	Reversed domain.Money   `json:"reversed"`
}

// GaveBack is the body of the event "reversed".
type GaveBack struct {
	Reversal
	// Given is what this one reversal gives back; Reference is its sender's.
	Given     domain.Money `json:"given"`
	Reference string       `json:"reference"`
}

func reversalKey(ref domain.PostingRef) string {
	return fmt.Sprintf("reversal/%d-%d", ref.Index, ref.Number)
}

// reverse gives money back to where one posting brought it from, at the word of its payee.
func (o *order) reverse() error {
	var body struct {
		Index     uint64       `json:"index"`
		Number    int          `json:"number"`
		Amount    domain.Money `json:"amount"`
		Reference string       `json:"reference"`
		ValueDate domain.Date  `json:"valueDate"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if err := checkText("reference", body.Reference, 0); err != nil {
		return err
	}
	if err := body.ValueDate.CheckValue(o.in.Now); err != nil {
		return err
	}
	if err := checkIssuer(o.view, o.in.Command.Contract, body.Amount.Currency); err != nil {
		return err
	}
	ref := domain.PostingRef{Index: body.Index, Number: body.Number}
	original, err := o.received(ref)
	if err != nil {
		return err
	}
	p := domain.Posting{
		Debit: original.Credit, Credit: original.Debit, Amount: body.Amount, Purpose: "reversal", ValueDate: body.ValueDate, Reverses: &ref,
	}
	if err := p.CheckReversal(original); err != nil {
		return err
	}
	r, err := o.reversal(ref, original)
	if err != nil {
		return err
	}
	o.move(p)
	return o.giveBack(r, body.Amount, body.Reference)
}

// received finds a payment to the sender. Only money that came straight from a party or its
// bank is given back this way: an escrow may have its own end by now.
func (o *order) received(ref domain.PostingRef) (domain.Posting, error) {
	p, found := o.view.Posting(ref)
	switch {
	case !found || p.Debit.Owner() != o.in.Sender && p.Credit.Owner() != o.in.Sender:
		return p, domain.Refuse(domain.NotFound, "index, number: no such posting, or not yours")
	case p.Debit.Owner() == "":
		return p, domain.Refuse(domain.NotPermitted, "what came out of an escrow cannot be reversed: transfer it")
	case p.Credit != domain.PartyAccount(o.in.Sender):
		return p, domain.Refuse(domain.NotPermitted, "only the payee gives money back")
	}
	return p, nil
}

// reversal loads what was reversed of a posting so far.
func (o *order) reversal(ref domain.PostingRef, original domain.Posting) (Reversal, error) {
	r, found, err := domain.Load[Reversal](o.view, reversalKey(ref))
	if err == nil && !found && o.view.Closed(reversalKey(ref)) {
		err = domain.Refuse(domain.WrongState, "all of that posting was given back")
	}
	if err != nil || found {
		return r, err
	}
	return Reversal{
		PostingRef: ref, Payer: original.Debit.Owner(), Payee: original.Credit.Owner(), Amount: original.Amount,
		Reversed: domain.Money{Currency: original.Amount.Currency},
	}, nil
}

// giveBack writes how much is reversed now and says so.
func (o *order) giveBack(r Reversal, given domain.Money, reference string) error {
	if left := r.Amount.Minor - r.Reversed.Minor; given.Minor > left {
		return domain.Refuse(domain.InvalidAmount, "amount: %s, but %d minor units are left to give back", given, left)
	}
	r.Reversed.Minor += given.Minor
	status := PartlyReversed
	if r.Reversed == r.Amount {
		status = Reversed
	}
	w, err := domain.Put(reversalKey(r.PostingRef), r, status, r.Payer, r.Payee)
	if err != nil {
		return err
	}
	w.Final = status == Reversed
	o.fx.Writes = append(o.fx.Writes, w)
	return o.event("reversed", reversalKey(r.PostingRef), GaveBack{r, given, reference}, r.Payer, r.Payee)
}
