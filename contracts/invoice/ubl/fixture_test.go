package ubl

import (
	"errors"
	"strings"
	"testing"

	"aval/domain"
	"aval/fixtures/trade"
)

func parsed(t *testing.T, raw string) Document {
	t.Helper()
	d, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// changed replaces texts of a document, in pairs, each of which must stand in it.
func changed(t *testing.T, raw string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(raw, pairs[i]) {
			t.Fatalf("%q does not stand in the document", pairs[i])
		}
		raw = strings.Replace(raw, pairs[i], pairs[i+1], 1)
	}
	return raw
}

func refusedAs(t *testing.T, name string, raw []byte, code domain.Code) {
	t.Helper()
	_, err := Parse(raw)
	var r *domain.Rejection
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("%s: %v, want %s", name, err, code)
	}
}

func TestFixturesAddUp(t *testing.T) {
	for name, raw := range map[string]string{
		"order": trade.Order(), "despatch": trade.DespatchAdvice(), "receipt": trade.ReceiptAdvice(), "invoice": trade.Invoice(),
		"credit note": trade.CreditNote(), "response": trade.InvoiceResponse(),
	} {
		if d := parsed(t, raw); len(d.Exceptions) > 0 {
			t.Errorf("%s: %v", name, d.Exceptions)
		}
	}
}

func TestInvoiceIsReadWhole(t *testing.T) {
	i := parsed(t, trade.Invoice()).Invoice
	for name, got := range map[string][2]string{
		"number": {i.Number, "RE-2026-0815"}, "type": {i.TypeCode, "380"}, "issued": {string(i.Issued), "2026-11-23"}, "due": {string(i.Due), "2026-12-23"},
		"order": {i.Order, "KF-2026-0117"}, "despatch": {i.Despatches[0].ID, "sendung-4711"}, "reference": {i.BuyerReference, "Einkauf 12"},
		"supplier": {i.Supplier.Name, "Fjordlaks Bergen AS"}, "endpoint": {i.Supplier.Endpoint.Scheme + " " + i.Supplier.Endpoint.Value, "0088 7070001000012"},
		"LEI": {i.Buyer.LegalID.Value, "529900AVALDEMO000115"}, "VAT": {i.Buyer.VATID, "DE136695976"}, "country": {i.Buyer.Country, "DE"},
		"account": {i.Payments[0].Account, "NO9386011117947"}, "reference to pay": {i.Payments[0].IDs[0], "RF7220260815"},
		"charge":  {i.Allowances[0].Amount.String() + " " + i.Allowances[0].Reason, "20558.27 EUR Refrigerated freight"},
		"VAT row": {i.VAT[0].Category + i.VAT[0].Percent + " " + i.VAT[0].Taxable.String(), "G0 482133.77 EUR"},
		"net":     {i.Totals.Net.String(), "482133.77 EUR"}, "payable": {i.Totals.Payable.String(), "482133.77 EUR"},
		"item": {i.Lines[1].Item.SellersID + " " + i.Lines[1].Item.Standard.Value, "ORRET 7070001001187"},
		"line": {i.Lines[1].Quantity.Value.String() + i.Lines[1].Quantity.Unit + " " + i.Lines[1].Price + " " + i.Lines[1].Net.String() + " " + i.Lines[1].OrderLine, "8450KGM 12.39 104695.50 EUR 20"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", name, got[0], got[1])
		}
	}
	if i.Payee != nil || i.Totals.Prepaid != nil || len(i.Lines) != 2 {
		t.Errorf("read what is not there: %+v", i)
	}
}

func TestOtherDocumentsAreReadWhole(t *testing.T) {
	o, d := parsed(t, trade.Order()).Order, parsed(t, trade.DespatchAdvice()).Despatch
	r, n, a := parsed(t, trade.ReceiptAdvice()).Receipt, parsed(t, trade.CreditNote()), parsed(t, trade.InvoiceResponse()).Response
	for name, got := range map[string][2]string{
		"order":       {o.ID + " " + string(o.ValidUntil) + " " + string(o.From) + " " + string(o.To), "KF-2026-0117 2026-12-31 2026-11-23 2026-12-18"},
		"parties":     {o.Buyer.Name + ", " + o.Supplier.Name, "Kellermann Feinkost GmbH, Fjordlaks Bergen AS"},
		"place":       {o.Place.Value, "4260002000194"},
		"order line":  {o.Lines[0].ID + " " + o.Lines[0].Quantity.Value.String() + " " + o.Lines[0].Price, "10 24000 14.87"},
		"order total": {o.Totals.Payable.String() + " " + o.Totals.Charges.String(), "482133.77 EUR 20558.27 EUR"},
		"despatch":    {d.ID + " " + d.Order + " " + d.Carrier.Name, "sendung-4711 KF-2026-0117 Polarfracht Spedition KG"},
		"unit":        {d.Units[0].ID + " " + d.Units[0].Least.Value.String() + d.Units[0].Least.Unit + " " + d.Units[0].Most.Value.String(), "370700010000047117 2CEL 6"},
		"sent":        {d.Lines[1].Delivered.Value.String() + " " + d.Lines[1].OrderLine + " " + d.Lines[1].Order, "8450 20 KF-2026-0117"},
		"receipt":     {r.ID + " " + r.About + " " + r.Status + " " + r.Despatch, "WE-88120 S CA sendung-4711"},
		"accepted":    {r.Lines[0].Accepted().String() + " " + r.Lines[0].Short.Value.String() + " " + r.Lines[0].RejectReason + " " + r.Lines[0].DespatchLine, "23750 100 QUA 1"},
		"credit":      {n.Invoice.Number + " " + n.Invoice.TypeCode + " " + n.Invoice.Preceding[0].ID + " " + n.Invoice.Lines[0].Quantity.Value.String(), "GS-2026-0031 381 RE-2026-0815 250"},
		"answer":      {a.Code + " " + a.First(StatusReason) + " " + a.First(StatusAction) + " " + a.Invoice.ID + " " + a.Invoice.TypeCode, "UQ QTY CNP RE-2026-0815 380"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", name, got[0], got[1])
		}
	}
	if !n.Credits() || parsed(t, trade.Invoice()).Credits() {
		t.Error("a credit note credits, an invoice does not")
	}
}
