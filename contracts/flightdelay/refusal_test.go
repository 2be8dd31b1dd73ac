package flightdelay

import (
	"fmt"
	"strings"
	"testing"

	"aval/domain"
)

func TestRefusals(t *testing.T) {
	good := ReferenceTerms("cirium", "aero", "avia")
	leg := func(change func(*Leg)) Leg {
		l := theLeg()
		change(&l)
		return l
	}
	for _, c := range []struct {
		name        string
		sender      domain.PartyID
		command, id string
		body        any
		want        domain.Code
		sentence    string
	}{
		{"unknown command", "alice", "claim", "P", nil, domain.UnknownCommand, "claim"},
		{"offer by a holder", "alice", "offer", "N", Offer{good}, domain.NotPermitted, "role insurer"},
		{"offer twice", "insurer", "offer", "P", Offer{good}, domain.AlreadyExists, "P"},
		{"offer with an unknown field", "insurer", "offer", "N", map[string]any{"term": 1}, domain.Malformed, "term"},
		{"reserve of a stranger's product", "rival", "reserve", "P", Amount{usd(1)}, domain.NotFound, "not yours"},
		{"reserve of no product", "insurer", "reserve", "N", Amount{usd(1)}, domain.NotFound, "not yours"},
		{"reserve in another currency", "insurer", "reserve", "P", Amount{domain.Money{Minor: 1, Currency: "EUR"}}, domain.CurrencyMismatch, "USD"},
		{"reserve nothing", "insurer", "reserve", "P", Amount{usd(0)}, domain.InvalidAmount, "amount"},
		{"reserve less than nothing", "insurer", "reserve", "P", Amount{usd(-5)}, domain.InvalidAmount, "amount"},
		{"reserve more than own", "insurer", "reserve", "P", Amount{usd(50_000_01)}, domain.InsufficientFunds, ""},
		{"withdraw too much", "insurer", "withdraw", "P", Amount{usd(50_000_01)}, domain.InsufficientFunds, "free reserve"},
		{"withdraw a stranger's", "rival", "withdraw", "P", Amount{usd(1)}, domain.NotFound, ""},
		{"resume what is on sale", "insurer", "resume", "P", nil, domain.WrongState, "paused"},
		{"pause a stranger's", "alice", "pause", "P", nil, domain.NotFound, ""},
		{"pause with a body", "insurer", "pause", "P", map[string]any{"now": true}, domain.Malformed, "now"},
		{"list nothing", "insurer", "list", "P", List{}, domain.LimitExceeded, "legs"},
		{"list too many", "insurer", "list", "P", List{make([]Leg, MaxList+1)}, domain.LimitExceeded, "limit 32|want 1 to 32"},
		{"list one leg twice", "insurer", "list", "P", List{[]Leg{theLeg(), theLeg()}}, domain.AlreadyExists, "legs[1]"},
		{"list a past leg", "insurer", "list", "P", List{[]Leg{leg(func(l *Leg) {
			l.Date, l.ScheduledOut, l.ScheduledIn = "2014-12-01", out-31*day, in-31*day
		})}}, domain.TooLate, "departure"},
		{"quote of no product", "alice", "quote", "Q", Quote{"N", theLeg()}, domain.NotFound, "N"},
		{"quote of a malformed product", "alice", "quote", "Q", Quote{"a/b", theLeg()}, domain.Malformed, ""},
		{"bind by the insurer", "insurer", "bind", "N", Bind{Product: "P", Leg: theLeg(), Premium: usd(9_90)}, domain.NotPermitted, "insurer"},
		{"bind at another premium", "alice", "bind", "N", Bind{Product: "P", Leg: theLeg(), Premium: usd(9_89)}, domain.InvalidAmount, "9.90 USD"},
		{"bind without a premium", "alice", "bind", "N", Bind{Product: "P", Leg: theLeg()}, domain.InvalidAmount, "9.90 USD"},
		{"bind a used ID", "carol", "bind", "PB", Bind{Product: "P", Leg: theLeg(), Premium: usd(9_90)}, domain.AlreadyExists, "PB"},
		{"bind without money", "pauper", "bind", "N", Bind{Product: "P", Leg: theLeg(), Premium: usd(9_90)}, domain.InsufficientFunds, ""},
		{"bind no quote", "alice", "bind", "N", Bind{Quote: "Q"}, domain.NotFound, "not yours"},
		{"bind a quote and more", "alice", "bind", "N", Bind{Quote: "Q", Product: "P"}, domain.Malformed, "leave them out"},
		{"bind a past flight", "alice", "bind", "N", Bind{Product: "P", Premium: usd(9_90), Leg: leg(func(l *Leg) {
			l.Date, l.ScheduledOut, l.ScheduledIn = "2014-12-01", out-31*day, in-31*day
		})}, domain.TooLate, "closes 1440 minutes"},
		{"bind too early", "alice", "bind", "N", Bind{Product: "P", Premium: usd(9_90), Leg: leg(func(l *Leg) {
			l.Date, l.ScheduledOut, l.ScheduledIn = "2016-01-01", out+365*day, in+365*day
		})}, domain.TooEarly, "opens"},
		{"observe without evidence", "alice", "observe", legKey, nil, domain.NotEvidence, "one observation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			s.Register("pauper")
			s.must(s.bind(sold, "bob", "PB", theLeg2()))
			before := fmt.Sprint(s.Events(), s.Postings())
			err := s.Send(sold, c.sender, Kind, c.id, c.command, c.body)
			wantCode(t, err, c.want)
			named := false
			for part := range strings.SplitSeq(c.sentence, "|") {
				named = named || strings.Contains(err.Error(), part)
			}
			if !named {
				t.Errorf("%q does not say %q", err, c.sentence)
			}
			if fmt.Sprint(s.Events(), s.Postings()) != before {
				t.Error("half applied")
			}
		})
	}
}

