package domain

import "slices"

// Posting moves a positive amount from the debited to the credited account: it cannot be
// unbalanced, so the sum of each currency over all accounts stays zero.
type Posting struct {
	Debit  AccountID `json:"debit"`
	Credit AccountID `json:"credit"`
	Amount Money     `json:"amount"`
	// Purpose is a short fixed word for the statement: "premium", "payout", "penalty".
	Purpose string `json:"purpose"`
	// Cause is the event of the same command that says why, by its number among Effects.Events;
	// zero is the first. That event names every owner of the two accounts among its parties, so
	// that whoever sees the money move sees the reason.
	Cause int `json:"cause,omitempty"`
	// ValueDate is the day from which the money counts outside, for interest and for matching
	// with a bank's statement. Empty means the day of booking. Inside, money always counts from its booking.
	ValueDate Date `json:"valueDate,omitempty"`
	// Reverses is the earlier posting that this one takes back, whole or in part; nil for none.
	Reverses *PostingRef `json:"reverses,omitempty"`
}

// PostingRef names one posting of the log: the index of its entry and, from zero, its number there.
type PostingRef struct {
	Index  uint64 `json:"index"`
	Number int    `json:"number"`
}

// CheckReversal refuses a posting that does not take back what it says it reverses: the same
// accounts the other way round, at most as much. A reversal is not reversed: pay again instead.
func (p Posting) CheckReversal(original Posting) error {
	switch {
	case original.Reverses != nil:
		return Refuse(NotPermitted, "a reversal cannot be reversed")
	case p.Debit != original.Credit || p.Credit != original.Debit:
		return Refuse(NotPermitted, "a reversal gives money back to where it came from")
	case p.Amount.Currency != original.Amount.Currency:
		return Refuse(CurrencyMismatch, "%s and %s", p.Amount.Currency, original.Amount.Currency)
	case p.Amount.Minor > original.Amount.Minor:
		return Refuse(InvalidAmount, "a reversal of %s: only %s were paid", p.Amount, original.Amount)
	}
	return nil
}

// check refuses a posting that takes what it may not, or whose cause, day or pointer make no sense.
func (p Posting) check(kind Kind, in Input, events []Event) error {
	if err := p.Amount.CheckPositive("posting " + p.Purpose); err != nil {
		return err
	}
	if err := p.checkAccounts(kind, in.Sender); err != nil {
		return err
	}
	if err := p.checkCause(events); err != nil {
		return err
	}
	if ref := p.Reverses; ref != nil && (ref.Number < 0 || ref.Number >= MaxPostings || ref.Index > MaxMinor) {
		return Refuse(Malformed, "posting %s reverses number %d of entry %d: no such place", p.Purpose, ref.Number, ref.Index)
	}
	return p.ValueDate.CheckValue(in.Now)
}

func (p Posting) checkAccounts(kind Kind, sender PartyID) error {
	for _, account := range []AccountID{p.Debit, p.Credit} {
		if err := account.Check(); err != nil {
			return err
		}
		if account.MayGoNegative() && kind != CashKind {
			return Refuse(NotPermitted, "only %s touches an issue account", CashKind)
		}
	}
	own := sender != "" && p.Debit.Owner() == sender
	if p.Debit == p.Credit || !own && !p.Debit.HeldBy(kind) {
		return Refuse(NotPermitted, "posting %s may not take from that account", p.Purpose)
	}
	if p.Credit.Owner() == "" && !p.Credit.HeldBy(kind) { // another kind could never give it back
		return Refuse(NotPermitted, "posting %s may not give to another kind's escrow", p.Purpose)
	}
	return nil
}

func (p Posting) checkCause(events []Event) error {
	if p.Cause < 0 || p.Cause >= len(events) {
		return Refuse(Malformed, "posting %s is caused by event %d of %d", p.Purpose, p.Cause, len(events))
	}
	for _, account := range []AccountID{p.Debit, p.Credit} {
		if owner := account.Owner(); owner != "" && !slices.Contains(events[p.Cause].Parties, owner) {
			return Refuse(NotPermitted, "posting %s is caused by an event that does not name the owner of %s", p.Purpose, account)
		}
	}
	return nil
}
