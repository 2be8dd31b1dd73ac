package flightdelay

import (
	"fmt"
	"slices"
	"testing"

	"aval/domain"
)

func TestMoneyCases(t *testing.T) {
	t.Run("39: the reserve backs exactly one policy, two buyers race", func(t *testing.T) {
		s := newStage(t)
		s.must(s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 200_00)}))
		s.must(s.bind(sold, "alice", "PA", theLeg()))
		wantCode(t, s.bind(sold, "bob", "PB", theLeg()), domain.InsufficientFunds)
		if s.balance("bob") != 100_00 {
			t.Error("the loser paid")
		}
	})
	t.Run("40, 46: nothing locked can be withdrawn, so settlement is always funded", func(t *testing.T) {
		s := newStage(t).cover(2)
		wantCode(t, s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 400_00 + 1)}), domain.InsufficientFunds)
		s.must(s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 400_00)}))
		s.landBy(3*hour, "cirium", "aero")
		s.wantEnd("PA", outcomePaid, 200_00)
		s.wantEnd("PB", outcomePaid, 200_00)
	})
	t.Run("the free reserve is held for the insurer", func(t *testing.T) {
		if s := newStage(t).cover(2); s.Held("insurer", "USD") != 50_000_00-400_00 || s.Held("alice", "USD") != 0 {
			t.Errorf("%d held for the insurer, %d for a holder", s.Held("insurer", "USD"), s.Held("alice", "USD"))
		}
	})
	t.Run("46: nor can what a quote keeps", func(t *testing.T) {
		s := newStage(t)
		s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
		wantCode(t, s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 200_00 + 1)}), domain.InsufficientFunds)
		s.must(s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 200_00)}))
		s.must(s.Send(sold, "alice", Kind, "PA", "bind", Bind{Quote: "Q1"}))
	})
	t.Run("39: the reserve that a quote keeps backs no other policy", func(t *testing.T) {
		s := newStage(t)
		s.must(s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 200_00)}))
		s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
		wantCode(t, s.bind(sold, "bob", "PB", theLeg()), domain.InsufficientFunds)
		s.must(s.Send(sold, "alice", Kind, "PA", "bind", Bind{Quote: "Q1"}))
		var p product
		if s.Body(Kind, "product/P", &p); p.Quoted != 0 || p.Locked != 200_00 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("42: a holder without any role left is paid", func(t *testing.T) {
		s := newStage(t).cover(2)
		s.Register("alice")
		s.landBy(2*hour, "cirium", "aero")
		s.wantEnd("PA", outcomePaid, 100_00)
		s.wantEnd("PB", outcomePaid, 100_00)
	})
	t.Run("45: a currency without decimals", func(t *testing.T) {
		s := newStage(t)
		terms := ReferenceTerms("cirium")
		terms.Payouts = Payouts{Currency: "JPY", Premium: 990, Tiers: []Tier{{60, 5000}}}
		s.Fund("insurer", domain.Money{Minor: 5000, Currency: "JPY"})
		s.Fund("alice", domain.Money{Minor: 990, Currency: "JPY"})
		s.must(s.Send(sold, "insurer", Kind, "Y", "offer", Offer{terms}))
		s.must(s.Send(sold, "insurer", Kind, "Y", "reserve", Amount{domain.Money{Minor: 5000, Currency: "JPY"}}))
		s.must(s.Send(sold, "alice", Kind, "PY", "bind", Bind{Product: "Y", Leg: theLeg(), Premium: domain.Money{Minor: 990, Currency: "JPY"}}))
		s.landBy(hour, "cirium")
		if got := s.Balance("party/alice", "JPY"); got != 5000 {
			t.Errorf("alice has %d yen", got)
		}
	})
	t.Run("47: a pause stops the sale, not live policies nor given quotes", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.Send(sold, "bob", Kind, "Q1", "quote", Quote{"P", theLeg()}))
		s.must(s.Send(sold, "insurer", Kind, "P", "pause", nil))
		wantCode(t, s.bind(sold, "carol", "PC", theLeg()), domain.WrongState)
		wantCode(t, s.Send(sold, "carol", Kind, "Q2", "quote", Quote{"P", theLeg()}), domain.WrongState)
		s.must(s.Send(sold, "bob", Kind, "PB", "bind", Bind{Quote: "Q1"}))
		s.must(s.Send(sold, "insurer", Kind, "P", "resume", nil))
		s.must(s.bind(sold, "carol", "PC", theLeg()))
		s.landBy(hour, "cirium", "aero")
		for _, id := range []string{"PA", "PB", "PC"} {
			s.wantEnd(id, outcomePaid, 50_00)
		}
	})
	t.Run("49: the same person buys twice", func(t *testing.T) {
		s := newStage(t).cover(1)
		wantCode(t, s.bind(sold, "alice", "again", theLeg()), domain.LimitExceeded)
		// Another product of the same insurer is no way round.
		s.must(s.Send(sold, "insurer", Kind, "P2", "offer", Offer{ReferenceTerms("cirium", "aero", "avia")}))
		s.must(s.Send(sold, "insurer", Kind, "P2", "reserve", Amount{usd(1000_00)}))
		wantCode(t, s.Send(sold, "alice", Kind, "again", "bind", Bind{Product: "P2", Leg: theLeg(), Premium: usd(9_90)}), domain.LimitExceeded)
	})
	t.Run("44, 50: after a refund everybody has what they had", func(t *testing.T) {
		s := newStage(t).cover(3)
		s.Advance(in + 80*hour)
		for _, h := range holders {
			if s.balance(h) != 100_00 {
				t.Errorf("%s has %d", h, s.balance(h))
			}
		}
		if s.balance("insurer") != 50_000_00 || s.reserved() != 50_000_00 {
			t.Error("the insurer gained or lost")
		}
	})
	t.Run("escrows of live policies hold premium and highest payout", func(t *testing.T) {
		s := newStage(t).cover(1)
		if got := s.Balance(escrow("policy", "PA"), "USD"); got != 200_00+9_90 {
			t.Errorf("%d", got)
		}
	})
}

