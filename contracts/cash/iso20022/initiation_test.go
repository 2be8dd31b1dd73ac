package iso20022_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

func eur(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

// example pays one invoice less a discount, a credit note and a penalty, for somebody else.
func example() iso20022.Initiation {
	return iso20022.Initiation{
		MessageID: "AV3f1d0c2b4a5968778695a4b3c2d1e0f1", CreatedAt: 1_772_000_000_000, ExecuteOn: "2026-02-26",
		Debtor: iso20022.Account{Name: "Settlement Bank AG", Number: "CH9300762011623852957", BIC: "UBSWCHZH80A"},
		Transfers: []iso20022.Transfer{{
			EndToEndID: "3f1d0c2b4a5948778695a4b3c2d1e0f1", UETR: "3f1d0c2b-4a59-4877-8695-a4b3c2d1e0f1", InstructionID: "r-1.1", Amount: eur(91_00),
			Creditor:       iso20022.Account{Name: "Muñiz & Søn <Nordic>", Number: "DE89370400440532013000", BIC: "COBADEFFXXX"},
			UltimateDebtor: &iso20022.Party{Name: "Fish Buyer Ltd", LEI: "5493001KJTIIGC8Y1R12"}, UltimateCreditor: &iso20022.Party{Name: "Seller"},
			Note: "invoice 7",
			Documents: []iso20022.Document{
				{Type: "CINV", Number: "7", Date: "2026-01-31", Due: eur(100_00), Discount: eur(2_00), Credit: eur(1_00), Remitted: eur(95_00),
					Adjustments: []iso20022.Adjustment{{Amount: eur(2_00), Reason: "TEMP", Text: "too warm for 40 minutes"}}},
				{Type: "CREN", Number: "C-1", Due: eur(4_00), Remitted: eur(4_00)},
			},
		}},
	}
}

// schema gives the path of a schema, or skips: the schemas are not part of the product.
func schema(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../../shared/data/trade/iso20022/xsd", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no schemas of ISO 20022 beside the repository")
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no xmllint (Debian: libxml2-utils)")
		}
		t.Skip("no xmllint (Debian: libxml2-utils)")
	}
	return path
}

