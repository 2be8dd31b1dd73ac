package flightdelay

import (
	"errors"
	"fmt"
	"testing"

	"aval/contracts/contracttest"
	"aval/domain"
)

const (
	legKey = "AS-98-ANC-SEA-2015-01-01"
	minute = domain.Millis(60_000)
	hour   = 60 * minute
	day    = 24 * hour
	// out is 2015-01-01T10:00Z, 01:00 in Anchorage; in is four hours later.
	out = domain.Millis(1_420_106_400_000)
	in  = out + 4*hour
	// sold is when policies are bound unless a test says otherwise.
	sold = out - 10*day
)

func theLeg() Leg {
	return Leg{
		Carrier: "AS", Number: "98", Origin: "ANC", Destination: "SEA", Date: "2015-01-01", ScheduledOut: out, ScheduledIn: in,
	}
}

// stage is a Bench with an insurer, three holders and three sources of two and one families.
type stage struct {
	*contracttest.Bench
	t        testing.TB
	sequence uint64
}

var holders = []domain.PartyID{"alice", "bob", "carol"}

// newStage offers product P under the reference terms with sources cirium, aero and avia, as changed.
func newStage(t testing.TB, change ...func(*Terms)) *stage {
	t.Helper()
	s := &stage{Bench: contracttest.New(t, Contract), t: t}
	s.Register("insurer", domain.RoleInsurer)
	s.Register("rival", domain.RoleInsurer)
	s.Register("oracle")
	s.RegisterSource("cirium", "oracle", "cirium")
	s.RegisterSource("aero", "oracle", "aero")
	s.RegisterSource("avia", "oracle", "avia")
	s.RegisterSource("resold", "oracle", "cirium") // the same data under another brand
	s.RegisterSource("stranger", "oracle", "stranger")
	for _, h := range holders {
		s.Register(h)
		s.Fund(h, domain.Money{Minor: 100_00, Currency: "USD"})
	}
	s.Fund("insurer", domain.Money{Minor: 100_000_00, Currency: "USD"})
	s.Fund("rival", domain.Money{Minor: 100_000_00, Currency: "USD"})
	terms := ReferenceTerms("cirium", "aero", "avia")
	for _, f := range change {
		f(&terms)
	}
	s.must(s.Send(sold-day, "insurer", Kind, "P", "offer", Offer{terms}))
	s.must(s.Send(sold-day, "insurer", Kind, "P", "reserve", Amount{usd(50_000_00)}))
	return s
}

func usd(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "USD"} }

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) bind(at domain.Millis, holder domain.PartyID, policy string, leg Leg) error {
	return s.Send(at, holder, Kind, policy, "bind", Bind{Product: "P", Leg: leg, Premium: usd(9_90)})
}

// cover binds one policy for each of the first n holders: PA, PB, PC.
func (s *stage) cover(n int) *stage {
	s.t.Helper()
	for i, h := range holders[:n] {
		s.must(s.bind(sold, h, "P"+string(rune('A'+i)), theLeg()))
	}
	return s
}

// report delivers a status under the source's next sequence, fetched now unless it says otherwise.
func (s *stage) report(at domain.Millis, source string, f domain.FlightStatus) error {
	if f.FetchedAt == 0 {
		f.FetchedAt = at
	}
	if f.Leg == "" {
		f.Leg = legKey
	}
	s.sequence++
	return s.Observe(at, domain.Observation{
		Kind: Kind, Subject: f.Leg, Holder: source, KeyID: source, Epoch: 1, Sequence: s.sequence, ObservedAt: at, Flight: &f,
	})
}

func landed(late domain.Millis) domain.FlightStatus {
	return domain.FlightStatus{Phase: domain.FlightLanded, ActualIn: in + late}
}

func phase(p domain.FlightPhase) domain.FlightStatus { return domain.FlightStatus{Phase: p} }

// landBy has the sources report a landing, a minute after it and a minute apart, and settles.
func (s *stage) landBy(late domain.Millis, sources ...string) {
	s.t.Helper()
	at := max(s.Now(), in+late)
	for _, source := range sources {
		at += minute
		s.must(s.report(at, source, landed(late)))
	}
	s.Advance(at + minute)
}

func (s *stage) balance(p domain.PartyID) int64 { return s.Balance(domain.PartyAccount(p), "USD") }

// reserved is what lies in the product's free reserve.
func (s *stage) reserved() int64 { return s.Balance(escrow("product", "P"), "USD") }

// ended is the settlement of a final policy.
func (s *stage) ended(id string) settlement {
	s.t.Helper()
	var p policy
	if !s.Body(Kind, "policy/"+id, &p) || !s.Final(Kind, "policy/"+id) || p.Settlement == nil {
		s.t.Fatalf("policy %s is not settled: %s", id, s.Status(Kind, "policy/"+id))
	}
	if s.Status(Kind, "policy/"+id) != p.Settlement.Outcome {
		s.t.Fatalf("policy %s: status %s, outcome %s", id, s.Status(Kind, "policy/"+id), p.Settlement.Outcome)
	}
	return *p.Settlement
}

func (s *stage) wantOpen(policies ...string) {
	s.t.Helper()
	for _, id := range policies {
		if got := s.Status(Kind, "policy/"+id); got != "bound" {
			s.t.Fatalf("policy %s is %s, want bound", id, got)
		}
	}
}

// wantEnd asserts outcome, paid amount, and what the holder has: 100.00 less the premium plus the amount, or all of it back.
func (s *stage) wantEnd(id, outcome string, amount int64) {
	s.t.Helper()
	got := s.ended(id)
	if got.Outcome != outcome || got.Amount != usd(amount) {
		s.t.Fatalf("policy %s: %s %s, want %s %s", id, got.Outcome, got.Amount, outcome, usd(amount))
	}
	var p policy
	s.Body(Kind, "policy/"+id, &p)
	want := 100_00 - 9_90 + amount
	if outcome == outcomeVoid {
		want = 100_00
	}
	if b := s.balance(p.Holder); b != want {
		s.t.Fatalf("%s has %d, want %d", p.Holder, b, want)
	}
}

func (s *stage) book(product string) (b book) {
	s.t.Helper()
	if !s.Body(Kind, bookKey(legKey, product), &b) {
		s.t.Fatalf("no book of %s", product)
	}
	return b
}

func (s *stage) count(event string) (n int) {
	for _, e := range s.Events() {
		if e.Name == event {
			n++
		}
	}
	return n
}

func codeOf(err error) domain.Code {
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return domain.Code(fmt.Sprint(err))
}

func wantCode(t testing.TB, err error, want domain.Code) {
	t.Helper()
	if codeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}
