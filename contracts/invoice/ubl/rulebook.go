package ubl

// rulebook names the rules that invoices and orders share, each standard in its own words.
type rulebook struct {
	lines, allowances, charges, net, gross, payable  string // the totals
	line, base, basePositive, percentage, netPrice   string // a line
	priceNegative, percentAlone, baseAlone, currency string
}

// invoiceRules are those of EN 16931-1 for the totals, and of Peppol BIS Billing 3 for the lines, which EN 16931 leaves alone.
var invoiceRules = rulebook{
	lines: "BR-CO-10", allowances: "BR-CO-11", charges: "BR-CO-12", net: "BR-CO-13", gross: "BR-CO-15", payable: "BR-CO-16",
	line: "PEPPOL-EN16931-R120", base: "PEPPOL-EN16931-R130", basePositive: "PEPPOL-EN16931-R121", percentage: "PEPPOL-EN16931-R040",
	netPrice: "PEPPOL-EN16931-R046", priceNegative: "BR-27", percentAlone: "PEPPOL-EN16931-R041", baseAlone: "PEPPOL-EN16931-R042",
	currency: "PEPPOL-EN16931-R051",
}

// orderRules are those of the order transaction of Peppol BIS Ordering 3.
var orderRules = rulebook{
	lines: "PEPPOL-T01-R008", allowances: "PEPPOL-T01-R009", charges: "PEPPOL-T01-R010", net: "PEPPOL-T01-R011", gross: "PEPPOL-T01-R017",
	payable: "PEPPOL-T01-R016", line: "PEPPOL-T01-R024", base: RuleUnits, basePositive: "PEPPOL-T01-R025", percentage: "PEPPOL-T01-R022",
	netPrice: "PEPPOL-T01-R019", priceNegative: "PEPPOL-T01-R005", percentAlone: "PEPPOL-T01-R020", baseAlone: "PEPPOL-T01-R021",
	currency: "PEPPOL-T01-R003",
}

// The rules of EN 16931-1 and Peppol BIS Billing 3 that are checked of an invoice or a credit note alone.
const (
	ruleNumber           = "BR-02"
	ruleIssueDate        = "BR-03"
	ruleTypeCode         = "BR-04"
	ruleCurrency         = "BR-05"
	ruleLineTotal        = "BR-12"
	ruleNetTotal         = "BR-13"
	ruleGrossTotal       = "BR-14"
	rulePayable          = "BR-15"
	ruleNoLine           = "BR-16"
	ruleLineID           = "BR-21"
	ruleLineQuantity     = "BR-22"
	ruleLineNet          = "BR-24"
	ruleLinePrice        = "BR-26"
	ruleTaxable          = "BR-45"
	ruleTax              = "BR-46"
	ruleAccountingVAT    = "BR-53"
	ruleLineCategory     = "BR-CO-04"
	ruleVATSum           = "BR-CO-14"
	ruleVATProduct       = "BR-CO-17"
	ruleNoBreakdown      = "BR-CO-18"
	ruleOneBreakdown     = "PEPPOL-EN16931-R053"
	ruleIndicator        = "PEPPOL-EN16931-R043"
	rulePriceCharge      = "PEPPOL-EN16931-R044"
	ruleCurrencyCode     = "BR-CL-04"
	ruleOrderDecimals    = "PEPPOL-T01-R028"
	ruleOrderLineID      = "PEPPOL-T01-R001"
	ruleDespatchQuantity = "PEPPOL-T16-R006"
	ruleClarification    = "PEPPOL-T111-R001"
)
