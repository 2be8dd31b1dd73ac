package invoice

import "aval/domain"

// The rules by which an invoice is settled; one whose goods never came names their end.
const (
	ByAcceptance = "acceptance"
	BySilence    = "silence"
	ByDispute    = "dispute"
	ByExpiry     = "expired" // no goods came for it in time
	ByCredit     = "credit"
)

// Payoff is what an invoice came to, in minor units. Declared is Paid + what was never owed, of
// which Returned lay in escrow.
type Payoff struct {
	Rule      string          `json:"rule"`
	Currency  domain.Currency `json:"currency"`
	Declared  int64           `json:"declared"`
	Penalty   int64           `json:"penalty"`
	Deduction int64           `json:"deduction"`
	Credited  int64           `json:"credited,omitempty"`
	Discount  int64           `json:"discount,omitempty"`
	Paid      int64           `json:"paid"`
	Returned  int64           `json:"returned"`
	// Interest and Fee were paid beside all that, for being late.
	Interest int64 `json:"interest,omitempty"`
	Fee      int64 `json:"fee,omitempty"`
}

// approved says what is owed, and when it is paid. Claim is what stays in question.
type approved struct {
	Due   domain.Money  `json:"due"`
	PayAt domain.Millis `json:"payAt"`
	Claim *domain.Money `json:"claim,omitempty"`
}

// approve makes the obligation unconditional; with no payment days it is paid at once.
func (d *draft) approve(b *Bill) error {
	b.Status, b.AnswerAt = Approved, 0
	b.Cleared = b.due()
	if err := d.schedule(b); err != nil {
		return err
	}
	d.event("InvoiceApproved", billKey(b.ID), approved{Due: b.money(b.Cleared), PayAt: b.PayAt}, b.everybody()...)
	if b.PayAt <= d.in.Now || b.Cleared == b.Paid {
		return d.settle(b, b.Cleared, ByAcceptance)
	}
	d.index(b, false)
	if err := d.mirror(b); err != nil {
		return err
	}
	return d.bind(b)
}

// bind lets go of the evidence about goods whose invoice has become unconditional.
func (d *draft) bind(b *Bill) error {
	goods, err := d.goods(b)
	if err != nil {
		return err
	}
	for _, s := range goods {
		if err := d.sift(s); err != nil {
			return err
		}
	}
	return nil
}

// schedule sets the day of payment when the first part of an invoice is approved.
func (d *draft) schedule(b *Bill) error {
	d.bills.touch(b)
	if b.DueOn != "" {
		return nil
	}
	var err error
	b.ApprovedOn = d.today(b.Payment)
	b.DueOn, b.PayAt, err = d.dueOn(b.Payment)
	return err
}

// clear makes what is not in question unconditional: a dispute stops only the disputed part.
func (d *draft) clear(b *Bill) error {
	d.bills.touch(b)
	rest := max(0, b.net()-b.Claim)
	if rest <= b.Cleared {
		return nil
	}
	b.Cleared = rest
	if err := d.schedule(b); err != nil {
		return err
	}
	claim := b.money(b.Claim)
	d.event("InvoiceApproved", billKey(b.ID), approved{Due: b.money(b.Cleared), PayAt: b.PayAt, Claim: &claim}, b.everybody()...)
	if b.PayAt > d.in.Now {
		return nil
	}
	return d.payPart(b)
}

// pay is the day of payment: what is unconditional is paid, wholly or not at all.
func (d *draft) pay() error {
	b, err := d.bill(Approved, Due, Defaulted, Exception, UnderQuery, Disputed)
	if err != nil {
		return err
	}
	if b.questioned() {
		return d.payPart(b)
	}
	return d.settle(b, b.Cleared, ByAcceptance)
}

