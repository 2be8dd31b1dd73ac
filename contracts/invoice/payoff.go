package invoice

import (
	"github.com/shopspring/decimal"

	"aval/domain"
)

// The rules by which a shipment is settled; a lost or cancelled one names its state.
const (
	ByAcceptance = "acceptance"
	BySilence    = "silence"
	ByDispute    = "dispute"
)

// Payoff is how a shipment's escrow was split, in minor units. Paid + Returned is what it held.
type Payoff struct {
	Rule      string          `json:"rule"`
	Currency  domain.Currency `json:"currency"`
	Declared  int64           `json:"declared"`
	Penalty   int64           `json:"penalty"`
	Deduction int64           `json:"deduction"`
	Paid      int64           `json:"paid"`
	Returned  int64           `json:"returned"`
}

// charge itemises the stays and charges them: rate x degree-minutes, all together at most the
// cap, rounded once; each item gets its share by largest remainder, so that the items sum to
// the penalty to the last minor unit.
func (s Shipment) charge(j *Judgement, stays []stay) error {
	if len(stays) == 0 {
		return nil
	}
	var exposures []int64
	for len(stays) > 0 {
		n := 1
		if len(exposures) == MaxExcursions-1 {
			n = len(stays)
		}
		e := item(stays[:n])
		j.Excursions, exposures, stays = append(j.Excursions, e), append(exposures, e.Exposure), stays[n:]
	}
	total := int64(0)
	for _, exposure := range exposures {
		total += exposure
	}
	var err error
	if j.Penalty, err = s.Terms.Condition.penalty(total, s.Payable, s.Terms.Currency); err != nil || total == 0 {
		return err
	}
	shares, err := domain.Allocate(j.Penalty, exposures)
	for i := range shares {
		j.Excursions[i].Charged = shares[i]
	}
	return err
}

// penalty is min(rate x exposure / 60,000,000, cap), rounded once. The quotient is taken to
// 20 decimals: a rate of 6 decimals keeps it 1e-14 or more away from every half that it is
// not equal to, so that the rounding is that of the exact value.
func (c Condition) penalty(exposure, payable int64, currency domain.Currency) (int64, error) {
	rate, err := plain("condition.rate", c.Rate)
	if err != nil {
		return 0, err
	}
	limit, err := portion(payable, c.CapPercent, currency)
	if err != nil {
		return 0, err
	}
	charged := rate.Mul(count(exposure)).DivRound(count(milliMinutes), 20)
	minor, _, err := domain.Round(decimal.Min(charged, limit), currency)
	return minor, err
}

// net is the payable less the penalty, not below zero.
func (s Shipment) net() int64 {
	if s.Judgement == nil {
		return s.Payable
	}
	return max(0, s.Payable-s.Judgement.Penalty)
}

// due is what an accepted invoice pays.
func (s Shipment) due() int64 { return max(0, s.net()-s.Deduction) }

// silenceDue is what the supplier gets on incomplete evidence and a silent buyer.
func (s Shipment) silenceDue() (int64, error) {
	return share(s.net(), s.Terms.SilencePercent, s.Terms.Currency)
}

// disputeDue is what the supplier gets of a dispute that was not settled: all that is not
// disputed, and the agreed share of the claim.
func (s Shipment) disputeDue() (int64, error) {
	part, err := share(s.Claim, s.Terms.DisputePercent, s.Terms.Currency)
	return s.net() - s.Claim + part, err
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

// settle pays the supplier, returns the rest of the escrow to the buyer, makes the shipment
// final and counts it off its agreement.
func (c call) settle(d *draft, s Shipment, paid int64, rule string) {
	held := c.view.Available(s.escrow(), s.Terms.Currency)
	paid = min(paid, held)
	if !s.final() {
		s.Status = Returned
		if paid > 0 {
			s.Status = Settled
		}
	}
	s.Payoff = &Payoff{
		Rule: rule, Currency: s.Terms.Currency, Declared: s.Payable, Penalty: s.Payable - s.net(), Deduction: s.Deduction,
		Paid: paid, Returned: held - paid,
	}
	s.save(d)
	d.move("payment", s.escrow(), domain.PartyAccount(s.Terms.Supplier), paid, s.Terms.Currency)
	d.move("return", s.escrow(), domain.PartyAccount(s.Terms.Buyer), held-paid, s.Terms.Currency)
	d.event("InvoiceSettled", shipmentKey(s.ID), *s.Payoff, s.insiders()...)
	a, _, err := domain.Load[Agreement](c.view, agreementKey(s.Agreement))
	d.err = firstError(d.err, err)
	a.Open--
	a.save(d)
}