// validate lets xmllint, another make of XML, judge documents by a schema.
func validate(t interface {
	Helper()
	Fatal(...any)
}, dir, schema string, documents ...[]byte) {
	t.Helper()
	args := []string{"--noout", "--schema", schema}
	for i, d := range documents {
		path := filepath.Join(dir, string(rune('a'+i))+".xml")
		if err := os.WriteFile(path, d, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.Command("xmllint", args...).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
}

func TestAnInitiationIsValidBySchema(t *testing.T) {
	xsd := schema(t, "pain.001.001.09.xsd")
	text, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	validate(t, t.TempDir(), xsd, text)
	wrong := bytes.Replace(text, []byte("<PmtMtd>TRF"), []byte("<PmtMtd>XXX"), 1)
	path := filepath.Join(t.TempDir(), "wrong.xml")
	if err := os.WriteFile(path, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("xmllint", "--noout", "--schema", xsd, path).Run(); err == nil {
		t.Fatal("xmllint lets a wrong message pass")
	}
}

func TestEveryInitiationIsValidBySchema(t *testing.T) {
	xsd, dir := schema(t, "pain.001.001.09.xsd"), t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var all [][]byte
		for range 4 { // a process each is dear
			i := drawInitiation(t)
			text, err := i.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := i.Encode()
			if err != nil || !bytes.Equal(text, again) {
				t.Fatal("the same message has other bytes")
			}
			all = append(all, text)
		}
		validate(t, dir, xsd, all...)
	})
}

func drawInitiation(t *rapid.T) iso20022.Initiation {
	i := iso20022.Initiation{
		MessageID: drawText(t, 35), CreatedAt: domain.Millis(rapid.Int64Range(0, 253_402_300_799_999).Draw(t, "created")),
		ExecuteOn: domain.Day(domain.Millis(rapid.Int64Range(0, 253_402_300_799_999).Draw(t, "day"))), Debtor: drawAccount(t),
	}
	for n := range rapid.IntRange(1, 5).Draw(t, "transfers") {
		currency := rapid.SampledFrom([]domain.Currency{"EUR", "JPY", "BHD", "CLF"}).Draw(t, "currency")
		uetr := rapid.StringMatching(`[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}`).Draw(t, "uetr")
		transfer := iso20022.Transfer{
			EndToEndID: string(rune('A'+n)) + drawText(t, 34), UETR: uetr,
			Amount: domain.Money{Minor: rapid.Int64Range(1, domain.MaxMinor/1000).Draw(t, "minor"), Currency: currency}, Creditor: drawAccount(t),
		}
		if rapid.Bool().Draw(t, "ultimate") {
			transfer.UltimateDebtor, transfer.UltimateCreditor = &iso20022.Party{Name: drawText(t, 140)}, &iso20022.Party{Name: drawText(t, 140), LEI: "5493001KJTIIGC8Y1R12"}
			transfer.Note, transfer.InstructionID = drawText(t, 140), drawText(t, 35)
		}
		if rapid.Bool().Draw(t, "document") {
			d := iso20022.Document{Type: "CINV", Number: drawText(t, 35), Due: transfer.Amount, Remitted: transfer.Amount}
			if rapid.Bool().Draw(t, "deductions") {
				one := domain.Money{Minor: 1, Currency: currency}
				d.Discount, d.Credit, d.Date = one, one, "2026-01-31"
				d.Adjustments = []iso20022.Adjustment{{Amount: one, Reason: "LATE", Text: drawText(t, 140)}, {Amount: one, Reason: "T"}}
				d.Due.Minor += 4
			}
			transfer.Documents = []iso20022.Document{d}
		}
		i.Transfers = append(i.Transfers, transfer)
	}
	return i
}

// drawText draws text with characters that XML must escape, of several lengths in UTF-8, without white space at an end.
func drawText(t *rapid.T, most int) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune(`aZ09&<>"'-/]€ü漢🐟`)), 1, most, -1).Draw(t, "text")
}

func drawAccount(t *rapid.T) iso20022.Account {
	a := iso20022.Account{Name: drawText(t, 140), Number: rapid.SampledFrom([]string{"DE89370400440532013000", "CH9300762011623852957", "5050-1055", "0012345678"}).Draw(t, "number")}
	if rapid.Bool().Draw(t, "bank") {
		a.BIC = rapid.SampledFrom([]string{"COBADEFF", "COBADEFFXXX"}).Draw(t, "BIC")
	}
	return a
}

