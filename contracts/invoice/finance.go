package invoice

import (
	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
)

// claim is what the financier is still owed if it is paid on that day: the advance, its price by
// the day and the flat fee, less what it got.
func (r Receivable) claim(day domain.Date) (int64, error) {
	if on := r.Deal.CollectedOn; on != "" {
		day = min(day, on)
	}
	days, err := calendar.Days(r.Deal.FinancedOn, day)
	if err != nil {
		return 0, err
	}
	price, err := interest.Simple(r.money(r.Deal.Advance), r.Deal.Price.Percent, max(0, days), r.Deal.Price.Basis)
	if err != nil {
		return 0, err
	}
	owed, err := domain.AddMinor(r.Deal.Advance+price.Minor, r.Deal.Price.Flat)
	return max(0, owed-r.Deal.Received), err
}

// pledged loads a receivable for its supplier or chosen financier, with its invoice, which may be final.
func (d *draft) pledged(states ...string) (*Receivable, error) {
	r, found, err := d.receivables.fetch(d.view, receivableKey(d.in.Command.Contract))
	if err != nil {
		return nil, err
	}
	partner := found && (d.in.FromDeadline() || d.in.Sender == r.Supplier || r.Deal != nil && d.in.Sender == r.Deal.Financier)
	if !partner {
		return nil, domain.Refuse(domain.NotFound, "receivable %.64q: none of yours is open", d.in.Command.Contract)
	}
	for _, state := range states {
		if r.Status == state {
			return r, nil
		}
	}
	return nil, domain.Refuse(domain.WrongState, "receivable is %s", r.Status)
}

// financed tells the two partners what was paid out, and the buyer's part only if it is told.
type financed struct {
	Advance    domain.Money  `json:"advance"`
	FinancedOn domain.Date   `json:"financedOn"`
	NoticeAt   domain.Millis `json:"noticeAt,omitempty"`
}

// payAdvance pays out: from here on the financier controls the receivable.
func (d *draft) payAdvance() error {
	r, err := d.pledged(Reserved)
	if err != nil {
		return err
	}
	if err := d.only("financier", r.Deal.Financier); err != nil {
		return err
	}
	b, found, err := d.bills.fetch(d.view, billKey(r.Invoice))
	if err != nil {
		return err
	}
	if !found {
		return domain.Refuse(domain.WrongState, "the invoice is no longer one to finance")
	}
	if err := d.financeable(b); err != nil {
		return err
	}
	if r.Elsewhere || !r.Cleared {
		return domain.Refuse(domain.TooEarly, "the registry has not said that the receivable is financed nowhere else")
	}
	account := domain.PartyAccount(d.in.Sender)
	if d.balance(account, r.Currency) < r.Deal.Advance {
		return domain.Refuse(domain.InsufficientFunds, "your account holds less than the advance")
	}
	r.Status, r.Controller, r.Deal.FinancedOn = Financed, r.Deal.Financier, d.today(b.Payment)
	d.receivables.touch(r)
	d.move("advance", account, domain.PartyAccount(r.Supplier), r.Deal.Advance, r.Currency)
	d.event("ReceivableFinanced", receivableKey(r.Invoice), financed{r.money(r.Deal.Advance), r.Deal.FinancedOn, 0}, r.partners()...)
	if r.Deal.Price.Notify {
		d.giveNotice(r)
	}
	return nil
}

// notice tells the buyer whom to pay from now on.
type notice struct {
	Controller domain.PartyID `json:"controller"`
	NoticeAt   domain.Millis  `json:"noticeAt"`
}

func (d *draft) giveNotice(r *Receivable) {
	r.Deal.NoticeAt = d.in.Now
	d.receivables.touch(r)
	d.event("AssignmentNotified", receivableKey(r.Invoice), notice{r.Controller, d.in.Now}, r.parties()...)
}

// notify gives the notice of assignment: payments go to the financier from this ledger time on.
func (d *draft) notify() error {
	r, err := d.pledged(Financed)
	if err != nil {
		return err
	}
	if err := d.only("financier", r.Deal.Financier); err != nil {
		return err
	}
	if r.Deal.NoticeAt != 0 || r.Ended {
		return domain.Refuse(domain.WrongState, "the buyer was told, or the invoice is paid")
	}
	d.giveNotice(r)
	return nil
}

// unreserve is the deadline at which a reservation ends that nobody paid on.
func (d *draft) unreserve() error {
	r, err := d.pledged(Reserved)
	if err != nil {
		return err
	}
	return d.free(r, "ReservationEnded")
}

// free gives a reserved receivable back to its supplier's disposal.
func (d *draft) free(r *Receivable, event string) error {
	if err := d.giveBack(r); err != nil {
		return err
	}
	partners := r.partners()
	r.Deal, r.Status = nil, Free
	if len(r.Invited) > 0 && r.Fingerprint != "" && !r.Ended {
		r.Status = Offered
	}
	d.receivables.touch(r)
	d.event(event, receivableKey(r.Invoice), listed{r.Fingerprint, r.Status}, partners...)
	return nil
}

// giveBack returns what a deal uses of its programme's limits: nothing after a default, which has given it back.
func (d *draft) giveBack(r *Receivable) error {
	if r.Status != Reserved && r.Status != Financed {
		return nil
	}
	p, found, err := d.programmes.fetch(d.view, programmeKey(r.Deal.Programme))
	if err != nil || !found {
		return err
	}
	d.programmes.touch(p)
	return p.use(r.Buyer, r.Supplier, -r.Deal.Advance)
}

// collected tells the two partners how a payment was split.
type collected struct {
	Received  domain.Money `json:"received"`
	Financier domain.Money `json:"financier"`
	Remainder domain.Money `json:"remainder"`
	Missing   domain.Money `json:"missing"`
}

// distribute splits a payment that reached the receivable: the financier's claim first, the
// rest of the holdback to the supplier. What is missing is the supplier's to make good only if
// the debt itself had shrunk: then the holdback bore it first.
func (d *draft) distribute(b *Bill, r *Receivable, minor int64) error {
	owed, err := r.claim(d.today(b.Payment))
	if err != nil {
		return err
	}
	rest, err := d.redirect(b)
	if err != nil {
		return err
	}
	part := min(owed, minor)
	d.move("collection", r.escrow(), domain.PartyAccount(r.Deal.Financier), part, r.Currency)
	d.move("remainder", r.escrow(), domain.PartyAccount(rest), minor-part, r.Currency)
	d.event("ReceivableCollected", receivableKey(r.Invoice), collected{
		r.money(minor), r.money(part), r.money(minor - part), r.money(owed - part),
	}, append(r.partners(), rest)...)
	r.Deal.Received += part
	return d.square(r, owed-part)
}

// square ends a financing whose claim is met, or demands what is missing.
func (d *draft) square(r *Receivable, missing int64) error {
	d.receivables.touch(r)
	if missing > 0 {
		d.demand(r, Dilution)
		return nil
	}
	return d.repaid(r)
}

func (d *draft) repaid(r *Receivable) error {
	err := d.giveBack(r)
	r.Status, r.Deal.Demanded, r.Deal.DemandBy = Repaid, false, 0
	return err
}

// today is the local day of the batch, by the calendar of the invoice.
func (r Receivable) today(d *draft) domain.Date { return r.Calendar.Day(d.in.Now) }
