package invoice

import (
	"slices"
	"testing"

	"aval/domain"
)

func TestConditionKeptIsPaidAtOnce(t *testing.T) {
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, cool)...)
	if s.Status(Kind, "shipment/S") != InTransit {
		t.Fatal("judged before the wait for late messages was over")
	}
	s.Advance(start + 3*hour)
	s.ends(GoodsAccepted, Settled, 100_000)
	if j := s.judgement(); j.Slots != 12 || j.Covered != 12 || j.DeliveredAt != start+2*hour || j.Proof != ByFence || !j.Complete() {
		t.Errorf("judgement %+v", j)
	}
}

// The buyer's money counts as its own, held, until a shipment is settled.
func TestEscrowIsHeldForTheBuyer(t *testing.T) {
	s := shipped(t, coldChain())
	total := s.Held("bistro", "EUR") + s.Balance("party/bistro", "EUR")
	if s.Held("bistro", "EUR") == 0 || total != 1_000_000 || s.Held("acme", "EUR") != 0 {
		t.Fatalf("%d held of %d", s.Held("bistro", "EUR"), total)
	}
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 3*hour)
	s.ends(GoodsAccepted, Settled, 100_000)
	if total := s.Held("bistro", "EUR") + s.Balance("party/bistro", "EUR"); total != 900_000 {
		t.Errorf("%d are the buyer's after it paid", total)
	}
}

func TestExcursionIsChargedAndInspected(t *testing.T) {
	s := shipped(t, coldChain())
	// Slots 4 and 5 are 3 and 1 degrees too warm: 30 + 10 degree-minutes at 0.50 are 20.00 EUR.
	s.observe(trip("probe", 12, func(slot int) int64 {
		return map[int]int64{4: 11_000, 5: 9000}[slot] + map[bool]int64{true: 5000}[slot != 4 && slot != 5]
	})...)
	s.Advance(start + 4*hour)
	if got := s.Status(Kind, "shipment/S"); got != Inspection {
		t.Fatalf("shipment is %s", got)
	}
	j := s.judgement()
	if len(j.Excursions) != 1 {
		t.Fatalf("excursions %+v", j.Excursions)
	}
	e := j.Excursions[0]
	if e.From != start+40*minute || e.To != start+60*minute || e.DegreeMinutes != "40" || e.PeakMilli != 11_000 || e.EvidenceCount != 2 {
		t.Errorf("excursion %+v", e)
	}
	if got := s.bill().deducted(ForCondition); got != 2000 {
		t.Errorf("charged %d", got)
	}
	s.Advance(start + 4*Day)
	s.ends(DeemedAccepted, Settled, 98_000)
}

func TestWithoutConditionKeptAnExcursionOnlyCosts(t *testing.T) {
	terms := coldChain()
	terms.Triggers = []Trigger{Delivered}
	s := shipped(t, terms)
	s.observe(trip("probe", 12, func(int) int64 { return 9000 })...)
	s.Advance(start + 4*hour)
	s.ends(GoodsAccepted, Settled, 94_000) // 120 degree-minutes
}

func TestTriggerAcceptedWaitsForTheBuyer(t *testing.T) {
	terms := coldChain()
	terms.Triggers = []Trigger{Accepted, Delivered}
	s := shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	if got := s.Status(Kind, "shipment/S"); got != GoodsDelivered {
		t.Fatalf("shipment is %s", got)
	}
	s.must("bistro", "accept", "S", nil)
	s.ends(GoodsAccepted, Settled, 100_000)
}

func TestPaymentDays(t *testing.T) {
	terms := coldChain()
	terms.PaymentDays = 30
	s := shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 3*hour + 30*Day - 1)
	if s.Status(Kind, "invoice/S") != Approved || s.Balance("party/acme", "EUR") != 0 {
		t.Fatalf("paid before the day: %s", s.Status(Kind, "invoice/S"))
	}
	refused(t, s.try("bistro", "reject", "S", Rejection{"QUA"}), domain.WrongState)
	s.Advance(start + 3*hour + 30*Day)
	s.ends(GoodsAccepted, Settled, 100_000)
}

// incomplete is a story whose sensor spoke only at the dock.
func incomplete(t *testing.T) *story {
	t.Helper()
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, cool)[10:]...)
	s.Advance(start + 4*hour)
	if got := s.Status(Kind, "shipment/S"); got != Conditional {
		t.Fatalf("shipment is %s", got)
	}
	if j := s.judgement(); !slices.Equal(j.Incomplete, []string{LowCoverage, LongGap}) {
		t.Fatalf("judgement %+v", j)
	}
	return s
}

