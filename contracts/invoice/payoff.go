package invoice

import (
	"github.com/shopspring/decimal"

	"aval/domain"
)

// penalised tells insiders what the excursions of a shipment cost an invoice, in one event: a
// shipment may have MaxExcursions of them and MaxBills invoices.
type penalised struct {
	Shipment string `json:"shipment"`
	// DegreeMinutes are those of all excursions, to three decimals.
	DegreeMinutes string          `json:"degreeMinutes"`
	Charged       domain.Money    `json:"charged"`
	Items         []penalisedItem `json:"items"`
}

// penalisedItem is the share of one excursion, in minor units.
type penalisedItem struct {
	Item     int64  `json:"item"`
	Minor    int64  `json:"minor"`
	Evidence []byte `json:"evidence"`
}

// penalise charges an invoice for the lateness and the excursions of a shipment that it covers: rate x
// degree-minutes less what other invoices paid of it, all of the invoice at most its cap,
// rounded once; each excursion gets its share by largest remainder, so that the items sum to the
// penalty to the last minor unit.
func (d *draft) penalise(b *Bill, s *Shipment) error {
	if err := d.delay(b, s); err != nil {
		return err
	}
	if s.Judgement == nil || len(s.Judgement.Excursions) == 0 {
		return nil
	}
	var exposures []int64
	total := int64(0)
	for _, e := range s.Judgement.Excursions {
		exposures, total = append(exposures, e.Exposure), total+e.Exposure
	}
	penalty, err := s.Carriage.Condition.penalty(total, s.Charged, b.Payable, b.deducted(ForCondition), b.Payment.Currency)
	if err != nil || total == 0 {
		return err
	}
	shares, err := domain.Allocate(penalty, exposures)
	if err != nil {
		return err
	}
	s.Charged += penalty
	d.shipments.touch(s)
	d.bills.touch(b)
	charge := penalised{Shipment: s.ID, DegreeMinutes: degreeMinutes(total), Charged: b.money(penalty)}
	for i, e := range s.Judgement.Excursions {
		b.Deductions = append(b.Deductions, Deduction{
			Kind: ForCondition, Shipment: s.ID, Item: int64(i), Minor: shares[i], Evidence: e.EvidenceSHA256,
		})
		charge.Items = append(charge.Items, penalisedItem{int64(i), shares[i], e.EvidenceSHA256})
	}
	d.event("PenaltyCharged", billKey(b.ID), charge, b.insiders()...)
	return nil
}

// degreeMinutes writes an exposure for a reader, to three decimals.
func degreeMinutes(exposure int64) string {
	return count(exposure).DivRound(count(milliMinutes), 3).String()
}

// penalty is min(rate x exposure / 60,000,000 - charged before, cap - taken of the cap), rounded
// once. The quotient is taken to 20 decimals: a rate of 6 decimals keeps it 1e-14 or more away from
// every half that it is not equal to, so that the rounding is that of the exact value.
func (c Condition) penalty(exposure, charged, payable, taken int64, currency domain.Currency) (int64, error) {
	rate, err := plain("condition.rate", c.Rate)
	if err != nil {
		return 0, err
	}
	limit, err := portion(payable, c.CapPercent, currency)
	if err != nil {
		return 0, err
	}
	exponent, err := currency.Exponent()
	if err != nil {
		return 0, err
	}
	cost := rate.Mul(count(exposure)).DivRound(count(milliMinutes), 20).Sub(decimal.New(charged, -exponent))
	least := decimal.Min(cost, limit.Sub(decimal.New(taken, -exponent)))
	minor, _, err := domain.Round(decimal.Max(decimal.Zero, least), currency)
	return minor, err
}

// deducted is the sum of the deductions of one kind.
func (b Bill) deducted(kind DeductionKind) (minor int64) {
	for _, each := range b.Deductions {
		if each.Kind == kind {
			minor += each.Minor
		}
	}
	return minor
}

// net is the payable less every deduction but what the supplier conceded, not below zero.
func (b Bill) net() int64 {
	net := b.Payable + b.conceded()
	for _, each := range b.Deductions {
		net -= each.Minor
	}
	return max(0, net)
}

// conceded is what the supplier has given up.
func (b Bill) conceded() int64 { return b.deducted(ForClaim) }

// due is what an approved invoice pays.
func (b Bill) due() int64 { return max(0, b.net()-b.conceded()) }

// silenceDue is what the supplier gets on incomplete evidence and a silent buyer.
func (b Bill) silenceDue() (int64, error) {
	return share(b.net(), b.Payment.SilencePercent, b.Payment.Currency)
}

// disputeDue is what the supplier gets of a dispute that was not settled: all that is not
// disputed, and the agreed share of the claim.
func (b Bill) disputeDue() (int64, error) {
	part, err := share(b.Claim, b.Payment.DisputePercent, b.Payment.Currency)
	return max(0, b.net()-b.Claim) + part, err
}

// share is a percentage of minor units, rounded once.
func share(minor int64, percentage string, currency domain.Currency) (int64, error) {
	part, err := portion(minor, percentage, currency)
	if err != nil {
		return 0, err
	}
	rounded, _, err := domain.Round(part, currency)
	return rounded, err
}

// portion is the exact percentage of minor units, in major units.
func portion(minor int64, percentage string, currency domain.Currency) (decimal.Decimal, error) {
	rate, err := percent("percentage", percentage)
	if err != nil {
		return decimal.Zero, err
	}
	exponent, err := currency.Exponent()
	return decimal.New(minor, -exponent).Mul(rate).Shift(-2), err
}

func count(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

// penalty is what the carriage cost.
func (b Bill) penalty() int64 { return b.deducted(ForCondition) + b.deducted(ForLate) }
