package invoice

import (
	"aval/domain"
	"aval/domain/calendar"
)

// The triggers of recourse.
const (
	Dilution      = "dilution"      // less was due than was advanced
	LongOverdue   = "overdue"       // the agreed days after the due day have passed
	SecondPledge  = "secondPledge"  // the registry reports it as financed elsewhere
	PaidInTrust   = "paidInTrust"   // the buyer, who was not told, paid the supplier
	NothingIsOwed = "nothingIsOwed" // the invoice ended without a payment
	DisputeLost   = "disputeLost"   // the supplier compensated the buyer after the approval
)

// demanded says what the supplier has to pay back today, and why.
type demanded struct {
	Trigger  string        `json:"trigger"`
	Owed     domain.Money  `json:"owed"`
	DemandBy domain.Millis `json:"demandBy"`
}

func (d *draft) demand(r *Receivable, trigger string) {
	if r.Deal.Demanded {
		return
	}
	r.Deal.Demanded, r.Deal.Trigger, r.Deal.DemandBy = true, trigger, d.in.Now+r.Deal.Price.RepayMillis
	d.receivables.touch(r)
	owed, err := r.claim(r.today(d))
	d.fail(err)
	d.event("RecourseTaken", receivableKey(r.Invoice), demanded{trigger, r.money(owed), r.Deal.DemandBy}, r.partners()...)
}

// recourse gives the claim back to the supplier, who has to repay. It needs a trigger of the deal.
func (d *draft) recourse() error {
	r, err := d.pledged(Financed)
	if err != nil {
		return err
	}
	if err := d.only("financier", r.Deal.Financier); err != nil {
		return err
	}
	if r.Deal.Demanded {
		return domain.Refuse(domain.WrongState, "recourse was taken")
	}
	trigger, err := d.trigger(r)
	if err != nil {
		return err
	}
	if trigger == "" {
		return domain.Refuse(domain.TooEarly, "no trigger of recourse is true")
	}
	d.demand(r, trigger)
	return nil
}

// trigger says which trigger of recourse is true; none gives an empty word.
func (d *draft) trigger(r *Receivable) (string, error) {
	if r.Elsewhere {
		return SecondPledge, nil
	}
	if r.Deal.DisputeLost {
		return DisputeLost, nil
	}
	owed, err := r.claim(r.today(d))
	if err != nil {
		return "", err
	}
	if r.Due < owed && r.today(d) <= r.DueOn {
		return Dilution, nil
	}
	if r.Deal.Price.OverdueDays == 0 || r.Ended {
		return "", nil
	}
	late, err := calendar.Days(r.DueOn, r.today(d))
	if err != nil || late < r.Deal.Price.OverdueDays {
		return "", err
	}
	return LongOverdue, nil
}

// repay pays back what was demanded, to the day, out of the supplier's account; control comes
// back in the same transaction.
func (d *draft) repay() error {
	r, err := d.pledged(Financed, Defaulted)
	if err != nil {
		return err
	}
	if err := d.only("supplier", r.Supplier); err != nil {
		return err
	}
	if !r.Deal.Demanded {
		return domain.Refuse(domain.WrongState, "nothing was demanded")
	}
	owed, err := r.claim(r.today(d))
	if err != nil {
		return err
	}
	account := domain.PartyAccount(r.Supplier)
	if d.balance(account, r.Currency) < owed {
		return domain.Refuse(domain.InsufficientFunds, "your account holds less than advance and fee to this day")
	}
	d.move("recourse", account, domain.PartyAccount(r.Deal.Financier), owed, r.Currency)
	parties := r.parties()
	r.Deal.Received += owed
	r.Deal.Demanded, r.Deal.DemandBy = false, 0
	if err := d.giveBack(r); err != nil {
		return err
	}
	r.Status, r.Controller = Recoursed, r.Supplier
	d.receivables.touch(r)
	d.event("ReceivableRecoursed", receivableKey(r.Invoice), repaidTo{r.money(owed), r.Controller}, r.partners()...)
	if !r.Ended && r.Deal.NoticeAt != 0 {
		d.event("AssignmentEnded", receivableKey(r.Invoice), notice{r.Controller, d.in.Now}, parties...)
	}
	return nil
}

type repaidTo struct {
	Amount     domain.Money   `json:"amount"`
	Controller domain.PartyID `json:"controller"`
}

// demandUnanswered is the deadline of a demand.
func (d *draft) demandUnanswered() error {
	r, err := d.pledged(Financed, Defaulted)
	if err != nil {
		return err
	}
	return d.loss(r)
}

// loss marks a financing as defaulted: what was demanded stays owed, the limits are free again.
func (d *draft) loss(r *Receivable) error {
	if err := d.giveBack(r); err != nil {
		return err
	}
	r.Status, r.Deal.DemandBy = Defaulted, 0
	d.receivables.touch(r)
	d.event("FinancingDefaulted", receivableKey(r.Invoice), listed{r.Fingerprint, r.Status}, r.partners()...)
	return nil
}
