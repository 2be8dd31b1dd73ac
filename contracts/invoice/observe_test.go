package invoice

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

func TestRefusedObservations(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*domain.Observation)
		want domain.Code
	}{
		"device not bound": {func(o *domain.Observation) { o.Holder, o.KeyID = "second", "second" }, domain.NotEvidence},
		"too many readings": {func(o *domain.Observation) {
			o.Readings = slices.Repeat(o.Readings, MaxReadings+1)
		}, domain.LimitExceeded},
		"other shipment": {func(o *domain.Observation) { o.Subject = "T" }, domain.NoWatch},
		"flight": {func(o *domain.Observation) {
			o.Readings, o.Flight = nil, &domain.FlightStatus{}
		}, domain.NotEvidence},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipped(t, coldChain())
			o := message("probe", 2, start+minute, celsius(start+minute, 5000))
			c.edit(&o)
			refused(t, s.Observe(start+minute, o), c.want)
		})
	}
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, cool)...)
	s.Advance(start + 4*hour)
	refused(t, s.Observe(s.Now(), message("probe", 99, s.Now(), celsius(s.Now(), 5000))), domain.NoWatch)
	// The engine would not deliver it; the contract itself refuses it all the same.
	s = incomplete(t)
	for _, sender := range []domain.PartyID{"acme", "hauler"} {
		refused(t, s.try(sender, "observe", "S", nil), domain.NotEvidence)
	}
}

// state1 reads the trace and the samples of the first device.
func (s *story) evidence() (tr trace, samples []sample) {
	s.t.Helper()
	if !s.Body(Kind, "trace/S/0", &tr) {
		s.t.Fatal("no trace")
	}
	shipment := s.state()
	for n := range shipment.Carriage.slices() {
		var part slice
		if s.Body(Kind, samplesKey("S", 0, n), &part) {
			samples = append(samples, part.unpack(shipment.sliceStart(n))...)
		}
	}
	return tr, samples
}

func TestReadingsThatDoNotCount(t *testing.T) {
	when := start + hour
	unset := func(o *domain.Observation) { o.ClockQuality = domain.ClockUnset }
	celsiusUnit := func(unit string) domain.Reading {
		r := celsius(when, 5000)
		r.Unit = unit
		return r
	}
	for name, c := range map[string]struct {
		readings                []domain.Reading
		sequence                uint64
		edit                    func(*domain.Observation)
		apart, suspect, samples int
	}{
		"good":                         {readings: []domain.Reading{celsius(when, 5000)}, samples: 1},
		"unplugged":                    {readings: []domain.Reading{celsius(when, 327_670)}, suspect: 1},
		"unplugged in hundredths":      {readings: []domain.Reading{{Name: "temperature", Unit: "Cel", Value: 32767, Scale: 2, At: when}}, suspect: 1},
		"disconnected":                 {readings: []domain.Reading{celsius(when, -127_000)}, suspect: 1},
		"85 at power-up":               {readings: []domain.Reading{celsius(when, 85_000)}, sequence: 1, suspect: 1},
		"85 later":                     {readings: []domain.Reading{celsius(when, 85_000)}, sequence: 2, samples: 1},
		"85 second at power-up":        {readings: []domain.Reading{celsius(when, 5000), celsius(when+1, 85_000)}, sequence: 1, samples: 2},
		"a hair beside 85":             {readings: []domain.Reading{celsius(when, 84_999)}, sequence: 1, samples: 1},
		"implausible":                  {readings: []domain.Reading{celsius(when, MilliDegreeLimit+1)}, suspect: 1},
		"plausible":                    {readings: []domain.Reading{celsius(when, -MilliDegreeLimit)}, samples: 1},
		"odd scale":                    {readings: []domain.Reading{{Name: "temperature", Unit: "Cel", Value: 5, Scale: -1, At: when}}, suspect: 1},
		"fahrenheit":                   {readings: []domain.Reading{celsiusUnit("Far")}, suspect: 1},
		"no unit":                      {readings: []domain.Reading{celsiusUnit("")}, suspect: 1},
		"other quantity":               {readings: []domain.Reading{{Name: "humidity", Value: 5, At: when}}},
		"position zero":                {readings: at(when, 0, 0), suspect: 1},
		"position on the equator":      {readings: at(when, 0, 1), samples: 1},
		"position off the earth":       {readings: at(when, 900_000_001, 0), suspect: 1},
		"half a position":              {readings: inside(when)[:1], suspect: 1},
		"two positions at an instant":  {readings: slices.Concat(inside(when), outside(when)), suspect: 1},
		"halves of different instants": {readings: []domain.Reading{inside(when)[0], inside(when + 1)[1]}, suspect: 2},
		"before despatch":              {readings: []domain.Reading{celsius(start-1, 5000)}, apart: 1},
		"at despatch":                  {readings: []domain.Reading{celsius(start, 5000)}, samples: 1},
		"long before":                  {readings: []domain.Reading{celsius(-1<<63, 5000)}, apart: 1},
		"future within skew":           {readings: []domain.Reading{celsius(when+MaxSkew, 5000)}, samples: 1},
		"future":                       {readings: []domain.Reading{celsius(when+MaxSkew+1, 5000)}, apart: 1},
		"year 2046":                    {readings: []domain.Reading{celsius(2_400_000_000_000, 5000)}, apart: 1},
		"largest instant":              {readings: []domain.Reading{celsius(1<<63-1, 5000)}, apart: 1},
		"clock unset":                  {readings: []domain.Reading{celsius(when, 5000)}, edit: unset, apart: 1},
		"same reading twice":           {readings: []domain.Reading{celsius(when, 5000), celsius(when, 5000)}, samples: 1},
		"scan where none proves":       {readings: scanned(when, sscc)},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipped(t, coldChain())
			o := message("probe", max(c.sequence, 1), when, c.readings...)
			if c.sequence == 0 {
				o = message("probe", 7, when, c.readings...)
			}
			if c.edit != nil {
				c.edit(&o)
			}
			s.observe(o)
			tr, samples := s.evidence()
			if tr.Apart != int64(c.apart) || tr.Suspect != int64(c.suspect) || len(samples) != c.samples {
				t.Errorf("apart %d, suspect %d, samples %d; want %d, %d, %d", tr.Apart, tr.Suspect, len(samples), c.apart, c.suspect, c.samples)
			}
		})
	}
}

