package ubl

import (
	"fmt"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// group is a VAT category at one rate, and what falls under it.
type group struct {
	category, rate string
	// taxable is what lines, charges and allowances come to, declared what the breakdown says, over all its rows of the group.
	taxable, declared decimal.Decimal
	items             int64
}

// checkVAT checks the breakdown of VAT against lines and totals. Peppol wants one breakdown; others are reported.
func (s *sums) checkVAT() {
	breakdowns := 0
	for i, t := range s.taxes {
		path := fmt.Sprintf("/cac:TaxTotal[%d]", i+1)
		if len(t.TaxSubtotal) == 0 {
			continue
		}
		sum := decimal.Zero
		for _, sub := range t.TaxSubtotal {
			sum = sum.Add(sub.TaxAmount.dec())
		}
		s.equal(ruleVATSum, path+"/cbc:TaxAmount", t.TaxAmount, sum, "the sum of the breakdown")
		if breakdowns++; breakdowns > 1 {
			s.found(ruleOneBreakdown, path, "more than one breakdown of VAT")
			continue
		}
		s.checkBreakdown(t.TaxSubtotal, path)
	}
	if breakdowns == 0 {
		s.found(ruleNoBreakdown, "/cac:TaxTotal", "no breakdown of VAT")
	}
}

func (s *sums) checkBreakdown(rows []subtotal, path string) {
	groups, all := s.groups(rows)
	for i, row := range rows {
		at := fmt.Sprintf("%s/cac:TaxSubtotal[%d]", path, i+1)
		if row.TaxableAmount == nil {
			s.found(ruleTaxable, at, "no taxable amount")
		}
		if row.TaxAmount == nil {
			s.found(ruleTax, at, "no tax amount")
		}
		s.numeric(row.TaxCategory.Percent, at+"/cac:TaxCategory/cbc:Percent")
		s.checkProduct(row, all[groupKey(&row.TaxCategory)], at)
	}
	if !s.categorised() {
		return
	}
	for _, g := range groups {
		if !g.taxable.Equal(g.declared) {
			s.found(g.rule(), path, "category %s at %s %%: %s declared as taxable, lines, charges and allowances come to %s", g.category, g.rate, g.declared, g.taxable)
		}
	}
}

// checkProduct checks taxable amount times rate. Where VAT was rounded a line at a time, each line may have
// moved the sum by half a cent; the schematron of CEN lets it be a whole unit of money, which is no check at all for small invoices.
func (s *sums) checkProduct(row subtotal, g *group, path string) {
	want := row.TaxableAmount.dec().Mul(row.TaxCategory.Percent.dec()).Mul(percent)
	off := want.Sub(row.TaxAmount.dec()).Abs()
	if off.GreaterThan(s.halfUnit().Mul(decimal.NewFromInt(max(g.items, 1)))) || off.GreaterThanOrEqual(one) {
		s.found(ruleVATProduct, path+"/cbc:TaxAmount", "%s declared, %s %% of %s is %s", row.TaxAmount.dec(), row.TaxCategory.Percent.dec(), row.TaxableAmount.dec(), want)
	}
}

// halfUnit is half of the unit that EN 16931 rounds to: two decimals, or none in a currency without.
func (s *sums) halfUnit() decimal.Decimal {
	exponent, err := s.currency.Exponent()
	if err != nil {
		exponent = 2
	}
	return decimal.New(5, -min(exponent, 2)-1)
}

// groups gathers what falls under each category and rate, in the order of the breakdown and then of the lines.
func (s *sums) groups(rows []subtotal) ([]*group, map[string]*group) {
	var list []*group
	all := map[string]*group{}
	at := func(c *category) *group {
		key := groupKey(c)
		if all[key] == nil {
			all[key] = &group{category: string(c.ID), rate: c.Percent.dec().String()}
			list = append(list, all[key])
		}
		return all[key]
	}
	for i := range rows {
		g := at(&rows[i].TaxCategory)
		g.declared = g.declared.Add(rows[i].TaxableAmount.dec())
	}
	for _, l := range s.lines {
		for i := range l.Item.ClassifiedTaxCategory[:min(1, len(l.Item.ClassifiedTaxCategory))] {
			g := at(&l.Item.ClassifiedTaxCategory[i])
			g.taxable, g.items = g.taxable.Add(l.LineExtensionAmount.dec()), g.items+1
		}
	}
	for _, a := range s.allowances {
		for _, c := range a.TaxCategory[:min(1, len(a.TaxCategory))] {
			g, sum := at(c), a.Amount.dec()
			if !a.charge() {
				sum = sum.Neg()
			}
			g.taxable, g.items = g.taxable.Add(sum), g.items+1
		}
	}
	return list, all
}

// groupKey is the category with its rate in one spelling.
func groupKey(c *category) string { return string(c.ID) + "\x00" + c.Percent.dec().String() }

// categorised says whether each line and each allowance names its category, and reports the first that does not.
func (s *sums) categorised() bool {
	for i, l := range s.lines {
		if len(l.Item.ClassifiedTaxCategory) == 0 {
			s.found(ruleLineCategory, s.linePath(i)+"/cac:Item/cac:ClassifiedTaxCategory", "no VAT category")
			return false
		}
	}
	for i, a := range s.allowances {
		if rule := map[bool]string{true: "BR-37", false: "BR-32"}[a.charge()]; len(a.TaxCategory) == 0 {
			s.found(rule, fmt.Sprintf("/cac:AllowanceCharge[%d]/cac:TaxCategory", i+1), "no VAT category")
			return false
		}
	}
	return true
}

// rule names the rule of EN 16931 that a category's taxable amount breaks.
func (g group) rule() string {
	name := map[string]string{"K": "IC", "L": "AF", "M": "AG"}[g.category]
	if name == "" {
		name = g.category
	}
	switch g.category {
	case "S", "Z", "E", "AE", "G", "O", "K", "L", "M":
		return "BR-" + name + "-08"
	}
	return RuleVAT
}

// checkAccounting checks the totals of VAT in other currencies: one is allowed, in the currency that the document names for it.
func (s *sums) checkAccounting(accounting domain.Currency) {
	if s.currency == "" {
		return // reported where it is missing
	}
	found := accounting == "" || accounting == s.currency
	for i, t := range s.taxes {
		if t.TaxAmount == nil || domain.Currency(t.TaxAmount.Currency) == s.currency {
			continue
		}
		path := fmt.Sprintf("/cac:TaxTotal[%d]/cbc:TaxAmount", i+1)
		s.numeric(&t.TaxAmount.Number, path)
		if accounting == "" || domain.Currency(t.TaxAmount.Currency) != accounting {
			s.found(s.rules.currency, path, "in %.10q, which is neither the currency of the document nor that of its VAT accounting", string(t.TaxAmount.Currency))
			continue
		}
		found = true
	}
	if !found {
		s.found(ruleAccountingVAT, "/cac:TaxTotal", "no total of VAT in %.10q", string(accounting))
	}
}
