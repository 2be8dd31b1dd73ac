package flightdelay

import (
	"testing"

	"aval/domain"
)

// Hard cases 22, 23, 38: every edge of every tier, to the second, through the whole contract.
func TestTierEdges(t *testing.T) {
	const second = domain.Millis(1000)
	for _, c := range []struct {
		name    string
		late    domain.Millis
		minutes int64
		tier    int64
		amount  int64
	}{
		{"early by 54 min", -54 * minute, -54, 0, 0},
		{"early by one second", -second, -1, 0, 0},
		{"on time", 0, 0, 0, 0},
		{"15 min", 15 * minute, 15, 0, 0},
		{"59:59", 60*minute - second, 59, 0, 0},
		{"59:59.999", 60*minute - 1, 59, 0, 0},
		{"60:00", 60 * minute, 60, 60, 50_00},
		{"119:59", 120*minute - second, 119, 60, 50_00},
		{"120:00", 120 * minute, 120, 120, 100_00},
		{"7,201 s", 7201 * second, 120, 120, 100_00},
		{"179:59", 180*minute - second, 179, 120, 100_00},
		{"180:00", 180 * minute, 180, 180, 200_00},
		{"1,539 min, more than a day (hard case 9)", 1539 * minute, 1539, 180, 200_00},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t).cover(1)
			s.landBy(c.late, "cirium", "aero")
			got := s.ended("PA")
			if got.Minutes != c.minutes || got.Tier != c.tier {
				t.Errorf("%d minutes, tier %d, want %d and %d", got.Minutes, got.Tier, c.minutes, c.tier)
			}
			outcome := outcomeNotDue
			if c.amount > 0 {
				outcome = outcomePaid
			}
			s.wantEnd("PA", outcome, c.amount)
			if s.balance("insurer") != 50_000_00+9_90 || s.reserved() != 50_000_00-c.amount {
				t.Errorf("insurer %d, reserve %d", s.balance("insurer"), s.reserved())
			}
		})
	}
}

func TestDelayMinutesRoundDown(t *testing.T) {
	for late, want := range map[domain.Millis]int64{
		-60_001: -2, -60_000: -1, -59_999: -1, -1: -1, 0: 0, 1: 0, 59_999: 0, 60_000: 1, maxInstant: int64(maxInstant) / 60_000,
	} {
		if got := delayMinutes(late, 0); got != want {
			t.Errorf("%d ms: %d, want %d", late, got, want)
		}
	}
	if got := delayMinutes(0, maxInstant); got != -int64(maxInstant)/60_000-1 {
		t.Errorf("farthest early: %d", got)
	}
}

func TestSaleWindowEdges(t *testing.T) {
	opens, closes := out-90*day, out-day
	for at, want := range map[domain.Millis]domain.Code{
		opens: "<nil>", closes: "<nil>", closes + 1: domain.TooLate, out + 1: domain.TooLate, in: domain.TooLate,
	} {
		s := newStage(t, func(terms *Terms) { terms.Sale.OpensMinutes = 90 * 24 * 60 })
		if at < s.Now() {
			continue // the stage is younger; the opening is tested below
		}
		if got := codeOf(s.bind(at, "alice", "PA", theLeg())); got != want {
			t.Errorf("bind at out%+d ms: %s, want %s", at-out, got, want)
		}
	}
	s := newStage(t, func(terms *Terms) { terms.Sale.OpensMinutes = 9 * 24 * 60 })
	wantCode(t, s.bind(out-9*day-1, "alice", "PA", theLeg()), domain.TooEarly)
	s.must(s.bind(out-9*day, "alice", "PA", theLeg()))
}

func TestStalenessEdges(t *testing.T) {
	for _, c := range []struct {
		name    string
		fetched domain.Millis // relative to the batch
		want    domain.Code
	}{
		{"exactly as old as allowed", -day, "<nil>"}, {"one ms older", -day - 1, domain.NotEvidence},
		{"exactly as far ahead as allowed", 5 * minute, "<nil>"}, {"one ms further", 5*minute + 1, domain.NotEvidence},
	} {
		s := newStage(t).cover(1)
		at := in + 2*day
		f := landed(hour)
		f.FetchedAt = at + c.fetched
		if got := codeOf(s.report(at, "cirium", f)); got != c.want {
			t.Errorf("fetchedAt %s: %s, want %s", c.name, got, c.want)
		}
		o := domain.Observation{
			Kind: Kind, Subject: legKey, Holder: "aero", KeyID: "aero", Epoch: 1, Sequence: 1, ObservedAt: at + c.fetched,
			Flight: &domain.FlightStatus{Leg: legKey, Phase: domain.FlightLanded, ActualIn: in, FetchedAt: at},
		}
		if got := codeOf(s.Observe(at, o)); got != c.want {
			t.Errorf("observedAt %s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Hard case 37: a report counts only if it is ordered before the deadline.
func TestDeadlineSecond(t *testing.T) {
	voidAt := in + 72*hour
	for _, c := range []struct {
		at      domain.Millis
		outcome string
	}{{voidAt - 1, outcomeNotDue}, {voidAt, outcomeVoid}, {voidAt + 1000, outcomeVoid}} {
		s := newStage(t).cover(1)
		s.must(s.report(voidAt-2, "cirium", landed(0)))
		err := s.report(c.at, "aero", landed(0))
		s.Advance(voidAt + minute)
		s.wantEnd("PA", c.outcome, 0)
		if (err == nil) != (c.outcome == outcomeNotDue) && s.count("LateReport") == 0 {
			t.Errorf("at deadline%+d: %v", c.at-voidAt, err)
		}
	}
}

func TestPlausibilityEdges(t *testing.T) {
	for late, plausible := range map[domain.Millis]bool{
		72 * hour: true, 72*hour + 1: false, -24 * hour: true, -24*hour - 1: false,
	} {
		s := newStage(t, func(terms *Terms) { terms.Evidence.VoidAfterMinutes = 100 * 60 }).cover(1)
		s.must(s.report(in+80*hour, "cirium", landed(late)))
		got := s.book("P").Reports[0].Phase
		if (got == domain.FlightLanded) != plausible {
			t.Errorf("late by %d ms: %s", late, got)
		}
	}
}
