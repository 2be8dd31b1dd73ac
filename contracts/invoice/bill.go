package invoice

import (
	"slices"
	"strings"

	"aval/domain"
)

// The states of an invoice.
const (
	Received   = "received"   // declared, and nothing has left that it covers
	Valid      = "valid"      // its goods are on the way, or looked at
	Held       = "held"       // evidence incomplete, buyer silent for one window
	Exception  = "exception"  // it asks for more than was ordered or received, the supplier is asked
	UnderQuery = "underQuery" // the buyer refuses a part or all, the supplier is asked
	Disputed   = "disputed"   // the supplier contests that
	Approved   = "approved"   // unconditional, paid on the day
	Due        = "due"        // the day has come and the money was not there
	Paid       = "paid"       // outside, and a bank may still return it
	Settled    = "settled"
	Rejected   = "rejected" // nothing is owed
	Credited   = "credited" // nothing is owed, because all was conceded or credited
)

// Bill is the record invoice/<id>: what a supplier asks for, what becomes of it, and the escrow that pays it.
type Bill struct {
	ID        string `json:"id"`
	Agreement string `json:"agreement"`
	Status    string `json:"status"`
	// Payment is taken from the terms when the invoice is declared.
	Payment Payment `json:"payment"`
	Number  string  `json:"number"`
	// TypeCode is UNTDID 1001, "380" for a commercial invoice.
	TypeCode       string     `json:"typeCode"`
	Payable        int64      `json:"payable"`
	DocumentSHA256 string     `json:"documentSha256,omitempty"`
	Lines          []BillLine `json:"lines,omitempty"`
	// Shipments are those that it covers.
	Shipments []string `json:"shipments,omitempty"`
	// Deductions itemise what lowers the payable, each with its evidence.
	Deductions []Deduction `json:"deductions,omitempty"`
	// Mismatches are what the order or the receipt did not cover.
	Mismatches []Mismatch `json:"mismatches,omitempty"`
	// AnswerAt is when the present window of waiting, answer or dispute ends.
	AnswerAt domain.Millis `json:"answerAt,omitempty"`
	// Response is the last of the buyer's that changes nothing: AB, IP or PD.
	Response string `json:"response,omitempty"`
	// Claim is what is in question, Reason its code.
	Claim  int64  `json:"claim,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Cleared is what is owed unconditionally so far, Paid what of it was paid, PayAt the day for it.
	Cleared int64         `json:"cleared,omitempty"`
	Paid    int64         `json:"paid,omitempty"`
	PayAt   domain.Millis `json:"payAt,omitempty"`
	// Interest and Fee were paid beside that, for being late.
	Interest int64 `json:"interest,omitempty"`
	Fee      int64 `json:"fee,omitempty"`
	// Year is that of the declaration, ApprovedOn and DueOn are set with the first approval; local days.
	Year       int64       `json:"year"`
	ApprovedOn domain.Date `json:"approvedOn,omitempty"`
	DueOn      domain.Date `json:"dueOn,omitempty"`
	// Rule is by which what is owed was fixed.
	Rule string `json:"rule,omitempty"`
	// Attempts counts collections after the due day that found too little, DefaultAt is when the
	// debt is in default, CloseAt until when a bank may return a payment.
	Attempts  int64         `json:"attempts,omitempty"`
	DefaultAt domain.Millis `json:"defaultAt,omitempty"`
	CloseAt   domain.Millis `json:"closeAt,omitempty"`
	// Instruction is an order that the payer gave to its bank; nil for none.
	Instruction *Instruction `json:"instruction,omitempty"`
	// Guarantor is a bank that guarantees it; Creditor is that bank once it has paid, and is owed the debt.
	Guarantor domain.PartyID `json:"guarantor,omitempty"`
	Creditor  domain.PartyID `json:"creditor,omitempty"`
	// Pledged says that the receivable has a record, Indexed that the debt has one.
	Pledged bool `json:"pledged,omitempty"`
	Indexed bool `json:"indexed,omitempty"`
	// PaidTo is who was paid, if that was not the supplier.
	PaidTo domain.PartyID `json:"paidTo,omitempty"`
	// ArchiveAt is until when a settled invoice stays open.
	ArchiveAt domain.Millis `json:"archiveAt,omitempty"`
	Payoff    *Payoff       `json:"payoff,omitempty"`
}

// DeductionKind says why less than the payable is due.
type DeductionKind string

// The kinds of deduction.
const (
	ForCondition DeductionKind = "condition" // an excursion of a shipment
	ForLate      DeductionKind = "late"      // a shipment came days late
	ForQuantity  DeductionKind = "quantity"  // short within the tolerance
	ForClaim     DeductionKind = "claim"     // in question, and conceded by the supplier
	ForCredit    DeductionKind = "credit"    // a credit note
	ForEarly     DeductionKind = "early"     // a discount for early payment
)

// Deduction is one item that lowers what is due.
type Deduction struct {
	Kind DeductionKind `json:"kind"`
	// Shipment is the one that it is about, Item the number of the excursion in its judgement, from zero, or the days late.
	Shipment string `json:"shipment,omitempty"`
	Item     int64  `json:"item,omitempty"`
	// Line is the order line that it is about.
	Line string `json:"line,omitempty"`
	// Minor is the amount in minor units.
	Minor int64 `json:"minor"`
	// Reason is the Peppol code of a claim.
	Reason string `json:"reason,omitempty"`
	// Credit is the credit note.
	Credit string `json:"credit,omitempty"`
	// Evidence is the hash of the fingerprints of the messages that prove it.
	Evidence []byte `json:"evidence,omitempty"`
}

func billKey(id string) string { return "invoice/" + id }

func (b Bill) escrow() domain.AccountID { return domain.EscrowAccount(Kind, billKey(b.ID)) }

// pending says whether the invoice still waits for its goods.
func (b Bill) pending() bool { return b.Status == Received || b.Status == Valid }

// questioned says whether a part of it is in question.
func (b Bill) questioned() bool {
	return b.Status == Exception || b.Status == UnderQuery || b.Status == Disputed
}

// settled says whether its money has found its end.
func (b Bill) settled() bool {
	return b.Status == Settled || b.Status == Closed || b.Status == Rejected || b.Status == Credited
}

func (b Bill) final() bool { return b.settled() && b.ArchiveAt == 0 }

func (b Bill) insiders() []domain.PartyID {
	return []domain.PartyID{b.Payment.Supplier, b.Payment.Buyer}
}

// everybody are the insiders, who owes the money, if that is a bank, and who was paid it.
func (b Bill) everybody() []domain.PartyID {
	return append(b.insiders(), b.Payment.payer(), b.PaidTo)
}

func (b Bill) money(minor int64) domain.Money {
	return domain.Money{Minor: minor, Currency: b.Payment.Currency}
}

// save writes the invoice and sets exactly the deadlines of its state.
func (b Bill) save(d *draft) {
	put(d, billKey(b.ID), b, b.Status, b.final(), b.everybody()...)
	d.heldFor(b.Payment.payer()) // until it is paid out
	payAt := domain.Millis(0)
	if !b.settled() && b.Instruction == nil && (b.Paid < b.Cleared || b.Status == Approved) {
		payAt = b.PayAt
	}
	d.deadline(b.ID, answer, b.AnswerAt)
	d.deadline(b.ID, pay, payAt)
	d.deadline(b.ID, archive, b.ArchiveAt)
	if b.Payment.owed() {
		d.deadline(b.ID, lapseDebt, b.DefaultAt)
		d.deadline(b.ID, closePaid, b.CloseAt)
	}
}

// bill loads an invoice for one of its parties, or for a deadline, and refuses another state than those given.
func (d *draft) bill(states ...string) (*Bill, error) {
	id := d.in.Command.Contract
	b, found, err := d.bills.fetch(d.view, billKey(id))
	if err != nil {
		return nil, err
	}
	if !found || !d.in.FromDeadline() && !slices.Contains(b.everybody(), d.in.Sender) {
		return nil, domain.Refuse(domain.NotFound, "invoice %.64q: none of yours is open", id)
	}
	if !slices.Contains(states, b.Status) {
		return nil, domain.Refuse(domain.WrongState, "invoice is %s, want %s", b.Status, strings.Join(states, " or "))
	}
	return b, nil
}

// goods loads the shipments that an invoice covers.
func (d *draft) goods(b *Bill) ([]*Shipment, error) {
	var goods []*Shipment
	for _, id := range b.Shipments {
		s, err := d.covered(id)
		if err != nil {
			return nil, err
		}
		goods = append(goods, s)
	}
	return goods, nil
}
