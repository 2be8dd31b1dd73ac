package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aval/api/client"
	"aval/contracts/cash/iso20022"
	"aval/contracts/invoice"
	"aval/domain"
)

// hearAsPayee takes the words of the bank of somebody who issues no money: a credit with the reference of an order
// that pays one of its invoices on an open account confirms it, a return takes that back.
func (x *importer) hearAsPayee(ctx context.Context, b *iso20022.Bookings) error {
	if b == nil {
		x.note(heard{Entry: "OrgnlGrpInfAndSts", Says: "a status report", Outcome: foreign, Detail: "it is for who pays, and the key's party issues no money"})
		return nil
	}
	ordered, err := x.ordered(ctx)
	if err != nil {
		return err
	}
	for _, e := range b.Entries {
		for _, t := range e.Transactions {
			if err := x.hearCredit(ctx, *b, e, t, ordered); err != nil {
				return err
			}
		}
	}
	return nil
}

// ordered are the invoices with an order to pay the key's party, under way or confirmed, by its reference.
func (x *importer) ordered(ctx context.Context) (map[string]invoice.Bill, error) {
	found := map[string]invoice.Bill{}
	payee, err := x.whose(ctx)
	if err != nil {
		return nil, err
	}
	err = x.list(ctx, invoice.Kind, "", func(r row) error {
		if !strings.HasPrefix(r.key(), "invoice/") {
			return nil
		}
		var order struct {
			Instruction *invoice.Instruction `json:"instruction"`
		}
		if err := json.Unmarshal(r.Fields, &order); err != nil || order.Instruction == nil || order.Instruction.Payee != payee {
			return err
		}
		var whole invoice.Bill
		err := json.Unmarshal(r.Fields, &whole)
		found[order.Instruction.Reference] = whole
		return err
	})
	return found, err
}

func (x *importer) hearCredit(ctx context.Context, b iso20022.Bookings, e iso20022.Entry, t iso20022.Transaction, ordered map[string]invoice.Bill) error {
	w := heard{Entry: t.Path, EndToEndID: t.EndToEndID, Amount: known(t.Amount), Says: says(e, t)}
	bill, ours := ordered[t.EndToEndID]
	o := bill.Instruction
	back := e.Reversal || t.Returned
	switch {
	case t.EndToEndID == "" || !ours:
		w.Outcome, w.Detail = foreign, "no order with that reference pays an invoice of yours"
	case b.Doubted(t.Path):
		w.Outcome, w.Detail = doubted, "the message contradicts itself here"
	case e.Status != iso20022.Booked:
		w.Outcome, w.Detail = pending, "not booked, so nothing moved"
	case t.Amount != domain.Money{Minor: o.Owing.Principal + o.Owing.Interest + o.Owing.Fee, Currency: bill.Payment.Currency}:
		w.Outcome, w.Detail = doubted, "not the amount that was ordered"
	case !back && (o.PaidAt != 0 || e.Direction != iso20022.Credit):
		w.Outcome, w.Detail = repeated, "confirmed before, or no credit: nothing happens"
	case back:
		return x.answer(ctx, w, bill.ID, "returned", invoice.Ordering{Reference: t.EndToEndID})
	default:
		return x.answer(ctx, w, bill.ID, "confirm", invoice.Confirming{Reference: t.EndToEndID, Amount: t.Amount})
	}
	w.Invoice, w.Status = bill.ID, bill.Status
	x.note(w)
	return nil
}

// answer books the payee's word on an order.
func (x *importer) answer(ctx context.Context, w heard, id, name string, body any) error {
	w.Invoice, w.Outcome = id, booked
	_, err := x.book(ctx, invoice.Kind, id, name, body)
	var answered *client.Error
	if errors.As(err, &answered) && answered.Rejection != nil && answered.Status < 429 {
		w.Outcome, w.Detail, err = refused, answered.Rejection.Error(), nil
	}
	if err != nil {
		return err
	}
	var bill invoice.Bill
	if _, err := x.look(ctx, invoice.Kind, "invoice/"+id, &bill); err != nil {
		return err
	}
	w.Status = bill.Status
	switch bill.Status {
	case invoice.Paid:
		w.Awaited = fmt.Sprintf("nothing; a return may come until %s", bill.CloseAt)
	case invoice.Approved, invoice.Due, invoice.Defaulted:
		w.Awaited = "payment by " + string(bill.Payment.Buyer)
	default:
		w.Awaited = "nothing"
	}
	x.note(w)
	return nil
}