func TestIncompleteEvidence(t *testing.T) {
	offer, rejection := Acceptance{Deduction: 30_000, Reason: "QTY"}, Rejection{"QUA"}
	for name, c := range map[string]struct {
		story         func(s *story)
		goods, status string
		paid          int64
	}{
		"accepted":                    {func(s *story) { s.must("bistro", "accept", "S", nil) }, GoodsAccepted, Settled, 100_000},
		"silence is held, then split": {func(s *story) { s.Advance(start + 10*Day) }, Conditional, Settled, 40_000},
		"accepted while held": {func(s *story) {
			s.Advance(start + 3*Day)
			if s.Status(Kind, "invoice/S") != Held {
				s.t.Error("not held")
			}
			s.must("bistro", "accept", "S", nil)
		}, GoodsAccepted, Settled, 100_000},
		"deduction conceded":   {func(s *story) { s.must("bistro", "accept", "S", offer); s.must("acme", "concede", "S", nil) }, Conditional, Settled, 70_000},
		"deduction unanswered": {func(s *story) { s.must("bistro", "accept", "S", offer); s.Advance(start + 10*Day) }, Conditional, Settled, 70_000},
		"deduction contested": {func(s *story) {
			s.must("bistro", "accept", "S", offer)
			s.must("acme", "contest", "S", nil)
			s.Advance(start + 10*Day)
		}, Conditional, Settled, 85_000},
		"claim lowered and conceded": {func(s *story) {
			s.must("bistro", "accept", "S", offer)
			s.must("acme", "contest", "S", nil)
			refused(s.t, s.try("bistro", "accept", "S", offer), domain.InvalidAmount)
			s.must("bistro", "accept", "S", Acceptance{Deduction: 10_000, Reason: "QTY"})
			s.must("acme", "concede", "S", nil)
		}, Conditional, Settled, 90_000},
		"rejected and conceded":  {func(s *story) { s.must("bistro", "reject", "S", rejection); s.must("acme", "concede", "S", nil) }, GoodsRejected, Rejected, 0},
		"rejected, no answer":    {func(s *story) { s.must("bistro", "reject", "S", rejection); s.Advance(start + 10*Day) }, GoodsRejected, Rejected, 0},
		"rejected, then in full": {func(s *story) { s.must("bistro", "reject", "S", rejection); s.must("bistro", "accept", "S", nil) }, GoodsAccepted, Settled, 100_000},
		"rejected and contested": {func(s *story) {
			s.must("bistro", "reject", "S", rejection)
			s.must("acme", "contest", "S", nil)
			s.Advance(start + 10*Day)
		}, GoodsRejected, Settled, 50_000},
		"dispute ends in acceptance": {func(s *story) {
			s.must("bistro", "reject", "S", rejection)
			s.must("acme", "contest", "S", nil)
			s.must("bistro", "accept", "S", nil)
		}, GoodsAccepted, Settled, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			s := incomplete(t)
			c.story(s)
			s.ends(c.goods, c.status, c.paid)
			if end := s.bill(); end.Payoff.Rule == ByAcceptance && end.Claim != end.Payoff.Deduction {
				t.Errorf("a claim of %d is left, conceded was %d", end.Claim, end.Payoff.Deduction)
			}
			s.must("bistro", "close", "A", nil)
			if got := s.Balance("party/bistro", "EUR"); got != 1_000_000-c.paid {
				t.Errorf("buyer has %d", got)
			}
		})
	}
}

// Nobody gains time by lowering a claim: the dispute ends when it would have ended.
func TestLoweringAClaimKeepsTheDeadline(t *testing.T) {
	s := incomplete(t)
	s.must("bistro", "reject", "S", Rejection{"QUA"})
	s.must("acme", "contest", "S", nil)
	before := s.bill().AnswerAt
	s.Advance(before - 1)
	s.must("bistro", "accept", "S", Acceptance{Deduction: 20_000, Reason: "QUA"})
	s.Advance(before)
	s.ends(Conditional, Settled, 90_000)
}

func TestSilenceReturnsEverythingIfTheTermsSaySo(t *testing.T) {
	terms := coldChain()
	terms.SilencePercent = "0"
	s := shipped(t, terms)
	s.must("acme", "deliver", "S", Arrival{start})
	s.Advance(start + 10*Day)
	s.ends(Conditional, Rejected, 0)
}

