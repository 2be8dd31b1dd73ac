package ubl

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"aval/fixtures/trade"
)

// varieties are other spellings of the same document.
var varieties = map[string]func(string) string{
	"byte order mark":  func(s string) string { return "\xef\xbb\xbf" + s },
	"carriage returns": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"one line":         func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
	"no declaration":   func(s string) string { return s[strings.Index(s, "?>")+2:] },
	"other declaration": func(s string) string {
		return "<?xml version='1.0' encoding='utf-8' standalone='no'?>" + s[strings.Index(s, "?>")+2:]
	},
	"other prefixes": func(s string) string {
		return strings.NewReplacer("cbc:", "n1:", ":cbc", ":n1", "cac:", "_:", ":cac", ":_").Replace(s)
	},
	"a prefix for the root": func(s string) string {
		kind := regexp.MustCompile(`<([A-Z]\w+) xmlns=`).FindStringSubmatch(s)[1]
		return strings.NewReplacer("<"+kind+" xmlns=", "<ubl:"+kind+" xmlns:ubl=", "</"+kind+">", "</ubl:"+kind+">").Replace(s)
	},
	"space around values": func(s string) string {
		return regexp.MustCompile(`>([^<>\s][^<>]*)<`).ReplaceAllString(s, ">\n\t $1 \r\n<")
	},
	"comments":         func(s string) string { return strings.ReplaceAll(s, "  <c", "  <!-- < & > --><c") },
	"a comment behind": func(s string) string { return s + "\n<!-- end -->\n" },
	"style sheet":      func(s string) string { return strings.Replace(s, "?>", "?>\n<?xml-stylesheet href='a.xsl'?>", 1) },
	"unknown elements": func(s string) string {
		return strings.Replace(s, "<cbc:CustomizationID>", `<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:Unknown a="b"><cbc:ID>1</cbc:ID></cbc:Unknown><cbc:CustomizationID>`, 1)
	},
	"extensions": func(s string) string {
		return strings.Replace(s, "<cbc:CustomizationID>", `<ext:UBLExtensions xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"><ext:UBLExtension><ext:ExtensionContent><cbc:ID>x</cbc:ID><cbc:ID>y</cbc:ID></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions><cbc:CustomizationID>`, 1)
	},
	"an amount in a foreign namespace": func(s string) string {
		return strings.Replace(s, "<cac:LegalMonetaryTotal>", `<cac:LegalMonetaryTotal><x:PayableAmount xmlns:x="urn:x" currencyID="EUR">1.00</x:PayableAmount>`, 1)
	},
	"more attributes": func(s string) string {
		return strings.NewReplacer(`currencyID="EUR"`, `currencyCodeListVersionID="1" currencyID = 'EUR'`, `unitCode="KGM"`, `unitCodeListID="UNECERec20" unitCode="KGM"`).Replace(s)
	},
	"references": func(s string) string {
		return strings.NewReplacer("Bergen", "&#66;ergen", "Lübeck", "L&#xfc;beck").Replace(s)
	},
	"CDATA": func(s string) string {
		return strings.ReplaceAll(s, "Fjordlaks Bergen AS", "<![CDATA[Fjordlaks Bergen AS]]>")
	},
	"an attachment": func(s string) string {
		return strings.Replace(s, "</cac:OrderReference>", "</cac:OrderReference><cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject>"+
			strings.Repeat("QUJD", 1<<20)+"</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>", 1)
	},
}

func TestHarmlessVarietyMeansTheSame(t *testing.T) {
	for _, raw := range []string{trade.Invoice(), trade.CreditNote(), trade.Order(), trade.DespatchAdvice(), trade.ReceiptAdvice(), trade.InvoiceResponse()} {
		want := contentOf(t, raw)
		for name, vary := range varieties {
			if name == "an attachment" && !strings.Contains(raw, "<Invoice ") { // once is enough of 4 MiB
				continue
			}
			if got := contentOf(t, vary(raw)); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
			}
		}
	}
}

// contentOf is all that is read of a document but its hash.
func contentOf(t *testing.T, raw string) string {
	t.Helper()
	d := parsed(t, raw)
	d.SHA256 = ""
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
