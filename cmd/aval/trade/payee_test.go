package trade

import (
	"strings"
	"testing"

	"aval/contracts/cash"
	papers "aval/fixtures/trade"
)

func TestInvoicesThatAskToBePaidElsewhere(t *testing.T) {
	payee := func(inner string) string {
		return strings.Replace(papers.Invoice(), "<cac:PaymentMeans>", "<cac:PayeeParty>"+inner+"</cac:PayeeParty><cac:PaymentMeans>", 1)
	}
	own, other := &cash.Account{IBAN: "NO9386011117947", Name: "Fjordlaks"}, &cash.Account{IBAN: "DE89370400440532013000", Name: "Fjordlaks"}
	for name, c := range map[string]struct {
		raw    string
		pinned *cash.Account
		rules  string
	}{
		"nothing pinned":         {papers.Invoice(), nil, ""},
		"the pinned account":     {papers.Invoice(), own, ""},
		"with spaces":            {strings.Replace(papers.Invoice(), "NO9386011117947", "NO93 8601 1117 947", 1), own, ""},
		"another account":        {papers.Invoice(), other, RuleAccount},
		"a national number":      {strings.Replace(papers.Invoice(), "NO9386011117947", "8601 11 17947", 1), &cash.Account{Other: "86011117947"}, ""},
		"no account":             {strings.Replace(papers.Invoice(), "NO9386011117947", "", 1), other, ""},
		"a factor":               {payee("<cac:PartyName><cbc:Name>Factor AS</cbc:Name></cac:PartyName>"), nil, RulePayee},
		"a factor, its account":  {payee("<cac:PartyName><cbc:Name>Factor AS</cbc:Name></cac:PartyName>"), other, RulePayee + " " + RuleAccount},
		"the supplier itself":    {payee("<cac:PartyName><cbc:Name>Fjordlaks Bergen AS</cbc:Name></cac:PartyName>"), nil, ""},
		"the supplier by its ID": {payee("<cac:PartyIdentification><cbc:ID>7070001000012</cbc:ID></cac:PartyIdentification><cac:PartyName><cbc:Name>Fjordlaks</cbc:Name></cac:PartyName>"), nil, ""},
		"its name, another LEI":  {payee("<cac:PartyName><cbc:Name>Fjordlaks Bergen AS</cbc:Name></cac:PartyName><cac:PartyLegalEntity><cbc:CompanyID>1</cbc:CompanyID></cac:PartyLegalEntity>"), nil, RulePayee},
	} {
		var rules []string
		for _, e := range CheckPayee(read(t, c.raw).Invoice, c.pinned) {
			rules = append(rules, e.Rule)
		}
		if strings.Join(rules, " ") != c.rules {
			t.Errorf("%s: %v, want %q", name, rules, c.rules)
		}
	}
}
