package flightdelay

import (
	"strings"
	"testing"

	"aval/domain"
)

// The numbers are those of the list of hard cases that flight cover has to survive.

func TestIdentityCases(t *testing.T) {
	t.Run("1, 2: two legs of one number and day are two risks", func(t *testing.T) {
		s := newStage(t)
		second := theLeg()
		second.Origin, second.Destination = "SEA", "PDX"
		second.ScheduledOut, second.ScheduledIn = in+hour, in+2*hour
		s.must(s.bind(sold, "alice", "first", theLeg()))
		s.must(s.bind(sold, "alice", "second", second))
		s.landBy(3*hour, "cirium", "aero")
		if s.ended("first").Outcome != outcomePaid {
			t.Error("first leg not paid")
		}
		s.wantOpen("second")
	})
	t.Run("3: codeshares count against one cap of the operating leg", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg = 2 * 200_00 }).cover(2)
		wantCode(t, s.bind(sold, "carol", "PC", theLeg()), domain.CapacityExceeded)
	})
	t.Run("5, 6: the date line", func(t *testing.T) {
		s := newStage(t)
		// GUM 2015-01-01 07:10 (UTC+10) -> HNL 2014-12-31 18:20 (UTC-10).
		east := Leg{"UA", "200", "GUM", "HNL", "2015-01-01", 1_420_060_200_000, 1_420_086_000_000}
		west := Leg{"UA", "201", "HNL", "GUM", "2015-01-01", 1_420_150_800_000, 1_420_179_600_000}
		s.must(s.bind(sold, "alice", "east", east))
		s.must(s.bind(sold, "alice", "west", west))
	})
	t.Run("8: the next day's flight of the number does not settle it", func(t *testing.T) {
		s := newStage(t).cover(1)
		next := theLeg()
		next.Date, next.ScheduledOut, next.ScheduledIn = "2015-01-02", out+day, in+day
		s.must(s.bind(sold, "bob", "next", next))
		f := landed(day)
		f.Leg = next.Key()
		s.must(s.report(in+day+hour, "cirium", f))
		s.must(s.report(in+day+hour, "aero", f))
		s.Advance(in + day + 2*hour)
		s.wantOpen("PA")
		s.wantEnd("next", outcomeNotDue, 0)
	})
	t.Run("11: leading zeros, case and suffix", func(t *testing.T) {
		spelt := func(number string) string {
			l := theLeg()
			l.Carrier, l.Number = "lh", number
			normal, err := l.normal()
			if err != nil {
				return codeString(err)
			}
			return normal.Key()
		}
		for number, want := range map[string]string{
			"400": "LH-400", "0400": "LH-400", "1234a": "LH-1234A", "0001234A": "LH-1234A", "0": "malformed", "12345": "malformed",
			"12AB": "malformed", "A12": "malformed", "": "malformed", "1 2": "malformed", "000000400": "malformed",
		} {
			if got := spelt(number); !strings.HasPrefix(got, want) {
				t.Errorf("number %q: %s, want %s", number, got, want)
			}
		}
		if spelt("400") == spelt("400A") {
			t.Error("a suffix is another flight")
		}
	})
}

func codeString(err error) string { return string(codeOf(err)) }

