package invoice

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"aval/contracts/contracttest"
	"aval/domain"
	"aval/domain/canon"
)

const (
	minute domain.Millis = 60 * 1000
	hour                 = 60 * minute
)

var start = domain.Millis(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixMilli())

// coldChain is a two-day trip in 2 to 8 degrees, a reading every 10 min, 0.50 EUR a degree-minute.
func coldChain() Terms {
	return Terms{
		Supplier: "acme", Buyer: "bistro", Carrier: "hauler", Operators: []domain.PartyID{"hauler"}, Currency: "EUR",
		MaxPayable: 500_000, ExpiresAt: start + 100*Day, Triggers: []Trigger{Delivered, ConditionKept},
		Delivery: Delivery{
			Proof: ByFence, Fence: &Fence{Latitude: 520_000_000, Longitude: 50_000_000, RadiusMetres: 200, Readings: 2, DwellMillis: 10 * minute},
			WithinMillis: 2 * Day, GraceMillis: 6 * hour,
		},
		Sampling: Sampling{IntervalMillis: 10 * minute, MaxGapMillis: 30 * minute, WaitMillis: hour},
		Condition: &Condition{
			LowerMilli: 2000, UpperMilli: 8000, MinCoverage: "90", Consecutive: 2, Rate: "0.50", CapPercent: "20",
		},
		InspectionMillis: 2 * Day, ResponseMillis: 3 * Day, PaymentDays: 0, SilencePercent: "40", DisputePercent: "50",
	}
}

// byScan is the same trip without a temperature, proved by a scan.
func byScan() Terms {
	t := coldChain()
	t.Delivery.Proof, t.Delivery.Fence, t.Delivery.Dock = ByScan, nil, "DOCK-7"
	t.Condition, t.Triggers = nil, []Trigger{Delivered}
	return t
}

const sscc = "003404340000000017"

// story is a bench on which an agreement A with 5,000.00 EUR in escrow is in force.
type story struct {
	*contracttest.Bench
	t testing.TB
	// last is the fingerprint of each device's latest message.
	last map[string][]byte
}

func newStory(t testing.TB, terms Terms) *story {
	t.Helper()
	return newStoryWith(t, terms, func(*story) {})
}

// newStoryWith prepares the bench further, before the terms are proposed.
func newStoryWith(t testing.TB, terms Terms, prepare func(*story)) *story {
	t.Helper()
	s := &story{newStoryBench(t), t, map[string][]byte{}}
	prepare(s)
	s.Fund("bistro", domain.Money{Minor: 1_000_000, Currency: "EUR"})
	s.must("acme", "propose", "A", Proposal{Terms: terms, AnswerBy: s.Now() + start + hour})
	hash, err := terms.Hash()
	if err != nil {
		t.Fatal(err)
	}
	s.must("bistro", "agree", "A", Agreeing{hash})
	s.must("bistro", "fund", "A", Funding{domain.Money{Minor: 500_000, Currency: "EUR"}})
	return s
}

// newStoryBench knows the traders, the carrier and its devices.
func newStoryBench(t testing.TB) *contracttest.Bench {
	t.Helper()
	s := contracttest.New(t, Contract)
	for _, p := range []domain.PartyID{"acme", "bistro", "hauler", "other"} {
		s.Register(p, domain.RoleSupplier, domain.RoleBuyer, domain.RoleCarrier)
	}
	for _, device := range []string{"probe", "second", "third"} {
		s.RegisterDevice(device, "hauler")
	}
	s.RegisterDevice("foreign", "other")
	return s
}

func opening() Opening {
	return Opening{Agreement: "A", Number: "INV-1", Payable: domain.Money{Minor: 100_000, Currency: "EUR"}, Devices: []string{"probe"}}
}

// shipped is a story in which shipment S for 1,000.00 EUR left at start.
func shipped(t testing.TB, terms Terms, devices ...string) *story {
	t.Helper()
	s := newStory(t, terms)
	o := opening()
	if len(devices) > 0 {
		o.Devices = devices
	}
	if terms.Delivery.Proof.needsScan() {
		o.SSCC = sscc
	}
	s.must("acme", "ship", "S", o)
	return s
}

// try sends a command now, at start if the story has not begun.
func (s *story) try(sender domain.PartyID, name, contract string, body any) error {
	return s.Send(max(s.Now(), start), sender, Kind, contract, name, body)
}

func (s *story) must(sender domain.PartyID, name, contract string, body any) {
	s.t.Helper()
	if err := s.try(sender, name, contract, body); err != nil {
		s.t.Fatalf("%s by %s: %v", name, sender, err)
	}
}