// payPart pays what is unconditional of an invoice of which a part is in question.
func (d *draft) payPart(b *Bill) error {
	paid, err := d.remit(b, b.Cleared-b.Paid, d.source(b))
	if err == nil && !paid {
		return d.missed(b)
	}
	if err == nil {
		d.event("InvoicePaid", billKey(b.ID), paidPart{b.money(b.Paid), b.money(b.Claim)}, b.everybody()...)
	}
	return err
}

// paidPart says what was paid so far, and what stays in question.
type paidPart struct {
	Paid  domain.Money `json:"paid"`
	Claim domain.Money `json:"claim"`
}

// RetryMillis is how long after a day without money payment is tried again: 24 h.
const RetryMillis = Day

// payNow is the payer's own payment of what is unconditional, from its account or from escrow.
func (d *draft) payNow() error {
	b, err := d.bill(Approved, Due, Defaulted, Exception, UnderQuery, Disputed)
	if err != nil {
		return err
	}
	if err := d.only("payer", b.Payment.payer()); err != nil {
		return err
	}
	if b.Cleared == b.Paid || b.Instruction != nil {
		return domain.Refuse(domain.WrongState, "nothing is owed at present, or an order to a bank is under way")
	}
	source := d.source(b)
	if !b.Payment.Settlement.escrowed() {
		source = domain.PartyAccount(d.in.Sender)
	}
	o, err := b.owing(b.Cleared-b.Paid, d.today(b.Payment))
	if err != nil {
		return err
	}
	if d.balance(source, b.Payment.Currency) < o.total() {
		return domain.Refuse(domain.InsufficientFunds, "the account holds less than what is owed")
	}
	if b.questioned() {
		paid, err := d.remit(b, b.Cleared-b.Paid, source)
		if err == nil && paid {
			d.event("InvoicePaid", billKey(b.ID), paidPart{b.money(b.Paid), b.money(b.Claim)}, b.everybody()...)
		}
		return err
	}
	return d.settleFrom(b, b.Cleared, ByAcceptance, source)
}

// source is the account that an invoice is paid from by itself: its own escrow, or the agreement's.
func (d *draft) source(b *Bill) domain.AccountID {
	if b.Payment.Settlement.escrowed() {
		return b.escrow()
	}
	return domain.EscrowAccount(Kind, agreementKey(b.Agreement))
}

// remit is the one way in which money is paid for an invoice: all of the amount, with what being
// late costs, or nothing if the source does not hold it.
func (d *draft) remit(b *Bill, minor int64, from domain.AccountID) (paid bool, err error) {
	if minor == 0 {
		return true, nil
	}
	frozen, err := d.frozen(b)
	if err != nil || frozen {
		return false, err
	}
	o, err := b.owing(minor, d.today(b.Payment))
	if err != nil || b.Instruction != nil || d.balance(from, b.Payment.Currency) < o.total() {
		return false, err
	}
	b.Paid, b.Interest, b.Fee = b.Paid+minor, b.Interest+o.Interest, b.Fee+o.Fee
	d.bills.touch(b)
	return true, d.payOut(b, from, o.total())
}

// payOut pays a bank that paid before, else whoever controls the receivable and gave notice, else the
// supplier or its administrator.
func (d *draft) payOut(b *Bill, from domain.AccountID, minor int64) error {
	if b.Creditor != "" {
		d.move("payment", from, domain.PartyAccount(b.Creditor), minor, b.Payment.Currency)
		d.event("DebtPaid", billKey(b.ID), paidTo{b.money(minor), b.Creditor}, b.informed()...)
		return nil
	}
	r, err := d.receivable(b)
	if err != nil {
		return err
	}
	if r != nil && r.noticed() {
		d.move("payment", from, r.escrow(), minor, b.Payment.Currency)
		d.event("DebtPaid", billKey(b.ID), paidTo{b.money(minor), r.Controller}, append(b.everybody(), r.Controller)...)
		return d.distribute(b, r, minor)
	}
	to, err := d.redirect(b)
	if err != nil {
		return err
	}
	if to != b.Payment.Supplier {
		b.PaidTo = to // who must see what pays it
	}
	d.move("payment", from, domain.PartyAccount(to), minor, b.Payment.Currency)
	return nil
}

