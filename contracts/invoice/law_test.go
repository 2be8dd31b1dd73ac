package invoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/contracttest"
	"aval/contracts/invoice/fingerprint"
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
		"Equivocate/S-1", "Lapse/A", "Expire/A", "Depart/S-1", "Judge/S-1", "Overdue/S-1", "Decide/S-1",
		"File/S-1", "Restock/S-1", "Sweep/S-1", "Answer/S-1", "Pay/S-1", "Archive/S-1", "Elapse/S-1", "pay/S-1", "terminate/A", "resume/A",
		"excuse/S-1", "return/S-1", "takeBack/S-1", "drop/S-1"}
	for _, each := range []struct {
		name string
		body any
	}{
		{"propose/A", Proposal{terms, 30_000_000_000}}, {"agree/A", Agreeing{hash}}, {"fund/A", Funding{domain.Money{Minor: 300_000, Currency: "EUR"}}},
		{"ship/S-1", o}, {"invoice/I-1", Declaration{Agreement: "A", Number: "7", Payable: domain.Money{Minor: 50, Currency: "EUR"}, Shipments: []string{"S-1"}}}, {"deliver/S-1", Arrival{40_000_000_000}}, {"accept/S-1", Acceptance{5000, "QTY"}}, {"reject/S-1", Rejection{"QUA"}},
		{"amend/A", Proposal{terms, 30_000_000_000}}, {"undertake/A", Agreeing{hash}}, {"suspend/A", Notice{TheBuyer}}, {"appoint/A", Appointment{"carol"}},
		{"endorse/A", Appointment{"carol"}}, {"receive/S-1", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "2"}}}},
		{"respond/S-1", Response{Code: "UQ", Reason: "QTY", Deduction: 5}}, {"compensate/S-1", Compensation{domain.Money{Minor: 5, Currency: "EUR"}}},
	} {
		text, err := json.Marshal(each.body)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, each.name+" "+string(text))
	}
	return append(names, financing(t)...)
}

// financing names the commands about money with bodies that fit, as far as random parties come.
func financing(t testing.TB) []string {
	names := []string{"early/S-1", "pay/S-1", "net/C-1", "refund/C-1", "advance/S-1", "notify/S-1", "recourse/S-1", "repay/S-1", "remit/S-1", "take/O-1", "retract/O-1",
		"clear/00", "report/00", "Default/S-1", "Close/S-1", "Forget/O-1", "Unreserve/S-1", "Unanswered/S-1"}
	for _, each := range []struct {
		name string
		body any
	}{
		{"guarantee/S-1", Underwriting{euro(50)}}, {"instruct/S-1", Ordering{"E"}}, {"confirm/S-1", Confirming{"E", euro(50)}}, {"returned/S-1", Ordering{"E"}},
		{"credit/C-1", Crediting{Agreement: "A", Number: "CN", TypeCode: "381", Amount: euro(10)}}, {"invite/S-1", Inviting{[]domain.PartyID{"carol"}, seed(1)}},
		{"draw/S-1", Drawing{"P-1", seed(1)}}, {"offer/O-1", Offering{"00", "P-1", price(), 40_000_000_000}},
		{"programme/P-1", Putting{"EUR", 100, []Line{{Party: "bob", Limit: 100}}, []Line{{Party: "alice", Limit: 100}}, nil}},
		{"evaluate/00", fingerprint.Answer{Exact: seed(1), Loose: seed(2), Proof: append(seed(3), seed(4)...)}},
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
			if rapid.IntRange(0, 5).Draw(rt, "lost") > 0 && s.state().sensing() {
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
		end := s.bill()
		if !s.state().final() || !end.final() || end.Payoff == nil || s.Balance(end.escrow(), "EUR") != 0 || !s.Final(Kind, "agreement/A") {
			rt.Fatalf("not ended: %+v\n%+v", s.state(), end)
		}
		p := *end.Payoff
		if p.Paid+p.Returned != p.Declared || p.Paid < 0 || p.Returned < 0 || p.Paid > p.Declared-p.Penalty-p.Deduction {
			rt.Fatalf("payoff %+v", p)
		}
		if supplier, buyer := s.Balance("party/acme", "EUR"), s.Balance("party/bistro", "EUR"); supplier != p.Paid || supplier+buyer != 1_000_000 {
			rt.Fatalf("supplier has %d, buyer %d, paid %d", supplier, buyer, p.Paid)
		}
		if j := s.state().Judgement; j != nil && !j.Complete() && p.Paid == p.Declared && !told {
			rt.Fatalf("silence paid in full on %v", j.Incomplete)
		}
	})
}