func TestBeforeDespatchEverythingStandsApart(t *testing.T) {
	s := newStory(t, coldChain())
	o := opening()
	o.DespatchAt = start + hour
	s.must("acme", "ship", "S", o)
	s.observe(message("probe", 1, start+hour-minute, celsius(start+hour, 5000)))
	if tr, samples := s.evidence(); tr.Apart != 1 || len(samples) != 0 {
		t.Errorf("trace %+v, %d samples", tr, len(samples))
	}
}

func TestMissingMessagesAndBrokenLinks(t *testing.T) {
	base := trip("probe", 12, cool)
	drop := func(i ...int) []domain.Observation {
		kept := []domain.Observation{}
		for k, o := range base {
			if !slices.Contains(i, k) {
				kept = append(kept, o)
			}
		}
		return kept
	}
	broken := slices.Clone(base)
	broken[5].Previous = printOf("probe", 7, 7)
	unchained := slices.Clone(base)
	for i := range unchained {
		unchained[i].Previous = nil
	}
	rebooted := slices.Clone(base)
	for i := range rebooted[6:] {
		rebooted[6+i].Epoch, rebooted[6+i].Sequence, rebooted[6+i].Previous = 2, uint64(i+1), nil
	}
	for name, c := range map[string]struct {
		messages []domain.Observation
		covered  int64
		gap      domain.Millis
		reasons  []string
	}{
		"complete":           {base, 12, 0, nil},
		"one missing":        {drop(5), 11, 10 * minute, nil},
		"two apart missing":  {drop(3, 7), 10, 10 * minute, []string{LowCoverage}},
		"four in a row":      {drop(3, 4, 5, 6), 8, 40 * minute, []string{LowCoverage, LongGap}},
		"broken link":        {broken, 10, 20 * minute, []string{LowCoverage}},
		"device not linking": {unchained, 12, 0, nil},
		"rebooted":           {rebooted, 12, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipped(t, coldChain())
			s.observe(c.messages...)
			s.Advance(start + 4*hour)
			if j := s.judgement(); j.Covered != c.covered || j.LongestGapMillis != c.gap || !slices.Equal(j.Incomplete, c.reasons) {
				t.Errorf("judgement %+v", j)
			}
		})
	}
}

// A gateway that drops the one warm message cannot make it a good one by padding the hole
// with readings of another message: the time of the missing one is unknown.
func TestReadingsInsideAHoleAreUnknown(t *testing.T) {
	s := shipped(t, coldChain())
	messages := slices.Delete(trip("probe", 12, cool), 5, 6)
	messages[8].Readings = append(messages[8].Readings, celsius(start+50*minute, 5000))
	s.observe(messages...)
	s.Advance(start + 4*hour)
	if j := s.judgement(); j.Covered != 11 {
		t.Errorf("judgement %+v", j)
	}
}