// paidTo says what was paid, and to whom.
type paidTo struct {
	Amount domain.Money   `json:"amount"`
	To     domain.PartyID `json:"to"`
}

func (d *draft) settle(b *Bill, total int64, rule string) error {
	return d.settleFrom(b, total, rule, d.source(b))
}

// settleFrom pays what an invoice comes to in total, less what was paid before, returns the rest of its
// escrow and ends it. Without money it stays due, and is tried again; a part is never paid.
func (d *draft) settleFrom(b *Bill, total int64, rule string, from domain.AccountID) error {
	b.AnswerAt = 0
	b.Cleared = max(b.Cleared, total)
	if b.DueOn == "" {
		b.ApprovedOn, b.DueOn = d.today(b.Payment), d.today(b.Payment)
	}
	if b.Rule == "" {
		b.Rule = rule
	}
	paid, err := d.remit(b, b.Cleared-b.Paid, from)
	if err != nil {
		return err
	}
	if !paid {
		if b.Status != Defaulted {
			b.Status = Due
		}
		return d.missed(b)
	}
	back := d.balance(b.escrow(), b.Payment.Currency)
	d.move("return", b.escrow(), domain.PartyAccount(b.Payment.payer()), back, b.Payment.Currency)
	b.Payoff = &Payoff{
		Rule: b.Rule, Currency: b.Payment.Currency, Declared: b.Payable,
		Penalty: b.penalty(), Deduction: b.conceded() + b.deducted(ForQuantity),
		Credited: b.deducted(ForCredit), Discount: b.deducted(ForEarly), Paid: b.Paid, Returned: back, Interest: b.Interest, Fee: b.Fee,
	}
	if b.Status, err = d.outcome(b); err != nil {
		return err
	}
	d.bills.touch(b)
	d.event("InvoiceSettled", billKey(b.ID), *b.Payoff, b.everybody()...)
	if err := d.loosen(b); err != nil {
		return err
	}
	if b.Status == Settled && b.Payment.ClaimMillis > 0 {
		b.ArchiveAt = d.in.Now + b.Payment.ClaimMillis
		return d.bind(b)
	}
	return d.conclusion(b)
}

// loosen tells the debt's record, a guarantee and the receivable that the money has found its end.
func (d *draft) loosen(b *Bill) error {
	b.DefaultAt = 0
	d.index(b, true)
	if err := d.dropGuarantee(b); err != nil {
		return err
	}
	r, err := d.receivable(b)
	if err != nil || r == nil {
		return err
	}
	return d.unpledge(b, r)
}

// outcome is the status of an invoice whose money has found its end: with nothing paid it was
// credited if the buyer keeps goods that it covers, and rejected otherwise.
func (d *draft) outcome(b *Bill) (string, error) {
	if b.Paid > 0 {
		return Settled, nil
	}
	if b.deducted(ForCredit) > 0 {
		return Credited, nil
	}
	goods, err := d.goods(b)
	for _, s := range goods {
		if s.Ended && !s.failed() && b.conceded() > 0 {
			return Credited, err
		}
	}
	return Rejected, err
}

// conclusion closes an invoice for good.
func (d *draft) conclusion(b *Bill) error {
	if b.Paid == 0 {
		d.recountBill(b, false)
	}
	b.ArchiveAt = 0
	d.bills.touch(b)
	d.count(b.Agreement, -1)
	if err := d.bind(b); err != nil {
		return err
	}
	return d.release(b)
}

// archive ends the time in which a settled invoice can be claimed on.
func (d *draft) archive() error {
	b, err := d.bill(Settled)
	if err != nil {
		return err
	}
	b.Status = Closed
	d.event("InvoiceClosed", billKey(b.ID), ended{b.Status}, b.insiders()...)
	return d.conclusion(b)
}
