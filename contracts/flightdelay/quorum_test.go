package flightdelay

import (
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

func landedReport(family string, late domain.Millis) report {
	return report{Family: family, Source: family, Phase: domain.FlightLanded, ActualIn: in + late, FetchedAt: in + day}
}

func TestJudge(t *testing.T) {
	const L, C, D, U = domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted, domain.FlightUnknown
	mins := func(late ...domain.Millis) (reports []report) {
		for i, m := range late {
			reports = append(reports, landedReport(string(rune('a'+i)), m*minute))
		}
		return reports
	}
	phases := func(all ...domain.FlightPhase) (reports []report) {
		for i, p := range all {
			reports = append(reports, report{Family: string(rune('a' + i)), Phase: p, ActualIn: in, FetchedAt: in + day})
		}
		return reports
	}
	for _, c := range []struct {
		name    string
		reports []report
		quorum  int64
		want    domain.FlightPhase
		late    domain.Millis // minutes
	}{
		{"no report", nil, 1, "", 0},
		{"one of two", mins(70), 2, "", 0},
		{"28: two say landed, one cancelled", phases(L, L, C), 2, L, 0},
		{"one each", phases(L, C, D), 1, "", 0},
		{"two against two", phases(L, L, C, C), 2, "", 0},
		{"three against two", phases(C, L, C, L, C), 2, C, 0},
		{"diverted", phases(D, D, L), 2, D, 0},
		{"unknown has no vote", phases(U, U, L), 2, "", 0},
		{"unknown is no third opinion", phases(L, C, U), 1, "", 0},
		{"29: 110, 125, 400, tiers differ", mins(110, 125, 400), 2, "", 0},
		{"110 and 125, tiers differ, spread 15", mins(110, 125), 2, "", 0},
		{"115 and 125, tiers differ, spread within 10", mins(115, 125), 2, L, 125},
		{"61 and 119, same tier, spread 58", mins(61, 119), 2, L, 119},
		{"180 and 4000, top tier", mins(180, 4000), 2, L, 4000},
		{"30: even number, upper median", mins(50, 62, 64, 110), 2, "", 0},
		{"30: even number in one tier", mins(61, 62, 64, 110), 2, L, 64},
		{"30: two, upper median", mins(62, 61), 2, L, 62},
		{"odd number, median", mins(110, 61, 90), 2, L, 90},
		{"59 and 60 cross an edge within the tolerance: the holder gets the upper", mins(59, 60), 2, L, 60},
		{"early and on time", mins(-54, 0, -10), 2, L, -10},
	} {
		e := entry{terms: ReferenceTerms("a", "b"), book: book{Leg: theLeg()}}
		r := e.rule()
		r.quorum = c.quorum
		v := judge(c.reports, r)
		if v.phase != c.want || v.phase == L && v.in != in+c.late*minute {
			t.Errorf("%s: %q at %+d min, want %q at %+d", c.name, v.phase, (v.in-in)/minute, c.want, c.late)
		}
	}
}

// A buyer who states an earlier arrival, within the tolerance, gains no minute by it.
func TestDelayCountsFromTheSameScheduleForAll(t *testing.T) {
	s := newStage(t).cover(1)
	earlier := theLeg()
	earlier.ScheduledIn -= 5 * minute
	s.must(s.bind(sold, "bob", "PB", earlier))
	s.must(s.report(in+2*hour, "cirium", landed(55*minute)))
	s.must(s.report(in+2*hour, "aero", landed(55*minute)))
	s.Advance(in + 3*hour)
	s.wantEnd("PA", outcomeNotDue, 0)
	s.wantEnd("PB", outcomeNotDue, 0)
}

func TestQuorumCases(t *testing.T) {
	t.Run("28: two of three", func(t *testing.T) {
		s := newStage(t).cover(1)
		at := in + 3*hour
		s.must(s.report(at, "cirium", phase(domain.FlightCancelled)))
		s.must(s.report(at, "aero", landed(2*hour)))
		s.Advance(at + minute)
		s.wantOpen("PA")
		s.must(s.report(at+hour, "avia", landed(2*hour)))
		s.Advance(at + 2*hour)
		s.wantEnd("PA", outcomePaid, 100_00)
	})
	t.Run("29: disagreement for ever is void", func(t *testing.T) {
		s := newStage(t).cover(1)
		at := in + 7*hour
		for source, late := range map[string]domain.Millis{"cirium": 110, "aero": 125, "avia": 400} {
			s.must(s.report(at, source, landed(late*minute)))
		}
		s.Advance(in + 71*hour)
		s.wantOpen("PA")
		s.Advance(in + 73*hour)
		s.wantEnd("PA", outcomeVoid, 0)
		if len(s.ended("PA").Reports) != 3 {
			t.Error("the void policy does not name the reports that were held")
		}
	})
	t.Run("29: a later report ends the hold", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in+3*hour, "cirium", landed(110*minute)))
		s.must(s.report(in+3*hour, "aero", landed(125*minute)))
		s.Advance(in + 4*hour)
		s.wantOpen("PA")
		s.must(s.report(in+4*hour, "cirium", landed(124*minute)))
		s.Advance(in + 5*hour)
		s.wantEnd("PA", outcomePaid, 100_00)
	})
	t.Run("31: sentinels are no times", func(t *testing.T) {
		s := newStage(t).cover(1)
		for _, sentinel := range []domain.Millis{-1, -1 << 63, 1<<63 - 1, maxInstant + 1, 0} {
			wantCode(t, s.report(in+hour, "cirium", domain.FlightStatus{Phase: domain.FlightLanded, ActualIn: sentinel}), domain.NotEvidence)
		}
		s.must(s.report(in+hour, "cirium", domain.FlightStatus{Phase: domain.FlightLanded, ActualIn: 404}))
		if r := s.book("P").Reports; r[0].Phase != domain.FlightUnknown {
			t.Errorf("404 ms is %s", r[0].Phase)
		}
	})
	t.Run("32: one family counts once", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Evidence.Sources = append(terms.Evidence.Sources, "resold") }).cover(1)
		s.must(s.report(in+hour, "cirium", landed(hour)))
		s.must(s.report(in+hour, "cirium", landed(hour)))
		s.must(s.report(in+hour+1, "resold", landed(hour)))
		s.Advance(in + 2*hour)
		s.wantOpen("PA")
		if r := s.book("P").Reports; len(r) != 1 || r[0].Source != "resold" || r[0].Count != 3 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("32: a source that moves to another family keeps one vote", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in+hour, "cirium", landed(hour)))
		s.RegisterSource("cirium", "oracle", "renamed")
		s.must(s.report(in+hour+1, "cirium", landed(hour)))
		s.Advance(in + 2*hour)
		s.wantOpen("PA")
	})
	t.Run("33: a late minority report while slices are settling", func(t *testing.T) {
		s := newStage(t, func(terms *Terms) { terms.Evidence.CorrectionMinutes = 60 }).cover(1)
		s.landBy(hour, "cirium", "aero")
		s.must(s.report(in+2*hour-minute, "avia", landed(3*hour-2*hour+10*minute)))
		s.must(s.report(in+2*hour-minute, "aero", landed(hour)))
		var bodies []statement
		for _, e := range s.Events() {
			if e.Name == "LateReport" {
				var st statement
				s.must(canon.Unmarshal(e.Body, &st))
				bodies = append(bodies, st)
			}
		}
		if len(bodies) != 2 || bodies[0].Agrees || !bodies[1].Agrees || bodies[0].Minutes != 70 {
			t.Errorf("%+v", bodies)
		}
		s.wantEnd("PA", outcomePaid, 50_00)
	})
	t.Run("34: an older round never overrides a newer one", func(t *testing.T) {
		s := newStage(t).cover(1)
		s.must(s.report(in+5*hour, "cirium", landed(hour)))
		old := landed(3 * hour)
		old.FetchedAt = in + 4*hour
		wantCode(t, s.report(in+5*hour, "cirium", old), domain.NotEvidence)
		if got := s.book("P").Reports[0].ActualIn; got != in+hour {
			t.Errorf("overridden: %d", got)
		}
	})
	t.Run("34: identical bytes twice have one effect", func(t *testing.T) {
		s := newStage(t).cover(1)
		o := domain.Observation{
			Kind: Kind, Subject: legKey, Holder: "cirium", KeyID: "k", Epoch: 1, Sequence: 1, ObservedAt: in + hour,
			Flight: &domain.FlightStatus{Leg: legKey, Phase: domain.FlightLanded, ActualIn: in, FetchedAt: in + hour},
		}
		s.must(s.Observe(in+hour, o))
		s.must(s.Observe(in+hour, o))
		if s.count("LegReported") != 1 {
			t.Error("taken twice")
		}
	})
	t.Run("35: future and stale are no evidence: see the edges test; nothing settles", func(t *testing.T) {
		s := newStage(t).cover(1)
		f := landed(3 * hour)
		f.FetchedAt = in + 3*day
		wantCode(t, s.report(in+hour, "cirium", f), domain.NotEvidence)
	})
	t.Run("36: a rotated key with a lower epoch goes on", func(t *testing.T) {
		s := newStage(t).cover(1)
		send := func(key string, epoch uint64, at domain.Millis, late domain.Millis) error {
			return s.Observe(at, domain.Observation{
				Kind: Kind, Subject: legKey, Holder: "cirium", KeyID: key, Epoch: epoch, Sequence: 1, ObservedAt: at,
				Flight: &domain.FlightStatus{Leg: legKey, Phase: domain.FlightLanded, ActualIn: in + late, FetchedAt: at},
			})
		}
		s.must(send("old", 9, in+3*hour, hour))
		s.must(send("new", 1, in+4*hour, 2*hour))
		if got := s.book("P").Reports; len(got) != 1 || got[0].ActualIn != in+2*hour {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a source that nobody listed does not count", func(t *testing.T) {
		wantCode(t, newStage(t).cover(1).report(in, "stranger", landed(0)), domain.NotEvidence)
	})
	t.Run("a status about another leg does not count", func(t *testing.T) {
		s := newStage(t).cover(1)
		wantCode(t, s.Observe(in, domain.Observation{
			Kind: Kind, Subject: legKey, Holder: "cirium", Epoch: 1, Sequence: 1, ObservedAt: in,
			Flight: &domain.FlightStatus{Leg: "AS-98-ANC-SEA-2015-01-02", Phase: domain.FlightLanded, ActualIn: in, FetchedAt: in},
		}), domain.NotEvidence)
	})
}

