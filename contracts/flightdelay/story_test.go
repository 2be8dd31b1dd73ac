package flightdelay

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// story plays random but sensible commands on two legs and keeps its own simple account of
// what must be locked and quoted.
type story struct {
	*stage
	r        *rapid.T
	ids      int
	policies []string
	quotes   []string
}

func (s *story) leg() Leg {
	if rapid.Bool().Draw(s.r, "second leg") {
		return theLeg2()
	}
	return theLeg()
}

func (s *story) fresh(prefix string) string {
	s.ids++
	return fmt.Sprint(prefix, s.ids)
}

func (s *story) step() {
	now := s.Now() + domain.Millis(rapid.IntRange(0, 10).Draw(s.r, "minutes"))*minute
	holder := rapid.SampledFrom(holders).Draw(s.r, "holder")
	switch rapid.IntRange(0, 6).Draw(s.r, "step") {
	case 0, 1:
		id := s.fresh("P")
		if s.bind(now, holder, id, s.leg()) == nil {
			s.policies = append(s.policies, id)
		}
	case 2:
		id := s.fresh("Q")
		if s.Send(now, holder, Kind, id, "quote", Quote{"P", s.leg()}) == nil {
			s.quotes = append(s.quotes, id)
		}
	case 3:
		if len(s.quotes) > 0 {
			id := s.fresh("P")
			quote := rapid.SampledFrom(s.quotes).Draw(s.r, "quote")
			var q quotation
			s.Body(Kind, "quote/"+quote, &q)
			if s.Send(now, q.Holder, Kind, id, "bind", Bind{Quote: quote}) == nil {
				s.policies = append(s.policies, id)
			}
		}
	case 4:
		_ = s.Send(now, "insurer", Kind, "P", "withdraw", Amount{usd(int64(rapid.IntRange(1, 800).Draw(s.r, "withdrawn")) * 100)})
	case 5:
		_ = s.Send(now, "insurer", Kind, "P", "reserve", Amount{usd(int64(rapid.IntRange(1, 800).Draw(s.r, "reserved")) * 100)})
	case 6:
		s.Advance(now)
	}
	s.check()
}

// observe has a random source say something random, perhaps under a used identity.
func (s *story) observe(at domain.Millis) {
	l := s.leg()
	f := domain.FlightStatus{
		Leg: l.Key(), FetchedAt: at - domain.Millis(rapid.IntRange(0, 3).Draw(s.r, "age"))*hour,
		Phase: rapid.SampledFrom([]domain.FlightPhase{
			domain.FlightLanded, domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted, domain.FlightUnknown, domain.FlightPending,
		}).Draw(s.r, "phase"),
	}
	if f.Phase == domain.FlightLanded {
		f.ActualIn = in + domain.Millis(rapid.IntRange(-10, 240).Draw(s.r, "late"))*minute
	}
	source := rapid.SampledFrom([]string{"cirium", "aero", "avia", "stranger"}).Draw(s.r, "source")
	_ = s.Observe(at, domain.Observation{
		Kind: Kind, Subject: l.Key(), Holder: source, Epoch: 1, Sequence: uint64(rapid.IntRange(1, 40).Draw(s.r, "sequence")), ObservedAt: at, Flight: &f,
	})
	s.check()
}

// check compares every running sum with a count from scratch.
func (s *story) check() {
	s.t.Helper()
	live, open := map[string]int64{}, map[string]int64{}
	var liveAll, openAll int64
	for _, id := range s.policies {
		var p policy
		s.Body(Kind, "policy/"+id, &p)
		held := s.Balance(escrow("policy", id), "USD")
		if s.Final(Kind, "policy/"+id) {
			if held != 0 || p.Settlement == nil {
				s.r.Fatalf("policy %s is final and holds %d", id, held)
			}
			continue
		}
		if held != p.Payouts.Highest()+p.Payouts.Premium {
			s.r.Fatalf("policy %s holds %d", id, held)
		}
		live[p.LegKey] += p.Payouts.Highest()
		liveAll += p.Payouts.Highest()
	}
	for _, id := range s.quotes {
		var q quotation
		s.Body(Kind, "quote/"+id, &q)
		if !s.Final(Kind, "quote/"+id) {
			open[q.LegKey] += q.Payouts.Highest()
			openAll += q.Payouts.Highest()
		}
	}
	var p product
	s.Body(Kind, "product/P", &p)
	if p.Locked != liveAll || p.Quoted != openAll || s.reserved() < openAll {
		s.r.Fatalf("product says %d locked, %d quoted of %d; counted %d and %d", p.Locked, p.Quoted, s.reserved(), liveAll, openAll)
	}
	for _, l := range []Leg{theLeg(), theLeg2()} {
		var b book
		key := bookKey(l.Key(), "P")
		if s.Body(Kind, key, &b) && !s.Final(Kind, key) && (b.Exposure != live[l.Key()] || b.Quoted != open[l.Key()] || b.Exposure+b.Quoted > p.Terms.Sale.MaxPerLeg) {
			s.r.Fatalf("leg says %d exposed, %d quoted; counted %d and %d", b.Exposure, b.Quoted, live[l.Key()], open[l.Key()])
		}
	}
}

// Law: whatever happens, the sums are right at every step, and in the end all policies are
// settled, all books closed and all money is with people or in the reserve.
func TestRandomStories(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &story{stage: newStage(t, func(terms *Terms) {
			terms.Sale.MaxPerLeg, terms.Sale.MaxTotal, terms.Sale.MaxPerHolder = 600_00, 1000_00, 2
			terms.Evidence.WaitMinutes = rapid.SampledFrom([]int64{0, 30}).Draw(r, "wait")
			terms.Evidence.CorrectionMinutes = rapid.SampledFrom([]int64{0, 120}).Draw(r, "correction")
		}), r: r}
		for range rapid.IntRange(1, 30).Draw(r, "sales") {
			s.step()
		}
		at := out
		for range rapid.IntRange(0, 20).Draw(r, "observations") {
			at += domain.Millis(rapid.IntRange(0, 120).Draw(r, "pause")) * minute
			s.observe(max(at, s.Now()))
		}
		s.Advance(in + 200*hour)
		s.check()
		total := s.balance("insurer") + s.reserved()
		for _, h := range holders {
			total += s.balance(h)
		}
		if total != 100_000_00+3*100_00 || len(s.Watches()) != 0 {
			r.Fatalf("%d in the end, %d watches", total, len(s.Watches()))
		}
		for _, id := range s.policies {
			if !s.Final(Kind, "policy/"+id) {
				r.Fatalf("policy %s is %s in the end", id, s.Status(Kind, "policy/"+id))
			}
		}
		s.checkClosed()
	})
}

func (s *story) checkClosed() {
	for _, l := range []Leg{theLeg(), theLeg2()} {
		if key := bookKey(l.Key(), "P"); s.Status(Kind, key) != "" && !s.Final(Kind, key) {
			s.r.Fatalf("%s is %s in the end", key, s.Status(Kind, key))
		}
	}
	for _, e := range s.Events() {
		if strings.HasPrefix(e.Key, "policy/") && len(e.Parties) != 2 {
			s.r.Fatalf("%s of %s is seen by %v", e.Name, e.Key, e.Parties)
		}
	}
}
