package flightdelay

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/contracttest"
	"aval/domain"
)

// lawExamples name every command, with bodies that fit one another on the bench of the laws:
// its one source is s, its clock begins at zero.
func lawExamples() []string {
	terms := ReferenceTerms("s")
	terms.Payouts.Currency = "EUR"
	terms.Sale.OpensMinutes = MaxTermMinutes
	terms.Evidence.StaleMinutes = MaxTermMinutes
	leg := Leg{"AS", "98", "ANC", "SEA", "1970-06-01", 13_046_400_000, 13_060_800_000}
	example := func(name, id string, body any) string {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		return name + "/" + id + " " + string(text)
	}
	eur := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }
	observed := leg.Key()
	return []string{
		example("offer", "A", Offer{terms}), example("reserve", "A", Amount{eur(600_00)}), example("withdraw", "A", Amount{eur(100_00)}),
		"pause/A", "resume/A", example("list", "A", List{[]Leg{leg}}), example("quote", "Q", Quote{"A", leg}), example("bind", "B", Bind{Quote: "Q"}),
		example("bind", "C", Bind{Product: "A", Leg: leg, Premium: eur(9_90)}), example("bulkBind", "A", BulkBind{eur(9_90), []Cover{{"D", "", leg}, {"E", "alice", leg}, {"F", "carol", leg}}}),
		"observe/" + observed, "Equivocate/" + observed,
		"Expire/Q", "Review/" + observed, "Settle/" + observed,
	}
}

func TestLaws(t *testing.T) { contracttest.Laws(t, Contract, lawExamples()...) }

func FuzzLaws(f *testing.F) { contracttest.Fuzz(f, Contract, lawExamples()...) }

func FuzzLeg(f *testing.F) {
	f.Add("LH", "0400a", "fra", "JFK", "2015-01-01", int64(out), int64(in))
	f.Add("ı9", "9999Z", "ſſs", "EDDF", "0000-01-01", int64(-1), int64(1)<<62)
	f.Fuzz(func(t *testing.T, carrier, number, origin, destination, date string, scheduledOut, scheduledIn int64) {
		l, err := Leg{carrier, number, origin, destination, date, domain.Millis(scheduledOut), domain.Millis(scheduledIn)}.normal()
		if err != nil {
			if codeOf(err) != domain.Malformed {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := l.normal(); err != nil || again != l {
			t.Fatalf("normal form %+v is not its own: %+v, %v", l, again, err)
		}
		if err := domain.CheckID("leg", l.Key()); err != nil {
			t.Fatal(err)
		}
	})
}

// drawReport draws a report, on purpose often near an edge and often of an earlier round.
func drawReport(t *rapid.T, family string, i int) report {
	r := report{
		Family: family, Source: family, FetchedAt: in + domain.Millis(rapid.IntRange(0, 2).Draw(t, "fetched"))*hour,
		Epoch: uint64(rapid.IntRange(1, 2).Draw(t, "epoch")), Sequence: uint64(i + 1), Fingerprint: []byte{byte(i)},
		Phase: rapid.SampledFrom([]domain.FlightPhase{
			domain.FlightLanded, domain.FlightLanded, domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted, domain.FlightUnknown,
		}).Draw(t, "phase"),
	}
	if r.Phase == domain.FlightLanded {
		r.ActualIn = in + domain.Millis(rapid.IntRange(50, 70).Draw(t, "late"))*minute
	}
	return r
}

// Law: what a family said, and what the families come to, does not depend on the order of arrival.
func TestOrderOfReportsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []report
		for i := range rapid.IntRange(0, 12).Draw(t, "reports") {
			all = append(all, drawReport(t, rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "family"), i))
		}
		outcome := func(reports []report) (book, verdict) {
			b := book{Leg: theLeg()}
			for _, r := range reports {
				if old, found := b.find(r.Family); !found || r.newer(old) {
					b.replace(r)
				}
			}
			e := entry{terms: ReferenceTerms("a", "b"), book: b}
			return b, judge(b.Reports, e.rule())
		}
		b1, v1 := outcome(all)
		b2, v2 := outcome(rapid.Permutation(all).Draw(t, "order"))
		if !reflect.DeepEqual(b1, b2) || !reflect.DeepEqual(v1, v2) {
			t.Fatalf("%+v\n%+v\n%+v\n%+v", b1, v1, b2, v2)
		}
	})
}

