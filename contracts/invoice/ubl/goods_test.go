package ubl

import (
	"slices"
	"strings"
	"testing"

	"aval/fixtures/trade"
)

// TestOrdersAndGoodsAreCheckedToo changes orders, despatch advices and receipt advices.
func TestOrdersAndGoodsAreCheckedToo(t *testing.T) {
	for name, c := range map[string]struct {
		raw    string
		change []string
		rules  string
	}{
		"sum of an order":         {trade.Order(), []string{lineSum, strings.Replace(lineSum, ".50", ".51", 1)}, "PEPPOL-T01-R008 PEPPOL-T01-R011"},
		"charges of an order":     {trade.Order(), []string{chargeSum, strings.Replace(chargeSum, ".27", ".28", 1)}, "PEPPOL-T01-R010 PEPPOL-T01-R011"},
		"payable of an order":     {trade.Order(), []string{payable, strings.Replace(payable, ".77", ".78", 1)}, "PEPPOL-T01-R016"},
		"a line of an order":      {trade.Order(), []string{firstNet, strings.Replace(firstNet, "80.00", "90.00", 1)}, "PEPPOL-T01-R008 PEPPOL-T01-R024"},
		"two lines of one ID":     {trade.Order(), []string{"<cbc:ID>20</cbc:ID>", "<cbc:ID>10</cbc:ID>"}, "PEPPOL-T01-R001"},
		"an order in two monies":  {trade.Order(), []string{`currencyID="EUR">14.87`, `currencyID="NOK">14.87`}, "PEPPOL-T01-R003"},
		"fractions of cents":      {trade.Order(), []string{payable, strings.Replace(payable, ".77", ".770", 1)}, "PEPPOL-T01-R028"},
		"no expected total":       {trade.Order(), []string{"<cac:AnticipatedMonetaryTotal>", `<cac:Left xmlns:cac="urn:left">`, "</cac:AnticipatedMonetaryTotal>", "</cac:Left>"}, ""},
		"an order of quantities":  {trade.Order(), []string{firstNet + "/cbc:LineExtensionAmount>", ""}, "PEPPOL-T01-R008"},
		"less than nothing":       {trade.DespatchAdvice(), []string{">8450<", ">-8450<"}, "PEPPOL-T16-R006"},
		"other units to come":     {trade.DespatchAdvice(), []string{"</cbc:DeliveredQuantity>", `</cbc:DeliveredQuantity><cbc:OutstandingQuantity unitCode="TNE">1</cbc:OutstandingQuantity>`}, RuleUnits},
		"much, in words":          {trade.DespatchAdvice(), []string{">8450<", ">much<"}, RuleNumber},
		"more rejected than came": {trade.ReceiptAdvice(), []string{">150<", ">23901<"}, RuleQuantity},
		"less than none short":    {trade.ReceiptAdvice(), []string{">100<", ">-100<"}, RuleQuantity},
		"rejected in tonnes":      {trade.ReceiptAdvice(), []string{`"KGM">150<`, `"TNE">0.15<`}, RuleUnits},
		"forty-one digits":        {trade.ReceiptAdvice(), []string{">8450<", ">" + strings.Repeat("0", MaxDigits-3) + "8450<"}, RuleLimit},
		"received NaN":            {trade.ReceiptAdvice(), []string{">8450<", ">NaN<"}, RuleNumber},
	} {
		d := parsed(t, changed(t, c.raw, c.change...))
		if got := rulesOf(d); !slices.Equal(got, strings.Fields(c.rules)) {
			t.Errorf("%s: breaks %v, want %q: %v", name, got, c.rules, d.Exceptions)
		}
	}
}

// TestAboutWhatAReceiptIs: one answers the despatch advice, another the goods.
func TestAboutWhatAReceiptIs(t *testing.T) {
	raw := changed(t, trade.ReceiptAdvice(), ">S</cbc:ReceiptAdviceTypeCode>", ">D</cbc:ReceiptAdviceTypeCode>",
		"<cbc:ID>sendung-4711</cbc:ID>", "<cbc:ID>sendung-4711</cbc:ID><cbc:DocumentStatusCode>AB</cbc:DocumentStatusCode>")
	if r := parsed(t, raw).Receipt; r.About != AboutDespatch || r.Status != Acknowledged {
		t.Errorf("about %s, %s", r.About, r.Status)
	}
	if r := parsed(t, trade.ReceiptAdvice()).Receipt; r.About != AboutGoods || r.Status != ConditionallyAccepted {
		t.Errorf("about %s, %s", r.About, r.Status)
	}
}
