package invoice

import "aval/domain"

// discounted says what an early payment cost the supplier.
type discounted struct {
	Discount domain.Money `json:"discount"`
	Due      domain.Money `json:"due"`
	PaidOn   domain.Date  `json:"paidOn"`
	DueOn    domain.Date  `json:"dueOn"`
}

// early pays an approved invoice before its day, out of the buyer's own cash, less the discount
// that the terms give. What is financed, or promised by a bank, is no longer the supplier's to discount.
func (d *draft) early() error {
	b, err := d.bill(Approved)
	if err != nil {
		return err
	}
	if err := d.only("supplier", b.Payment.Supplier); err != nil {
		return err
	}
	if b.Payment.Debt == nil || b.Payment.Debt.Discount == nil {
		return domain.Refuse(domain.InvalidTerms, "the terms give no discount for early payment")
	}
	r, err := d.receivable(b)
	if err != nil {
		return err
	}
	frozen, err := d.frozen(b)
	if err != nil {
		return err
	}
	if frozen || b.Guarantor != "" || b.Instruction != nil || r != nil && !r.free() {
		return domain.Refuse(domain.WrongState, "the receivable is pledged, its payment is under way, or the agreement is suspended")
	}
	today := d.today(b.Payment)
	off, err := b.Payment.Debt.Discount.On(b.money(b.Cleared-b.Paid), b.ApprovedOn, b.DueOn, today)
	if err != nil {
		return err
	}
	if off.Minor == 0 {
		return domain.Refuse(domain.TooLate, "no discount is given for payment on %s", today)
	}
	if d.balance(d.source(b), b.Payment.Currency) < b.Cleared-b.Paid-off.Minor {
		return domain.Refuse(domain.InsufficientFunds, "the buyer has not set aside enough for an early payment")
	}
	b.Deductions = append(b.Deductions, Deduction{Kind: ForEarly, Minor: off.Minor})
	b.Cleared -= off.Minor
	d.event("DiscountTaken", billKey(b.ID), discounted{off, b.money(b.Cleared), today, b.DueOn}, b.everybody()...)
	return d.settle(b, b.Cleared, ByAcceptance)
}
