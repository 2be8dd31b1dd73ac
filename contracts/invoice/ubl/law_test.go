package ubl

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// bill is an invoice made at random that adds up. Amounts are in cents.
type bill struct {
	lines                                                        []string
	sum, allowances, charges, net, vat, gross, prepaid, rounding int64
	payable                                                      int64
	breakdown                                                    []string
	extras                                                       []string
}

// drawBill draws lines, allowances and charges under two rates of VAT, and computes the totals in another way than the package does: in whole cents.
func drawBill(t *rapid.T) bill {
	var b bill
	taxable := map[string]int64{"25": 0, "6": 0}
	rate := func() string { return rapid.SampledFrom([]string{"25", "6"}).Draw(t, "rate") }
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		price, base := rapid.Int64Range(0, 9_999_999).Draw(t, "price"), rapid.SampledFrom([]int64{1, 10, 1000}).Draw(t, "base")
		count, less := rapid.Int64Range(-50, 500).Draw(t, "count"), rapid.Int64Range(0, 500).Draw(t, "less")
		exact := decimal.New(price*count, -4).Div(decimal.New(base, 0)) // prices have four decimals
		net := exact.Round(2).Shift(2).IntPart() - less
		r := rate()
		taxable[r] += net
		b.sum += net
		b.lines = append(b.lines, fmt.Sprintf(`<cac:InvoiceLine><cbc:ID>%d</cbc:ID><cbc:InvoicedQuantity unitCode="EA">%d</cbc:InvoicedQuantity>%s`+
			`<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>%s</cac:AllowanceCharge><cac:Item>%s</cac:Item>`+
			`<cac:Price><cbc:PriceAmount currencyID="EUR">%s</cbc:PriceAmount><cbc:BaseQuantity unitCode="EA">%d</cbc:BaseQuantity></cac:Price></cac:InvoiceLine>`,
			i+1, count, money("LineExtensionAmount", net), money("Amount", less), rated("ClassifiedTaxCategory", r), decimal.New(price, -4), base))
	}
	for range rapid.IntRange(0, 3).Draw(t, "extras") {
		amount, up, r := rapid.Int64Range(0, 90_000).Draw(t, "amount"), rapid.Bool().Draw(t, "charge"), rate()
		if up {
			b.charges, taxable[r] = b.charges+amount, taxable[r]+amount
		} else {
			b.allowances, taxable[r] = b.allowances+amount, taxable[r]-amount
		}
		b.extras = append(b.extras, fmt.Sprintf(`<cac:AllowanceCharge><cbc:ChargeIndicator>%v</cbc:ChargeIndicator>%s%s</cac:AllowanceCharge>`, up, money("Amount", amount), rated("TaxCategory", r)))
	}
	for _, r := range []string{"25", "6"} {
		tax := decimal.New(taxable[r], -2).Mul(decimal.RequireFromString(r)).Shift(-2).Round(2).Shift(2).IntPart()
		b.vat += tax
		b.breakdown = append(b.breakdown, "<cac:TaxSubtotal>"+money("TaxableAmount", taxable[r])+money("TaxAmount", tax)+rated("TaxCategory", r)+"</cac:TaxSubtotal>")
	}
	b.prepaid, b.rounding = rapid.Int64Range(-5000, 5000).Draw(t, "prepaid"), rapid.Int64Range(-99, 99).Draw(t, "rounding")
	b.net = b.sum - b.allowances + b.charges
	b.gross = b.net + b.vat
	b.payable = b.gross - b.prepaid + b.rounding
	return b
}

func money(name string, cents int64) string {
	return fmt.Sprintf(`<cbc:%s currencyID="EUR">%s</cbc:%s>`, name, decimal.New(cents, -2).StringFixed(2), name)
}

func rated(name, rate string) string {
	return "<cac:" + name + "><cbc:ID>S</cbc:ID><cbc:Percent>" + rate + "</cbc:Percent></cac:" + name + ">"
}

// xml writes the invoice, its elements in an order that is drawn too: the sums do not depend on it.
func (b bill) xml(t *rapid.T) string {
	parts := []string{
		`<cbc:ID>R-1</cbc:ID><cbc:IssueDate>2026-11-24</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>`,
		"<cac:TaxTotal>" + money("TaxAmount", b.vat) + strings.Join(b.breakdown, "") + "</cac:TaxTotal>",
		"<cac:LegalMonetaryTotal>" + money("LineExtensionAmount", b.sum) + money("TaxExclusiveAmount", b.net) + money("TaxInclusiveAmount", b.gross) +
			money("AllowanceTotalAmount", b.allowances) + money("ChargeTotalAmount", b.charges) + money("PrepaidAmount", b.prepaid) +
			money("PayableRoundingAmount", b.rounding) + money("PayableAmount", b.payable) + "</cac:LegalMonetaryTotal>",
	}
	parts = rapid.Permutation(append(append(parts, b.lines...), b.extras...)).Draw(t, "order")
	return `<Invoice xmlns="` + schemas + `Invoice-2" xmlns:cac="` + aggregates + `" xmlns:cbc="` + basics + `">` + strings.Join(parts, "") + "</Invoice>"
}

// TestWhatAddsUpHasNoException, and its payable is the one that was computed beside.
func TestWhatAddsUpHasNoException(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBill(t)
		d, err := Parse([]byte(b.xml(t)))
		if err != nil || len(d.Exceptions) > 0 || d.Invoice.Totals.Payable.Minor != b.payable {
			t.Fatalf("%v %v: payable %v, want %d", err, d.Exceptions, d.Invoice.Totals.Payable, b.payable)
		}
	})
}

// TestACentAnywhereIsFound: one total is off by a cent, and the rule of that total is named.
func TestACentAnywhereIsFound(t *testing.T) {
	totals := map[string]struct {
		of   func(*bill) *int64
		rule string
	}{
		"lines": {func(b *bill) *int64 { return &b.sum }, "BR-CO-10"}, "allowances": {func(b *bill) *int64 { return &b.allowances }, "BR-CO-11"},
		"charges": {func(b *bill) *int64 { return &b.charges }, "BR-CO-12"}, "net": {func(b *bill) *int64 { return &b.net }, "BR-CO-13"},
		"vat": {func(b *bill) *int64 { return &b.vat }, "BR-CO-14"}, "gross": {func(b *bill) *int64 { return &b.gross }, "BR-CO-15"},
		"payable": {func(b *bill) *int64 { return &b.payable }, "BR-CO-16"}, "prepaid": {func(b *bill) *int64 { return &b.prepaid }, "BR-CO-16"},
		"rounding": {func(b *bill) *int64 { return &b.rounding }, "BR-CO-16"},
	}
	names := []string{"lines", "allowances", "charges", "net", "vat", "gross", "payable", "prepaid", "rounding"}
	rapid.Check(t, func(t *rapid.T) {
		b, wrong := drawBill(t), totals[rapid.SampledFrom(names).Draw(t, "total")]
		*wrong.of(&b) += rapid.SampledFrom([]int64{-1, 1}).Draw(t, "cent")
		d, err := Parse([]byte(b.xml(t)))
		if err != nil || !slices.Contains(rulesOf(d), wrong.rule) {
			t.Fatalf("%v %v: want %s", err, d.Exceptions, wrong.rule)
		}
	})
}