func theLeg2() Leg {
	l := theLeg()
	l.Number = "99"
	return l
}

func TestLegRefusals(t *testing.T) {
	for name, change := range map[string]func(*Leg){
		"carrier":              func(l *Leg) { l.Carrier = "A" },
		"carrier ":             func(l *Leg) { l.Carrier = "12" },
		"carrier  ":            func(l *Leg) { l.Carrier = "A-B" },
		"number":               func(l *Leg) { l.Number = "-1" },
		"origin":               func(l *Leg) { l.Origin = "ANCHO" },
		"origin ":              func(l *Leg) { l.Origin = l.Destination },
		"destination":          func(l *Leg) { l.Destination = "S A" },
		"date":                 func(l *Leg) { l.Date = "2015-1-1" },
		"date ":                func(l *Leg) { l.Date = "2015-02-30" },
		"date  ":               func(l *Leg) { l.Date = "" },
		"scheduledOut":         func(l *Leg) { l.ScheduledOut = 0 },
		"scheduledOut ":        func(l *Leg) { l.ScheduledOut, l.ScheduledIn = l.ScheduledOut+2*day, l.ScheduledIn+2*day },
		"scheduledOut  ":       func(l *Leg) { l.ScheduledOut, l.ScheduledIn = l.ScheduledOut-2*day, l.ScheduledIn-2*day },
		"scheduledOut (least)": func(l *Leg) { l.ScheduledOut = -1 << 63 },
		"scheduledOut (most)":  func(l *Leg) { l.ScheduledOut = 1<<63 - 1 },
		"scheduledIn":          func(l *Leg) { l.ScheduledIn = l.ScheduledOut },
		"scheduledIn ":         func(l *Leg) { l.ScheduledIn = l.ScheduledOut + day + 1 },
		"scheduledIn (most)":   func(l *Leg) { l.ScheduledIn = 1<<63 - 1 },
	} {
		l := theLeg()
		change(&l)
		_, err := l.normal()
		wantCode(t, err, domain.Malformed)
		if field, _, _ := strings.Cut(name, " "); !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTermsRefusals(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		field  string
		change func(*Terms)
	}{
		{"tiers", func(t *Terms) { t.Payouts.Tiers = make([]Tier, MaxTiers+1) }},
		{"tiers[1]", func(t *Terms) { t.Payouts.Tiers[1].FromMinutes = 60 }},
		{"tiers[2]", func(t *Terms) { t.Payouts.Tiers[2].Amount = 100_00 }},
		{"tiers[0]", func(t *Terms) { t.Payouts.Tiers[0].FromMinutes = 0 }},
		{"tiers[0]", func(t *Terms) { t.Payouts.Tiers[0].Amount = 0 }},
		{"cancelled", func(t *Terms) { t.Payouts.Cancelled = -1 }},
		{"diverted", func(t *Terms) { t.Payouts.Diverted = -1 }},
		{"highest payout", func(t *Terms) { t.Payouts = Payouts{Currency: "USD", Premium: 1} }},
		{"highest payout", func(t *Terms) { t.Payouts.Tiers[2].Amount = 1 << 60 }},
		{"premium", func(t *Terms) { t.Payouts.Premium = 200_00 }}, // hard case 48
		{"premium", func(t *Terms) { t.Payouts.Premium = 0 }},
		{"last tier", func(t *Terms) { t.Payouts.Tiers[2].FromMinutes = MaxDelayMinutes + 1 }},
		{"maxPerLeg", func(t *Terms) { t.Sale.MaxPerLeg = 200_00 - 1 }},
		{"maxTotal", func(t *Terms) { t.Sale.MaxTotal = t.Sale.MaxPerLeg - 1 }},
		{"maxPerHolder", func(t *Terms) { t.Sale.MaxPerHolder = 0 }},
		{"maxPerHolder", func(t *Terms) { t.Sale.MaxPerHolder = MaxPerHolder + 1 }},
		{"closesMinutes", func(t *Terms) { t.Sale.ClosesMinutes = 0 }},
		{"opensMinutes", func(t *Terms) { t.Sale.OpensMinutes = t.Sale.ClosesMinutes }},
		{"quoteMinutes", func(t *Terms) { t.Sale.QuoteMinutes = 0 }},
		{"quoteMinutes", func(t *Terms) { t.Sale.QuoteMinutes = 1441 }},
		{"scheduleToleranceMinutes", func(t *Terms) { t.Sale.ScheduleToleranceMinutes = 61 }},
		{"toleranceMinutes", func(t *Terms) { t.Evidence.ToleranceMinutes = -1 }},
		{"staleMinutes", func(t *Terms) { t.Evidence.StaleMinutes = 0 }},
		{"skewMinutes", func(t *Terms) { t.Evidence.SkewMinutes = 61 }},
		{"voidAfterMinutes", func(t *Terms) { t.Evidence.VoidAfterMinutes = 180 }},
		{"voidAfterMinutes", func(t *Terms) { t.Evidence.VoidAfterMinutes = 1<<63 - 1 }},
		{"waitMinutes", func(t *Terms) { t.Evidence.WaitMinutes = t.Evidence.VoidAfterMinutes }},
		{"cancelledAfterMinutes", func(t *Terms) { t.Evidence.CancelledAfterMinutes = t.Evidence.VoidAfterMinutes }},
		{"divertedAfterMinutes", func(t *Terms) { t.Evidence.DivertedAfterMinutes = -1 }},
		{"correctionMinutes", func(t *Terms) { t.Evidence.CorrectionMinutes = -1 }},
		{"sources", func(t *Terms) { t.Evidence.Sources = nil }},
		{"sources", func(t *Terms) { t.Evidence.Sources = make([]string, MaxSources+1) }},
		{"sources[3]", func(t *Terms) { t.Evidence.Sources = append(t.Evidence.Sources, "aero") }},
		{"sources[0]", func(t *Terms) { t.Evidence.Sources = []string{"nobody"} }},
		{"quorum", func(t *Terms) { t.Evidence.Quorum = 0 }},
		{"quorum", func(t *Terms) { t.Evidence.Quorum = 4 }},
		{"quorum", func(t *Terms) { t.Evidence.Sources = []string{"cirium", "resold"} }}, // one family
		{"polls", func(t *Terms) { t.Polls = nil }},
		{"polls", func(t *Terms) { t.Polls = make([]Poll, MaxPolls+1) }},
		{"polls[0]", func(t *Terms) { t.Polls[0].Anchor = "off" }},
		{"polls[1]", func(t *Terms) { t.Polls[1].EveryMinutes = 0 }},
		{"polls[1]", func(t *Terms) { t.Polls[1].OffsetMinutes = -1 << 63 }},
	} {
		terms := ReferenceTerms("cirium", "aero", "avia")
		c.change(&terms)
		err := s.Send(sold, "insurer", Kind, "N", "offer", Offer{terms})
		if codeOf(err) != domain.InvalidTerms || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: %v", c.field, err)
		}
	}
	terms := ReferenceTerms("cirium")
	terms.Payouts.Currency = "XXX"
	wantCode(t, s.Send(sold, "insurer", Kind, "N", "offer", Offer{terms}), domain.Malformed)
	s.must(s.Send(sold, "insurer", Kind, "N", "offer", Offer{ReferenceTerms("cirium")}))
}

