package invoice

import (
	"testing"

	"aval/domain"
)

// goods is an opening without an invoice.
func goods(device string) Opening { return Opening{Agreement: "A", Devices: []string{device}} }

func declaring(number string, minor int64, shipments ...string) Declaration {
	return Declaration{Agreement: "A", Number: number, Payable: domain.Money{Minor: minor, Currency: "EUR"}, Shipments: shipments}
}

// later is terms under which an invoice may come a day after the goods.
func later() Terms {
	t := coldChain()
	t.InvoiceMillis = Day
	return t
}

func TestOneInvoiceWaitsForAllItsShipments(t *testing.T) {
	s := newStory(t, later())
	s.must("acme", "ship", "S", goods("probe"))
	s.must("acme", "ship", "T", goods("second"))
	s.must("acme", "invoice", "I", declaring("INV-1", 100_000, "S", "T"))
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	if s.Status(Kind, "shipment/S") != GoodsAccepted || s.Status(Kind, "invoice/I") != Valid || s.Balance("party/acme", "EUR") != 0 {
		t.Fatalf("goods %s, invoice %s", s.Status(Kind, "shipment/S"), s.Status(Kind, "invoice/I"))
	}
	s.must("acme", "deliver", "T", Arrival{start + hour})
	s.must("bistro", "accept", "I", nil)
	if s.Status(Kind, "invoice/I") != Settled || s.Balance("party/acme", "EUR") != 100_000 {
		t.Errorf("invoice %s", s.Status(Kind, "invoice/I"))
	}
	s.Advance(start + 3*Day)
	if !s.Final(Kind, "shipment/S") || !s.Final(Kind, "shipment/T") {
		t.Error("a shipment is still open")
	}
	s.must("acme", "close", "A", nil)
}

// Two invoices about one shipment together pay what its excursion costs, and not twice.
func TestTwoInvoicesShareThePenaltyOfAShipment(t *testing.T) {
	s := newStory(t, later())
	s.must("acme", "ship", "S", goods("probe"))
	s.must("acme", "invoice", "I", declaring("INV-1", 10_000, "S")) // at most 20.00
	s.observe(trip("probe", 12, func(int) int64 { return 9000 })...)
	s.Advance(start + 4*hour)                                        // 120 degree-minutes, 60.00 together
	s.must("acme", "invoice", "J", declaring("INV-2", 100_000, "S")) // so 40.00 are left
	s.must("bistro", "accept", "I", nil)
	s.must("bistro", "accept", "J", nil)
	var first, second Bill
	s.Body(Kind, "invoice/I", &first)
	s.Body(Kind, "invoice/J", &second)
	if first.Payoff.Penalty != 2000 || second.Payoff.Penalty != 4000 || s.Balance("party/acme", "EUR") != 104_000 {
		t.Errorf("penalties %d and %d, paid %d", first.Payoff.Penalty, second.Payoff.Penalty, s.Balance("party/acme", "EUR"))
	}
}

func TestAnInvoiceAfterAcceptedGoodsIsPaidAtOnce(t *testing.T) {
	s := newStory(t, later())
	s.must("acme", "ship", "S", goods("probe"))
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	s.must("acme", "invoice", "I", declaring("INV-1", 100_000, "S"))
	if s.Status(Kind, "invoice/I") != Settled || s.Balance("party/acme", "EUR") != 100_000 {
		t.Errorf("invoice %s", s.Status(Kind, "invoice/I"))
	}
	s.Advance(start + 3*Day)
	refused(t, s.try("acme", "invoice", "J", declaring("INV-2", 1, "S")), domain.NotFound)
}

func TestRefusedDeclarations(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Declaration)
		want domain.Code
	}{
		"type code":         {func(b *Declaration) { b.TypeCode = "325" }, domain.Malformed},
		"no shipment":       {func(b *Declaration) { b.Shipments = nil }, domain.LimitExceeded},
		"shipment unknown":  {func(b *Declaration) { b.Shipments = []string{"Z"} }, domain.NotFound},
		"shipment twice":    {func(b *Declaration) { b.Shipments = []string{"S", "S"} }, domain.NotFound},
		"other agreement's": {func(b *Declaration) { b.Agreement = "Z" }, domain.NotFound},
		"too many":          {func(b *Declaration) { b.Shipments = make([]string, MaxShipments+1) }, domain.LimitExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, later())
			s.must("acme", "ship", "S", goods("probe"))
			b := declaring("INV-1", 1, "S")
			c.edit(&b)
			refused(t, s.try("acme", "invoice", "I", b), c.want)
		})
	}
}