// Two insurers cover one leg with other sources: each book is judged by its own terms.
func TestTwoProductsOnOneLeg(t *testing.T) {
	s := newStage(t)
	terms := ReferenceTerms("stranger")
	terms.Evidence.VoidAfterMinutes = 100 * 60
	terms.Polls = []Poll{{"out", -3 * 24 * 60, 60}}
	s.must(s.Send(sold, "rival", Kind, "R", "offer", Offer{terms}))
	s.must(s.Send(sold, "rival", Kind, "R", "reserve", Amount{usd(200_00)}))
	s.cover(1)
	s.must(s.Send(sold, "alice", Kind, "RA", "bind", Bind{Product: "R", Leg: theLeg(), Premium: usd(9_90)}))
	w := s.Watches()
	if len(w) != 1 || w[0].Until != in+100*hour || w[0].Phases[0] != (domain.WatchPhase{From: out - 3*day, Schedule: "@every 60m"}) ||
		w[0].Phases[1] != (domain.WatchPhase{From: in + 15*minute, Schedule: "@every 15m"}) || w[0].Phases[2].Schedule != "@every 60m" || len(w[0].Phases) != 3 {
		t.Fatalf("%+v", w)
	}
	s.must(s.report(in+hour, "stranger", landed(hour)))
	s.Advance(in + 2*hour)
	if s.ended("RA").Amount != usd(50_00) {
		t.Error("RA not paid")
	}
	s.wantOpen("PA")
	if w := s.Watches(); len(w) != 1 || w[0].Until != in+72*hour {
		t.Fatalf("%+v", w)
	}
	s.Advance(in + 73*hour)
	if s.ended("PA").Outcome != outcomeVoid || len(s.Watches()) != 0 {
		t.Error("PA not void, or still watched")
	}
}