func TestStatusCases(t *testing.T) {
	confirmed := out + 6*hour
	t.Run("13: cancelled, reinstated before settlement, flies on time", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(out-hour, "cirium", phase(domain.FlightCancelled)))
		s.must(s.report(out-hour, "aero", phase(domain.FlightCancelled)))
		s.Advance(in)
		s.wantOpen("PA")
		s.landBy(0, "cirium", "aero")
		s.wantEnd("PA", outcomeNotDue, 0)
	})
	t.Run("13: reinstated by the family that cancelled, after confirmation", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(confirmed, "cirium", phase(domain.FlightCancelled)))
		s.must(s.report(confirmed+4*hour, "cirium", landed(5*hour)))
		s.must(s.report(confirmed+4*hour, "aero", landed(5*hour)))
		s.Advance(confirmed + 5*hour)
		s.wantEnd("PA", outcomePaid, 200_00)
		if s.ended("PA").Phase != domain.FlightLanded {
			t.Error("the cancellation won")
		}
	})
	t.Run("13: reinstated after settlement is recorded, not clawed back", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Evidence.CorrectionMinutes = 24 * 60 }).cover(1)
		s.must(s.report(confirmed, "cirium", phase(domain.FlightCancelled)))
		s.must(s.report(confirmed, "aero", phase(domain.FlightCancelled)))
		s.Advance(confirmed + minute)
		s.wantEnd("PA", outcomePaid, 200_00)
		s.must(s.report(confirmed+hour, "aero", landed(0)))
		s.Advance(confirmed + 3*day)
		s.wantEnd("PA", outcomePaid, 200_00)
		if s.count("LateReport") != 1 || s.Status(Kind, bookKey(legKey, "P")) != "closed" || len(s.Watches()) != 0 {
			t.Errorf("%d late reports, leg %s, %d watches", s.count("LateReport"), s.Status(Kind, bookKey(legKey, "P")), len(s.Watches()))
		}
	})
	t.Run("cancellation edge: fetched one ms before the confirmation does not count", func(t *testing.T) {
		s := newStage(t).cover(1)
		early, late := phase(domain.FlightCancelled), phase(domain.FlightCancelled)
		early.FetchedAt, late.FetchedAt = confirmed-1, confirmed
		s.must(s.report(confirmed, "cirium", early))
		s.must(s.report(confirmed, "aero", late))
		s.Advance(confirmed + hour)
		s.wantOpen("PA")
		s.must(s.report(confirmed+hour, "cirium", phase(domain.FlightCancelled)))
		s.Advance(confirmed + 2*hour)
		s.wantEnd("PA", outcomePaid, 200_00)
	})
	t.Run("14: cancelled after leaving the gate is cancelled", func(t *testing.T) {
		s := newStage(t).cover(1)
		back := phase(domain.FlightCancelled)
		back.ActualOut = out + minute
		s.must(s.report(confirmed, "cirium", back))
		s.must(s.report(confirmed, "aero", back))
		s.Advance(confirmed + minute)
		s.wantEnd("PA", outcomePaid, 200_00)
	})
	t.Run("15: diverted, then continued, arrives +95 min", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Evidence.DivertedAfterMinutes = 6 * 60 }).cover(1)
		s.must(s.report(in, "cirium", phase(domain.FlightDiverted)))
		s.must(s.report(in, "aero", phase(domain.FlightDiverted)))
		s.landBy(95*minute, "cirium", "aero")
		s.wantEnd("PA", outcomePaid, 50_00)
	})
	t.Run("16: diverted and ended elsewhere", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in, "cirium", phase(domain.FlightDiverted)))
		s.wantOpen("PA")
		s.must(s.report(in, "aero", phase(domain.FlightDiverted)))
		s.Advance(in + minute)
		s.wantEnd("PA", outcomePaid, 100_00)
	})
	t.Run("17: runway time 118 min late does not settle, gate-in at 121 does", func(t *testing.T) {
		s := newStage(t).cover(1)
		runway := domain.FlightStatus{Phase: domain.FlightLanded, ActualOn: in + 118*minute}
		wantCode(t, s.report(in+2*hour, "cirium", runway), domain.NotEvidence)
		s.landBy(121*minute, "cirium", "aero")
		s.wantEnd("PA", outcomePaid, 100_00)
	})
	t.Run("18: pending is no evidence and no delay", func(t *testing.T) {
		s := newStage(t).cover(1)
		wantCode(t, s.report(in+hour, "cirium", phase(domain.FlightPending)), domain.NotEvidence)
		s.wantOpen("PA")
	})
	t.Run("19: unknown for ever is void with a refund", func(t *testing.T) {
		s := newStage(t).cover(2)
		for at := in; at < in+72*hour; at += 6 * hour {
			for _, source := range []string{"cirium", "aero", "avia"} {
				s.must(s.report(at, source, phase(domain.FlightUnknown)))
			}
		}
		s.wantOpen("PA", "PB")
		s.Advance(in + 72*hour + minute)
		s.wantEnd("PA", outcomeVoid, 0)
		s.wantEnd("PB", outcomeVoid, 0)
		if s.balance("insurer") != 50_000_00 || s.reserved() != 50_000_00 {
			t.Errorf("insurer %d, reserve %d", s.balance("insurer"), s.reserved())
		}
	})
	t.Run("20: an unlisted phase is refused", func(t *testing.T) {
		wantCode(t, newStage(t).cover(1).report(in, "cirium", phase("XX")), domain.NotEvidence)
	})
	t.Run("21: contradictions are unknown", func(t *testing.T) {
		for name, f := range map[string]domain.FlightStatus{
			"cancelled with a gate-in":      {Phase: domain.FlightCancelled, ActualIn: in},
			"landed, in before out":         {Phase: domain.FlightLanded, ActualOut: in + 1, ActualIn: in},
			"landed, in before on":          {Phase: domain.FlightLanded, ActualOn: in + 1, ActualIn: in},
			"landed, on before out":         {Phase: domain.FlightLanded, ActualOut: in - 1, ActualOn: in - 2, ActualIn: in},
			"landed in the future: a guess": {Phase: domain.FlightLanded, ActualIn: confirmed + hour},
			"landed two days early":         {Phase: domain.FlightLanded, ActualIn: in - 2*day},
		} {
			s := newStage(t).cover(1)
			s.must(s.report(confirmed, "cirium", f))
			s.must(s.report(confirmed, "aero", f))
			s.Advance(confirmed + minute)
			s.wantOpen("PA")
			if r := s.book("P").Reports; len(r) != 2 || r[0].Phase != domain.FlightUnknown || r[0].Reason != contradiction {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
	t.Run("21: a contradiction takes back what its family said", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(confirmed, "cirium", phase(domain.FlightCancelled)))
		s.must(s.report(confirmed+minute, "cirium", domain.FlightStatus{Phase: domain.FlightCancelled, ActualIn: in}))
		s.must(s.report(confirmed+minute, "aero", phase(domain.FlightCancelled)))
		s.Advance(confirmed + hour)
		s.wantOpen("PA")
	})
	t.Run("unknown does not take back what its family said", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in+hour, "cirium", landed(hour)))
		s.must(s.report(in+2*hour, "cirium", phase(domain.FlightUnknown)))
		s.must(s.report(in+2*hour, "aero", landed(hour)))
		s.Advance(in + 3*hour)
		s.wantEnd("PA", outcomePaid, 50_00)
	})
	t.Run("24: retimed +3 h after bind, the feed says no delay: frozen schedule pays", func(t *testing.T) {
		s := newStage(t).cover(1)
		f := landed(3 * hour)
		f.ScheduledIn = in + 3*hour
		s.must(s.report(in+4*hour, "cirium", f))
		s.must(s.report(in+4*hour, "aero", f))
		s.Advance(in + 5*hour)
		s.wantEnd("PA", outcomePaid, 200_00)
	})
	t.Run("24, 25: a buyer with another schedule than the leg's is refused", func(t *testing.T) {
		s := newStage(t).cover(1)
		for _, shift := range []domain.Millis{3 * hour, -90 * minute, 5*minute + 1, -5*minute - 1} {
			l := theLeg()
			l.ScheduledIn += shift
			wantCode(t, s.bind(sold, "bob", "PB", l), domain.InvalidTerms)
		}
		l := theLeg()
		l.ScheduledIn -= 5 * minute
		s.must(s.bind(sold, "bob", "PB", l))
		s.landBy(58*minute, "cirium", "aero") // for bob too, who stated an arrival 5 minutes earlier
		s.wantEnd("PA", outcomeNotDue, 0)
		s.wantEnd("PB", outcomeNotDue, 0)
	})
	t.Run("25: retimed 90 min earlier lands early: nothing due, no underflow", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in, "cirium", landed(-90*minute)))
		s.must(s.report(in, "aero", landed(-90*minute)))
		s.Advance(in + minute)
		s.wantEnd("PA", outcomeNotDue, 0)
		if got := s.ended("PA").Minutes; got != -90 {
			t.Errorf("%d minutes", got)
		}
	})
}
