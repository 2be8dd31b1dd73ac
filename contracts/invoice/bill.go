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
	UnderQuery = "underQuery" // the buyer refuses a part or all, the supplier is asked
	Disputed   = "disputed"   // the supplier contests that
	Approved   = "approved"   // unconditional, paid on the day
	Settled    = "settled"
	Rejected   = "rejected" // nothing is owed
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
	TypeCode       string `json:"typeCode"`
	Payable        int64  `json:"payable"`
	DocumentSHA256 string `json:"documentSha256,omitempty"`
	// Shipments are those that it covers.
	Shipments []string `json:"shipments,omitempty"`
	// Deductions itemise what lowers the payable, each with its evidence.
	Deductions []Deduction `json:"deductions,omitempty"`
	// AnswerAt is when the present window of answer or dispute ends.
	AnswerAt domain.Millis `json:"answerAt,omitempty"`
	// Claim is what the buyer refuses to pay, Reason its code.
	Claim  int64         `json:"claim,omitempty"`
	Reason string        `json:"reason,omitempty"`
	PayAt  domain.Millis `json:"payAt,omitempty"`
	Payoff *Payoff       `json:"payoff,omitempty"`
}

// DeductionKind says why less than the payable is due.
type DeductionKind string

// The kinds of deduction.
const (
	ForCondition DeductionKind = "condition" // an excursion of a shipment
	ForClaim     DeductionKind = "claim"     // offered or refused by the buyer, conceded by the supplier
)

// Deduction is one item that lowers what is due.
type Deduction struct {
	Kind DeductionKind `json:"kind"`
	// Shipment is the one that it is about, Item the number of the excursion in its judgement, from zero.
	Shipment string `json:"shipment,omitempty"`
	Item     int64  `json:"item,omitempty"`
	// Minor is the amount in minor units.
	Minor int64 `json:"minor"`
	// Reason is the Peppol code of a claim.
	Reason string `json:"reason,omitempty"`
	// Evidence is the hash of the fingerprints of the messages that prove it.
	Evidence []byte `json:"evidence,omitempty"`
}

func billKey(id string) string { return "invoice/" + id }

func (b Bill) escrow() domain.AccountID { return domain.EscrowAccount(Kind, billKey(b.ID)) }

// pending says whether the invoice still waits for its goods.
func (b Bill) pending() bool { return b.Status == Received || b.Status == Valid }

func (b Bill) final() bool { return b.Status == Settled || b.Status == Rejected }

func (b Bill) insiders() []domain.PartyID {
	return []domain.PartyID{b.Payment.Supplier, b.Payment.Buyer}
}

func (b Bill) money(minor int64) domain.Money {
	return domain.Money{Minor: minor, Currency: b.Payment.Currency}
}

// save writes the invoice and sets exactly the deadlines of its state.
func (b Bill) save(d *draft) {
	put(d, billKey(b.ID), b, b.Status, b.final(), b.insiders()...)
	d.heldFor(b.Payment.Buyer) // until it is paid out
	payAt := domain.Millis(0)
	if b.Status == Approved {
		payAt = b.PayAt
	}
	d.deadline(b.ID, answer, b.AnswerAt)
	d.deadline(b.ID, pay, payAt)
}

// bill loads an invoice for its supplier or buyer, or for a deadline, and refuses another state than those given.
func (d *draft) bill(states ...string) (*Bill, error) {
	id := d.in.Command.Contract
	b, found, err := d.bills.fetch(d.view, billKey(id))
	if err != nil {
		return nil, err
	}
	if !found || !d.in.FromDeadline() && !slices.Contains(b.insiders(), d.in.Sender) {
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