func TestAnInitiationSaysWhatItShould(t *testing.T) {
	text, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<CreDtTm>2026-02-25T06:13:20.000Z</CreDtTm>", "<NbOfTxs>1</NbOfTxs>", "<CtrlSum>91</CtrlSum>", `<InstdAmt Ccy="EUR">91.00</InstdAmt>`,
		"<Dt>2026-02-26</Dt>", "<IBAN>DE89370400440532013000</IBAN>", "Muñiz &amp; Søn &lt;Nordic&gt;", `<DuePyblAmt Ccy="EUR">100.00</DuePyblAmt>`,
		`<CdtNoteAmt Ccy="EUR">1.00</CdtNoteAmt>`, "<Rsn>TEMP</Rsn>", "<Cd>CREN</Cd>", "<UETR>3f1d0c2b-4a59-4877-8695-a4b3c2d1e0f1</UETR>",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestTheControlSumAddsMixedCurrencies(t *testing.T) {
	i := example()
	i.Transfers[0].Documents = nil
	for n, m := range []domain.Money{{Minor: 5, Currency: "JPY"}, {Minor: 1234, Currency: "BHD"}, {Minor: 1, Currency: "CLF"}} {
		next := i.Transfers[0]
		next.EndToEndID, next.Amount = "E"+string(rune('1'+n)), m
		i.Transfers = append(i.Transfers, next)
	}
	text, err := i.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<CtrlSum>97.2341</CtrlSum>", `Ccy="JPY">5<`, `Ccy="BHD">1.234<`, `Ccy="CLF">0.0001<`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestInitiationRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(i *iso20022.Initiation)
		want   string
	}{
		"long message ID":    {func(i *iso20022.Initiation) { i.MessageID = strings.Repeat("x", 36) }, "messageId: 36 characters, want 1 to 35"},
		"no day":             {func(i *iso20022.Initiation) { i.ExecuteOn = "2026-02-30" }, "executeOn"},
		"no transfers":       {func(i *iso20022.Initiation) { i.Transfers = nil }, "transfers: 0"},
		"too many":           {func(i *iso20022.Initiation) { i.Transfers = make([]iso20022.Transfer, 10_001) }, "transfers: 10001"},
		"the same twice":     {func(i *iso20022.Initiation) { i.Transfers = append(i.Transfers, i.Transfers[0]) }, "endToEndId: given twice"},
		"long end-to-end ID": {func(i *iso20022.Initiation) { i.Transfers[0].EndToEndID = strings.Repeat("x", 36) }, "endToEndId: 36"},
		"UETR of version 1":  {func(i *iso20022.Initiation) { i.Transfers[0].UETR = "3f1d0c2b-4a59-1877-8695-a4b3c2d1e0f1" }, "uetr"},
		"nothing":            {func(i *iso20022.Initiation) { i.Transfers[0].Amount = eur(0) }, "amount"},
		"sum of 19 digits": {func(i *iso20022.Initiation) {
			more := i.Transfers[0]
			more.EndToEndID, more.Amount, more.Documents = "more", domain.Money{Minor: 1, Currency: "CLF"}, nil
			i.Transfers[0].Amount, i.Transfers[0].Documents = domain.Money{Minor: domain.MaxMinor, Currency: "JPY"}, nil
			i.Transfers = append(i.Transfers, more)
		}, "control sum has 20 digits"},
		"documents of more":  {func(i *iso20022.Initiation) { i.Transfers[0].Amount = eur(92_00) }, "documents: together"},
		"a sum that is not":  {func(i *iso20022.Initiation) { i.Transfers[0].Documents[0].Discount = eur(3_00) }, "documents[0]: due less"},
		"two currencies":     {func(i *iso20022.Initiation) { i.Transfers[0].Documents[0].Discount.Currency = "USD" }, "USD"},
		"odd document":       {func(i *iso20022.Initiation) { i.Transfers[0].Documents[0].Type = "XXXX" }, "documents[0].type"},
		"no name":            {func(i *iso20022.Initiation) { i.Transfers[0].Creditor.Name = "" }, "creditor.name"},
		"control character":  {func(i *iso20022.Initiation) { i.Transfers[0].Creditor.Name = "a\x00b" }, "creditor.name: a character"},
		"white space":        {func(i *iso20022.Initiation) { i.Debtor.Name = " a" }, "debtor.name: white space"},
		"BIC":                {func(i *iso20022.Initiation) { i.Debtor.BIC = "X" }, "debtor.bic"},
		"LEI":                {func(i *iso20022.Initiation) { i.Transfers[0].UltimateDebtor.LEI = "5493001KJTIIGC8Y1R13" }, "ultimateDebtor.lei"},
		"too many documents": {func(i *iso20022.Initiation) { i.Transfers[0].Documents = make([]iso20022.Document, 51) }, "documents: 51, limit 50"},
		"too many adjustments": {func(i *iso20022.Initiation) {
			i.Transfers[0].Documents[0].Adjustments = make([]iso20022.Adjustment, 11)
		}, "adjustments: 11, limit 10"},
	} {
		i := example()
		c.change(&i)
		_, err := i.Encode()
		var r *domain.Rejection
		if !errors.As(err, &r) || !strings.Contains(r.Detail, c.want) {
			t.Errorf("%s: %v, want ...%s", name, err, c.want)
		}
	}
}
