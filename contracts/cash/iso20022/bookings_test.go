package iso20022_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// camt writes a notification of one account with these entries, in the form of a version.
func camt(version string, entries ...string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.%s"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-02-26T10:00:00Z</CreDtTm></GrpHdr>
<Ntfctn><Id>N-1</Id><CreDtTm>2026-02-26T10:00:00Z</CreDtTm><Acct><Id><IBAN>CH9300762011623852957</IBAN></Id></Acct>%s</Ntfctn>
</BkToCstmrDbtCdtNtfctn></Document>`, version, strings.Join(entries, ""))
}

// entry writes an entry of version 08.
func entry(amount, direction, details string) string {
	return `<Ntry><NtryRef>E-1</NtryRef><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>` + direction + `</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>` +
		`<BookgDt><Dt>2026-02-26</Dt></BookgDt><ValDt><DtTm>2026-02-27T00:00:00+01:00</DtTm></ValDt><AcctSvcrRef>S-1</AcctSvcrRef><BkTxCd/><NtryDtls>` + details + `</NtryDtls></Ntry>`
}

func details(id, amount, more string) string {
	if amount != "" {
		amount = `<Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>DBIT</CdtDbtInd>`
	}
	return `<TxDtls><Refs><EndToEndId>` + id + `</EndToEndId></Refs>` + amount + more + `</TxDtls>`
}

func rules(b iso20022.Bookings) string {
	var all []string
	for _, e := range b.Exceptions {
		all = append(all, e.Rule+" "+e.Path)
	}
	return strings.Join(all, ", ")
}

func TestBookings(t *testing.T) {
	for name, c := range map[string]struct {
		document []byte
		want     string // of each transaction: ID, amount, returned; then the rules
	}{
		"one":                 {camt("08", entry("12.50", "DBIT", details("A", "12.50", ""))), "A 12.50 EUR false | "},
		"amount of the entry": {camt("08", entry("12.50", "DBIT", details("A", "", ""))), "A 12.50 EUR false | "},
		"three in a batch": {camt("08", entry("6", "DBIT", `<Btch><NbOfTxs>3</NbOfTxs><TtlAmt Ccy="EUR">6.00</TtlAmt></Btch>`+
			details("A", "1", "")+details("B", "2", "")+details("NOTPROVIDED", "3", ""))), "A 1.00 EUR false; B 2.00 EUR false;  3.00 EUR false | "},
		"a batch that miscounts": {camt("08", entry("3", "DBIT", `<Btch><NbOfTxs>3</NbOfTxs></Btch>`+details("A", "1", "")+details("B", "2", ""))),
			"A 1.00 EUR false; B 2.00 EUR false | batch-count Ntfctn[1]/Ntry[1]/NtryDtls[1]"},
		"a batch of another total": {camt("08", entry("3", "DBIT", `<Btch><TtlAmt Ccy="EUR">4</TtlAmt></Btch>`+details("A", "1", "")+details("B", "2", ""))),
			"A 1.00 EUR false; B 2.00 EUR false | batch-total Ntfctn[1]/Ntry[1]/NtryDtls[1]"},
		"an entry that is not its sum": {camt("08", entry("4", "DBIT", details("A", "1", "")+details("B", "2", ""))),
			"A 1.00 EUR false; B 2.00 EUR false | entry-total Ntfctn[1]/Ntry[1]"},
		"charges between": {camt("08", entry("4", "DBIT", details("A", "1", "<Chrgs/>")+details("B", "2", ""))), "A 1.00 EUR false; B 2.00 EUR false | "},
		"several without amounts": {camt("08", entry("4", "DBIT", details("A", "", "")+details("B", "2", ""))),
			"A 0 false; B 2.00 EUR false | no-amount Ntfctn[1]/Ntry[1]/NtryDtls[1]/TxDtls[1]"},
		"the same ID twice": {camt("08", entry("3", "DBIT", details("A", "1", "")+details("A", "2", ""))),
			"A 1.00 EUR false; A 2.00 EUR false | repeated-id Ntfctn[1]/Ntry[1]/NtryDtls[1]/TxDtls[2]"},
		"paid and returned": {camt("08", entry("1", "DBIT", details("A", "1", "")), entry("1", "CRDT", details("A", "1", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"))),
			"A 1.00 EUR false; A 1.00 EUR true | "},
		"returned by code": {camt("08", entry("1", "CRDT", details("A", "1", "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"))),
			"A 1.00 EUR true | "},
		"booked amount before the instructed": {camt("08", entry("1", "DBIT", details("A", "", `<AmtDtls><InstdAmt><Amt Ccy="USD">2</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">1</Amt></TxAmt></AmtDtls>`))),
			"A 1.00 EUR false | "},
		"gold":       {camt("08", `<Ntry><Amt Ccy="XAU">1.5</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BkTxCd/></Ntry>`), " | unknown-currency Ntfctn[1]/Ntry[1]"},
		"no details": {camt("08", entry("1", "DBIT", "")), " | "},
		"in version 02": {camt("02", `<Ntry><Amt Ccy="JPY">200000</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts><BkTxCd/><NtryDtls><TxDtls><Refs><EndToEndId>A</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>`),
			"A 200000 JPY false | "},
		"another namespace's amount": {camt("08", entry("1", "DBIT", details("A", "1", `<x:Amt xmlns:x="urn:x" Ccy="EUR">9</x:Amt>`))), "A 1.00 EUR false | "},
	} {
		b, err := iso20022.ParseBookings(c.document)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, e := range b.Entries {
			for _, x := range e.Transactions {
				amount := "0"
				if x.Amount.Currency != "" {
					amount = x.Amount.String()
				}
				got = append(got, fmt.Sprintf("%s %s %v", x.EndToEndID, amount, x.Returned))
			}
		}
		if text := strings.Join(got, "; ") + " | " + rules(b); text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, text, c.want)
		}
	}
}

