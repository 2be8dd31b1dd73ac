package invoice

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/contracttest"
	"aval/domain"
)

// examples names every command with a body that fits: alice sells to bob, carol carries.
func examples(t testing.TB) []string {
	t.Helper()
	terms := coldChain()
	terms.Supplier, terms.Buyer, terms.Carrier, terms.Operators = "alice", "bob", "carol", []domain.PartyID{"alice"}
	terms.ExpiresAt = 300_000_000_000
	terms.Delivery.WithinMillis = 89 * Day
	terms.Delivery.Fence.Readings, terms.Delivery.Fence.DwellMillis = 1, 0
	hash, err := terms.Hash()
	if err != nil {
		t.Fatal(err)
	}
	o := opening()
	o.Devices = []string{"d"}
	names := []string{"withdraw/A", "close/A", "cancel/S-1", "concede/S-1", "contest/S-1", "accept/S-1", "observe/S-1",
		"Equivocate/S-1", "Lapse/A", "Expire/A", "Depart/S-1", "Judge/S-1", "Overdue/S-1", "Decide/S-1", "Pay/S-1"}
	for _, each := range []struct {
		name string
		body any
	}{
		{"propose/A", Proposal{terms, 30_000_000_000}}, {"agree/A", Agreeing{hash}}, {"fund/A", Funding{domain.Money{Minor: 300_000, Currency: "EUR"}}},
		{"ship/S-1", o}, {"deliver/S-1", Arrival{40_000_000_000}}, {"accept/S-1", Acceptance{5000, "QTY"}}, {"reject/S-1", Rejection{"QUA"}},
	} {
		text, err := json.Marshal(each.body)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, each.name+" "+string(text))
	}
	return names
}

func TestLaws(t *testing.T) { contracttest.Laws(t, Contract, examples(t)...) }

func FuzzApply(f *testing.F) { contracttest.Fuzz(f, Contract, examples(f)...) }

func TestScenarios(t *testing.T) { contracttest.Scenarios(t, "testdata", Contract) }

// The law: whatever parties, sensors and clocks do, every shipment ends, no escrow keeps
// money, the supplier never gets more than was declared, and on incomplete evidence gets the
// whole only by the buyer's word. The bench itself asserts conservation after every step.
func TestEveryShipmentEndsAndMoneyIsConserved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		terms := coldChain()
		terms.PaymentDays = rapid.Int64Range(0, 2).Draw(rt, "days")
		terms.Triggers = rapid.SampledFrom([][]Trigger{{Delivered}, {Delivered, ConditionKept}, {Delivered, Accepted}}).Draw(rt, "triggers")
		s := shipped(t, terms)
		n := rapid.IntRange(3, 15).Draw(rt, "slots")
		heat := rapid.SampledFrom([]int64{5000, 8000, 9000, 80_000}).Draw(rt, "heat")
		told := false
		for _, o := range trip("probe", n, func(int) int64 { return heat }) {
			if rapid.IntRange(0, 5).Draw(rt, "lost") > 0 && s.Status(Kind, "shipment/S") == Despatched {
				s.observe(o)
			}
		}
		for range rapid.IntRange(0, 8).Draw(rt, "steps") {
			s.Advance(s.Now() + domain.Millis(rapid.Int64Range(0, int64(2*Day)).Draw(rt, "wait")))
			step := rapid.SampledFrom([]struct {
				sender domain.PartyID
				name   string
				body   any
			}{
				{"bistro", "accept", nil}, {"bistro", "accept", Acceptance{20_000, "QTY"}}, {"bistro", "accept", Acceptance{10_000, "QTY"}},
				{"bistro", "reject", Rejection{"QUA"}}, {"acme", "concede", nil}, {"acme", "contest", nil}, {"acme", "deliver", Arrival{start + hour}},
				{"acme", "cancel", nil}, {"bistro", "close", nil},
			}).Draw(rt, "step")
			err := s.try(step.sender, step.name, map[bool]string{true: "A", false: "S"}[step.name == "close"], step.body)
			told = told || err == nil && step.name == "accept" && step.body == nil
		}
		s.Advance(start + 150*Day)
		end := s.state()
		if !end.final() || end.Payoff == nil || s.Balance(end.escrow(), "EUR") != 0 || !s.Final(Kind, "agreement/A") {
			rt.Fatalf("not ended: %+v", end)
		}
		p := *end.Payoff
		if p.Paid+p.Returned != p.Declared || p.Paid < 0 || p.Returned < 0 || p.Paid > p.Declared-p.Penalty-p.Deduction {
			rt.Fatalf("payoff %+v", p)
		}
		if supplier, buyer := s.Balance("party/acme", "EUR"), s.Balance("party/bistro", "EUR"); supplier != p.Paid || supplier+buyer != 1_000_000 {
			rt.Fatalf("supplier has %d, buyer %d, paid %d", supplier, buyer, p.Paid)
		}
		if j := end.Judgement; j != nil && !j.Complete() && p.Paid == p.Declared && !told {
			rt.Fatalf("silence paid in full on %v", j.Incomplete)
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	terms := coldChain()
	terms.Delivery.WithinMillis = 89 * Day
	s := shipped(b, terms)
	messages := trip("probe", 6000, cool)
	s.observe(messages[:2000]...)
	state, sequence := s.state(), 2000
	v := viewOf{s}
	for b.Loop() {
		o := messages[sequence]
		in := domain.Input{Now: o.ObservedAt, Sender: "hauler", Command: domain.Command{Name: "observe", Contract: state.ID}, Evidence: []domain.Observation{o}}
		if _, err := Contract.Apply(v, in); err != nil {
			b.Fatal(fmt.Errorf("message %d: %w", sequence, err))
		}
	}
}
