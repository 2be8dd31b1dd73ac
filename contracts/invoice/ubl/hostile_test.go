package ubl

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"aval/domain"
	"aval/fixtures/trade"
)

func TestHostileDocumentsAreRefused(t *testing.T) {
	invoice := trade.Invoice()
	head := func(s string) string { return invoice[:strings.Index(invoice, "<cac:InvoiceLine>")] + s + "</Invoice>" }
	latin := strings.Replace(strings.ReplaceAll(invoice, "ü", "\xfc"), "UTF-8", "ISO-8859-1", 1)
	for name, c := range map[string]struct {
		raw  string
		code domain.Code
	}{
		"nothing":                 {"", domain.Malformed},
		"text":                    {"RE-2026-0815", domain.Malformed},
		"another format":          {`<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"/>`, domain.Malformed},
		"no namespace":            {"<Invoice/>", domain.Malformed},
		"another namespace":       {`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"/>`, domain.Malformed},
		"cut off":                 {invoice[:len(invoice)-20], domain.Malformed},
		"two roots":               {invoice + `<Invoice xmlns="urn:x"/>`, domain.Malformed},
		"text behind":             {invoice + "and more", domain.Malformed},
		"DOCTYPE":                 {strings.Replace(invoice, "?>", `?><!DOCTYPE Invoice SYSTEM "http://127.0.0.1/x.dtd">`, 1), domain.Malformed},
		"entities":                {strings.Replace(invoice, "?>", `?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>`, 1), domain.Malformed},
		"an entity":               {strings.Replace(invoice, "Bergen", "&bergen;", 1), domain.Malformed},
		"ISO-8859-1":              {latin, domain.Malformed},
		"ISO-8859-1, ASCII alone": {strings.Replace(strings.ReplaceAll(invoice, "ü", "u"), "UTF-8", "ISO-8859-1", 1), domain.Malformed},
		"UTF-16":                  {"\xff\xfe<\x00?\x00", domain.Malformed},
		"not UTF-8":               {strings.ReplaceAll(invoice, "ü", "\xfc"), domain.Malformed},
		"a control character":     {strings.ReplaceAll(invoice, "ü", "\x01"), domain.Malformed},
		"a second declaration":    {strings.Replace(invoice, "<cbc:ID>RE", `<?xml version="1.0" encoding="UTF-16"?><cbc:ID>RE`, 1), domain.Malformed},
		"two payable amounts":     {strings.Replace(invoice, payable, payable+`<cbc:PayableAmount currencyID="EUR">1</cbc:PayableAmount>`, 1), domain.Malformed},
		"two totals":              {strings.Replace(invoice, "<cac:LegalMonetaryTotal>", `<cac:LegalMonetaryTotal/><cac:LegalMonetaryTotal>`, 1), domain.Malformed},
		"two numbers":             {strings.Replace(invoice, "<cbc:ID>RE", "<cbc:ID>RE-1</cbc:ID><cbc:ID>RE", 1), domain.Malformed},
		"two currencies of one":   {strings.Replace(invoice, `<cbc:PayableAmount `, `<cbc:PayableAmount currencyID="NOK" `, 1), domain.Malformed},
		"a prefix from nowhere":   {strings.Replace(invoice, "<cbc:ID>RE-2026-0815</cbc:ID>", "<nil:ID>RE-2026-0815</nil:ID>", 1), domain.Malformed},
		"deep nesting":            {head(strings.Repeat("<cac:Party>", 100_000)), domain.LimitExceeded},
		"a long text":             {strings.Replace(invoice, "RE-2026-0815", strings.Repeat("9", MaxText+1), 1), domain.LimitExceeded},
		"many attributes":         {strings.Replace(invoice, `<cbc:PayableAmount `, `<cbc:PayableAmount `+attributes(MaxAttributes), 1), domain.LimitExceeded},
		"many elements":           {head(strings.Repeat("<a/>", MaxElements)), domain.LimitExceeded},
		"many lines":              {head(strings.Repeat("<cac:InvoiceLine/>", MaxLines+1)), domain.TooLarge},
		"many notes":              {head(strings.Repeat("<cbc:Note/>", MaxList+1)), domain.TooLarge},
		"50 MB":                   {head(strings.Repeat("<cbc:Note>x</cbc:Note>\n", 50<<20/24)), domain.TooLarge},
		"two answers":             {strings.Replace(trade.InvoiceResponse(), "<cac:DocumentResponse>", "<cac:DocumentResponse/><cac:DocumentResponse>", 1), domain.Malformed},
		"no answer":               {`<ApplicationResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2"/>`, domain.Malformed},
	} {
		refusedAs(t, name, []byte(c.raw), c.code)
	}
}

func attributes(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString("a" + strconv.Itoa(i) + `="" `)
	}
	return all.String()
}

// TestMemoryIsBounded: a document may cost a multiple of its size, and no more, whatever fills it.
func TestMemoryIsBounded(t *testing.T) {
	const most = 100 // bytes allocated for each of the document; the worst are empty elements, 57
	invoice := trade.Invoice()
	at := strings.Index(invoice, "<cac:InvoiceLine>")
	for name, filling := range map[string]string{
		"lines":        strings.Repeat("<cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>", MaxLines/4),
		"elements":     strings.Repeat("<cbc:x/>", MaxElements/10),
		"declarations": "<cbc:x " + strings.Repeat(`xmlns:a="b" `, 1000) + "/>",
		"attachment":   "<cbc:EmbeddedDocumentBinaryObject>" + strings.Repeat("QUJD", 1<<19) + "</cbc:EmbeddedDocumentBinaryObject>",
		"skipped":      "<x xmlns='urn:x'>" + strings.Repeat("<y>1</y>", MaxElements/10) + "</x>",
	} {
		raw := []byte(invoice[:at] + filling + invoice[at:])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse(raw)
		runtime.ReadMemStats(&after)
		if used := int(after.TotalAlloc-before.TotalAlloc) / len(raw); used > most {
			t.Errorf("%s: %d bytes for each of the document, limit %d: %v", name, used, most, err)
		}
	}
}

// TestEmptyDocumentsAreReadWithExceptions: a root alone is a document that lacks everything.
func TestEmptyDocumentsAreReadWithExceptions(t *testing.T) {
	d := parsed(t, `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>`)
	if d.Invoice == nil || d.Invoice.Totals.Payable != nil || len(d.Exceptions) != 10 {
		t.Errorf("%d exceptions: %v", len(d.Exceptions), d.Exceptions)
	}
}

// TestExceptionsAreBounded: ten thousand wrong lines are reported by the first, and by one that says so.
func TestExceptionsAreBounded(t *testing.T) {
	raw := trade.Invoice()
	at := strings.Index(raw, "<cac:InvoiceLine>")
	d := parsed(t, raw[:at]+strings.Repeat("<cac:InvoiceLine/>", MaxLines-2)+raw[at:])
	if n := len(d.Exceptions); n != MaxExceptions+1 || d.Exceptions[n-1].Rule != RuleMore {
		t.Errorf("%d exceptions, the last %v", n, d.Exceptions[n-1])
	}
}