// Law: through the whole contract, with a wait, one report each of three families settles
// the leg alike in any order; money is conserved and every escrow of a policy ends empty.
func TestOrderOfFamiliesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sources := []string{"cirium", "aero", "avia"}
		statuses := map[string]domain.FlightStatus{}
		for i, source := range sources {
			drawn := drawReport(r, source, i)
			statuses[source] = domain.FlightStatus{Phase: drawn.Phase, ActualIn: drawn.ActualIn, FetchedAt: in + 9*hour}
		}
		play := func(order []string) settlement {
			s := newStage(t, func(terms *Terms) { terms.Evidence.WaitMinutes = 30 }).cover(1)
			for i, source := range order {
				s.must(s.report(in+9*hour+domain.Millis(i)*minute, source, statuses[source]))
			}
			s.Advance(in + 80*hour)
			if total := s.balance("alice") + s.balance("insurer") + s.reserved(); total != 100_00+100_000_00 {
				r.Fatalf("%d after settlement", total)
			}
			end := s.ended("PA")
			end.At, end.Reports = 0, nil // the messages differ in time and sequence
			return end
		}
		first, second := play(sources), play(rapid.Permutation(sources).Draw(r, "order"))
		if !reflect.DeepEqual(first, second) {
			r.Fatalf("%+v\n%+v", first, second)
		}
	})
}

// Law: neither the order of the policies nor where slices are cut changes what anybody gets.
func TestSlicingDoesNotMatter(t *testing.T) {
	play := func(n int, name func(int) string, cut domain.Millis) map[domain.PartyID]int64 {
		s := newStage(t, func(terms *Terms) { terms.Sale.MaxPerLeg = 50_000_00 })
		for i := range n {
			p := domain.PartyID(fmt.Sprint("p", i))
			s.Register(p)
			s.Fund(p, usd(9_90))
			l := theLeg()
			l.ScheduledIn += domain.Millis(i%6) * minute
			s.must(s.bind(sold, p, name(i), l))
		}
		s.must(s.report(in+2*hour, "cirium", landed(63*minute)))
		s.must(s.report(in+2*hour, "aero", landed(63*minute)))
		s.Advance(in + 2*hour + cut) // between two slices
		s.Advance(in + 3*hour)
		got := map[domain.PartyID]int64{"insurer": s.balance("insurer")}
		for i := range n {
			p := domain.PartyID(fmt.Sprint("p", i))
			got[p] = s.balance(p)
		}
		return got
	}
	const n = SettleSlice + 7
	forward := play(n, func(i int) string { return fmt.Sprintf("x%03d", i) }, 0)
	backward := play(n, func(i int) string { return fmt.Sprintf("x%03d", n-i) }, 1)
	if !reflect.DeepEqual(forward, backward) {
		t.Fatalf("%v\n%v", forward, backward)
	}
	paid := 0
	for i := range n {
		if forward[domain.PartyID(fmt.Sprint("p", i))] == 50_00 {
			paid++
		}
	}
	if paid != n {
		t.Errorf("%d paid, want %d", paid, n)
	}
}

// A settlement command stays within the limits of one command at its largest.
func TestSliceFitsTheLimits(t *testing.T) {
	if 3*SettleSlice > domain.MaxPostings || 3*SettleSlice+2+MaxBooks > domain.MaxWrites || SettleSlice+MaxBooks > domain.MaxEvents {
		t.Error("a slice breaks a limit of effects")
	}
}
