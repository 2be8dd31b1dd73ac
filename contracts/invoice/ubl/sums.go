package ubl

import (
	"fmt"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// sums is the part of a document that adds up, and checks that it does.
type sums struct {
	*report
	rules    rulebook
	currency domain.Currency
	// order says that totals and line amounts are expected ones, which may be missing.
	order bool
	// peppol says that the document promises Peppol's rules, also those of form.
	peppol bool
	// total and line are the paths of the totals and of a line, which takes its number.
	total, line string
	lines       []line
	allowances  []allowance
	taxes       []taxTotal
	totals      *monetaryTotal
}

func (s *sums) linePath(i int) string { return fmt.Sprintf(s.line, i+1) }

// money reports what is wrong with an amount by itself: its form, its currency, its decimals.
func (s *sums) money(a *amount, decimals, path string) *domain.Money {
	if a == nil || !s.numeric(&a.Number, path) || s.currency == "" {
		return nil
	}
	if !s.priced(a, s.currency, s.rules.currency, path) {
		return nil
	}
	if s.order {
		decimals = ruleOrderDecimals
	}
	return s.report.money(a, s.currency, decimals, path)
}

// equal reports a declared amount that is not what a rule computes.
func (s *sums) equal(rule, path string, declared *amount, want decimal.Decimal, by string) {
	if declared == nil || declared.Number.wrong != "" || declared.dec().Equal(want) {
		return
	}
	s.found(rule, path, "%s declared, %s is %s", declared.Number.text, by, want)
}

// checkTotals checks the totals against the lines and against each other.
func (s *sums) checkTotals() {
	t := s.totals
	if t == nil {
		return
	}
	lines := decimal.Zero
	for _, l := range s.lines {
		lines = lines.Add(l.LineExtensionAmount.dec())
	}
	allowances, charges := added(s.allowances)
	s.equal(s.rules.lines, s.total+"/cbc:LineExtensionAmount", t.LineExtensionAmount, lines, "the sum of the lines")
	s.equalOrZero(s.rules.allowances, s.total+"/cbc:AllowanceTotalAmount", t.AllowanceTotalAmount, allowances, "the sum of the allowances")
	s.equalOrZero(s.rules.charges, s.total+"/cbc:ChargeTotalAmount", t.ChargeTotalAmount, charges, "the sum of the charges")
	net := t.LineExtensionAmount.dec().Sub(t.AllowanceTotalAmount.dec()).Add(t.ChargeTotalAmount.dec())
	s.equal(s.rules.net, s.total+"/cbc:TaxExclusiveAmount", t.TaxExclusiveAmount, net, "lines less allowances plus charges")
	if t.TaxExclusiveAmount != nil {
		net = t.TaxExclusiveAmount.dec()
	}
	tax, taxed := s.tax()
	if taxed || !s.order {
		s.equal(s.rules.gross, s.total+"/cbc:TaxInclusiveAmount", t.TaxInclusiveAmount, net.Add(tax), "the amount without VAT plus VAT")
	}
	if t.TaxInclusiveAmount != nil {
		due := t.TaxInclusiveAmount.dec().Sub(t.PrepaidAmount.dec()).Add(t.PayableRoundingAmount.dec())
		s.equal(s.rules.payable, s.total+"/cbc:PayableAmount", t.PayableAmount, due, "the amount with VAT less prepaid plus rounding")
	}
}

// equalOrZero is equal for an amount that counts as zero where it is missing.
func (s *sums) equalOrZero(rule, path string, declared *amount, want decimal.Decimal, by string) {
	if declared != nil {
		s.equal(rule, path, declared, want, by)
	} else if !want.IsZero() {
		s.found(rule, path, "nothing declared, %s is %s", by, want)
	}
}

// added sums allowances and charges.
func added(all []allowance) (allowances, charges decimal.Decimal) {
	for _, a := range all {
		if a.charge() {
			charges = charges.Add(a.Amount.dec())
		} else {
			allowances = allowances.Add(a.Amount.dec())
		}
	}
	return allowances, charges
}

// tax is the first total of VAT in the currency of the document, if it names one, and whether there is such a total.
func (s *sums) tax() (decimal.Decimal, bool) {
	for _, t := range s.taxes {
		if t.TaxAmount != nil && (s.currency == "" || domain.Currency(t.TaxAmount.Currency) == s.currency) {
			return t.TaxAmount.dec(), true
		}
	}
	return decimal.Zero, false
}
