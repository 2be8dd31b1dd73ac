package ubl

import (
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/ident"
	"aval/fixtures/trade"
)

const (
	netTotal   = `<cbc:TaxExclusiveAmount currencyID="EUR">482133.77<`
	grossTotal = `<cbc:TaxInclusiveAmount currencyID="EUR">482133.77<`
	payable    = `<cbc:PayableAmount currencyID="EUR">482133.77</cbc:PayableAmount>`
	lineSum    = `<cbc:LineExtensionAmount currencyID="EUR">461575.50<`
	chargeSum  = `<cbc:ChargeTotalAmount currencyID="EUR">20558.27</cbc:ChargeTotalAmount>`
	firstNet   = `<cbc:LineExtensionAmount currencyID="EUR">356880.00<`
	firstPrice = `<cbc:PriceAmount currencyID="EUR">14.87</cbc:PriceAmount>`
	taxTotal0  = `<cbc:TaxAmount currencyID="EUR">0.00<`
	rowTax     = `<cbc:TaxableAmount currencyID="EUR">482133.77</cbc:TaxableAmount>
      <cbc:TaxAmount currencyID="EUR">0.00<`
	charge = `<cbc:ChargeIndicator>true</cbc:ChargeIndicator>`
)

// broken are changes of the invoice, in pairs, with the rules that each breaks.
var broken = map[string]struct {
	change []string
	rules  string
}{
	"sum of lines":             {[]string{lineSum, strings.Replace(lineSum, ".50", ".51", 1)}, "BR-CO-10 BR-CO-13"},
	"sum of charges":           {[]string{chargeSum, strings.Replace(chargeSum, ".27", ".28", 1)}, "BR-CO-12 BR-CO-13"},
	"no sum of charges":        {[]string{chargeSum, ""}, "BR-CO-12 BR-CO-13"},
	"an allowance not summed":  {[]string{charge, `<cbc:ChargeIndicator>false</cbc:ChargeIndicator>`}, "BR-CO-11 BR-CO-12 BR-G-08"},
	"net":                      {[]string{netTotal, strings.Replace(netTotal, ".77", ".78", 1)}, "BR-CO-13 BR-CO-15"},
	"gross":                    {[]string{grossTotal, strings.Replace(grossTotal, ".77", ".76", 1)}, "BR-CO-15 BR-CO-16"},
	"payable a cent off":       {[]string{payable, strings.Replace(payable, ".77", ".78", 1)}, "BR-CO-16"},
	"payable with prepaid":     {[]string{payable, `<cbc:PrepaidAmount currencyID="EUR">1000.00</cbc:PrepaidAmount>` + payable}, "BR-CO-16"},
	"payable with rounding":    {[]string{payable, `<cbc:PayableRoundingAmount currencyID="EUR">0.23</cbc:PayableRoundingAmount>` + payable}, "BR-CO-16"},
	"prepaid, and so payable":  {[]string{payable, `<cbc:PrepaidAmount currencyID="EUR">482133</cbc:PrepaidAmount><cbc:PayableAmount currencyID="EUR">+0.77</cbc:PayableAmount>`}, ""},
	"rounded, and so payable":  {[]string{payable, `<cbc:PayableRoundingAmount currencyID="EUR">-0.77</cbc:PayableRoundingAmount><cbc:PayableAmount currencyID="EUR">482133.00</cbc:PayableAmount>`}, ""},
	"negative prepaid":         {[]string{payable, `<cbc:PrepaidAmount currencyID="EUR">-0.23</cbc:PrepaidAmount><cbc:PayableAmount currencyID="EUR">482134.00</cbc:PayableAmount>`}, ""},
	"VAT":                      {[]string{taxTotal0, strings.Replace(taxTotal0, "0.00", "0.01", 1)}, "BR-CO-15 BR-CO-14"},
	"VAT of a row":             {[]string{rowTax, strings.Replace(rowTax, "0.00", "0.05", 1)}, "BR-CO-14 BR-CO-17"},
	"taxable":                  {[]string{`<cbc:TaxableAmount currencyID="EUR">482133.77<`, `<cbc:TaxableAmount currencyID="EUR">482133.00<`}, "BR-G-08"},
	"no breakdown":             {[]string{"<cac:TaxSubtotal>", `<cac:Left xmlns:cac="urn:left">`, "</cac:TaxSubtotal>", "</cac:Left>"}, "BR-CO-18"},
	"a line of no category":    {[]string{"<cac:ClassifiedTaxCategory>", `<cac:Left xmlns:cac="urn:left">`, "</cac:ClassifiedTaxCategory>", "</cac:Left>"}, "BR-CO-04"},
	"a line three cents off":   {[]string{firstNet, strings.Replace(firstNet, "80.00", "80.03", 1)}, "BR-CO-10 BR-G-08 PEPPOL-EN16931-R120"},
	"a line two cents off":     {[]string{firstPrice, `<cbc:PriceAmount currencyID="EUR">14.87000083</cbc:PriceAmount>`}, ""},
	"a price for a thousand":   {[]string{firstPrice, `<cbc:PriceAmount currencyID="EUR">14870</cbc:PriceAmount><cbc:BaseQuantity unitCode="KGM">1000</cbc:BaseQuantity>`}, ""},
	"a price of another unit":  {[]string{firstPrice, firstPrice + `<cbc:BaseQuantity unitCode="TNE">1</cbc:BaseQuantity>`}, "PEPPOL-EN16931-R130"},
	"a price for none":         {[]string{firstPrice, firstPrice + `<cbc:BaseQuantity>0</cbc:BaseQuantity>`}, "PEPPOL-EN16931-R121"},
	"a price less a discount":  {[]string{firstPrice, firstPrice + `<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">0.13</cbc:Amount><cbc:BaseAmount currencyID="EUR">15.00</cbc:BaseAmount></cac:AllowanceCharge>`}, ""},
	"a wrong discount":         {[]string{firstPrice, firstPrice + `<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">0.12</cbc:Amount><cbc:BaseAmount currencyID="EUR">15.00</cbc:BaseAmount></cac:AllowanceCharge>`}, "PEPPOL-EN16931-R046"},
	"a charge on a price":      {[]string{firstPrice, firstPrice + `<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">0.13</cbc:Amount></cac:AllowanceCharge>`}, "PEPPOL-EN16931-R044"},
	"a negative price":         {[]string{firstPrice, `<cbc:PriceAmount currencyID="EUR">-14.87</cbc:PriceAmount>`, ">24000<", ">-24000<"}, "BR-27"},
	"a percentage":             {[]string{`<cbc:Amount currencyID="EUR">20558.27`, `<cbc:MultiplierFactorNumeric>4</cbc:MultiplierFactorNumeric><cbc:BaseAmount currencyID="EUR">513956.00</cbc:BaseAmount><cbc:Amount currencyID="EUR">20558.27`}, "PEPPOL-EN16931-R040"},
	"a percentage that fits":   {[]string{`<cbc:Amount currencyID="EUR">20558.27`, `<cbc:MultiplierFactorNumeric>4</cbc:MultiplierFactorNumeric><cbc:BaseAmount currencyID="EUR">513956.75</cbc:BaseAmount><cbc:Amount currencyID="EUR">20558.27`}, ""},
	"a percentage of nothing":  {[]string{`<cbc:Amount currencyID="EUR">20558.27`, `<cbc:MultiplierFactorNumeric>4</cbc:MultiplierFactorNumeric><cbc:Amount currencyID="EUR">20558.27`}, "PEPPOL-EN16931-R041"},
	"a base of no percentage":  {[]string{`<cbc:Amount currencyID="EUR">20558.27`, `<cbc:BaseAmount currencyID="EUR">4</cbc:BaseAmount><cbc:Amount currencyID="EUR">20558.27`}, "PEPPOL-EN16931-R042"},
	"a base of three decimals": {[]string{`<cbc:Amount currencyID="EUR">20558.27`, `<cbc:MultiplierFactorNumeric>4</cbc:MultiplierFactorNumeric><cbc:BaseAmount currencyID="EUR">513956.750</cbc:BaseAmount><cbc:Amount currencyID="EUR">20558.27`}, "BR-DEC-06"},
	"a charge or not":          {[]string{charge, `<cbc:ChargeIndicator>yes</cbc:ChargeIndicator>`}, "BR-CO-11 BR-CO-12 BR-G-08 PEPPOL-EN16931-R043"},
	"1 for true":               {[]string{charge, `<cbc:ChargeIndicator>1</cbc:ChargeIndicator>`}, "PEPPOL-EN16931-R043"},
	"1 for true by EN 16931":   {[]string{charge, `<cbc:ChargeIndicator>1</cbc:ChargeIndicator>`, "#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", ""}, ""},
	"another currency":         {[]string{lineSum, strings.Replace(lineSum, "EUR", "NOK", 1)}, "PEPPOL-EN16931-R051"},
	"three decimals":           {[]string{payable, strings.Replace(payable, ".77", ".770", 1)}, "BR-DEC-18"},
	"no number":                {[]string{"<cbc:ID>RE-2026-0815</cbc:ID>", "<cbc:ID/>"}, "BR-02"},
	"no day":                   {[]string{"<cbc:IssueDate>2026-11-23</cbc:IssueDate>", ""}, "BR-03"},
	"no type":                  {[]string{"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>", ""}, "BR-04"},
	"no currency":              {[]string{"<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>", ""}, "BR-05"},
	"no such day":              {[]string{"<cbc:IssueDate>2026-11-23</cbc:IssueDate>", "<cbc:IssueDate>2026-02-30</cbc:IssueDate>"}, "AVAL-DATE"},
	"a day with a zone":        {[]string{"<cbc:IssueDate>2026-11-23</cbc:IssueDate>", "<cbc:IssueDate>2026-11-23+01:00</cbc:IssueDate>"}, ""},
	"a day with words":         {[]string{"<cbc:IssueDate>2026-11-23</cbc:IssueDate>", "<cbc:IssueDate>2026-11-23 or so</cbc:IssueDate>"}, "AVAL-DATE"},
	"no payable":               {[]string{payable, ""}, "BR-15"},
	"two lines of one ID":      {[]string{"<cbc:ID>2</cbc:ID>", "<cbc:ID>1</cbc:ID>"}, "AVAL-LINE-ID"},
	"no quantity":              {[]string{`<cbc:InvoicedQuantity unitCode="KGM">24000</cbc:InvoicedQuantity>`, ""}, "BR-22 PEPPOL-EN16931-R120"},
	"no price":                 {[]string{firstPrice, ""}, "BR-26 PEPPOL-EN16931-R120"},
	"VAT accounted elsewhere":  {[]string{"</cbc:DocumentCurrencyCode>", "</cbc:DocumentCurrencyCode><cbc:TaxCurrencyCode>NOK</cbc:TaxCurrencyCode>"}, "BR-53"},
	"VAT in kroner as well":    {[]string{"</cbc:DocumentCurrencyCode>", "</cbc:DocumentCurrencyCode><cbc:TaxCurrencyCode>NOK</cbc:TaxCurrencyCode>", "<cac:LegalMonetaryTotal>", `<cac:TaxTotal><cbc:TaxAmount currencyID="NOK">0</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>`}, ""},
	"VAT in pounds as well":    {[]string{"<cac:LegalMonetaryTotal>", `<cac:TaxTotal><cbc:TaxAmount currencyID="GBP">0</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>`}, "PEPPOL-EN16931-R051"},
}