func TestEvidenceLimits(t *testing.T) {
	t.Run("pieces", func(t *testing.T) {
		s := shipped(t, coldChain())
		for i := range MaxRuns + 1 {
			err := s.Observe(start+hour, message("probe", uint64(2*i+1), start+hour, celsius(start+hour, 5000)))
			if i == MaxRuns {
				refused(t, err, domain.LimitExceeded)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		s.observe(message("probe", 2, start+hour, celsius(start+hour, 5000))) // a filled hole is always taken
	})
	t.Run("samples of a slice", func(t *testing.T) {
		s := shipped(t, coldChain())
		for i := range MaxSliceSamples + 1 {
			when := start + domain.Millis(i)*1000
			err := s.Observe(start+hour, message("probe", uint64(i+1), start+hour, celsius(when, 5000)))
			if i == MaxSliceSamples {
				refused(t, err, domain.LimitExceeded)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		body := slice{}
		s.Body(Kind, samplesKey("S", 0, 0), &body)
		if raw, err := canonBytes(body); err != nil || len(raw) > 13*1024 {
			t.Errorf("a full slice takes %d bytes: %v", len(raw), err)
		}
	})
	t.Run("an old message of its own sequence", func(t *testing.T) {
		s := shipped(t, coldChain())
		s.observe(trip("probe", 12, cool)[:6]...)
		tr, _ := s.evidence()
		refused(t, tr.add(message("probe", 3, start), intake{}), domain.NotEvidence)
	})
}

func TestReadingsAfterTheCloseStandApart(t *testing.T) {
	s := shipped(t, coldChain())
	closes := s.state().closes()
	s.observe(message("probe", 1, closes-1, celsius(closes, 5000), celsius(closes+1, 5000)))
	if tr, samples := s.evidence(); tr.Apart != 1 || len(samples) != 1 {
		t.Errorf("apart %d, %d samples", tr.Apart, len(samples))
	}
}

// A device may send what is new before its backlog: the message after a hole can be older
// than the one before it. The time between the two is unknown all the same.
func TestHoleBetweenABacklogAndNews(t *testing.T) {
	var tr trace
	for _, each := range []struct {
		sequence uint64
		at       domain.Millis
	}{{1, 100}, {3, 40}} {
		o := domain.Observation{KeyID: "k", Epoch: 1, Sequence: each.sequence}
		if err := tr.add(o, intake{from: each.at, to: each.at}); err != nil {
			t.Fatal(err)
		}
	}
	if holes := tr.holes(); !slices.Equal(holes, []span{{40, 100}}) || tr.known(70, holes) || !tr.known(40, holes) || !tr.known(100, holes) {
		t.Errorf("holes %v", holes)
	}
}

func TestRunsOfTwoEpochsOrKeysDoNotJoin(t *testing.T) {
	for name, next := range map[string]domain.Observation{
		"epoch": {KeyID: "k", Epoch: 2, Sequence: 2, Previous: []byte{9}}, "key": {KeyID: "l", Epoch: 1, Sequence: 2, Previous: []byte{9}},
	} {
		var tr trace
		for _, o := range []domain.Observation{{KeyID: "k", Epoch: 1, Sequence: 1, Fingerprint: []byte{1}}, next} {
			if err := tr.add(o, intake{}); err != nil {
				t.Fatal(err)
			}
		}
		if len(tr.Runs) != 2 || len(tr.Unknown) != 0 || len(tr.holes()) != 0 {
			t.Errorf("%s: %+v", name, tr)
		}
	}
}

func TestUnknownSpansAreBounded(t *testing.T) {
	tr := trace{Runs: []run{}}
	for i := range MaxUnknown + 2 {
		at := domain.Millis(i * 10)
		o := domain.Observation{KeyID: "k", Epoch: uint64(i), Sequence: 1, Fingerprint: []byte{1}}
		if err := tr.add(o, intake{from: at, to: at}); err != nil {
			refused(t, err, domain.LimitExceeded)
			return
		}
		o.Sequence, o.Previous = 2, []byte{9}
		if err := tr.add(o, intake{from: at + 1, to: at + 1}); err != nil {
			refused(t, err, domain.LimitExceeded)
			return
		}
	}
	t.Error("no limit")
}

func TestUnknownSpansMerge(t *testing.T) {
	var tr trace
	for _, s := range []span{{50, 60}, {10, 20}, {30, 40}, {20, 30}, {70, 80}, {61, 69}} {
		tr.doubt(s)
	}
	if want := []span{{10, 40}, {50, 60}, {61, 69}, {70, 80}}; !slices.Equal(tr.Unknown, want) {
		t.Errorf("got %v, want %v", tr.Unknown, want)
	}
}

// The law: whatever the order in which messages arrive before the judgement, the record of
// evidence is the same to the byte, and so are judgement and payoff.
func TestOrderOfMessagesChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(3, 20).Draw(rt, "slots")
		heat := rapid.SliceOfN(rapid.Int64Range(0, 12_000), n+1, n+1).Draw(rt, "heat")
		messages := slices.Concat(
			trip("probe", n, func(i int) int64 { return heat[i] }),
			trip("second", n, func(i int) int64 { return heat[n-i] }),
		)
		messages = slices.DeleteFunc(messages, func(domain.Observation) bool { return rapid.IntRange(0, 9).Draw(rt, "lost") == 0 })
		for i := range messages {
			switch rapid.IntRange(0, 19).Draw(rt, "fault") {
			case 0:
				messages[i].Previous = printOf("probe", 7, 7)
			case 1: // a reading of an earlier instant that another message has too, maybe with another value
				messages[i].Readings = append(messages[i].Readings, celsius(start+10*minute, rapid.Int64Range(4, 6).Draw(rt, "again")*1000))
			}
		}
		terms := coldChain()
		terms.Sampling.WaitMillis = 12 * hour
		run := func(order []domain.Observation) (*Judgement, *Payoff, string) {
			s := shipped(t, terms, "probe", "second")
			for i, o := range order {
				if err := s.Observe(start+6*hour+domain.Millis(i), o); err != nil {
					rt.Fatal(err)
				}
			}
			tr, samples := s.evidence()
			text := fmt.Sprint(tr, samples)
			s.Advance(start + 20*Day)
			return s.state().Judgement, s.bill().Payoff, text
		}
		firstJudged, firstPaid, firstEvidence := run(messages)
		secondJudged, secondPaid, secondEvidence := run(rapid.Permutation(messages).Draw(rt, "order"))
		if firstEvidence != secondEvidence {
			rt.Fatalf("evidence differs:\n%s\n%s", firstEvidence, secondEvidence)
		}
		if fmt.Sprintf("%+v %+v", firstJudged, firstPaid) != fmt.Sprintf("%+v %+v", secondJudged, secondPaid) {
			rt.Fatalf("outcome differs:\n%+v %+v\n%+v %+v", firstJudged, firstPaid, secondJudged, secondPaid)
		}
	})
}

// Work of one message does not grow with the trip: at most two slices and the trace are written.
func TestAMessageRewritesOnlyItsSlices(t *testing.T) {
	s := shipped(t, coldChain())
	s.observe(trip("probe", 200, cool)[:190]...)
	open := 0
	for n := range int64(10) {
		if s.Status(Kind, samplesKey("S", 0, n)) == "open" {
			open++
		}
	}
	if open != 3 {
		t.Errorf("190 messages lie in %d slices, want 3", open)
	}
	// The effects themselves: one more message.
	in := domain.Input{Now: s.Now() + 10*minute, Sender: "hauler", Command: domain.Command{Name: "observe", Contract: "S"},
		Evidence: []domain.Observation{trip("probe", 200, cool)[190]}}
	fx, err := Contract.Apply(viewOf{s}, in)
	if err != nil || len(fx.Writes) != 2 {
		t.Errorf("%d writes, %v", len(fx.Writes), err)
	}
}

func TestAMessageTouchesABoundedNumberOfSlices(t *testing.T) {
	terms := coldChain()
	terms.Delivery.WithinMillis = 60 * Day
	s := shipped(t, terms)
	width := s.state().sliceWidth()
	spread := func(n int) (readings []domain.Reading) {
		for i := range n {
			readings = append(readings, celsius(start+domain.Millis(i)*width, 5000))
		}
		return readings
	}
	when := start + MaxTouchedSlices*width
	refused(t, s.Observe(when, message("probe", 1, when, spread(MaxTouchedSlices+1)...)), domain.LimitExceeded)
	if err := s.Observe(when, message("probe", 2, when, spread(MaxTouchedSlices)...)); err != nil {
		t.Error(err)
	}
}

// A busy batch may run the deadline that despatches after a command of the same instant.
func TestCancelIsTooLateFromTheInstantOfDespatch(t *testing.T) {
	s := newStory(t, coldChain())
	o := opening()
	o.DespatchAt = start + hour
	s.must("acme", "ship", "S", o)
	in := domain.Input{Now: start + hour, Sender: "bistro", Command: domain.Command{Name: "cancel", Contract: "S"}}
	_, err := Contract.Apply(viewOf{s}, in)
	refused(t, err, domain.WrongState)
}
