package ubl

import (
	"fmt"

	"github.com/shopspring/decimal"
)

var (
	// slack is how far Peppol lets a product lie from what is declared, in major units.
	slack   = decimal.New(2, -2)
	percent = decimal.New(1, -2)
	one     = decimal.New(1, 0)
)

// checkLines checks each line by itself: quantity times price, and its allowances.
func (s *sums) checkLines() {
	for i, l := range s.lines {
		path := s.linePath(i)
		s.checkLine(l, path)
		s.checkAllowances(l.AllowanceCharge, path)
		if l.Price != nil {
			s.checkPrice(*l.Price, path+"/cac:Price")
		}
	}
}

func (s *sums) checkLine(l line, path string) {
	if l.LineExtensionAmount == nil {
		return
	}
	count, unit := one, text("")
	if q := l.counted(); q != nil {
		count, unit = q.dec(), q.Unit
	}
	base, each := one, decimal.Zero
	if l.Price != nil {
		each = l.Price.PriceAmount.dec()
		base = s.base(l.Price.BaseQuantity, unit, path+"/cac:Price/cbc:BaseQuantity")
	}
	allowances, charges := added(l.AllowanceCharge)
	want, declared := count.Mul(each), l.LineExtensionAmount.dec().Add(allowances).Sub(charges).Mul(base)
	if want.Sub(declared).Abs().GreaterThan(slack.Mul(base.Abs())) {
		s.found(s.rules.line, path+"/cbc:LineExtensionAmount", "%s declared, %s x %s / %s + %s charges - %s allowances is %s",
			l.LineExtensionAmount.Number.text, count, each, base, charges, allowances, want.DivRound(base, 4).Add(charges).Sub(allowances))
	}
}

// base is for how many items a price is, 1 unless a document says otherwise.
func (s *sums) base(q *quantity, unit text, path string) decimal.Decimal {
	if q == nil {
		return one
	}
	if q.Number.wrong == "" && !q.dec().IsPositive() {
		s.found(s.rules.basePositive, path, "%s, want a number above zero", q.dec())
	}
	if q.Unit != "" && q.Unit != unit {
		s.found(s.rules.base, path, "the price is for %.20q, the quantity in %.20q", string(q.Unit), string(unit))
	}
	if q.dec().IsZero() {
		return one
	}
	return q.dec()
}

func (s *sums) checkPrice(p price, path string) {
	if p.PriceAmount.dec().IsNegative() {
		s.found(s.rules.priceNegative, path+"/cbc:PriceAmount", "%s, want no negative price", p.PriceAmount.dec())
	}
	for _, a := range p.AllowanceCharge {
		if a.charge() {
			s.found(rulePriceCharge, path+"/cac:AllowanceCharge/cbc:ChargeIndicator", "a charge on a price")
		}
		if net := a.BaseAmount.dec().Sub(a.Amount.dec()); a.BaseAmount != nil && !p.PriceAmount.dec().Equal(net) {
			s.found(s.rules.netPrice, path+"/cbc:PriceAmount", "%s declared, %s less %s is %s", p.PriceAmount.dec(), a.BaseAmount.dec(), a.Amount.dec(), net)
		}
	}
}

// checkAllowances checks percentages, and that each says clearly whether it is a charge.
func (s *sums) checkAllowances(all []allowance, parent string) {
	for i, a := range all {
		path := fmt.Sprintf("%s/cac:AllowanceCharge[%d]", parent, i+1)
		switch a.ChargeIndicator {
		case "true", "false":
		case "0", "1":
			if s.peppol {
				s.found(ruleIndicator, path+"/cbc:ChargeIndicator", "want true or false")
			}
		default:
			s.found(ruleIndicator, path+"/cbc:ChargeIndicator", "%.20q, want true or false", string(a.ChargeIndicator))
		}
		s.numeric(a.Multiplier, path+"/cbc:MultiplierFactorNumeric")
		switch product := a.BaseAmount.dec().Mul(a.Multiplier.dec()).Mul(percent); {
		case a.Multiplier != nil && a.BaseAmount != nil:
			if product.Sub(a.Amount.dec()).Abs().GreaterThan(slack) {
				s.found(s.rules.percentage, path+"/cbc:Amount", "%s declared, %s %% of %s is %s", a.Amount.dec(), a.Multiplier.dec(), a.BaseAmount.dec(), product)
			}
		case a.Multiplier != nil && s.peppol:
			s.found(s.rules.percentAlone, path, "a percentage without the amount it is of")
		case a.BaseAmount != nil && s.peppol:
			s.found(s.rules.baseAlone, path, "a base amount without its percentage")
		}
	}
}
