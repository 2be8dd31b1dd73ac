package invoice

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// lane is a device's readings, one every 10 min from start on.
func lane(milli ...int64) track {
	var t track
	for i, value := range milli {
		t.samples = append(t.samples, sample{at: start + domain.Millis(i)*10*minute, kind: temperature, value: value, message: fmt.Sprintf("message %03d", i)})
	}
	return t
}

func shipmentOf(terms Terms) Shipment {
	return Shipment{ID: "S", Status: Despatched, Carriage: terms.carriage(), DespatchAt: start, Devices: []string{"probe"}}
}

// penalty charges an invoice of 1,000.00 EUR for what was judged.
func penalty(t *testing.T, terms Terms, j Judgement) (sum int64, items []Deduction) {
	t.Helper()
	s, b := shipmentOf(terms), Bill{ID: "S", Payment: terms.payment(), Payable: 100_000}
	s.Judgement = &j
	if err := new(draft).penalise(&b, &s); err != nil {
		t.Fatal(err)
	}
	if s.Charged != b.deducted(ForCondition) {
		t.Errorf("the shipment counts %d, the invoice %d", s.Charged, b.deducted(ForCondition))
	}
	return s.Charged, b.Deductions
}

func assessed(t *testing.T, terms Terms, until domain.Millis, tracks ...track) Judgement {
	t.Helper()
	j, err := shipmentOf(terms).assess(tracks, until, ByFence)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestConditionEdges(t *testing.T) {
	end := start + 60*minute
	for name, c := range map[string]struct {
		track      track
		until      domain.Millis
		excursions int
		exposure   int64 // of all, in degree-minutes x 1000
		penalty    int64
	}{
		"on the upper bound":              {lane(8000, 8000, 8000, 8000, 8000, 8000), end, 0, 0, 0},
		"on the lower bound":              {lane(2000, 2000, 2000, 2000, 2000, 2000), end, 0, 0, 0},
		"a thousandth above":              {lane(8001, 8001, 8000, 5000, 5000, 5000), end, 1, 20, 1},
		"a thousandth below":              {lane(1999, 1999, 2000, 5000, 5000, 5000), end, 1, 20, 1},
		"both bounds in one trip":         {lane(9000, 9000, 5000, 1000, 1000, 5000), end, 2, 40_000, 2000},
		"from too warm to too cold":       {lane(9000, 1000, 5000, 5000, 5000, 5000), end, 1, 20_000, 1000},
		"one reading is too few":          {lane(5000, 20_000, 5000, 5000, 5000, 5000), end, 0, 0, 0},
		"two are enough":                  {lane(5000, 9000, 9000, 5000, 5000, 5000), end, 1, 20_000, 1000},
		"three, up to the delivery":       {lane(5000, 5000, 5000, 9000, 9000, 9000), end - 5*minute, 1, 25_000, 1250},
		"after the delivery":              {lane(5000, 5000, 5000, 5000, 9000, 9000), start + 40*minute, 0, 0, 0},
		"from despatch on":                {lane(9000, 9000, 9000, 9000, 9000, 9000), end, 1, 60_000, 3000},
		"capped at 20 percent":            {lane(90_000, 90_000, 90_000, 90_000, 90_000, 90_000), end, 1, 4_920_000, 20_000},
		"85 once at the start is no heat": {lane(85_000, 85_000, 5000, 5000, 5000, 5000), end, 0, 0, 0},
		"far below zero":                  {lane(-18_000, -18_000, 5000, 5000, 5000, 5000), end, 1, 400_000, 20_000},
	} {
		t.Run(name, func(t *testing.T) {
			j := assessed(t, coldChain(), c.until, c.track)
			exposure := int64(0)
			for _, e := range j.Excursions {
				exposure += e.Exposure
			}
			charged, _ := penalty(t, coldChain(), j)
			if len(j.Excursions) != c.excursions || exposure != c.exposure*int64(minute) || charged != c.penalty {
				t.Errorf("%d excursions, exposure %d, charged %d\n%+v", len(j.Excursions), exposure, charged, j)
			}
		})
	}
}

func TestGapIsNotCharged(t *testing.T) {
	hot := lane(9000, 9000)
	hot.samples[1].at = start + 50*minute
	j := assessed(t, coldChain(), start+60*minute, hot)
	if len(j.Excursions) != 1 || j.Excursions[0].DegreeMinutes != "20" || j.Excursions[0].From != start || j.Excursions[0].To != start+60*minute {
		t.Errorf("excursions %+v", j.Excursions)
	}
}

// A device that reads more often than agreed is charged for the time, not for the readings.
func TestOversamplingCostsNothing(t *testing.T) {
	hot := lane(9000, 9000, 9000, 9000, 5000)
	for i := range hot.samples {
		hot.samples[i].at = start + domain.Millis(i)*5*minute
	}
	j := assessed(t, coldChain(), start+60*minute, hot)
	if len(j.Excursions) != 1 || j.Excursions[0].DegreeMinutes != "20" || j.Excursions[0].To != start+20*minute {
		t.Errorf("excursions %+v", j.Excursions)
	}
}

func TestDevicesCountTogetherNotTwice(t *testing.T) {
	for name, c := range map[string]struct {
		tracks     []track
		excursions int
		minutes    []string
	}{
		"the same heat":          {[]track{lane(9000, 9000, 5000), lane(9000, 9000, 5000)}, 1, []string{"20"}},
		"the warmer one counts":  {[]track{lane(9000, 9000, 5000), lane(11_000, 11_000, 5000)}, 1, []string{"60"}},
		"one after the other":    {[]track{lane(9000, 9000, 5000, 5000, 5000, 5000), lane(5000, 5000, 5000, 5000, 9000, 9000)}, 2, []string{"20", "20"}},
		"overlapping":            {[]track{lane(9000, 9000, 5000, 5000), lane(5000, 10_000, 10_000, 5000)}, 1, []string{"50"}},
		"one dies while warm":    {[]track{lane(9000, 9000), lane(5000, 5000, 5000, 5000)}, 1, []string{"20"}},
		"each alone is too few":  {[]track{lane(5000, 9000, 5000), lane(9000, 5000, 5000)}, 0, nil},
		"order makes no matter":  {[]track{lane(5000, 10_000, 10_000, 5000), lane(9000, 9000, 5000, 5000)}, 1, []string{"50"}},
		"one device knows of it": {[]track{lane(5000, 5000, 5000), lane(9000, 9000, 9000)}, 1, []string{"30"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := assessed(t, coldChain(), start+60*minute, c.tracks...)
			var minutes []string
			for _, e := range j.Excursions {
				minutes = append(minutes, e.DegreeMinutes)
			}
			if len(j.Excursions) != c.excursions || !slices.Equal(minutes, c.minutes) {
				t.Errorf("excursions %+v", j.Excursions)
			}
		})
	}
}

func TestCoverageExactlyAtTheMinimum(t *testing.T) {
	for _, c := range []struct {
		least    string
		held     int
		complete bool
	}{{"90", 9, true}, {"90.000001", 9, false}, {"90", 8, false}, {"100", 10, true}, {"0", 0, true}, {"33.333333", 3, false}, {"30", 3, true}} {
		terms := coldChain()
		terms.Condition.MinCoverage, terms.Sampling.MaxGapMillis = c.least, Day
		j := assessed(t, terms, start+100*minute, lane(slices.Repeat([]int64{5000}, c.held)...))
		if j.Complete() != c.complete || j.Slots != 10 || j.Covered != int64(c.held) {
			t.Errorf("%d of 10 at %s %%: %+v", c.held, c.least, j)
		}
	}
}

func TestGapExactlyAtTheMaximum(t *testing.T) {
	terms := coldChain()
	terms.Condition.MinCoverage = "0"
	track := lane(slices.Repeat([]int64{5000}, 7)...)
	for _, c := range []struct {
		allowed  domain.Millis
		complete bool
	}{{30 * minute, true}, {30*minute - 1, false}} {
		terms.Sampling.MaxGapMillis = c.allowed
		if j := assessed(t, terms, start+100*minute, track); j.Complete() != c.complete || j.LongestGapMillis != 30*minute {
			t.Errorf("gap of 30 min, %d allowed: %+v", c.allowed, j)
		}
	}
}

func TestSlotsOfShortAndUnevenTrips(t *testing.T) {
	for _, c := range []struct {
		until domain.Millis
		slots int64
	}{{start, 1}, {start + minute, 1}, {start + 10*minute, 1}, {start + 20*minute - 1, 1}, {start + 20*minute, 2}} {
		if j := assessed(t, coldChain(), c.until, lane(5000, 5000, 5000)); j.Slots != c.slots || j.Covered != c.slots {
			t.Errorf("until %d: %d of %d", c.until-start, j.Covered, j.Slots)
		}
	}
}

func TestContradictionIsUnknown(t *testing.T) {
	track := lane(5000, 5000, 9000, 9000, 5000, 5000)
	track.samples = slices.Insert(track.samples, 3, sample{at: start + 20*minute, kind: temperature, value: 9500, message: "other"})
	j := assessed(t, coldChain(), start+60*minute, track)
	if j.Covered != 5 || len(j.Excursions) != 0 {
		t.Errorf("judgement %+v", j)
	}
}

func TestManyExcursionsAreFolded(t *testing.T) {
	terms := coldChain()
	terms.Condition.Consecutive, terms.Condition.CapPercent = 1, "100"
	milli := make([]int64, 2*(MaxExcursions+3))
	for i := range milli {
		milli[i] = 5000 + int64(1-i%2)*4000
	}
	j := assessed(t, terms, start+2*Day, lane(milli...))
	last := j.Excursions[len(j.Excursions)-1]
	sum, items := penalty(t, terms, j)
	if len(items) != MaxExcursions || last.Folded != 4 || last.EvidenceCount != 4 || sum != (MaxExcursions+3)*500 {
		t.Errorf("%d items, penalty %d, last %+v", len(items), sum, last)
	}
}

func TestEvidenceOfAnExcursion(t *testing.T) {
	hot := lane(slices.Repeat([]int64{9000}, 20)...)
	j := assessed(t, coldChain(), start+200*minute, hot)
	var all []byte
	for _, m := range fingerprints(hot.samples) {
		all = append(all, m...)
	}
	e, want := j.Excursions[0], sha256.Sum256(all)
	if e.EvidenceCount != 20 || len(e.Evidence) != MaxExcursionEvidence || !slices.Equal(e.EvidenceSHA256, want[:]) || string(e.Evidence[0]) != "message 000" {
		t.Errorf("excursion %+v", e)
	}
}

// The law: the penalty is min(rate x exposure / 60,000,000, cap) rounded half up once, by
// independent exact arithmetic, and its items sum to it.
func TestPenaltyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(0, 5_000_000_000).Draw(t, "rate in millionths")
		exposure := rapid.Int64Range(1, 1<<57).Draw(t, "exposure")
		payable := rapid.Int64Range(1, domain.MaxMinor).Draw(t, "payable")
		limit := rapid.Int64Range(0, 100).Draw(t, "cap")
		currency := rapid.SampledFrom([]domain.Currency{"EUR", "JPY", "BHD", "CLF"}).Draw(t, "currency")
		exponent, err := currency.Exponent()
		if err != nil {
			t.Fatal(err)
		}
		c := Condition{Rate: fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000), CapPercent: fmt.Sprint(limit)}
		got, err := c.penalty(exposure, 0, payable, 0, currency)
		if err != nil {
			t.Fatal(err)
		}
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
		charged := new(big.Rat).SetFrac(new(big.Int).Mul(unit, new(big.Int).Mul(big.NewInt(micros), big.NewInt(exposure))), new(big.Int).Mul(big.NewInt(1_000_000), big.NewInt(milliMinutes)))
		if most := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(payable), big.NewInt(limit)), big.NewInt(100)); charged.Cmp(most) > 0 {
			charged = most
		}
		charged.Add(charged, big.NewRat(1, 2))
		if want := new(big.Int).Quo(charged.Num(), charged.Denom()); want.Int64() != got {
			t.Fatalf("got %d, want %s", got, want)
		}
	})
}