func TestRulesAreNamed(t *testing.T) {
	for name, c := range broken {
		d := parsed(t, changed(t, trade.Invoice(), c.change...))
		want := strings.Fields(c.rules)
		got := rulesOf(d)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: breaks %v, want %v: %v", name, got, want, d.Exceptions)
		}
	}
}

// TestPayableIsKeptAsDeclared: no rule changes the number, and a number that is none is missing.
func TestPayableIsKeptAsDeclared(t *testing.T) {
	for text, want := range map[string]string{
		"482133.77": "48213377", " \n482133.77\t": "48213377", "+482133.77": "48213377", "0482133.77": "48213377", "-1656.25": "-165625", "1": "100",
		"0": "0", "-0": "0", ".5": "50", "5.": "500", "90071992547409.91": "9007199254740991",
		"1e9": RuleNumber, "1,000.00": RuleNumber, "1.000,00": RuleNumber, "NaN": RuleNumber, "INF": RuleNumber, "": RuleNumber, "-": RuleNumber, ".": RuleNumber,
		"0x10": RuleNumber, "1 000": RuleNumber, "١٢": RuleNumber, "--1": RuleNumber, "1_000": RuleNumber, "EUR 5": RuleNumber,
		"90071992547409.92": RuleLimit, "123456789012345678901234567890": RuleLimit, "1" + strings.Repeat("0", 60): RuleLimit,
		"100.005": "BR-DEC-18", "0.0000000000000000000000000000001": "BR-DEC-18",
	} {
		d := parsed(t, changed(t, trade.Invoice(), payable, `<cbc:PayableAmount currencyID="EUR">`+text+`</cbc:PayableAmount>`))
		got := d.Invoice.Totals.Payable
		switch {
		case strings.Trim(want, "-0123456789") == "":
			if got == nil || (domain.Money{Minor: got.Minor, Currency: "EUR"}) != *got || strings.TrimSuffix(got.String(), " EUR") != point(want) {
				t.Errorf("%q: read %v, want %s", text, got, want)
			}
		case got != nil || !slices.Contains(rulesOf(d), want):
			t.Errorf("%q: read %v, %v, want %s", text, got, d.Exceptions, want)
		}
	}
}

