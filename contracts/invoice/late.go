package invoice

import (
	"github.com/shopspring/decimal"

	"aval/domain"
	"aval/domain/calendar"
)

// Late is what a late delivery costs.
type Late struct {
	// PercentPerDay of the payable is charged for each started day, decimal text.
	PercentPerDay string `json:"percentPerDay"`
	// CapPercent bounds it, in percent of the payable.
	CapPercent string `json:"capPercent"`
	// GraceMillis after the deadline cost nothing.
	GraceMillis domain.Millis `json:"graceMillis,omitempty"`
	// CancelDays late the buyer may call off what has not arrived; 0 never.
	CancelDays int64 `json:"cancelDays,omitempty"`
}

// MaxLateDays bounds the days of lateness that terms speak of.
const MaxLateDays = 400

func (l *Late) check() error {
	if l == nil {
		return nil
	}
	if _, err := percent("late.percentPerDay", l.PercentPerDay); err != nil {
		return err
	}
	if _, err := percent("late.capPercent", l.CapPercent); err != nil {
		return err
	}
	if l.GraceMillis < 0 || l.GraceMillis > MaxWindow || l.CancelDays < 0 || l.CancelDays > MaxLateDays {
		return invalid("late: graceMillis wants 0 to %d, cancelDays 0 to %d", int64(MaxWindow), MaxLateDays)
	}
	return nil
}

// daysLate counts the days of the receiver that a delivery at an instant is late: none up to the
// deadline and its grace, else the local days from that of the deadline to that of the
// delivery, at least one, for a day that has started counts.
func (s Shipment) daysLate(at domain.Millis) (int64, error) {
	late := s.Carriage.Late
	if late == nil || at <= s.deliverBy()+late.GraceMillis {
		return 0, nil
	}
	local := s.local()
	days, err := calendar.Days(local.Day(s.deliverBy()), local.Day(at))
	return max(1, days), err
}

// local is the receiver's calendar; UTC if none was agreed.
func (s Shipment) local() calendar.Calendar {
	if s.Carriage.Calendar == nil {
		return calendar.Calendar{}
	}
	return *s.Carriage.Calendar
}

// lateness is one item of a penalty for late delivery.
type lateness struct {
	Shipment string       `json:"shipment"`
	Days     int64        `json:"days"`
	Charged  domain.Money `json:"charged"`
}

// delay charges an invoice for the lateness of a shipment that it covers, on that shipment's equal
// share of the payable; all of it together at most the cap.
func (d *draft) delay(b *Bill, s *Shipment) error {
	late := s.Carriage.Late
	if late == nil || s.Judgement == nil || s.Judgement.DaysLate == 0 || s.Excused {
		return nil
	}
	rate, err := percent("late.percentPerDay", late.PercentPerDay)
	if err != nil {
		return err
	}
	limit, err := portion(b.Payable, late.CapPercent, b.Payment.Currency)
	if err != nil {
		return err
	}
	exponent, err := b.Payment.Currency.Exponent()
	if err != nil {
		return err
	}
	cost := decimal.New(b.Payable, -exponent).Mul(rate).Mul(count(s.Judgement.DaysLate)).Shift(-2)
	cost = decimal.Min(cost.DivRound(count(int64(max(1, len(b.Shipments)))), 20), limit.Sub(decimal.New(b.deducted(ForLate), -exponent)))
	minor, _, err := domain.Round(decimal.Max(decimal.Zero, cost), b.Payment.Currency)
	if err != nil || minor == 0 {
		return err
	}
	b.Deductions = append(b.Deductions, Deduction{Kind: ForLate, Shipment: s.ID, Item: s.Judgement.DaysLate, Minor: minor})
	d.bills.touch(b)
	d.event("LatenessCharged", billKey(b.ID), lateness{s.ID, s.Judgement.DaysLate, b.money(minor)}, b.insiders()...)
	return nil
}

// excuse is the buyer's word that a delay was nobody's fault: force majeure. It costs nothing then.
func (d *draft) excuse() error {
	s, err := d.shipment(Planned, Despatched, InTransit, GoodsDelivered, Inspection, Conditional, GoodsAccepted, DeemedAccepted)
	if err != nil {
		return err
	}
	if err := d.only("buyer", s.Carriage.Buyer); err != nil {
		return err
	}
	if s.Carriage.Late == nil || s.Excused {
		return domain.Refuse(domain.WrongState, "no penalty for lateness stands")
	}
	s.Excused = true
	d.shipments.touch(s)
	d.event("DelayExcused", shipmentKey(s.ID), ended{s.Status}, s.everybody()...)
	return d.recharge(s)
}

// recharge takes what a shipment cost off the invoices that nothing binds yet, and charges anew.
func (d *draft) recharge(s *Shipment) error {
	bills, err := d.billsOf(s)
	if err != nil {
		return err
	}
	for _, b := range bills {
		if b.PayAt != 0 || b.settled() { // a part of it is unconditional
			continue
		}
		kept := b.Deductions[:0:0]
		for _, each := range b.Deductions {
			switch {
			case each.Shipment != s.ID:
				kept = append(kept, each)
			case each.Kind == ForCondition:
				s.Charged -= each.Minor
			}
		}
		b.Deductions = kept
		d.bills.touch(b)
		if err := d.penalise(b, s); err != nil {
			return err
		}
	}
	return nil
}

// inspectUntil is the end of an inspection that begins now: so many business days of the receiver, or a span.
func (s Shipment) inspectUntil(now domain.Millis) (domain.Millis, error) {
	if s.Carriage.InspectionDays == 0 {
		return now + s.Carriage.InspectionMillis, nil
	}
	local := s.local()
	day, err := local.AddBusinessDays(local.Day(now), s.Carriage.InspectionDays)
	if err != nil {
		return 0, err
	}
	return local.Close(day)
}