// Hard case 41, without the crash: a crowd on one flight is settled in bounded slices, each
// as its own command, and every policy once.
func TestCrowdSettlesInSlices(t *testing.T) {
	const crowd = 250
	s := newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg = crowd * 200_00 })
	var people []domain.PartyID
	for i := range crowd {
		p := domain.PartyID(fmt.Sprintf("p%03d", i))
		people = append(people, p)
		s.Register(p)
		s.Fund(p, usd(9_90))
		s.must(s.bind(sold, p, "policy-"+string(p), theLeg()))
	}
	if len(s.Watches()) != 1 || s.book("P").Exposure != crowd*200_00 {
		t.Fatalf("%d watches, exposure %d", len(s.Watches()), s.book("P").Exposure)
	}
	s.landBy(130*minute, "cirium", "aero")
	var sizes []int
	last := domain.Millis(0)
	for _, p := range people {
		e := s.ended("policy-" + string(p))
		if e.At != last {
			sizes, last = append(sizes, 0), e.At
		}
		sizes[len(sizes)-1]++
		if s.balance(p) != 100_00 {
			t.Fatalf("%s has %d", p, s.balance(p))
		}
	}
	if fmt.Sprint(sizes) != "[80 80 80 10]" {
		t.Errorf("slices %v", sizes)
	}
	if s.Status(Kind, bookKey(legKey, "P")) != "closed" || s.count("PolicySettled") != crowd || len(s.Watches()) != 0 {
		t.Error("leg not closed once")
	}
	var p product
	s.Body(Kind, "product/P", &p)
	if p.Locked != 0 || p.Policies != 0 || s.balance("insurer") != 50_000_00+crowd*9_90 {
		t.Errorf("%+v, insurer %d", p, s.balance("insurer"))
	}
}