func TestEquivocation(t *testing.T) {
	twice := func(s *stage, source string, at domain.Millis) {
		for _, late := range []domain.Millis{hour, 3 * hour} {
			f := landed(late)
			f.Leg, f.FetchedAt = legKey, at
			s.must(s.Observe(at, domain.Observation{
				Kind: Kind, Subject: legKey, Holder: source, KeyID: source + "-2", Epoch: 2, Sequence: 1, ObservedAt: at, Flight: &f,
			}))
		}
	}
	s := newStage(t).cover(1)
	twice(s, "cirium", in+4*hour)
	if b := s.book("P"); len(b.Faults) != 1 || len(b.Reports) != 0 || s.count("SourceFaulted") != 1 {
		t.Fatalf("%+v", b)
	}
	wantCode(t, s.report(in+5*hour, "cirium", landed(hour)), domain.NotEvidence)
	s.must(s.report(in+5*hour, "aero", landed(hour)))
	s.Advance(in + 6*hour)
	s.wantOpen("PA")
	s.must(s.report(in+6*hour, "avia", landed(hour)))
	s.Advance(in + 7*hour)
	s.wantEnd("PA", outcomePaid, 50_00)
}

// A struck vote can end a tie.
func TestEquivocationEndsATie(t *testing.T) {
	s := newStage(t, func(terms *Terms) { terms.Evidence.Quorum, terms.Evidence.WaitMinutes = 1, 60 }).cover(1)
	at := out + 7*hour
	send := func(source string, sequence uint64, p domain.FlightPhase, actual domain.Millis) {
		s.must(s.Observe(at, domain.Observation{
			Kind: Kind, Subject: legKey, Holder: source, KeyID: source, Epoch: 5, Sequence: sequence, ObservedAt: at,
			Flight: &domain.FlightStatus{Leg: legKey, Phase: p, ActualIn: actual, FetchedAt: at},
		}))
	}
	send("cirium", 1, domain.FlightCancelled, 0)
	send("aero", 1, domain.FlightLanded, in+hour)
	s.Advance(at + 2*hour)
	s.wantOpen("PA")
	at = s.Now()
	send("cirium", 1, domain.FlightLanded, in+hour) // the same identity, another content
	s.Advance(at + 2*hour)
	s.wantEnd("PA", outcomePaid, 50_00)
}

// With a wait the leg is judged on all who spoke in time, in whatever order.
func TestWaitHearsTheOthers(t *testing.T) {
	wait := func(terms *Terms) { terms.Evidence.WaitMinutes = 30 }
	s := newStage(t, wait).cover(1)
	at := in + 2*hour
	s.must(s.report(at, "cirium", landed(55*minute)))
	s.must(s.report(at, "aero", landed(59*minute)))
	s.Advance(at + 29*minute)
	s.wantOpen("PA")
	s.Advance(at + 30*minute + 2)
	s.wantEnd("PA", outcomeNotDue, 0)

	s = newStage(t, wait).cover(1)
	s.must(s.report(at, "cirium", landed(55*minute)))
	s.must(s.report(at, "avia", landed(63*minute)))
	s.must(s.report(at, "aero", landed(61*minute))) // all have spoken: no more waiting
	s.Advance(at + minute)
	s.wantEnd("PA", outcomePaid, 50_00)
}
