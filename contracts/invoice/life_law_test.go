package invoice

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// deed is one step of a random story: a command, or a message if it has an observation.
type deed struct {
	wait           domain.Millis
	sender         domain.PartyID
	name, contract string
	body           any
	message        *domain.Observation
}

// deeds draws what parties, sensors and documents might do to an order of two lines, in any order.
func deeds(rt *rapid.T) []deed {
	sequence := map[string]uint64{}
	first := Opening{
		Agreement: "A", Number: "N-S", Payable: domain.Money{Minor: 121_000, Currency: "EUR"}, Devices: []string{"probe"}, SSCC: sscc,
		Lines:        []ShippedLine{{Line: "1", Quantity: "100"}},
		InvoiceLines: []BillLine{{Line: "1", Quantity: "100", Unit: "KGM", Price: rapid.SampledFrom([]string{"10.00", "10.50"}).Draw(rt, "first price")}},
	}
	all := []deed{{sender: "acme", name: "ship", contract: "S", body: first}}
	for range rapid.IntRange(4, 30).Draw(rt, "deeds") {
		next := drawDeed(rt, sequence)
		next.wait = domain.Millis(rapid.SampledFrom([]int64{0, 1, int64(minute), int64(hour), int64(hour), int64(6 * hour), int64(Day), int64(4 * Day)}).Draw(rt, "wait"))
		all = append(all, next)
	}
	return all
}

func drawDeed(rt *rapid.T, sequence map[string]uint64) deed {
	shipment := rapid.SampledFrom([]string{"S", "T"}).Draw(rt, "shipment")
	device := map[string]string{"S": "probe", "T": "second"}[shipment]
	bill := rapid.SampledFrom([]string{"S", "T", "I", "J"}).Draw(rt, "invoice")
	quantity := rapid.SampledFrom([]string{"1", "40", "60", "99", "100", "110"}).Draw(rt, "quantity")
	payable := rapid.Int64Range(1, 200_000).Draw(rt, "payable")
	price := rapid.SampledFrom([]string{"10.00", "10.10", "10.50", "9.99"}).Draw(rt, "price")
	lines := []BillLine{{Line: "1", Quantity: quantity, Unit: "KGM", Price: price}}
	money := domain.Money{Minor: payable, Currency: "EUR"}
	switch rapid.IntRange(0, 23).Draw(rt, "deed") {
	case 0, 20:
		return deed{sender: "acme", name: "ship", contract: shipment, body: Opening{
			Agreement: "A", Number: "N-" + shipment, Payable: money, Devices: []string{device}, SSCC: sscc,
			Lines: []ShippedLine{{Line: "1", Quantity: quantity}}, InvoiceLines: lines,
		}}
	case 3:
		o := Opening{Agreement: "A", Devices: []string{device}, SSCC: sscc, Lines: []ShippedLine{{Line: "1", Quantity: quantity}}}
		o.Invoice = rapid.SampledFrom([]string{"", "I"}).Draw(rt, "fulfils")
		return deed{sender: "acme", name: "ship", contract: shipment, body: o}
	case 4, 5:
		covers := rapid.SampledFrom([][]string{nil, {"S"}, {"T"}, {"S", "T"}}).Draw(rt, "covers")
		return deed{sender: "acme", name: "invoice", contract: bill, body: Declaration{Agreement: "A", Number: "N-" + bill, Payable: money, Shipments: covers, Lines: lines}}
	case 1, 2, 6, 7, 8, 21:
		sequence[device]++
		o := message(device, sequence[device], 0)
		o.Subject, o.Previous = shipment, nil
		o.Readings = rapid.SampledFrom([][]domain.Reading{scanned(0, "DOCK-7", sscc), scanned(0, "DOCK-8", sscc), {celsius(0, 5000)}, {celsius(0, 12_000)}}).Draw(rt, "readings")
		return deed{message: &o}
	case 9, 10, 11, 22:
		advice := rapid.SampledFrom([]ReceiptAdvice{
			{}, {Lines: []Advice{{Line: "1", Received: "90", Short: "10"}}}, {Lines: []Advice{{Line: "1", Received: "100", Rejected: "20", Reason: "ABL", Action: "2"}}},
			{Lines: []Advice{{Line: "1", Received: "110", Oversupply: "10", Keep: true}}}, {Lines: []Advice{{Line: "1", Short: "100"}}},
		}).Draw(rt, "advice")
		return deed{sender: "bistro", name: "receive", contract: shipment, body: advice}
	case 12, 13, 14, 23:
		response := Response{
			Code:   rapid.SampledFrom([]string{"AB", "IP", "UQ", "CA", "RE", "AP", "PD"}).Draw(rt, "code"),
			Reason: rapid.SampledFrom([]string{"", "QTY", "PRI"}).Draw(rt, "reason"), Deduction: rapid.SampledFrom([]int64{0, 1, 500}).Draw(rt, "deduction"),
		}
		return deed{sender: "bistro", name: "respond", contract: bill, body: response}
	case 15, 16:
		return deed{sender: "acme", name: rapid.SampledFrom([]string{"concede", "contest"}).Draw(rt, "answer"), contract: bill}
	case 17:
		return deed{sender: "acme", name: "deliver", contract: shipment, body: Arrival{At: start}}
	case 18:
		return deed{sender: rapid.SampledFrom([]domain.PartyID{"acme", "bistro"}).Draw(rt, "who"), name: "cancel", contract: shipment}
	}
	return deed{sender: "bistro", name: rapid.SampledFrom([]string{"return", "excuse", "pay"}).Draw(rt, "word"), contract: shipment}
}