func TestLost(t *testing.T) {
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, cool)[:10]...)
	s.Advance(start + 2*Day + 6*hour - 1)
	if s.Status(Kind, "shipment/S") != InTransit {
		t.Fatal("lost before the grace was over")
	}
	s.Advance(start + 2*Day + 6*hour)
	s.ends(Lost, Rejected, 0)
}

func TestOverdueJudgesWhatIsProved(t *testing.T) {
	terms := coldChain()
	terms.Sampling.WaitMillis = 10 * Day
	s := shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 2*Day + 6*hour)
	s.ends(GoodsAccepted, Settled, 100_000)
}

func TestCancelOnlyBeforeDespatch(t *testing.T) {
	s := newStory(t, coldChain())
	o := opening()
	o.DespatchAt = start + hour
	s.must("acme", "ship", "S", o)
	refused(t, s.try("bistro", "accept", "S", nil), domain.WrongState)
	refused(t, s.try("hauler", "cancel", "S", nil), domain.NotFound)
	s.must("bistro", "cancel", "S", nil)
	s.ends(Cancelled, Rejected, 0)
	refused(t, s.try("acme", "ship", "S2", o), domain.AlreadyExists) // the number stays used
	o.Number = "INV-2"
	s.must("acme", "ship", "S2", o)
	s.Advance(start + hour)
	refused(t, s.try("bistro", "cancel", "S2", nil), domain.WrongState)
	s.must("acme", "cancel", "S2", nil) // a return, not a cancellation
	if s.Status(Kind, "shipment/S2") != Returning || s.Status(Kind, "invoice/S2") != Rejected {
		t.Errorf("shipment %s, invoice %s", s.Status(Kind, "shipment/S2"), s.Status(Kind, "invoice/S2"))
	}
	s.must("acme", "takeBack", "S2", nil)
	if !s.Final(Kind, "shipment/S2") {
		t.Error("the return has not ended")
	}
}

func TestEquivocationIsNeverPaidInFullBySilence(t *testing.T) {
	s := shipped(t, coldChain())
	messages := trip("probe", 12, cool)
	s.observe(messages[:6]...)
	twin := messages[3]
	twin.Fingerprint = printOf("probe", 9, 9)
	s.observe(twin)
	s.observe(messages[6:]...)
	s.Advance(start + 10*Day)
	s.ends(Conditional, Settled, 40_000)
	if j := s.judgement(); !slices.Equal(j.Incomplete, []string{Equivocated}) {
		t.Errorf("judgement %+v", j)
	}
}

func TestLateDeliveryIsInspected(t *testing.T) {
	terms := coldChain()
	terms.Delivery.WithinMillis = 2*hour - 1
	s := shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	if j := s.judgement(); s.Status(Kind, "shipment/S") != Conditional || !slices.Equal(j.Incomplete, []string{TooLate}) {
		t.Errorf("judgement %+v", j)
	}
	terms.Delivery.WithinMillis = 2 * hour
	s = shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	s.ends(GoodsAccepted, Settled, 100_000)
}

func TestTripTooShortToBelieveIsInspected(t *testing.T) {
	terms := coldChain()
	terms.Delivery.MinTransitMillis = 2*hour + 1
	s := shipped(t, terms)
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	if j := s.judgement(); !slices.Equal(j.Incomplete, []string{TooSoon}) {
		t.Errorf("judgement %+v", j)
	}
}

func TestScanProvesTheDelivery(t *testing.T) {
	for name, c := range map[string]struct {
		texts         []string
		goods, status string
		paid          int64
	}{
		"dock and goods":  {[]string{"DOCK-7", sscc}, GoodsAccepted, Settled, 100_000},
		"label with 00":   {[]string{"00" + sscc, "DOCK-7"}, GoodsAccepted, Settled, 100_000},
		"wrong dock":      {[]string{"DOCK-8", sscc}, Lost, Rejected, 0},
		"other goods":     {[]string{"DOCK-7", "003404340000000024"}, Lost, Rejected, 0},
		"goods alone":     {[]string{sscc}, Lost, Rejected, 0},
		"an empty string": {[]string{"", "DOCK-7"}, Lost, Rejected, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipped(t, byScan())
			s.observe(message("probe", 1, start+hour, scanned(start+hour, c.texts...)...))
			s.Advance(start + 3*Day)
			s.ends(c.goods, c.status, c.paid)
		})
	}
}

