package trade

import (
	"fmt"
	"strings"

	"aval/contracts/invoice"
	"aval/domain"
)

// Awaited is what must happen next for a record to go on.
type Awaited struct {
	// What is in words, From who has to do it: parties, sensors, or empty where time alone does it.
	What string `json:"what"`
	From string `json:"from,omitempty"`
	// Until is when the ledger goes on without it; zero if it waits for ever.
	Until domain.Millis `json:"until,omitempty"`
	// Else is what happens then.
	Else string `json:"else,omitempty"`
}

// String is one sentence.
func (a Awaited) String() string {
	s := a.What
	if a.From != "" {
		s += ", from " + a.From
	}
	if a.Until != 0 {
		s += ", until " + a.Until.String()
	}
	if a.Else != "" {
		s += "; else " + a.Else
	}
	return s
}

// OfInvoice says what an invoice waits for.
func OfInvoice(b invoice.Bill) Awaited {
	supplier, buyer := string(b.Payment.Supplier), string(b.Payment.Buyer)
	switch b.Status {
	case invoice.Received:
		return Awaited{"despatch of its goods", supplier, b.AnswerAt, "it is rejected"}
	case invoice.Valid:
		if len(b.Shipments) == 0 {
			return Awaited{"acceptance", buyer, b.AnswerAt, ""}
		}
		return Awaited{"proof of delivery of " + strings.Join(b.Shipments, ", "), "sensors, or a receipt advice of " + buyer, 0, ""}
	case invoice.Held:
		return Awaited{"acceptance or rejection, as evidence is incomplete", buyer, b.AnswerAt, "the silence rule of the terms pays a part"}
	case invoice.Exception:
		return Awaited{"credit or contest of what order and receipt do not cover", supplier, b.AnswerAt, "that part is not paid"}
	case invoice.UnderQuery:
		return Awaited{"consent to or contest of what " + buyer + " questions", supplier, b.AnswerAt, "that part is not paid"}
	case invoice.Disputed:
		return Awaited{"agreement on the disputed part", buyer + " or " + supplier, b.AnswerAt, "the dispute rule of the terms splits it"}
	case invoice.Approved:
		return Awaited{"the day of payment", "", b.PayAt, ""}
	case invoice.Due:
		return Awaited{"money for a payment that is due", payer(b), 0, ""}
	case invoice.Paid:
		return Awaited{"the end of the time in which a bank may return the payment", "", 0, ""}
	}
	return Awaited{What: "nothing"}
}

func payer(b invoice.Bill) string {
	if b.Payment.Payer != "" {
		return string(b.Payment.Payer)
	}
	return string(b.Payment.Buyer)
}

// OfCredit says what a credit waits for.
func OfCredit(c invoice.Credit) Awaited {
	if c.Status == invoice.Balance {
		return Awaited{What: "netting against another invoice, or a refund", From: fmt.Sprintf("%s or %s", c.Buyer, c.Supplier)}
	}
	return Awaited{What: "nothing"}
}

// OfShipment says what goods wait for.
func OfShipment(s invoice.Shipment) Awaited {
	buyer, supplier := string(s.Carriage.Buyer), string(s.Carriage.Supplier)
	closes := s.DespatchAt + s.Carriage.Delivery.WithinMillis + s.Carriage.Delivery.GraceMillis
	switch s.Status {
	case invoice.Planned:
		return Awaited{"the despatch", "", s.DespatchAt, ""}
	case invoice.Despatched, invoice.InTransit:
		if s.JudgeAt != 0 {
			return Awaited{"late messages of sensors", "sensors", s.JudgeAt, "the delivery is judged without them"}
		}
		return Awaited{"arrival", "sensors, or a receipt advice of " + buyer, closes, "the goods are lost"}
	case invoice.GoodsDelivered, invoice.Inspection, invoice.Conditional:
		if s.DecideAt != 0 {
			return Awaited{"a receipt advice or an answer to the invoice", buyer, s.DecideAt, "silence counts"}
		}
	}
	if s.Status == invoice.Returning {
		return Awaited{"the goods, on their way back", supplier, s.ReturnBy, "they count as returned"}
	}
	if s.InvoiceBy != 0 && len(s.Bills) == 0 {
		return Awaited{"an invoice", supplier, s.InvoiceBy, "none is taken any more"}
	}
	if len(s.Bills) > 0 {
		return Awaited{What: "what its invoices wait for: " + strings.Join(s.Bills, ", ")}
	}
	return Awaited{What: "nothing"}
}

// OfAgreement says what an agreement waits for.
func OfAgreement(a invoice.Agreement) Awaited {
	other := a.Terms.Supplier
	if a.ProposedBy == a.Terms.Supplier {
		other = a.Terms.Buyer
	}
	switch {
	case a.Status == invoice.Proposed:
		return Awaited{"agreement to the terms of hash " + a.TermsHash, string(other), a.AnswerBy, "it lapses"}
	case a.Status == invoice.Agreed && a.Amendment != nil:
		other = a.Terms.Supplier
		if a.Amendment.ProposedBy == a.Terms.Supplier {
			other = a.Terms.Buyer
		}
		return Awaited{"agreement to the amended terms of hash " + a.Amendment.TermsHash, string(other), a.Amendment.AnswerBy, "the old ones stay"}
	case a.Status == invoice.Agreed && a.Terms.Settlement == invoice.Undertaking && !a.Undertaken:
		return Awaited{"an undertaking to pay", string(a.Terms.Bank), a.Terms.ExpiresAt, ""}
	case a.Status == invoice.Agreed && a.Open == 0:
		return Awaited{"funding where money is held in escrow, and a despatch", fmt.Sprintf("%s and %s", a.Terms.Buyer, a.Terms.Supplier), a.Terms.ExpiresAt, "it closes"}
	case a.Open > 0:
		return Awaited{What: fmt.Sprintf("what its %d open shipments and invoices wait for", a.Open)}
	}
	return Awaited{What: "nothing"}
}
