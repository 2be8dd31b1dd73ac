package invoice

import (
	"slices"

	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
)

// Owing is what a buyer owes on an open account at the end of a day, in minor units.
type Owing struct {
	Principal int64 `json:"principal"`
	// Interest and Fee are for a payment after the due day, Accruals what the interest is made of.
	Interest int64              `json:"interest,omitempty"`
	Fee      int64              `json:"fee,omitempty"`
	Accruals []interest.Accrual `json:"accruals,omitempty"`
}

func (o Owing) total() int64 { return o.Principal + o.Interest + o.Fee }

// owing is what is owed of an invoice if a part of its principal is paid on that day. Money in
// escrow is never late.
func (b Bill) owing(principal int64, day domain.Date) (Owing, error) {
	o := Owing{Principal: principal}
	if !b.Payment.owed() || b.Payment.Debt.Late == nil || principal == 0 || b.DueOn == "" || day <= b.DueOn {
		return o, nil
	}
	late := b.Payment.Debt.Late
	total, accruals, err := late.Due(b.money(principal), b.DueOn, day)
	o.Interest, o.Accruals = total.Minor, accruals
	if b.Fee == 0 { // once for each debt
		o.Fee = late.FixedFee
	}
	return o, err
}

// unpaid is the body of events about a debt that was not collected.
type unpaid struct {
	Status   string        `json:"status"`
	Owing    Owing         `json:"owing"`
	DueOn    domain.Date   `json:"dueOn"`
	Attempts int64         `json:"attempts"`
	NextAt   domain.Millis `json:"nextAt,omitempty"`
}

// missed keeps a debt due whose money was not there: all of it, and never a part. The due day is
// the payer's to its end: in its last millisecond collection is tried once more, and only then
// is the debt late. A bank that guaranteed it pays now, and is owed the debt from then on.
func (d *draft) missed(b *Bill) error {
	d.bills.touch(b)
	if b.Instruction != nil { // an order is with a bank: collecting too would pay twice
		return nil
	}
	o, err := b.owing(b.Cleared-b.Paid, d.today(b.Payment))
	if err != nil {
		return err
	}
	if !b.Payment.owed() {
		b.PayAt = d.in.Now + RetryMillis
		d.event("PaymentMissed", billKey(b.ID), unpaid{b.Status, o, b.DueOn, b.Attempts, b.PayAt}, b.informed()...)
		return nil
	}
	closes, err := b.Payment.Debt.Calendar.Close(b.DueOn)
	if err != nil {
		return err
	}
	if d.in.Now < closes-1 {
		b.PayAt = closes - 1
		d.index(b, false)
		d.event("PaymentAwaited", billKey(b.ID), unpaid{b.Status, o, b.DueOn, 0, b.PayAt}, b.informed()...)
		return d.mirror(b)
	}
	return d.late(b, o)
}

// late plans the next attempt, and the default.
func (d *draft) late(b *Bill, o Owing) error {
	if b.Guarantor != "" && b.Creditor == "" {
		if err := d.honour(b); err != nil {
			return err
		}
	}
	frozen, err := d.frozen(b)
	if err != nil {
		return err
	}
	terms := b.Payment.Debt
	if !frozen { // a suspension uses up no attempt
		b.Attempts++
	}
	b.PayAt = 0
	if b.Attempts <= terms.Retries || frozen {
		next, err := terms.Calendar.AddBusinessDays(d.today(b.Payment), max(1, terms.RetryDays))
		if err != nil {
			return err
		}
		if b.PayAt, err = terms.Calendar.Open(next); err != nil {
			return err
		}
	}
	if b.DefaultAt == 0 && b.Status == Due && terms.DefaultDays > 0 {
		day, err := calendar.AddDays(b.DueOn, terms.DefaultDays)
		if err != nil {
			return err
		}
		if b.DefaultAt, err = terms.Calendar.Close(day); err != nil {
			return err
		}
	}
	d.event("PaymentMissed", billKey(b.ID), unpaid{b.Status, o, b.DueOn, b.Attempts, b.PayAt}, b.informed()...)
	return nil
}

// informed are the parties of an invoice and a bank that paid it.
func (b Bill) informed() []domain.PartyID { return append(b.everybody(), b.Creditor) }

// fallIntoDefault is the deadline at which a debt is in default. It stays owed.
func (d *draft) fallIntoDefault() error {
	b, err := d.bill(Due)
	if err != nil {
		return err
	}
	o, err := b.owing(b.Cleared-b.Paid, d.today(b.Payment))
	if err != nil {
		return err
	}
	b.Status, b.DefaultAt = Defaulted, 0
	d.bills.touch(b)
	d.event("DebtDefaulted", billKey(b.ID), unpaid{b.Status, o, b.DueOn, b.Attempts, b.PayAt}, b.informed()...)
	return d.defaulted(b)
}

// Debt is the record debt/<agreement>/<invoice>, open while an approved invoice waits for its
// day: what a credit note without an invoice is netted against, the oldest first.
type Debt struct {
	Invoice string        `json:"invoice"`
	PayAt   domain.Millis `json:"payAt"`
}

// index opens or closes the debt's record.
func (d *draft) index(b *Bill, closed bool) {
	if closed != b.Indexed {
		return
	}
	status := "open"
	if closed {
		status = "closed"
	}
	b.Indexed = !closed
	put(d, "debt/"+b.Agreement+"/"+b.ID, Debt{b.ID, b.PayAt}, status, closed, b.insiders()...)
}

// debts lists the approved invoices of an agreement, the first to be due first.
func (d *draft) debts(agreement string) ([]Debt, error) {
	var all []Debt
	for _, r := range d.view.Scan("debt/"+agreement+"/", "", domain.MaxScan) {
		debt, err := decode[Debt](r.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, debt)
	}
	slices.SortStableFunc(all, func(a, b Debt) int { return int(min(1, max(-1, a.PayAt-b.PayAt))) })
	return all, nil
}
