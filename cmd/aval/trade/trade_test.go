package trade

import (
	"reflect"
	"strings"
	"testing"

	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	"aval/domain"
	papers "aval/fixtures/trade"
)

func read(t *testing.T, raw string) ubl.Document {
	t.Helper()
	d, err := ubl.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIDsAreMadeOfNumbers(t *testing.T) {
	for number, want := range map[string]string{
		"RE-2026-0815": "RE-2026-0815", "018304 / 28865": "018304---28865", "Sö/7": "S--7", strings.Repeat("9", 64): strings.Repeat("9", 64),
		"": "", "///": "", "..": "", strings.Repeat("9", 65): "", "日本": "",
	} {
		id, err := ID(number)
		if id != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v, want %q", number, id, err, want)
		}
		if err == nil && domain.CheckID("id", id) != nil {
			t.Errorf("%q: %q is no ID", number, id)
		}
	}
}

// TestATradeBecomesCommands takes the documents of the fixtures through.
func TestATradeBecomesCommands(t *testing.T) {
	terms := invoice.Terms{Supplier: "acme", Buyer: "bistro", Lines: []invoice.OrderLine{{ID: "10", Tolerance: &invoice.Tolerance{QuantityPercent: "2"}}}}
	p, err := Proposal(read(t, papers.Order()).Order, terms, 5)
	want := invoice.Proposal{AnswerBy: 5, Terms: invoice.Terms{
		Supplier: "acme", Buyer: "bistro", Currency: "EUR", MaxPayable: 48213377, Lines: []invoice.OrderLine{
			{ID: "10", Item: "7070001001019", Quantity: "24000", Unit: "KGM", Price: "14.87", Tolerance: &invoice.Tolerance{QuantityPercent: "2"}},
			{ID: "20", Item: "7070001001187", Quantity: "8450", Unit: "KGM", Price: "12.39"},
		},
	}}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("%v: %+v", err, p)
	}
	a := invoice.Agreement{ID: "KF-2026-0117", Terms: p.Terms}
	o, err := Opening(read(t, papers.DespatchAdvice()).Despatch, a, []string{"sensor"})
	if err != nil || !reflect.DeepEqual(o, invoice.Opening{
		Agreement: a.ID, Devices: []string{"sensor"}, SSCC: "370700010000047117", Lines: []invoice.ShippedLine{{Line: "10", Quantity: "24000"}, {Line: "20", Quantity: "8450"}},
	}) {
		t.Errorf("%v: %+v", err, o)
	}
	bill := read(t, papers.Invoice())
	d, err := Declaration(bill, a, nil)
	if err != nil || !reflect.DeepEqual(d, invoice.Declaration{
		Agreement: a.ID, Number: "RE-2026-0815", TypeCode: "380", Payable: domain.Money{Minor: 48213377, Currency: "EUR"}, DocumentSHA256: bill.SHA256, Shipments: []string{"sendung-4711"},
		Lines: []invoice.BillLine{{Line: "10", Quantity: "24000", Unit: "KGM", Price: "14.87"}, {Line: "20", Quantity: "8450", Unit: "KGM", Price: "12.39"}},
	}) {
		t.Errorf("%v: %+v", err, d)
	}
	r, err := Receipt(read(t, papers.ReceiptAdvice()).Receipt, false)
	if err != nil || !reflect.DeepEqual(r, invoice.ReceiptAdvice{Lines: []invoice.Advice{
		{Line: "10", Received: "23900", Short: "100", Rejected: "150", Reason: "QUA", Action: "2"}, {Line: "20", Received: "8450"},
	}}) {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestCreditsInEitherStyle(t *testing.T) {
	a := invoice.Agreement{ID: "KF-2026-0117"}
	note := read(t, papers.CreditNote())
	c, err := Crediting(note, a)
	if err != nil || !Credits(note) || c != (invoice.Crediting{
		Agreement: a.ID, Invoice: "RE-2026-0815", Number: "GS-2026-0031", TypeCode: "381", Amount: domain.Money{Minor: 388308, Currency: "EUR"}, DocumentSHA256: note.SHA256,
	}) {
		t.Errorf("%v: %+v", err, c)
	}
	negative := read(t, strings.Replace(papers.Invoice(), ">482133.77</cbc:PayableAmount>", ">-482133.77</cbc:PayableAmount>", 1))
	if c, err := Crediting(negative, a); err != nil || !Credits(negative) || c.Amount.Minor != -48213377 || c.TypeCode != "380" || c.Invoice != "" {
		t.Errorf("%v: %+v", err, c)
	}
	if Credits(read(t, papers.Invoice())) || Credits(read(t, papers.Order())) {
		t.Error("an invoice and an order credit nothing")
	}
	several := read(t, strings.Replace(papers.CreditNote(), "<cac:BillingReference>", "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>RE-1</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference><cac:BillingReference>", 1))
	if c, err := Crediting(several, a); err != nil || c.Invoice != "" {
		t.Errorf("of several: %v %+v", err, c)
	}
}

// TestWithoutAnOrderLinesStayOut: an agreement that has no lines compares none.
func TestWithoutAnOrderLinesStayOut(t *testing.T) {
	bare := invoice.Agreement{ID: "frame"}
	if d, err := Declaration(read(t, papers.Invoice()), bare, []string{"s-1", "s-2"}); err != nil || d.Lines != nil || !reflect.DeepEqual(d.Shipments, []string{"s-1", "s-2"}) {
		t.Errorf("%v: %+v", err, d)
	}
	if o, err := Opening(read(t, papers.DespatchAdvice()).Despatch, bare, nil); err != nil || o.Lines != nil {
		t.Errorf("%v: %+v", err, o)
	}
}

func TestWhatADocumentLeavesOutIsAskedFor(t *testing.T) {
	a := invoice.Agreement{ID: "A", Terms: invoice.Terms{Currency: "EUR", Lines: []invoice.OrderLine{{ID: "10"}}}}
	price := func(text string) string {
		return strings.Replace(papers.Invoice(), `<cbc:PriceAmount currencyID="EUR">14.87</cbc:PriceAmount>`, text, 1)
	}
	noLine := func(raw string) string { return strings.Replace(raw, "<cac:OrderLineReference>", "<cac:Unread>", 1) }
	fixed := func(raw string) string {
		return strings.Replace(noLine(raw), "</cac:OrderLineReference>", "</cac:Unread>", 1)
	}
	for name, c := range map[string]struct {
		make func() error
		want string
	}{
		"an invoice line without its order line": {func() error { _, err := Declaration(read(t, fixed(papers.Invoice())), a, nil); return err }, "names no order line (BT-132)"},
		"a despatch line without its order line": {func() error { _, err := Opening(read(t, fixed(papers.DespatchAdvice())).Despatch, a, nil); return err }, "names no order line"},
		"a receipt line without its order line":  {func() error { _, err := Receipt(read(t, fixed(papers.ReceiptAdvice())).Receipt, false); return err }, "names no order line"},
		"a price for three": {func() error {
			_, err := Declaration(read(t, price(`<cbc:PriceAmount currencyID="EUR">10</cbc:PriceAmount><cbc:BaseQuantity>3</cbc:BaseQuantity>`)), a, nil)
			return err
		}, "more than 6 decimals"},
		"no price": {func() error { _, err := Declaration(read(t, price("")), a, nil); return err }, "no quantity or no price"},
		"no payable amount": {func() error {
			_, err := Declaration(read(t, strings.Replace(papers.Invoice(), ">482133.77</cbc:PayableAmount>", ">NaN</cbc:PayableAmount>", 1)), a, nil)
			return err
		}, "no payable"},
		"terms in another currency": {func() error {
			_, err := Proposal(read(t, papers.Order()).Order, invoice.Terms{Currency: "NOK"}, 0)
			return err
		}, "the order is in EUR, the terms in NOK"},
		"a receipt of the despatch advice": {func() error {
			_, err := Receipt(read(t, strings.Replace(papers.ReceiptAdvice(), ">S<", ">D<", 1)).Receipt, false)
			return err
		}, "nothing to book"},
	} {
		if err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	exact := price(`<cbc:PriceAmount currencyID="EUR">14870</cbc:PriceAmount><cbc:BaseQuantity unitCode="KGM">1000</cbc:BaseQuantity>`)
	if d, err := Declaration(read(t, exact), a, nil); err != nil || d.Lines[0].Price != "14.87" {
		t.Errorf("a price for a thousand: %v %+v", err, d.Lines)
	}
}

// TestEveryStateSaysWhatItWaitsFor: no open state is silent, and who is asked is somebody of the trade.
func TestEveryStateSaysWhatItWaitsFor(t *testing.T) {
	pay := invoice.Payment{Supplier: "acme", Buyer: "bistro"}
	for status, from := range map[string]string{
		invoice.Received: "acme", invoice.Valid: "bistro", invoice.Held: "bistro", invoice.Exception: "acme", invoice.UnderQuery: "acme", invoice.Disputed: "bistro or acme",
		invoice.Due: "bistro", invoice.Settled: "", invoice.Rejected: "", invoice.Credited: "",
	} {
		a := OfInvoice(invoice.Bill{Status: status, Payment: pay, Shipments: []string{"s-1"}, AnswerAt: 1})
		if !strings.Contains(a.From, from) || (from == "") != (a.From == "") || from == "" && a.String() != "nothing" {
			t.Errorf("invoice %s: %s", status, a)
		}
	}
	if a := OfInvoice(invoice.Bill{Status: invoice.Approved, PayAt: 1000}); a.String() != "the day of payment, until 1970-01-01T00:00:01.000Z" {
		t.Errorf("approved: %s", a)
	}
	if a := OfInvoice(invoice.Bill{Status: invoice.Due, Payment: invoice.Payment{Buyer: "bistro", Payer: "bank"}}); a.From != "bank" {
		t.Errorf("due: %s", a)
	}
	carriage := invoice.Carriage{Supplier: "acme", Buyer: "bistro", Delivery: invoice.Delivery{WithinMillis: 5, GraceMillis: 2}}
	for status, want := range map[string]string{
		invoice.Planned: "the despatch, until", invoice.InTransit: "until 1970-01-01T00:00:00.017Z", invoice.Inspection: "from bistro, until 1970-01-01T00:00:00.020Z",
		invoice.GoodsDelivered: "from bistro, until 1970-01-01T00:00:00.020Z",
		invoice.Lost:           "nothing", invoice.Returning: "on their way back, from acme",
	} {
		if a := OfShipment(invoice.Shipment{Status: status, Carriage: carriage, DespatchAt: 10, DecideAt: 20}); !strings.Contains(a.String(), want) {
			t.Errorf("shipment %s: %s", status, a)
		}
	}
	ended := invoice.Shipment{Status: invoice.GoodsAccepted, Carriage: carriage, InvoiceBy: 30}
	if a := OfShipment(ended); a.From != "acme" {
		t.Errorf("accepted goods: %s", a)
	}
	ended.Bills = []string{"RE-1"}
	if a := OfShipment(ended); !strings.Contains(a.What, "RE-1") {
		t.Errorf("accepted goods with an invoice: %s", a)
	}
	terms := invoice.Terms{Supplier: "acme", Buyer: "bistro"}
	for proposer, from := range map[domain.PartyID]string{"acme": "bistro", "bistro": "acme"} {
		if a := OfAgreement(invoice.Agreement{Status: invoice.Proposed, Terms: terms, ProposedBy: proposer}); a.From != from {
			t.Errorf("proposed by %s: %s", proposer, a)
		}
	}
	amended := invoice.Agreement{Status: invoice.Agreed, Terms: terms, Amendment: &invoice.Amendment{ProposedBy: "bistro", TermsHash: "ab", AnswerBy: 1}}
	if a := OfAgreement(amended); a.From != "acme" || !strings.Contains(a.What, "ab") {
		t.Errorf("amended: %s", a)
	}
	if a := OfAgreement(invoice.Agreement{Status: invoice.Terminated, Terms: terms, Open: 2}); !strings.Contains(a.What, "2 open") {
		t.Errorf("terminated: %s", a)
	}
	terms.Settlement, terms.Bank = invoice.Undertaking, "bank"
	if a := OfAgreement(invoice.Agreement{Status: invoice.Agreed, Terms: terms}); a.From != "bank" {
		t.Errorf("not undertaken: %s", a)
	}
}