func TestAnEntryIsReadWhole(t *testing.T) {
	b, err := iso20022.ParseBookings(camt("08", entry("1", "CRDT", details("A", "1", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed  account</AddtlInf><AddtlInf>since May</AddtlInf></RtrInf>"))))
	if err != nil {
		t.Fatal(err)
	}
	e := b.Entries[0]
	x := e.Transactions[0]
	got := []string{b.MessageID, b.Version, e.NotificationID, e.Account, e.Reference, e.ServicerReference, string(e.Direction), e.Status, string(e.BookedOn), string(e.ValueDate), x.Reason, x.ReasonText}
	want := []string{"M-1", "camt.054.001.08", "N-1", "CH9300762011623852957", "E-1", "S-1", "CRDT", "BOOK", "2026-02-26", "2026-02-27", "AC04", "closed account since May"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if b.Doubted(x.Path) {
		t.Error("doubted without an exception")
	}
	b.Exceptions = []iso20022.Exception{{Path: "Ntfctn[1]/Ntry[1]"}}
	if !b.Doubted(x.Path) || !b.Doubted(e.Path) || b.Doubted("Ntfctn[1]/Ntry[1]0") {
		t.Error("an exception doubts what lies in its path and nothing else")
	}
}

// TestAmounts: the decimals of the currency, and what is no amount refused by name.
func TestAmounts(t *testing.T) {
	for _, c := range []struct{ currency, text, want string }{
		{"JPY", "5", "5 JPY"}, {"JPY", "5.00", "5 JPY"}, {"JPY", "5.5", "more decimals than the 0 of JPY"},
		{"BHD", "1.234", "1.234 BHD"}, {"BHD", "1.2345", "more decimals than the 3 of BHD"}, {"CLF", "0.0001", "0.0001 CLF"},
		{"EUR", "20.0000", "20.00 EUR"}, {"EUR", "+0.10", "0.10 EUR"}, {"EUR", "007", "7.00 EUR"}, {"EUR", ".5", "0.50 EUR"}, {"EUR", "5.", "5.00 EUR"}, {"EUR", " 1 ", "1.00 EUR"},
		{"EUR", "1e9", "an exponent"}, {"EUR", "1E-2", "an exponent"}, {"EUR", "1,000.00", "grouped digits"}, {"EUR", "1 000", "grouped digits"}, {"EUR", "12,50", "a comma"},
		{"EUR", "NaN", "not a finite number"}, {"EUR", "INF", "not a finite number"}, {"EUR", "-Infinity", "not a finite number"}, {"EUR", "-1", "below zero"},
		{"EUR", "", "no number"}, {"EUR", ".", "want plain decimal digits"}, {"EUR", "0x10", "want plain decimal digits"}, {"EUR", "١", "want plain decimal digits"},
		{"EUR", strings.Repeat("1", 30), "more than 18 digits"}, {"EUR", "1.000000", "more than 5 decimals"}, {"EUR", "90071992547409.92", "more than 9007199254740991 minor units"},
		{"EUR", "90071992547409.91", "90071992547409.91 EUR"}, {"eur", "1", "Ccy is not three letters"}, {"", "1", "Ccy is not three letters"},
	} {
		document := camt("08", `<Ntry><Amt Ccy="`+c.currency+`">`+c.text+`</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BkTxCd/></Ntry>`)
		b, err := iso20022.ParseBookings(document)
		got := fmt.Sprint(err)
		if err == nil {
			got = b.Entries[0].Amount.String()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %q: %s, want %s", c.currency, c.text, got, c.want)
		}
	}
}

func TestBookingsRefuse(t *testing.T) {
	many := strings.Repeat(details("A", "1", ""), iso20022.MaxTransactions+1)
	for name, c := range map[string]struct {
		document []byte
		want     string
	}{
		"another message":       {[]byte(strings.Replace(string(camt("08")), "camt.054", "camt.053", 1)), "want a Document of camt.054.001.02 to .08"},
		"a version to come":     {camt("99"), "want a Document of camt.054.001.02 to .08"},
		"an older version":      {camt("01"), "want a Document of camt.054.001.02 to .08"},
		"another namespace":     {[]byte(`<Document xmlns="urn:x"/>`), "want a Document"},
		"no namespace":          {[]byte(`<Document/>`), "want a Document"},
		"another root":          {[]byte(`<Dokument xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"/>`), "want a Document"},
		"no message ID":         {[]byte(strings.Replace(string(camt("08")), "M-1", " ", 1)), "GrpHdr/MsgId: missing"},
		"long message ID":       {[]byte(strings.Replace(string(camt("08")), "M-1", strings.Repeat("é", 36), 1)), "GrpHdr/MsgId: more than 35 characters"},
		"turned message ID":     {[]byte(strings.Replace(string(camt("08")), "M-1", "M\u202e1", 1)), "GrpHdr/MsgId: control character"},
		"two message IDs":       {[]byte(strings.Replace(string(camt("08")), "<MsgId>", "<MsgId>M-0</MsgId><MsgId>", 1)), "GrpHdr/MsgId: given twice"},
		"two accounts":          {[]byte(strings.Replace(string(camt("08")), "<Acct>", "<Acct/><Acct>", 1)), "Acct: given twice"},
		"no notification":       {[]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>1</MsgId></GrpHdr></BkToCstmrDbtCdtNtfctn></Document>`), "Ntfctn: missing"},
		"two amounts":           {camt("08", entry(`1</Amt><Amt Ccy="EUR">2`, "DBIT", "")), "Ntry/Amt: given twice"},
		"two end-to-end IDs":    {camt("08", entry("1", "DBIT", details("A</EndToEndId><EndToEndId>B", "1", ""))), "EndToEndId: given twice"},
		"no direction":          {camt("08", entry("1", "", "")), "Ntry[1]/CdtDbtInd: want DBIT or CRDT"},
		"odd reversal":          {camt("08", entry("1", "DBIT</CdtDbtInd><RvslInd>perhaps</RvslInd><CdtDbtInd>DBIT", "")), "given twice"},
		"no status":             {camt("08", `<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>DBIT</CdtDbtInd></Ntry>`), "Ntry[1]/Sts: missing"},
		"odd UETR":              {camt("08", entry("1", "DBIT", `<TxDtls><Refs><UETR>255ae394</UETR></Refs></TxDtls>`)), "Refs/UETR: not a UUID"},
		"odd day":               {camt("08", strings.Replace(entry("1", "DBIT", ""), "2026-02-26", "2026-02-30", 1)), "BookgDt: not a day"},
		"too many transactions": {camt("08", entry("1", "DBIT", many)), "transactions, limit 10000"},
		"instructed nonsense":   {camt("08", entry("1", "DBIT", details("A", "1", `<AmtDtls><InstdAmt><Amt Ccy="EUR">1e9</Amt></InstdAmt></AmtDtls>`))), "InstdAmt/Amt: an exponent"},
		"a status report":       {[]byte(pain002), "a pain.002, want a camt.054"},
		"document type":         {[]byte("<!DOCTYPE x [<!ENTITY e 'v'>]>" + string(camt("08"))[38:]), "a DOCTYPE"},
		"fifty megabytes":       {make([]byte, 50<<20), "document: 52428800 bytes, limit 4194304"},
	} {
		_, err := iso20022.ParseBookings(c.document)
		var r *domain.Rejection
		if !errors.As(err, &r) || !strings.Contains(r.Detail, c.want) {
			t.Errorf("%s: %v, want ...%s", name, err, c.want)
		}
	}
}

// samples are messages as banks send them, kept beside the repository.
func samples(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join("../../../../shared/data/trade/iso20022/samples", pattern))
	if len(paths) == 0 {
		t.Skip("no samples of ISO 20022 beside the repository")
	}
	all := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = raw
	}
	return all
}

func TestSamplesOfBookings(t *testing.T) {
	for name, raw := range samples(t, "camt054*.xml") {
		b, err := iso20022.ParseBookings(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := 0
		for _, e := range b.Entries {
			n += len(e.Transactions)
			if e.Status != iso20022.Booked || e.Account == "" || e.Amount != (domain.Money{Minor: 20_000_000, Currency: "SEK"}) {
				t.Errorf("%s: %+v", name, e)
			}
		}
		want := 3
		if name == "camt054.v8-with-UETR.xml" {
			want = 1
		}
		if n != want || b.MessageID != "AAAASESS-FP-ACCR001" {
			t.Errorf("%s: %d transactions of %s, want %d", name, n, b.MessageID, want)
		}
		t.Log(name, rules(b))
	}
}

func FuzzParseBookings(f *testing.F) {
	f.Add(camt("08", entry("6", "DBIT", details("A", "1", "")+details("NOTPROVIDED", "5", ""))))
	f.Add(camt("02", `<Ntry><Amt Ccy="JPY">200000</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts><BkTxCd/></Ntry>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := iso20022.ParseBookings(raw)
		if err != nil {
			var r *domain.Rejection
			if !errors.As(err, &r) {
				t.Errorf("%v is no Rejection", err)
			}
			return
		}
		for _, e := range b.Entries {
			if e.Amount.Minor < 0 || e.Amount.Minor > domain.MaxMinor || e.Direction != iso20022.Debit && e.Direction != iso20022.Credit {
				t.Errorf("read %+v", e)
			}
			for _, x := range e.Transactions {
				if x.Amount.Minor < 0 || len([]rune(x.EndToEndID)) > iso20022.MaxID || x.Amount.Currency == "" && !b.Doubted(x.Path) {
					t.Errorf("read %+v", x)
				}
			}
		}
	})
}
