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
	s.must("bistro", "accept", "I", nil)                             // accepts the goods, and so both
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

// Of an invoice about two shipments of which one is lost, half is paid and half is in question.
func TestALostShipmentIsInQuestionOnItsShare(t *testing.T) {
	s := newStory(t, later())
	s.must("acme", "ship", "S", goods("probe"))
	s.must("acme", "ship", "T", goods("second"))
	s.must("acme", "invoice", "I", declaring("INV-1", 100_001, "S", "T"))
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 3*Day)
	var b Bill
	s.Body(Kind, "invoice/I", &b)
	if b.Status != Exception || b.Claim != 50_000 || b.Reason != ByDelivery || b.Paid != 50_001 {
		t.Errorf("invoice %s, %d for %s in question, %d paid", b.Status, b.Claim, b.Reason, b.Paid)
	}
	s.must("acme", "contest", "I", nil)
	s.Advance(start + 10*Day)
	if got := s.Balance("party/acme", "EUR"); s.Status(Kind, "invoice/I") != Settled || got != 75_001 {
		t.Errorf("invoice %s, %d paid", s.Status(Kind, "invoice/I"), got)
	}
}

// A question about an invoice whose goods are on the way pays nothing by itself, however long nobody answers.
func TestAQuestionBeforeTheGoodsPaysNothing(t *testing.T) {
	for _, contested := range []bool{true, false} {
		s := shipped(t, coldChain())
		s.must("bistro", "respond", "S", Response{Code: "UQ", Reason: "PRI"})
		if contested {
			s.must("acme", "contest", "S", nil)
		}
		s.Advance(start + 10*Day)
		s.ends(Lost, Rejected, 0)
	}
}

// Rejecting one invoice rejects goods that another one covers: that one is asked about, not forgotten.
func TestAVerdictReachesEveryInvoiceAboutTheGoods(t *testing.T) {
	s := newStory(t, later())
	s.must("acme", "ship", "S", goods("probe"))
	s.must("acme", "invoice", "I", declaring("INV-1", 10_000, "S"))
	s.must("acme", "invoice", "J", declaring("INV-2", 20_000, "S"))
	s.must("acme", "deliver", "S", Arrival{start})
	s.must("bistro", "reject", "I", Rejection{"QUA"})
	var b Bill
	s.Body(Kind, "invoice/J", &b)
	if b.Status != Exception || b.Claim != 20_000 || b.Reason != ByQuality {
		t.Errorf("the other invoice is %s, %d in question", b.Status, b.Claim)
	}
}

// As many excursions and invoices as there may be fit into the events of one judgement.
func TestTheFullestJudgementFitsItsEvents(t *testing.T) {
	s := shipmentOf(coldChain())
	s.Judgement = &Judgement{}
	for range MaxExcursions {
		s.Judgement.Excursions = append(s.Judgement.Excursions, Excursion{Exposure: milliMinutes, EvidenceSHA256: make([]byte, 32)})
	}
	d := new(draft)
	d.announce(&s)
	for range MaxBills {
		if err := d.penalise(&Bill{ID: "I", Payable: domain.MaxMinor, Payment: coldChain().payment()}, &s); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.fx.Events); n > domain.MaxEvents/2 {
		t.Errorf("%d events, limit %d", n, domain.MaxEvents)
	}
}