// point writes minor units with two decimals.
func point(minor string) string {
	sign := strings.HasPrefix(minor, "-")
	digits := strings.TrimPrefix(minor, "-")
	digits = strings.Repeat("0", max(0, 3-len(digits))) + digits
	digits = digits[:len(digits)-2] + "." + digits[len(digits)-2:]
	if sign {
		return "-" + digits
	}
	return digits
}

func TestCurrenciesHaveTheirOwnDecimals(t *testing.T) {
	for _, c := range []struct {
		currency, amount string
		minor            int64
		rules            string
	}{
		{"JPY", "482133", 482133, ""}, {"JPY", "482133.00", 482133, ""}, {"BHD", "482133.771", 482133771, ""},
		{"BHD", "1.7711", 0, "BR-DEC-18"}, {"CLF", "1.7711", 17711, ""}, {"JPY", "482133.50", 0, "BR-DEC-18"},
		{"eur", "1.00", 0, ruleCurrencyCode}, {"XXX", "1.00", 0, ruleCurrencyCode},
	} {
		raw := strings.ReplaceAll(trade.Invoice(), "EUR", c.currency)
		d := parsed(t, strings.ReplaceAll(raw, `">482133.77</cbc:PayableAmount>`, `">`+c.amount+`</cbc:PayableAmount>`))
		p := d.Invoice.Totals.Payable
		if c.minor != 0 && (p == nil || p.Minor != c.minor) || c.minor == 0 && p != nil {
			t.Errorf("%s %s: read %v", c.currency, c.amount, p)
		}
		if c.rules != "" && !slices.Contains(rulesOf(d), c.rules) {
			t.Errorf("%s %s: %v", c.currency, c.amount, d.Exceptions)
		}
	}
}