func TestDwell(t *testing.T) {
	terms := coldChain() // two positions, 10 min apart at least, at most 30 min between two
	place := func(pairs ...int64) (track track) {
		for i := 0; i < len(pairs); i += 2 {
			track.samples = append(track.samples, sample{at: start + domain.Millis(pairs[i])*minute, kind: position, value: pairs[i+1]})
		}
		return track
	}
	for name, c := range map[string]struct {
		track track
		want  int64 // minutes after start, 0 for none
	}{
		"exactly the dwell":         {place(20, 1, 30, 1), 30},
		"dwell one minute short":    {place(20, 1, 29, 1), 0},
		"later reading completes":   {place(20, 1, 29, 1, 31, 1), 31},
		"outside in between":        {place(20, 1, 25, 0, 30, 1), 0},
		"outside, then again":       {place(20, 1, 25, 0, 30, 1, 40, 1), 40},
		"gap at its limit":          {place(20, 1, 50, 1), 50},
		"gap beyond its limit":      {place(20, 1, 51, 1), 0},
		"beyond, and then again":    {place(20, 1, 51, 1, 61, 1), 61},
		"one position is too few":   {place(20, 1), 0},
		"outside after the proof":   {place(20, 1, 30, 1, 40, 0), 30},
		"contradiction is no break": {place(20, 1, 25, 0, 25, 1, 30, 1), 30},
		"only outside":              {place(20, 0, 30, 0), 0},
	} {
		got, want := terms.carriage().dwelt(c.track.of(position)), start+domain.Millis(c.want)*minute
		if c.want == 0 {
			want = 0
		}
		if got != want {
			t.Errorf("%s: %d min, want %d", name, (got-start)/minute, c.want)
		}
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		minor   int64
		percent string
		want    int64
	}{{100, "0", 0}, {100, "100", 100}, {1, "50", 1}, {1, "49.999999", 0}, {3, "33.333333", 1}, {domain.MaxMinor, "100", domain.MaxMinor}, {0, "50", 0}} {
		if got, err := share(c.minor, c.percent, "EUR"); err != nil || got != c.want {
			t.Errorf("%s %% of %d: got %d, %v", c.percent, c.minor, got, err)
		}
	}
}
