package invoice

import "aval/domain"

// The rules by which an invoice is settled; one whose goods never came names their end.
const (
	ByAcceptance = "acceptance"
	BySilence    = "silence"
	ByDispute    = "dispute"
)

// Payoff is how an invoice's escrow was split, in minor units. Paid + Returned is what it held.
type Payoff struct {
	Rule      string          `json:"rule"`
	Currency  domain.Currency `json:"currency"`
	Declared  int64           `json:"declared"`
	Penalty   int64           `json:"penalty"`
	Deduction int64           `json:"deduction"`
	Paid      int64           `json:"paid"`
	Returned  int64           `json:"returned"`
}

// approved says what is owed, and when it is paid.
type approved struct {
	Due   domain.Money  `json:"due"`
	PayAt domain.Millis `json:"payAt"`
}

// approve makes the obligation unconditional; with no payment days it is paid at once.
func (d *draft) approve(b *Bill) error {
	b.Status, b.AnswerAt = Approved, 0
	b.PayAt = d.in.Now + domain.Millis(b.Payment.PaymentDays)*Day
	d.bills.touch(b)
	d.event("InvoiceApproved", billKey(b.ID), approved{b.money(b.due()), b.PayAt}, b.insiders()...)
	if b.PayAt == d.in.Now || b.due() == 0 {
		return d.settle(b, b.due(), ByAcceptance)
	}
	return nil
}

func (d *draft) pay() error {
	b, err := d.bill(Approved)
	if err != nil {
		return err
	}
	return d.settle(b, b.due(), ByAcceptance)
}

// payee is who is paid for an invoice.
func (d *draft) payee(b *Bill) (domain.PartyID, error) { return b.Payment.Supplier, nil }

// settle is the one way in which money leaves an invoice: it pays who is to be paid, returns
// the rest of the escrow to the buyer, makes the invoice final and releases its shipments.
func (d *draft) settle(b *Bill, paid int64, rule string) error {
	to, err := d.payee(b)
	if err != nil {
		return err
	}
	// Declared in this very command, it holds what the posting before puts there.
	held := b.Payable
	paid = min(paid, held)
	b.Status, b.AnswerAt = Rejected, 0
	if paid > 0 {
		b.Status = Settled
	}
	b.Payoff = &Payoff{
		Rule: rule, Currency: b.Payment.Currency, Declared: b.Payable, Penalty: b.Payable - b.net(), Deduction: b.conceded(),
		Paid: paid, Returned: held - paid,
	}
	d.bills.touch(b)
	d.move("payment", b.escrow(), domain.PartyAccount(to), paid, b.Payment.Currency)
	d.move("return", b.escrow(), domain.PartyAccount(b.Payment.Buyer), held-paid, b.Payment.Currency)
	d.event("InvoiceSettled", billKey(b.ID), *b.Payoff, b.insiders()...)
	d.count(b.Agreement, -1)
	return d.release(b)
}
