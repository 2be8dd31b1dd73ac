package main

import (
	"context"
	"slices"
	"strings"

	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// hearBookings books the entries of a camt.054.
func (x *importer) hearBookings(ctx context.Context, b iso20022.Bookings) error {
	for _, e := range b.Entries {
		if len(e.Transactions) == 0 {
			x.note(heard{Entry: e.Path, Amount: known(e.Amount), Says: says(e, iso20022.Transaction{}), Outcome: foreign, Detail: "the bank gives no transactions"})
		}
		for _, t := range e.Transactions {
			if err := x.hearBooking(ctx, b, e, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *importer) hearBooking(ctx context.Context, b iso20022.Bookings, e iso20022.Entry, t iso20022.Transaction) error {
	w := heard{Entry: t.Path, EndToEndID: t.EndToEndID, Amount: known(t.Amount), Says: says(e, t)}
	id := t.EndToEndID
	if fromUETR := strings.ReplaceAll(t.UETR, "-", ""); id == "" {
		id = fromUETR
	} else if fromUETR != "" && fromUETR != id {
		if _, ours, err := x.pointer(ctx, fromUETR); err != nil || ours {
			w.Outcome, w.Detail = doubted, "end-to-end ID and UETR are of two payments"
			x.note(w)
			return err
		}
	}
	if id == "" {
		w.Outcome, w.Detail = foreign, "no end-to-end ID"
		x.note(w)
		return nil
	}
	p, found, err := x.pointer(ctx, id)
	if err != nil {
		return err
	}
	w.Redemption = p.Redemption
	switch {
	case !found:
		w.Outcome, w.Detail = foreign, "no payment of this ledger has that ID"
	case b.Doubted(t.Path):
		w.Outcome, w.Detail = doubted, "the message contradicts itself here"
	case e.Status != iso20022.Booked:
		w.Outcome, w.Detail = pending, "not booked, so nothing moved"
	default:
		w.EndToEndID = id
		return x.bookEntry(ctx, w, p, b, e, t)
	}
	if found {
		var r cash.Redemption
		if _, err := x.look(ctx, domain.CashKind, "redemption/"+p.Redemption, &r); err != nil {
			return err
		}
		w.Status, w.Awaited = r.Status, awaitedOf(r)
	}
	x.note(w)
	return nil
}

func (x *importer) bookEntry(ctx context.Context, w heard, p cash.Pointer, b iso20022.Bookings, e iso20022.Entry, t iso20022.Transaction) error {
	a := cash.Advice{
		Message: b.MessageID, Entry: t.Path, Hash: x.hash, Attempt: p.Attempt, EndToEndID: w.EndToEndID, Reason: t.Reason, Text: t.ReasonText,
	}
	reference := t.ServicerReference
	if reference == "" {
		reference = e.ServicerReference
	}
	return x.take(ctx, w, "book", a, cash.Booking{
		Advice: a, Amount: t.Amount, Direction: e.Direction, Account: e.Account, Status: e.Status, Reversal: e.Reversal, Returned: t.Returned,
		Reference: reference, ValueDate: e.ValueDate,
	})
}

func amountOr(m domain.Money) string {
	if m.Currency == "" {
		return "no amount in a known currency"
	}
	return m.String()
}

func known(m domain.Money) *domain.Money {
	if m.Currency == "" {
		return nil
	}
	return &m
}

// says puts an entry's decisive words into one line.
func says(e iso20022.Entry, t iso20022.Transaction) string {
	words := []string{e.Status, string(e.Direction)}
	if e.Reversal {
		words = append(words, "reversal")
	}
	if t.Returned {
		words = append(words, "returned")
	}
	return strings.TrimSpace(strings.Join(append(words, t.Reason), " "))
}

// hearReport books what a pain.002 says about each payment of the message that it reports on.
func (x *importer) hearReport(ctx context.Context, r iso20022.Report) error {
	var i cash.Instruction
	found := false
	if domain.CheckID("", r.OriginalMessageID) == nil {
		var err error
		if found, err = x.look(ctx, domain.CashKind, "instruction/"+r.OriginalMessageID, &i); err != nil {
			return err
		}
	}
	if !found {
		x.note(heard{Entry: "OrgnlGrpInfAndSts", Says: word(r.Group), Outcome: foreign, Detail: "this ledger made no such message"})
		return nil
	}
	for _, p := range i.Payments {
		if err := x.hearWord(ctx, r, i, p); err != nil {
			return err
		}
	}
	x.noteStrangers(r, i)
	return nil
}

func (x *importer) hearWord(ctx context.Context, r iso20022.Report, i cash.Instruction, p cash.PaymentRef) error {
	id, uetr := cash.PaymentID(x.origin, x.bank, p.ID, p.Attempt)
	said := r.WordOn(id, uetr, i.Message)
	w := heard{Entry: said.Path, EndToEndID: id, Says: word(said.Word), Redemption: p.ID, Amount: known(said.Amount)}
	var now cash.Redemption
	if _, err := x.look(ctx, domain.CashKind, "redemption/"+p.ID, &now); err != nil {
		return err
	}
	w.Status, w.Awaited = now.Status, awaitedOf(now)
	switch {
	case iso20022.OutcomeOf(said.Status) == iso20022.Silent:
		w.Outcome, w.Detail = unsaid, "look at each transaction: this one is not listed"
	case said.Amount.Currency != "" && said.Amount != now.Amount:
		w.Outcome, w.Detail = doubted, "the bank repeats another amount"
	default:
		a := cash.Advice{
			Message: r.MessageID, Entry: said.Path + "/" + id, Hash: x.hash, Attempt: p.Attempt, EndToEndID: id, Reason: said.Reason, Text: said.Text,
		}
		return x.take(ctx, w, "report", a, cash.Report{Advice: a, Status: said.Status})
	}
	x.note(w)
	return nil
}

// noteStrangers lists words on transactions that the message never had.
func (x *importer) noteStrangers(r iso20022.Report, i cash.Instruction) {
	for _, b := range r.Blocks {
		for _, t := range b.Transactions {
			ours := slices.ContainsFunc(i.Payments, func(p cash.PaymentRef) bool {
				return t.About(cash.PaymentID(x.origin, x.bank, p.ID, p.Attempt))
			})
			if !ours {
				x.note(heard{Entry: t.Path, EndToEndID: t.EndToEndID, Says: word(t.Word), Outcome: foreign, Detail: "the message had no such transaction"})
			}
		}
	}
}

func word(w iso20022.Word) string {
	if w.Status == "" {
		return "nothing"
	}
	return strings.TrimSpace(w.Status + " " + printable(w.Reason))
}
