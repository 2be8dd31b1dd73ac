package invoice

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"aval/domain"
)

// insured is a story with every kind of party: a bank that undertook to pay, an authority, a carrier.
func insured(t *testing.T) *story {
	t.Helper()
	terms := ordered()
	terms.Settlement, terms.Bank, terms.Authority = Undertaking, "bank", "hall"
	terms.Lines[0].Price = "98.765"
	hash, err := terms.Hash()
	if err != nil {
		t.Fatal(err)
	}
	s := &story{Bench: newStoryBench(t), t: t, last: map[string][]byte{}}
	s.Register("bank", domain.RoleBank)
	s.Register("hall")
	s.Fund("bank", domain.Money{Minor: 2_000_000, Currency: "EUR"})
	s.must("acme", "propose", "A", Proposal{Terms: terms, AnswerBy: start + hour})
	s.must("bistro", "agree", "A", Agreeing{hash})
	s.must("bank", "undertake", "A", Agreeing{hash})
	o := orderOpening("S")
	o.Number, o.Payable.Minor, o.DocumentSHA256 = canaryNumber, 400_123, canaryDocument
	o.InvoiceLines[0].Price = "98.765"
	s.must("acme", "ship", "S", o)
	s.observe(message("probe", 1, start+hour, scanned(start+hour, "DOCK-7", sscc)...))
	s.Advance(start + 3*hour)
	s.must("bistro", "receive", "S", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "90", Short: "10", Action: "2"}}})
	s.must("hall", "suspend", "A", Notice{TheSupplier})
	return s
}

// members are the names of the fields of an object.
func members(t *testing.T, text []byte) []string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(fields))
}

// Who sees which fields of which record, exactly. What a party may not see at all reads as an empty object, and the
// record does not name it.
func TestEachRoleSeesItsFields(t *testing.T) {
	s := insured(t)
	carriage := []string{"deliverBy", "deliveredAt", "delivery", "despatchAt", "devices", "id", "sampling", "sscc", "status"}
	commitment := []string{"buyer", "currency", "expiresAt", "id", "maxPayable", "paymentDays", "status", "supplier", "suspension", "termsHash", "undertaken"}
	obligation := []string{"buyer", "claim", "cleared", "id", "paid", "payAt", "payable", "status", "supplier"}
	for _, c := range []struct {
		key    string
		viewer domain.PartyID
		named  bool
		want   []string
	}{
		{"agreement/A", "hauler", false, nil}, {"agreement/A", "other", false, nil},
		{"agreement/A", "bank", true, commitment}, {"agreement/A", "hall", true, commitment},
		{"shipment/S", "hauler", true, carriage}, {"shipment/S", "bank", false, carriage},
		{"invoice/S", "hauler", false, nil}, {"invoice/S", "hall", false, nil}, {"invoice/S", "other", false, nil}, {"invoice/S", "bank", true, obligation},
	} {
		var body raw
		if !s.Body(Kind, c.key, &body) {
			t.Fatalf("no %s", c.key)
		}
		if got := members(t, shown(t, c.key, body, c.viewer)); !slices.Equal(got, c.want) {
			t.Errorf("%s to %s: %v, want %v", c.key, c.viewer, got, c.want)
		}
		if got := slices.Contains(s.Parties(Kind, c.key), c.viewer); got != c.named {
			t.Errorf("%s names %s: %v", c.key, c.viewer, got)
		}
	}
	for _, key := range []string{"agreement/A", "shipment/S", "invoice/S"} {
		var body raw
		s.Body(Kind, key, &body)
		whole := members(t, shown(t, key, body, ""))
		for _, side := range []domain.PartyID{"acme", "bistro"} {
			if got := members(t, shown(t, key, body, side)); !slices.Equal(got, whole) {
				t.Errorf("%s to %s: %v, want all of %v", key, side, got, whole)
			}
		}
	}
}

// Canaries stand for a unit price, an invoice number and a document: none but the two sides find them in anything that they are shown.
func TestOnlyTheSidesSeePricesAndNumbers(t *testing.T) {
	s := insured(t)
	secrets := []string{"98.765", canaryNumber, canaryDocument, "Gouda"}
	for _, viewer := range []domain.PartyID{"hauler", "bank", "hall", "other"} {
		told := s.told(viewer, "agreement/A", "shipment/S", "invoice/S")
		for _, secret := range secrets {
			if strings.Contains(told, secret) {
				t.Errorf("%s is shown %q:\n%s", viewer, secret, told)
			}
		}
	}
	hauler := s.told("hauler", "shipment/S")
	for _, amount := range []string{"400123", "EUR", "minor", "capPercent", "rate"} {
		if strings.Contains(hauler, amount) {
			t.Errorf("the carrier is shown %q:\n%s", amount, hauler)
		}
	}
	for _, side := range []domain.PartyID{"acme", "bistro"} {
		told := s.told(side, "agreement/A", "shipment/S", "invoice/S")
		for _, own := range secrets {
			if !strings.Contains(told, own) {
				t.Errorf("%s misses %q", side, own)
			}
		}
	}
}
