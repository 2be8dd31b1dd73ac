package ubl

import (
	"fmt"

	"aval/domain"
)

// checkPresence reports what EN 16931 wants in every invoice and nobody can pay without.
func (s *sums) checkPresence(x *invoiceXML) {
	t := s.totals
	if t == nil {
		t = &monetaryTotal{}
	}
	for _, want := range []struct {
		missing    bool
		rule, path string
	}{
		{x.ID == "", ruleNumber, "/cbc:ID"},
		{x.IssueDate == "", ruleIssueDate, "/cbc:IssueDate"},
		{x.InvoiceTypeCode+x.CreditNoteTypeCode == "", ruleTypeCode, "/cbc:InvoiceTypeCode"},
		{s.currency == "", ruleCurrency, "/cbc:DocumentCurrencyCode"},
		{t.LineExtensionAmount == nil, ruleLineTotal, s.total + "/cbc:LineExtensionAmount"},
		{t.TaxExclusiveAmount == nil, ruleNetTotal, s.total + "/cbc:TaxExclusiveAmount"},
		{t.TaxInclusiveAmount == nil, ruleGrossTotal, s.total + "/cbc:TaxInclusiveAmount"},
		{t.PayableAmount == nil, rulePayable, s.total + "/cbc:PayableAmount"},
		{len(s.lines) == 0, ruleNoLine, fmt.Sprintf(s.line, 1)},
	} {
		if want.missing {
			s.found(want.rule, want.path, "missing")
		}
	}
	s.checkCurrency()
}

func (s *sums) checkCurrency() {
	if _, err := s.currency.Exponent(); err != nil && s.currency != "" {
		s.found(ruleCurrencyCode, "/cbc:DocumentCurrencyCode", "%.10q is no currency of ISO 4217 that is paid in", string(s.currency))
	}
}

func (s *sums) plainTotals() Totals {
	t := s.totals
	if t == nil {
		return Totals{}
	}
	all := Totals{
		Lines:      s.money(t.LineExtensionAmount, "BR-DEC-09", s.total+"/cbc:LineExtensionAmount"),
		Allowances: s.money(t.AllowanceTotalAmount, "BR-DEC-10", s.total+"/cbc:AllowanceTotalAmount"),
		Charges:    s.money(t.ChargeTotalAmount, "BR-DEC-11", s.total+"/cbc:ChargeTotalAmount"),
		Net:        s.money(t.TaxExclusiveAmount, "BR-DEC-12", s.total+"/cbc:TaxExclusiveAmount"),
		Gross:      s.money(t.TaxInclusiveAmount, "BR-DEC-14", s.total+"/cbc:TaxInclusiveAmount"),
		Prepaid:    s.money(t.PrepaidAmount, "BR-DEC-16", s.total+"/cbc:PrepaidAmount"),
		Rounding:   s.money(t.PayableRoundingAmount, "BR-DEC-17", s.total+"/cbc:PayableRoundingAmount"),
		Payable:    s.money(t.PayableAmount, "BR-DEC-18", s.total+"/cbc:PayableAmount"),
	}
	for i, tax := range s.taxes {
		if tax.TaxAmount != nil && domain.Currency(tax.TaxAmount.Currency) == s.currency {
			all.VAT = s.money(tax.TaxAmount, "BR-DEC-13", fmt.Sprintf("/cac:TaxTotal[%d]/cbc:TaxAmount", i+1))
			break
		}
	}
	return all
}

// plainVAT reads the breakdown, the first if there are several.
func (s *sums) plainVAT() []VAT {
	var list []VAT
	for i, tax := range s.taxes {
		for j, row := range tax.TaxSubtotal {
			path := fmt.Sprintf("/cac:TaxTotal[%d]/cac:TaxSubtotal[%d]", i+1, j+1)
			v := VAT{
				Category: string(row.TaxCategory.ID),
				Taxable:  s.money(row.TaxableAmount, "BR-DEC-19", path+"/cbc:TaxableAmount"),
				Tax:      s.money(row.TaxAmount, "BR-DEC-20", path+"/cbc:TaxAmount"),
			}
			if row.TaxCategory.Percent != nil {
				v.Percent = row.TaxCategory.Percent.text
			}
			list = append(list, v)
		}
		if list != nil {
			break
		}
	}
	return list
}