// play does the deeds; a refusal is an outcome like any other.
func (s *story) play(all []deed) {
	s.t.Helper()
	for _, each := range all {
		s.Advance(max(s.Now(), start) + each.wait)
		if each.message == nil {
			s.mayRefuse(s.try(each.sender, each.name, each.contract, each.body))
			continue
		}
		o := *each.message
		o.ObservedAt = s.Now()
		o.Readings = slices.Clone(o.Readings)
		for i := range o.Readings {
			o.Readings[i].At = s.Now()
		}
		s.mayRefuse(s.Observe(s.Now(), o))
	}
	s.Advance(start + 1000*Day)
}

// The laws, whatever documents, observations, receipts and disputes come in whatever order: every
// record meets its end and no escrow keeps money; nothing is paid that was not approved or split by a rule
// before; nobody is paid more than was declared less what was deducted; and the same story told twice ends the same to the byte.
func TestLifeObeysItsLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		terms := ordered()
		terms.Triggers = rapid.SampledFrom([][]Trigger{{Delivered}, {Delivered, GoodsReceipt}, {GoodsReceipt}, {Delivered, Accepted}, {Delivered, ConditionKept}}).Draw(rt, "triggers")
		terms.PaymentDays = rapid.Int64Range(0, 3).Draw(rt, "days")
		terms.ClaimMillis = rapid.SampledFrom([]domain.Millis{0, 5 * Day}).Draw(rt, "claims")
		terms.Late = rapid.SampledFrom([]*Late{nil, {PercentPerDay: "5", CapPercent: "20", CancelDays: 1}}).Draw(rt, "late")
		terms.Condition = coldChain().Condition
		all := deeds(rt)
		s := newStory(t, terms)
		s.play(all)
		s.checkLife(rt)
		again := newStory(t, terms)
		again.play(all)
		if fmt.Sprint(s.Events()) != fmt.Sprint(again.Events()) || fmt.Sprint(s.Postings()) != fmt.Sprint(again.Postings()) {
			rt.Fatal("the same story ends twice in two ways")
		}
	})
}

func (s *story) checkLife(rt *rapid.T) {
	paid := int64(0)
	for _, id := range []string{"S", "T", "I", "J"} {
		var b Bill
		if !s.Body(Kind, billKey(id), &b) {
			continue
		}
		if !s.Final(Kind, billKey(id)) || b.Payoff == nil || s.Balance(b.escrow(), "EUR") != 0 {
			rt.Fatalf("invoice %s has not ended: %+v", id, b)
		}
		if b.Paid < 0 || b.Paid > b.net() || b.Payoff.Paid+b.Payoff.Returned != b.Payable {
			rt.Fatalf("invoice %s of %d paid %d, net %d, returned %d", id, b.Payable, b.Paid, b.net(), b.Payoff.Returned)
		}
		paid += b.Paid
	}
	for _, id := range []string{"S", "T"} {
		if s.Status(Kind, shipmentKey(id)) != "" && !s.Final(Kind, shipmentKey(id)) {
			rt.Fatalf("shipment %s has not ended: %s", id, s.Status(Kind, shipmentKey(id)))
		}
	}
	if !s.Final(Kind, "agreement/A") || s.Balance("party/acme", "EUR") != paid || s.Balance("party/bistro", "EUR") != 1_000_000-paid {
		rt.Fatalf("supplier has %d, buyer %d, paid were %d", s.Balance("party/acme", "EUR"), s.Balance("party/bistro", "EUR"), paid)
	}
	s.checkApproved(rt)
}

// checkApproved asserts that each payment follows an approval, or is a split by a rule of the terms.
func (s *story) checkApproved(rt *rapid.T) {
	approved, decided, claimed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range s.Events() {
		switch e.Name {
		case "GoodsDecided", "ShipmentLost", "ShipmentCancelled", "ReturnStarted":
			decided[e.Key] = true
		case "InvoiceClaimed":
			claimed[e.Key] = true
		case "InvoiceApproved":
			approved[e.Key] = true
			var b Bill
			s.Body(Kind, e.Key, &b)
			for _, id := range b.Shipments {
				if !decided[shipmentKey(id)] && !claimed[e.Key] {
					rt.Fatalf("%s was approved before its goods %s met their end", e.Key, id)
				}
			}
		case "InvoicePaid":
			if !approved[e.Key] {
				rt.Fatalf("%s was paid in part before it was approved", e.Key)
			}
		case "InvoiceSettled":
			body, err := jsonOf(e.Body)
			if err != nil {
				rt.Fatal(err)
			}
			split := strings.Contains(string(body), `"rule":"silence"`) || strings.Contains(string(body), `"rule":"dispute"`)
			var b Bill
			s.Body(Kind, e.Key, &b)
			for _, id := range b.Shipments {
				if split && !decided[shipmentKey(id)] {
					rt.Fatalf("%s was split before its goods %s met their end", e.Key, id)
				}
			}
			if !approved[e.Key] && !split && !strings.Contains(string(body), `"paid":0`) {
				rt.Fatalf("%s was paid before it was approved: %s", e.Key, body)
			}
		}
	}
}
