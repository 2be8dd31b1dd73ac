package ubl

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpus is a folder of public documents beside the repository, where there is one.
const corpus = "../../../../shared/data/trade/ubl"

// declared are the payable amounts, in minor units, of the public documents, and the rules that they break.
var declared = map[string]struct {
	payable int64
	rules   string
}{
	"BIS3_Invoice_negativ.XML":                               {-78217943, ""},
	"BIS3_Invoice_positive.XML":                              {78217943, ""},
	"FT G2G_TD01 con Allegato, Bonifico e Split Payment.xml": {124600, ""},
	"guide-example1.xml":                                     {25033, "PEPPOL-EN16931-R120"},
	"guide-example2.xml":                                     {80178, "PEPPOL-EN16931-R120 PEPPOL-EN16931-R046"},
	"guide-example3.xml":                                     {112500, "PEPPOL-EN16931-R120"},
	"issue116.xml":                                           {83000, ""},
	"sample-discount-price.xml":                              {1515, ""},
	"ubl-tc434-creditnote1.xml":                              {10011, ""},
	"ubl-tc434-example1.xml":                                 {25033, "PEPPOL-EN16931-R120"},
	"ubl-tc434-example10.xml":                                {25033, "PEPPOL-EN16931-R120"},
	"ubl-tc434-example2.xml":                                 {80178, "PEPPOL-EN16931-R120 PEPPOL-EN16931-R046"},
	"ubl-tc434-example3.xml":                                 {200500, "PEPPOL-EN16931-R120"},
	"ubl-tc434-example4.xml":                                 {467500, ""},
	"ubl-tc434-example5.xml":                                 {233750, ""},
	"ubl-tc434-example6.xml":                                 {467500, ""},
	"ubl-tc434-example7.xml":                                 {320000, ""},
	"ubl-tc434-example8.xml":                                 {109978, ""},
	"ubl-tc434-example9.xml":                                 {17787, ""},
}

func TestPublicDocumentsKeepTheirPayable(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus, "*.[xX][mM][lL]"))
	if len(files) == 0 {
		t.Skip("no public documents beside the repository")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		want, known := declared[filepath.Base(file)]
		if d.Invoice == nil || d.Invoice.Totals.Payable == nil || known && d.Invoice.Totals.Payable.Minor != want.payable {
			t.Errorf("%s: payable %v, want %d", file, d.Invoice.Totals.Payable, want.payable)
		}
		if broken := strings.Join(rulesOf(d), " "); known && broken != want.rules {
			t.Errorf("%s: breaks %q, want %q: %v", file, broken, want.rules, d.Exceptions)
		}
	}
}

// rulesOf lists the rules that a document breaks, each once.
func rulesOf(d Document) []string {
	var rules []string
	for _, e := range d.Exceptions {
		if !slices.Contains(rules, e.Rule) {
			rules = append(rules, e.Rule)
		}
	}
	return rules
}