// baseDecimals names the rule for the decimals of a base amount beside that for its allowance or charge.
var baseDecimals = map[string]string{"BR-DEC-01": "BR-DEC-02", "BR-DEC-05": "BR-DEC-06", "BR-DEC-24": "BR-DEC-25", "BR-DEC-27": "BR-DEC-28"}

func (s *sums) plainAllowances(all []allowance, parent, allowed, charged string) []Allowance {
	var list []Allowance
	for i, a := range all {
		path, decimals := fmt.Sprintf("%s/cac:AllowanceCharge[%d]", parent, i+1), allowed
		if a.charge() {
			decimals = charged
		}
		plain := Allowance{Charge: a.charge(), Code: string(a.ReasonCode), Amount: s.money(a.Amount, decimals, path+"/cbc:Amount")}
		for _, reason := range a.Reason {
			plain.Reason = string(reason)
		}
		s.money(a.BaseAmount, baseDecimals[decimals], path+"/cbc:BaseAmount")
		list = append(list, plain)
	}
	return list
}

func (s *sums) plainLines() []Line {
	list := make([]Line, len(s.lines))
	seen := map[text]bool{}
	for i, l := range s.lines {
		path := s.linePath(i)
		if l.ID == "" || seen[l.ID] {
			s.found(s.lineIDRule(l.ID), path+"/cbc:ID", "%.40q: want an identifier that no other line has", string(l.ID))
		}
		seen[l.ID] = true
		list[i] = s.plainLine(l, path)
	}
	return list
}

func (s *sums) lineIDRule(id text) string {
	switch {
	case s.order:
		return ruleOrderLineID
	case id == "":
		return ruleLineID
	}
	return RuleLineID
}

func (s *sums) plainLine(l line, path string) Line {
	plain := Line{
		ID: string(l.ID), Item: l.Item.plain(), Quantity: s.counted(l.counted(), path+"/cbc:InvoicedQuantity"),
		Net:        s.money(l.LineExtensionAmount, "BR-DEC-23", path+"/cbc:LineExtensionAmount"),
		Allowances: s.plainAllowances(l.AllowanceCharge, path, "BR-DEC-24", "BR-DEC-27"),
	}
	for _, ref := range l.OrderLineReference {
		plain.OrderLine, plain.Order = string(ref.LineID), string(ref.OrderReference.ID)
	}
	s.checkLinePresence(l, path)
	if p := l.Price; p != nil && p.PriceAmount != nil {
		at := path + "/cac:Price/cbc:PriceAmount"
		if s.numeric(&p.PriceAmount.Number, at) && s.currency != "" {
			s.priced(p.PriceAmount, s.currency, s.rules.currency, at)
		}
		plain.Price = p.PriceAmount.dec().String()
		if p.BaseQuantity != nil && s.numeric(&p.BaseQuantity.Number, path+"/cac:Price/cbc:BaseQuantity") {
			plain.PriceBase = p.BaseQuantity.dec().String()
		}
	}
	return plain
}

func (s *sums) checkLinePresence(l line, path string) {
	if s.order {
		return
	}
	if l.counted() == nil {
		s.found(ruleLineQuantity, path+"/cbc:InvoicedQuantity", "missing")
	}
	if l.LineExtensionAmount == nil {
		s.found(ruleLineNet, path+"/cbc:LineExtensionAmount", "missing")
	}
	if l.Price == nil || l.Price.PriceAmount == nil {
		s.found(ruleLinePrice, path+"/cac:Price/cbc:PriceAmount", "missing")
	}
}