func TestCountLimits(t *testing.T) {
	t.Run("open quotes of one holder", func(t *testing.T) {
		s := newStage(t)
		for i := range MaxQuotes {
			s.must(s.Send(sold, "alice", Kind, fmt.Sprint("Q", i), "quote", Quote{"P", theLeg()}))
		}
		wantCode(t, s.Send(sold, "alice", Kind, "Q9", "quote", Quote{"P", theLeg()}), domain.LimitExceeded)
		s.must(s.Send(sold, "bob", Kind, "Q9", "quote", Quote{"P", theLeg()}))
		s.must(s.Send(sold+15*minute, "alice", Kind, "Q10", "quote", Quote{"P", theLeg()}))
	})
	t.Run("total of a product", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg, terms.Sale.MaxTotal = 200_00, 400_00 })
		s.must(s.bind(sold, "alice", "PA", theLeg()))
		s.must(s.bind(sold, "bob", "PB", theLeg2()))
		third := theLeg()
		third.Number = "100"
		wantCode(t, s.bind(sold, "carol", "PC", third), domain.CapacityExceeded)
	})
	t.Run("products on one leg", func(t *testing.T) {
		s := newStage(t)
		for i := range MaxBooks {
			id := fmt.Sprint("R", i)
			s.must(s.Send(sold, "rival", Kind, id, "offer", Offer{ReferenceTerms("cirium")}))
			s.must(s.Send(sold, "rival", Kind, id, "list", List{[]Leg{theLeg()}}))
		}
		wantCode(t, s.bind(sold, "alice", "PA", theLeg()), domain.CapacityExceeded)
		s.must(s.bind(sold, "alice", "PA", theLeg2()))
	})
	t.Run("reports of unknown and of one family", func(t *testing.T) {
		s := newStage(t).cover(1)
		for range MaxUnknowns {
			s.must(s.report(in, "cirium", phase(domain.FlightUnknown)))
		}
		wantCode(t, s.report(in, "cirium", phase(domain.FlightUnknown)), domain.LimitExceeded)
		for range MaxReports {
			s.must(s.report(in, "cirium", landed(-hour)))
		}
		wantCode(t, s.report(in, "cirium", landed(-hour)), domain.LimitExceeded)
		s.must(s.report(in, "aero", landed(-hour)))
	})
}