// refused asserts the code of a refusal.
func refused(t testing.TB, err error, want domain.Code) {
	t.Helper()
	var r *domain.Rejection
	if !errors.As(err, &r) || r.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func (s *story) state() Shipment {
	s.t.Helper()
	var got Shipment
	if !s.Body(Kind, "shipment/S", &got) {
		s.t.Fatal("no shipment S")
	}
	return got
}

func (s *story) bill() Bill {
	s.t.Helper()
	var got Bill
	if !s.Body(Kind, "invoice/S", &got) {
		s.t.Fatal("no invoice S")
	}
	return got
}

func (s *story) judgement() Judgement {
	s.t.Helper()
	j := s.state().Judgement
	if j == nil {
		s.t.Fatal("not judged")
	}
	return *j
}

// ends asserts the final states of goods and invoice, and who has what of the 10,000.00 EUR; what the agreement holds is still the buyer's.
func (s *story) ends(goods, status string, supplier int64) {
	s.t.Helper()
	if got := s.Status(Kind, "shipment/S"); got != goods || !s.Final(Kind, "shipment/S") {
		s.t.Errorf("shipment is %s, want %s and final", got, goods)
	}
	if got := s.Status(Kind, "invoice/S"); got != status || !s.Final(Kind, "invoice/S") {
		s.t.Errorf("invoice is %s, want %s and final", got, status)
	}
	if got := s.Balance("party/acme", "EUR"); got != supplier {
		s.t.Errorf("supplier has %d, want %d", got, supplier)
	}
	escrow := s.Balance(domain.EscrowAccount(Kind, "agreement/A"), "EUR")
	if got := s.Balance("party/bistro", "EUR") + escrow; got != 1_000_000-supplier {
		s.t.Errorf("buyer has %d, want %d", got, 1_000_000-supplier)
	}
	for _, device := range s.state().Devices {
		if got := s.Status(Kind, "device/"+device); got != "free" {
			s.t.Errorf("device %s is %s", device, got)
		}
	}
}

func celsius(at domain.Millis, milli int64) domain.Reading {
	return domain.Reading{Name: "temperature", Unit: "Cel", Value: milli, Scale: 3, At: at}
}

func at(when domain.Millis, latitude, longitude int64) []domain.Reading {
	return []domain.Reading{
		{Name: "latitude", Unit: "lat", Value: latitude, Scale: 7, At: when},
		{Name: "longitude", Unit: "lon", Value: longitude, Scale: 7, At: when},
	}
}

func inside(when domain.Millis) []domain.Reading  { return at(when, 520_000_100, 50_000_100) }
func outside(when domain.Millis) []domain.Reading { return at(when, 510_000_000, 50_000_000) }

func scanned(when domain.Millis, texts ...string) []domain.Reading {
	var readings []domain.Reading
	for _, text := range texts {
		readings = append(readings, domain.Reading{Name: "scan", Text: text, At: when})
	}
	return readings
}

// fingerprint stands for the hash of a device's signed message.
func printOf(device string, epoch, sequence uint64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", device, epoch, sequence))
	return sum[:]
}

// message is the numbered message of a device in epoch 1, with a sound link to the one before.
func message(device string, sequence uint64, when domain.Millis, readings ...domain.Reading) domain.Observation {
	o := domain.Observation{
		Kind: Kind, Subject: "S", Holder: device, KeyID: device, Epoch: 1, Sequence: sequence, ObservedAt: when,
		Fingerprint: printOf(device, 1, sequence), Readings: readings,
	}
	if sequence > 1 {
		o.Previous = printOf(device, 1, sequence-1)
	}
	return o
}

// trip is one message every 10 min for n slots and then two at the dock: the delivery is
// proved at start + n x 10 min. milli gives the temperature of each slot.
func trip(device string, n int, milli func(slot int) int64) []domain.Observation {
	var messages []domain.Observation
	for i := range n + 1 {
		when := start + domain.Millis(i)*10*minute
		readings := outside(when)
		if i >= n-1 {
			readings = inside(when)
		}
		messages = append(messages, message(device, uint64(i+1), when, slices.Concat([]domain.Reading{celsius(when, milli(i))}, readings)...))
	}
	return messages
}

func cool(int) int64 { return 5000 }

// observe delivers messages, each at its own time or now if that is later.
func (s *story) observe(messages ...domain.Observation) {
	s.t.Helper()
	for _, o := range messages {
		if err := s.Observe(max(s.Now(), o.ObservedAt), o); err != nil {
			s.t.Fatalf("message %d of %s: %v", o.Sequence, o.Holder, err)
		}
	}
}

// raw is the canonical body of a record of this kind.
func (s *story) raw(key string) ([]byte, bool) {
	s.t.Helper()
	var into any
	switch key[:6] {
	case "agreem":
		into = &Agreement{}
	case "invoic":
		into = &Bill{}
	default:
		into = &Shipment{}
	}
	found := s.Body(Kind, key, into)
	body, err := canon.Marshal(into)
	if err != nil {
		s.t.Fatal(err)
	}
	return body, found
}

func jsonOf(body []byte) ([]byte, error) { return canon.ToJSON(body) }

func canonBytes(v any) ([]byte, error) { return canon.Marshal(v) }

// viewOf reads the records of a story's bench that one message needs.
type viewOf struct{ s *story }

func (v viewOf) Get(key string) ([]byte, bool) {
	into := any(&Shipment{})
	switch key[:5] {
	case "trace":
		into = &trace{}
	case "sampl":
		into = &slice{}
	case "invoi":
		into = &Bill{}
	}
	if !v.s.Body(Kind, key, into) {
		return nil, false
	}
	body, err := canon.Marshal(into)
	return body, err == nil
}

func (viewOf) Closed(string) bool                                { return false }
func (viewOf) Scan(string, string, int) []domain.Record          { return nil }
func (viewOf) Available(domain.AccountID, domain.Currency) int64 { return 0 }
func (viewOf) Posting(domain.PostingRef) (domain.Posting, bool)  { return domain.Posting{}, false }