// Scanned one after the other, the proof is complete with the second, whichever that is.
func TestScansOfOneMessageAtTwoInstants(t *testing.T) {
	for _, texts := range [][2]string{{"DOCK-7", sscc}, {sscc, "DOCK-7"}} {
		s := shipped(t, byScan())
		readings := append(scanned(start+hour, texts[0]), scanned(start+hour+minute, texts[1])...)
		s.observe(message("probe", 1, start+2*hour, append(readings, scanned(start+2*hour, sscc, "DOCK-7")...)...))
		s.Advance(start + 5*hour)
		if j := s.judgement(); j.DeliveredAt != start+hour+minute {
			t.Errorf("%v: delivered %d ms after start", texts, j.DeliveredAt-start)
		}
	}
}

func TestProofByAnyAndAll(t *testing.T) {
	terms := coldChain()
	terms.Delivery.Dock = "DOCK-7"
	terms.Delivery.Proof = ByAll
	run := func(terms Terms, messageCount int) Judgement {
		s := shipped(t, terms)
		messages := trip("probe", 12, cool)
		messages[6].Readings = append(messages[6].Readings, scanned(start+hour, "DOCK-7", sscc)...)
		s.observe(messages[:messageCount]...)
		s.Advance(start + 10*Day)
		return s.judgement()
	}
	if j := run(terms, 13); j.Proof != ByAll || j.DeliveredAt != start+2*hour {
		t.Errorf("all: %+v", j)
	}
	terms.Delivery.Proof = ByAny
	if j := run(terms, 10); j.Proof != ByScan || j.DeliveredAt != start+hour {
		t.Errorf("any: %+v", j)
	}
}

func TestAcceptedOnTheWay(t *testing.T) {
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, func(slot int) int64 { return 9000 })[:4]...)
	refused(t, s.try("bistro", "accept", "S", Acceptance{Deduction: 5, Reason: "QTY"}), domain.WrongState)
	s.Advance(start + hour)
	s.must("bistro", "accept", "S", nil)
	s.ends(GoodsAccepted, Settled, 98_000) // four readings for 10 min each, 1 degree too warm
	if j := s.judgement(); j.Proof != ByBuyer {
		t.Errorf("judgement %+v", j)
	}
}

func TestDriveByProvesNothing(t *testing.T) {
	s := shipped(t, coldChain())
	messages := trip("probe", 12, cool)
	messages[2].Readings = append([]domain.Reading{celsius(start+20*minute, 5000)}, inside(start+20*minute)...)
	s.observe(messages[:10]...)
	if s.state().JudgeAt != 0 {
		t.Fatal("a single position inside is still waited for")
	}
	s.observe(messages[10:]...)
	s.Advance(start + 3*hour)
	s.ends(GoodsAccepted, Settled, 100_000)
}

func TestAgreementEnds(t *testing.T) {
	s := newStory(t, coldChain())
	s.Advance(start + 100*Day)
	if !s.Final(Kind, "agreement/A") || s.Balance("party/bistro", "EUR") != 1_000_000 {
		t.Error("expired agreement keeps money")
	}
	refused(t, s.try("acme", "ship", "S", opening()), domain.NotFound)
}

func TestAgreementExpiresWithItsLastShipment(t *testing.T) {
	terms := coldChain()
	terms.ExpiresAt = start + Day
	s := shipped(t, terms)
	s.Advance(start + Day)
	refused(t, s.try("acme", "ship", "S2", opening()), domain.WrongState)
	refused(t, s.try("bistro", "close", "A", nil), domain.WrongState)
	s.Advance(start + 4*Day)
	if !s.Final(Kind, "agreement/A") || s.Balance("party/bistro", "EUR") != 1_000_000 {
		t.Error("agreement outlives its last shipment")
	}
}

func TestProposalLapsesOrIsWithdrawn(t *testing.T) {
	s := newStory(t, coldChain())
	p := Proposal{Terms: coldChain(), AnswerBy: start + hour}
	s.must("bistro", "propose", "B", p)
	s.must("bistro", "propose", "C", p)
	refused(t, s.try("acme", "withdraw", "B", nil), domain.NotPermitted)
	s.must("bistro", "withdraw", "B", nil)
	s.Advance(start + hour)
	if s.Status(Kind, "agreement/B") != Withdrawn || s.Status(Kind, "agreement/C") != Lapsed {
		t.Error("a proposal is still open")
	}
	refused(t, s.try("bistro", "propose", "B", p), domain.AlreadyExists)
}
