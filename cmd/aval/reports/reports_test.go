package reports

import (
	"encoding/json"
	"strings"
	"testing"

	"aval/contracts/invoice"
	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/ledger"
)

const today domain.Date = "2026-11-24" // a Tuesday

func eur(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

// bill reads an invoice as the ledger would show it to supplier and buyer.
func bill(t *testing.T, change func(b *invoice.Bill)) Bill {
	t.Helper()
	w := invoice.Bill{
		ID: "I-1", Number: "7", Status: invoice.Approved, Payable: 100_00, Cleared: 95_00, DueOn: "2026-11-30",
		Payment:    invoice.Payment{Supplier: "seller", Buyer: "buyer", Currency: "EUR"},
		Deductions: []invoice.Deduction{{Kind: invoice.ForCondition, Minor: 5_00, Shipment: "S-1"}},
	}
	change(&w)
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	b, ok, err := ReadBill(text, today)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return b
}

func page(t *testing.T, s Sheet, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s.Write(&out)
	var table strings.Builder
	if err := s.Table().Write(&table); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table.String()), "\r\n")
	for _, line := range lines {
		if strings.Count(line, ",") < len(s.head)-1 {
			t.Errorf("%q has too few cells", line)
		}
	}
	if len(lines) != len(s.Rows)+1 {
		t.Errorf("%d lines of table for %d rows", len(lines), len(s.Rows))
	}
	if text, err := json.Marshal(s); err != nil || !json.Valid(text) {
		t.Error(err)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func want(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestPayablesAreInOrderOfTheirDueDay(t *testing.T) {
	bills := []Bill{
		bill(t, func(b *invoice.Bill) { b.ID, b.DueOn, b.Status, b.Cleared = "pending", "", invoice.Valid, 0 }),
		bill(t, func(b *invoice.Bill) { b.ID, b.DueOn = "later", "2027-03-01" }),
		bill(t, func(b *invoice.Bill) { b.ID, b.DueOn, b.Paid = "late", "2026-11-20", 15_00 }),
		bill(t, func(b *invoice.Bill) {}),
		bill(t, func(b *invoice.Bill) { b.ID, b.Status = "done", invoice.Settled }),
		bill(t, func(b *invoice.Bill) { b.ID, b.Payment.Buyer = "stranger", "another" }),
	}
	s, err := Payables("buyer", today, bills, map[string]domain.PartyID{"I-1": "bank"}, false)
	want(t, page(t, s, err),
		"2026-11-20 late 7 seller seller approved EUR 100.00 5.00 0.00 80.00 0.00 2026-11-30 I-1 7 seller bank approved EUR 100.00 5.00 0.00 95.00 0.00 2027-03-01 later",
		"pending 7 seller seller valid EUR 100.00 5.00 0.00 95.00", "overdue 80.00 EUR due within 7 days 95.00 EUR due later 95.00 EUR not approved yet 95.00 EUR",
	)
	if len(s.Rows) != 4 {
		t.Errorf("%d rows", len(s.Rows))
	}
	if s, err = Payables("buyer", today, bills, nil, true); err != nil || len(s.Rows) != 5 {
		t.Errorf("with all: %d rows, %v", len(s.Rows), err)
	}
}

func TestLatenessCosts(t *testing.T) {
	b := bill(t, func(b *invoice.Bill) {
		b.DueOn = "2026-10-25"
		b.Payment.Debt = &invoice.DebtTerms{Late: &interest.Late{
			Reference: interest.Table{{From: "2026-07-01", Percent: "2.00"}}, Points: "8.00", Basis: interest.Act365,
		}}
	})
	if b.Interest != eur(78) { // 95.00 x 10 % x 30 / 365
		t.Errorf("interest %s", b.Interest)
	}
}

func TestReceivablesForecastByWeek(t *testing.T) {
	bills := []Bill{
		bill(t, func(b *invoice.Bill) { b.ID, b.DueOn = "sold", "2026-12-24" }), bill(t, func(b *invoice.Bill) {}),
		bill(t, func(b *invoice.Bill) { b.ID, b.DueOn = "sunday", "2026-12-06" }),
	}
	deal := &invoice.Deal{
		Financier: "bank", Advance: 80_00, FinancedOn: "2026-11-24",
		Price: invoice.Price{Percent: "12", Basis: interest.Act360, Flat: 50},
	}
	s, err := Receivables("seller", today, bills, map[string]invoice.Receivable{"sold": {Invoice: "sold", Status: invoice.Financed, Controller: "bank", Deal: deal}}, false)
	want(t, page(t, s, err),
		"2026-12-24 sold 7 buyer approved financed bank EUR 100.00 0.00 80.00 13.70", // 95.00 - 80.00 - 0.80 - 0.50
		"week of 2026-11-30 190.00 EUR", "week of 2026-12-21 13.70 EUR",
	)
}

func TestExposureAndYield(t *testing.T) {
	claims := []invoice.Claim{
		{Invoice: "I-1", Status: invoice.Financed, Supplier: "seller", Buyer: "buyer", Due: eur(100_000), DueOn: "2026-12-24", Deal: &invoice.Deal{
			Financier: "bank", Advance: 90_000, FinancedOn: "2026-10-25", Received: 10_000, Price: invoice.Price{Percent: "7.3", Basis: interest.Act365},
		}},
		{Invoice: "I-2", Status: invoice.Reserved, Buyer: "buyer", Due: eur(100_000), Deal: &invoice.Deal{Financier: "bank", Advance: 90_000}},
		{Invoice: "I-3", Status: invoice.Repaid, Due: eur(1), Deal: &invoice.Deal{Financier: "bank"}},
		{Invoice: "I-4", Status: invoice.Financed, Due: eur(1), Deal: &invoice.Deal{Financier: "rival"}},
	}
	s, err := Exposures("bank", today, claims, false)
	want(t, page(t, s, err),
		"2026-12-24 I-1 seller buyer financed EUR 1000.00 900.00 100.00 805.40 5.40 30 7.30",
		"I-2 buyer reserved EUR 1000.00 0.00 0.00 0.00 0.00 0", "advanced 900.00 EUR earned 5.40 EUR claims 805.40 EUR claims on buyer 805.40 EUR",
	)
	if len(s.Rows) != 2 {
		t.Errorf("%d rows", len(s.Rows))
	}
}

func TestDeliveriesAsEachSees(t *testing.T) {
	whole, err := json.Marshal(invoice.Shipment{
		ID: "S-1", Status: "accepted", DespatchAt: 1_000_000, Carriage: invoice.Carriage{Delivery: invoice.Delivery{WithinMillis: 3_600_000}},
		Judgement: &invoice.Judgement{DeliveredAt: 1_000_000 + 3_600_000 + 120_000, Incomplete: []string{"late"}, Excursions: []invoice.Excursion{{DegreeMinutes: "1.5"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	carried, err := json.Marshal(invoice.Consignment{ID: "S-2", Status: "inTransit", DespatchAt: 1_000_000, DeliverBy: 2_000_000})
	if err != nil {
		t.Fatal(err)
	}
	var all []Delivery
	byID := map[string]*Delivery{}
	for _, text := range [][]byte{whole, carried} {
		d, err := ReadDelivery(text)
		if err != nil {
			t.Fatal(err)
		}
		byID[d.Shipment] = &d
	}
	charged, err := json.Marshal(invoice.Bill{Payment: invoice.Payment{Currency: "EUR"}, Deductions: []invoice.Deduction{
		{Kind: invoice.ForCondition, Shipment: "S-1", Minor: 5_00}, {Kind: invoice.ForLate, Shipment: "S-1", Minor: 1_00}, {Kind: invoice.ForClaim, Shipment: "S-1", Minor: 9_00},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := Penalise(byID, charged); err != nil {
		t.Fatal(err)
	}
	all = append(all, *byID["S-1"], *byID["S-2"])
	s, err := Deliveries("carrier", today, all)
	want(t, page(t, s, err),
		"S-2 inTransit 1970-01-01 00:16 1970-01-01 00:33 0 S-1 accepted 1970-01-01 00:16 1970-01-01 01:16 1970-01-01 01:18 2 1.5 5.00 EUR + 1.00 EUR late", "penalties 6.00 EUR",
	)
}

func TestTrailNamesHashesMoneyAndReceipts(t *testing.T) {
	entry := func(index uint64, body string) ledger.EntryView {
		return ledger.EntryView{Index: index, Name: "do", Events: []ledger.EventView{{Name: "Done", Record: "r:1:x", Body: json.RawMessage(body)}, {Name: "Other", Record: "r:1:y", Body: json.RawMessage(`{}`)}}}
	}
	s := Trail("auditor", today, []Told{
		{Record: "r:1:x", Entries: []ledger.EntryView{entry(9, `{"termsHash":"ab","deep":[{"documentSha256":"cd","hash":""}],"name":"no"}`), entry(3, `{}`)}, Fields: json.RawMessage(`{"endToEndId":"ef","payment":{"hash":"01","heard":{"hash":"02"}}}`)},
	}, func(index uint64) string { return "receipt " + count(int64(index)) })
	text := page(t, s, nil)
	want(t, text, "do Done", "documentSha256=cd", "termsHash=ab", "(as it stands) endToEndId=ef heard.hash=02 payment.hash=01")
	if strings.Contains(text, "Other") || strings.Contains(text, "hash= ") || s.Rows[0].(Step).Index != 3 || s.Rows[0].(Step).Receipt != "receipt 3" {
		t.Errorf("%s\n%+v", text, s.Rows)
	}
}

// TestHostileText: no cell moves the cursor, and none is a formula to a spreadsheet.
func TestHostileText(t *testing.T) {
	b := bill(t, func(b *invoice.Bill) { b.Number = "=cmd|'/c x'!A1\x1b[2J\u202e" + strings.Repeat("x", 80) })
	s, err := Payables("buyer", today, []Bill{b}, nil, false)
	text := page(t, s, err)
	if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, strings.Repeat("x", 64)) {
		t.Errorf("%q", text)
	}
	if cell := s.Table().Rows[0][2]; !strings.HasPrefix(cell, "'=") {
		t.Errorf("%q", cell)
	}
}

func TestReadBillOfWhoSeesLess(t *testing.T) {
	text, err := json.Marshal(invoice.Obligation{ID: "I-1", Status: invoice.Approved, Supplier: "seller", Buyer: "buyer", Payable: eur(100), Cleared: 90, Paid: 10})
	if err != nil {
		t.Fatal(err)
	}
	b, ok, err := ReadBill(text, today)
	if err != nil || !ok || b.Open != eur(80) || b.To != "buyer" {
		t.Errorf("%+v, %v, %v", b, ok, err)
	}
	if _, ok, err := ReadBill([]byte(`{}`), today); ok || err != nil {
		t.Errorf("an invoice that shows nothing: %v, %v", ok, err)
	}
}