// TestVATRoundedByLineIsNoException: each line may move the sum by half a cent, and no more.
func TestVATRoundedByLineIsNoException(t *testing.T) {
	for tax, rules := range map[string]string{"120533.44": "", "120533.43": "", "120533.45": "", "120533.46": ruleVATProduct, "120533.42": ruleVATProduct} {
		raw := strings.ReplaceAll(trade.Invoice(), "<cbc:Percent>0</cbc:Percent>", "<cbc:Percent>25.00</cbc:Percent>")
		raw = strings.ReplaceAll(strings.ReplaceAll(raw, ">0.00<", ">"+tax+"<"), "<cbc:ID>G</cbc:ID>", "<cbc:ID>S</cbc:ID>")
		if d := parsed(t, raw); slices.Contains(rulesOf(d), ruleVATProduct) != (rules != "") || slices.Contains(rulesOf(d), "BR-S-08") {
			t.Errorf("%s: %v", tax, d.Exceptions)
		}
	}
}

func TestCreditNotesAndNegativeInvoicesAddUp(t *testing.T) {
	negative := strings.NewReplacer(`">482133.77<`, `">-482133.77<`, `">461575.50<`, `">-461575.50<`, `">20558.27<`, `">-20558.27<`,
		`">356880.00<`, `">-356880.00<`, `">104695.50<`, `">-104695.50<`, ">24000<", ">-24000<", ">8450<", ">-8450<").Replace(trade.Invoice())
	if d := parsed(t, negative); len(d.Exceptions) > 0 || d.Invoice.Totals.Payable.Minor != -48213377 {
		t.Errorf("negative: %v %v", d.Invoice.Totals.Payable, d.Exceptions)
	}
	if d := parsed(t, changed(t, trade.CreditNote(), ">250<", ">249<")); !slices.Equal(rulesOf(d), []string{"PEPPOL-EN16931-R120"}) {
		t.Errorf("a credit note: %v", d.Exceptions)
	}
}

func TestFixturesHaveRightCheckDigits(t *testing.T) {
	i, d := parsed(t, trade.Invoice()).Invoice, parsed(t, trade.DespatchAdvice()).Despatch
	for name, err := range map[string]error{
		"GLN": ident.CheckGLN("gln", i.Supplier.Endpoint.Value), "LEI": ident.CheckLEI("lei", i.Supplier.LegalID.Value), "buyer's LEI": ident.CheckLEI("lei", i.Buyer.LegalID.Value),
		"IBAN": ident.CheckIBAN("iban", i.Payments[0].Account), "RF": ident.CheckRF("rf", i.Payments[0].IDs[0]), "SSCC": ident.CheckSSCC("sscc", d.Units[0].ID),
		"GTIN": ident.CheckGTIN("gtin", i.Lines[0].Item.Standard.Value), "place": ident.CheckGLN("gln", d.Place.Value),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
