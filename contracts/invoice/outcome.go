package invoice

import "aval/domain"

// diluted looks at a financing after a credit lowered its invoice.
func (d *draft) diluted(b *Bill) error {
	if err := d.mirror(b); err != nil {
		return err
	}
	r, err := d.receivable(b)
	if err != nil || r == nil || r.Status != Financed {
		return err
	}
	owed, err := r.claim(d.today(b.Payment))
	if err != nil {
		return err
	}
	if r.Due < owed {
		d.demand(r, Dilution)
	}
	return nil
}

// unpledge tells a receivable that its invoice is final.
func (d *draft) unpledge(b *Bill, r *Receivable) error {
	r.Ended, r.Due = true, 0
	d.receivables.touch(r)
	switch r.Status {
	case Reserved:
		return d.free(r, "ReservationEnded")
	case Financed:
		switch {
		case r.Deal.Demanded:
		case r.Deal.CollectedOn != "":
			return d.repaid(r)
		case b.Payoff != nil && b.Payoff.Paid > 0 && !r.noticed():
			d.demand(r, PaidInTrust)
		default:
			d.demand(r, NothingIsOwed)
		}
	}
	return nil
}

// defaulted tells a financing without recourse that its buyer is in default: the loss is the
// financier's, who goes on controlling the receivable.
func (d *draft) defaulted(b *Bill) error {
	r, err := d.receivable(b)
	if err != nil || r == nil || r.Status != Financed || r.Deal.Price.OverdueDays > 0 || r.Deal.Demanded {
		return err
	}
	return d.loss(r)
}

// paidOutside books a payment by a bank: the financier has it, or the supplier in trust.
func (d *draft) paidOutside(b *Bill) error {
	r, err := d.receivable(b)
	if err != nil || r == nil || r.Deal == nil || r.Status != Financed && r.Status != Defaulted {
		return err
	}
	d.receivables.touch(r)
	minor := b.Instruction.Owing.total()
	if b.Instruction.Payee != r.Deal.Financier {
		d.demand(r, PaidInTrust)
		return nil
	}
	owed, err := r.claim(d.today(b.Payment))
	if err != nil {
		return err
	}
	part := min(owed, minor)
	r.Deal.Received, r.Deal.Remainder = r.Deal.Received+part, minor-part
	d.event("ReceivableCollected", receivableKey(r.Invoice), collected{
		r.money(minor), r.money(part), r.money(minor - part), r.money(owed - part),
	}, r.partners()...)
	if owed > part {
		d.demand(r, Dilution)
		return nil
	}
	r.Deal.CollectedOn = d.today(b.Payment)
	return nil
}

// handOn pays what the financier got outside beyond its claim to the supplier.
func (d *draft) handOn() error {
	r, err := d.pledged(Financed, Defaulted, Repaid)
	if err != nil {
		return err
	}
	if err := d.only("financier", r.Deal.Financier); err != nil {
		return err
	}
	if r.Deal.Remainder == 0 {
		return domain.Refuse(domain.WrongState, "there is nothing to hand on")
	}
	account := domain.PartyAccount(d.in.Sender)
	if d.balance(account, r.Currency) < r.Deal.Remainder {
		return domain.Refuse(domain.InsufficientFunds, "your account holds less than the remainder")
	}
	d.move("remainder", account, domain.PartyAccount(r.Supplier), r.Deal.Remainder, r.Currency)
	d.event("RemainderPaid", receivableKey(r.Invoice), repaidTo{r.money(r.Deal.Remainder), r.Controller}, r.partners()...)
	r.Deal.Remainder = 0
	d.receivables.touch(r)
	return nil
}

// returnedOutside takes back what paidOutside booked. What the financier handed on already, it
// gets out of the next payment.
func (d *draft) returnedOutside(b *Bill, was Instruction) error {
	r, err := d.receivable(b)
	if err != nil || r == nil || r.Deal == nil {
		return err
	}
	d.receivables.touch(r)
	switch {
	case was.Payee == r.Deal.Financier && (r.Status == Financed || r.Status == Defaulted):
		total := was.Owing.total()
		r.Deal.Received -= total - r.Deal.Remainder
		r.Deal.Remainder, r.Deal.CollectedOn = 0, ""
	case r.Deal.Trigger == PaidInTrust:
		r.Deal.Demanded, r.Deal.Trigger, r.Deal.DemandBy = false, "", 0
	}
	d.event("ReceivableRevived", receivableKey(r.Invoice), listed{r.Fingerprint, r.Status}, r.partners()...)
	return nil
}

// disputeLost tells a financing that the supplier compensated the buyer: the debt stands, and the
// financier may give it back.
func (d *draft) disputeLost(invoice string) error {
	r, found, err := d.receivables.fetch(d.view, receivableKey(invoice))
	if err != nil || !found || r.Status != Financed {
		return err
	}
	r.Deal.DisputeLost = true
	d.receivables.touch(r)
	d.event("DisputeLost", receivableKey(invoice), listed{r.Fingerprint, r.Status}, r.partners()...)
	return nil
}