func TestQuoteLife(t *testing.T) {
	s := newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg = 200_00 })
	s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	// While it is open the capacity is kept; nobody else can use the quote.
	wantCode(t, s.bind(sold, "bob", "PB", theLeg()), domain.CapacityExceeded)
	wantCode(t, s.Send(sold, "bob", Kind, "PB", "bind", Bind{Quote: "Q1"}), domain.NotFound)
	s.Advance(sold + 15*minute)
	if s.Status(Kind, "quote/Q1") != "expired" || !s.Final(Kind, "quoted/alice/Q1") {
		t.Fatal("not expired")
	}
	wantCode(t, s.Send(s.Now(), "alice", Kind, "PA", "bind", Bind{Quote: "Q1"}), domain.NotFound)
	s.must(s.bind(s.Now(), "bob", "PB", theLeg()))
	// A quote that is bound is spent, and its deadline with it.
	s = newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg = 200_00 })
	s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	s.must(s.Send(sold+15*minute-1, "alice", Kind, "PA", "bind", Bind{Quote: "Q1"}))
	s.Advance(sold + hour)
	if s.Status(Kind, "quote/Q1") != "bound" || s.book("P").Quoted != 0 || s.book("P").Exposure != 200_00 {
		t.Errorf("%s %+v", s.Status(Kind, "quote/Q1"), s.book("P"))
	}
	// A quote never outlives the sale.
	s = newStage(t)
	s.must(s.Send(out-day-minute, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	var q quotation
	if s.Body(Kind, "quote/Q1", &q); q.ExpiresAt != out-day {
		t.Errorf("expires %d after the sale", q.ExpiresAt-(out-day))
	}
	wantCode(t, s.Send(out-day, "bob", Kind, "Q2", "quote", Quote{"P", theLeg()}), domain.TooLate)
}

// A quote with wrong times freezes nothing, and the book of a leg nobody buys closes.
func TestQuoteFreezesNoSchedule(t *testing.T) {
	s := newStage(t)
	wrong := theLeg()
	wrong.ScheduledIn -= 3 * hour
	s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", wrong}))
	s.must(s.bind(sold, "bob", "PB", theLeg()))
	wantCode(t, s.Send(sold, "alice", Kind, "PA", "bind", Bind{Quote: "Q1"}), domain.InvalidTerms)

	s = newStage(t)
	s.must(s.Send(sold, "alice", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	if len(s.Watches()) != 0 {
		t.Error("a quote opened a watch")
	}
	s.Advance(in + 73*hour)
	if s.Status(Kind, bookKey(legKey, "P")) != "closed" {
		t.Error("the book is left open")
	}
}

func TestListedSchedule(t *testing.T) {
	listedOnly := func(terms *Terms) { terms.Sale.StatedSchedule = false }
	s := newStage(t, listedOnly)
	wantCode(t, s.bind(sold, "alice", "PA", theLeg()), domain.NotFound)
	wantCode(t, s.Send(sold, "alice", Kind, "P", "list", List{[]Leg{theLeg()}}), domain.NotFound)
	s.must(s.Send(sold, "insurer", Kind, "P", "list", List{[]Leg{theLeg()}}))
	wantCode(t, s.Send(sold, "insurer", Kind, "P", "list", List{[]Leg{theLeg()}}), domain.AlreadyExists)
	lie := theLeg()
	lie.ScheduledIn -= 3 * hour
	wantCode(t, s.bind(sold, "alice", "PA", lie), domain.InvalidTerms)
	s.must(s.bind(sold, "alice", "PA", theLeg()))
	s.landBy(0, "cirium", "aero")
	s.wantEnd("PA", outcomeNotDue, 0)
}

// Once a source has spoken, the outcome is known to some: nobody may buy any more.
func TestNoSaleAfterAReport(t *testing.T) {
	s := newStage(t).cover(1)
	terms := ReferenceTerms("cirium", "aero")
	s.must(s.Send(sold, "rival", Kind, "R", "offer", Offer{terms}))
	s.must(s.Send(sold, "rival", Kind, "R", "reserve", Amount{usd(1000_00)}))
	s.must(s.Send(sold, "bob", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	s.must(s.report(sold, "cirium", phase(domain.FlightCancelled)))
	wantCode(t, s.bind(sold, "carol", "PC", theLeg()), domain.TooLate)
	wantCode(t, s.Send(sold, "bob", Kind, "PB", "bind", Bind{Quote: "Q1"}), domain.TooLate)
	wantCode(t, s.Send(sold, "carol", Kind, "RC", "bind", Bind{Product: "R", Leg: theLeg(), Premium: usd(9_90)}), domain.TooLate)
}

func TestVisibility(t *testing.T) {
	s := newStage(t).cover(2)
	s.must(s.Send(sold, "carol", Kind, "Q1", "quote", Quote{"P", theLeg()}))
	for key, want := range map[string][]domain.PartyID{
		"product/P": {"insurer"}, "policy/PA": {"alice", "insurer"}, "policy/PB": {"bob", "insurer"},
		"quote/Q1": {"carol", "insurer"}, bookKey(legKey, "P"): {"insurer"},
		"cover/" + legKey + "/P/PA": nil, "holder/" + legKey + "/alice/PA": nil, "quoted/carol/Q1": nil,
	} {
		if got := s.Parties(Kind, key); !slices.Equal(got, want) {
			t.Errorf("%s is seen by %v, want %v", key, got, want)
		}
	}
	s.landBy(hour, "cirium", "aero")
	for _, e := range s.Events() {
		for _, h := range holders {
			if slices.Contains(e.Parties, h) && e.Key != "policy/P"+map[domain.PartyID]string{"alice": "A", "bob": "B"}[h] && e.Key != "quote/Q1" {
				t.Errorf("%s sees %s of %s", h, e.Name, e.Key)
			}
		}
	}
}

func TestShowIsForItsParties(t *testing.T) {
	s := newStage(t).cover(1)
	var p policy
	s.Body(Kind, "policy/PA", &p)
	w, err := domain.Put("policy/PA", p, "bound")
	s.must(err)
	for _, viewer := range []domain.PartyID{"alice", "insurer", ""} {
		if _, err := Contract.Show("policy/PA", w.Body, viewer); err != nil {
			t.Errorf("%q: %v", viewer, err)
		}
	}
	_, err = Contract.Show("policy/PA", w.Body, "bob")
	wantCode(t, err, domain.NotFound)
	_, err = Contract.Show("other/PA", w.Body, "alice")
	wantCode(t, err, domain.NotFound)
	if _, err := Contract.Show("policy/PA", w.Body[1:], "alice"); err == nil {
		t.Error("damaged body shown")
	}
}