// hostile plays odd and hostile messages and commands on a shipment that is under way; the
// bench asserts its laws, and whatever happened the shipment ends and no escrow keeps money.
func hostile(t testing.TB, rt *rapid.T) {
	terms := coldChain()
	terms.Delivery.Proof = rapid.SampledFrom([]Proof{ByFence, ByScan, ByAny, ByAll}).Draw(rt, "proof")
	if terms.Delivery.Proof == ByScan {
		terms.Delivery.Fence = nil
	}
	s := shipped(t, terms, "probe", "second")
	for range rapid.IntRange(1, 30).Draw(rt, "messages") {
		s.Advance(s.Now() + domain.Millis(rapid.Int64Range(0, int64(4*hour)).Draw(rt, "wait")))
		o := domain.Observation{
			Kind: Kind, Subject: "S", Holder: rapid.SampledFrom([]string{"probe", "second", "third"}).Draw(rt, "device"),
			Epoch: rapid.Uint64Range(1, 2).Draw(rt, "epoch"), Sequence: rapid.Uint64Range(1, 40).Draw(rt, "sequence"),
			Previous: rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(rt, "previous"), ObservedAt: instant(s).Draw(rt, "observedAt"),
			ClockQuality: rapid.SampledFrom([]domain.ClockQuality{"", domain.ClockUnset, domain.ClockGNSS}).Draw(rt, "clock"),
		}
		for range rapid.IntRange(1, 6).Draw(rt, "readings") {
			o.Readings = append(o.Readings, reading(s, rt)...)
		}
		s.mayRefuse(s.Observe(s.Now(), o))
		if rapid.IntRange(0, 9).Draw(rt, "speak") == 0 {
			name := rapid.SampledFrom([]string{"accept", "reject", "concede", "contest", "deliver", "cancel"}).Draw(rt, "name")
			body := map[string]any{"reject": Rejection{"QUA"}, "deliver": Arrival{instant(s).Draw(rt, "at")}}[name]
			s.mayRefuse(s.try(rapid.SampledFrom([]domain.PartyID{"acme", "bistro", "hauler"}).Draw(rt, "sender"), name, "S", body))
		}
	}
	s.Advance(start + 150*Day)
	if end := s.bill(); !s.state().final() || !end.final() || s.Balance(end.escrow(), "EUR") != 0 || !s.Final(Kind, "agreement/A") {
		rt.Fatalf("not ended: %+v", end)
	}
}

// instant draws one near the story's, or an extreme one.
func instant(s *story) *rapid.Generator[domain.Millis] {
	near := rapid.Map(rapid.Int64Range(-int64(6*hour), int64(10*minute)), func(d int64) domain.Millis { return s.Now() + domain.Millis(d) })
	return rapid.OneOf(near, near, near, rapid.SampledFrom([]domain.Millis{0, 1, -1, start, -1 << 63, 1<<63 - 1, s.Now()}))
}

func reading(s *story, rt *rapid.T) []domain.Reading {
	when := instant(s).Draw(rt, "at")
	switch rapid.IntRange(0, 5).Draw(rt, "reading") {
	case 0, 1:
		return []domain.Reading{celsius(when, rapid.Int64Range(-20_000, 330_000).Draw(rt, "milli"))}
	case 2:
		return inside(when)
	case 3:
		return scanned(when, "DOCK-7", sscc)
	case 4:
		return at(when, rapid.Int64().Draw(rt, "latitude"), rapid.Int64().Draw(rt, "longitude"))
	}
	return []domain.Reading{{
		Name: rapid.SampledFrom([]string{"temperature", "latitude", "longitude", "scan", ""}).Draw(rt, "name"),
		Unit: rapid.SampledFrom([]string{"Cel", "lat", "lon", ""}).Draw(rt, "unit"), Value: rapid.Int64().Draw(rt, "value"),
		Scale: rapid.Int8().Draw(rt, "scale"), Text: rapid.SampledFrom([]string{"", sscc}).Draw(rt, "text"), At: when,
	}}
}

// mayRefuse asserts that an error is a refusal: the bench ends the test at any other.
func (s *story) mayRefuse(err error) {
	s.t.Helper()
	var r *domain.Rejection
	if err != nil && !errors.As(err, &r) {
		s.t.Fatal(err)
	}
}

func TestHostileEvidence(t *testing.T) { rapid.Check(t, func(rt *rapid.T) { hostile(t, rt) }) }

func FuzzEvidence(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) { rapid.MakeFuzz(func(rt *rapid.T) { hostile(t, rt) })(t, data) })
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
