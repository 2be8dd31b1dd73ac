package invoice

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"aval/domain"
)

// The condition is judged over [despatch, delivery], from good readings only: those of a
// bound device, plausible, not contradicted at the same instant, and not in a span that is
// unknown because messages are missing (the time strictly between their neighbours) or a
// link is broken (the time between the two messages and the readings at its ends).
//
//	deviation(r)  = max(0, lower - value, value - upper)                    milli-degrees
//	interval(r)   = [at, min(next good reading of the device, at + sampling interval, delivery)]; of the least and the
//	                greatest over a span, the last sampling interval of the span
//	excursion     = readings of a device out of range in a row, at least the agreed number, or
//	                fewer if two devices show it at once; those that overlap in time are one
//	exposure      = integral over the excursion of the largest deviation above the band that a device shows, and of
//	                the largest below                                                          milli-degree x ms
//	degree-minute = exposure / 60,000,000
//	slots         = floor((delivery - despatch) / sampling interval), at least 1
//	coverage      = slots that hold a good reading of any device, or that its span touches / slots
//
// A device that reads once an interval drifts over a slot's edge now and then: agree on an
// interval somewhat longer than the device's own.

// Limits of what is itemised.
const (
	// MaxExcursions bounds the items of one judgement; from the last one on they are folded into one.
	MaxExcursions = 128
	// MaxExcursionEvidence bounds the fingerprints listed for one item; EvidenceSHA256 covers all.
	MaxExcursionEvidence = 16
)

// The reasons for which evidence is incomplete.
const (
	LowCoverage  = "coverage"
	LongGap      = "gap"
	Equivocated  = "equivocation"
	TooLate      = "late"
	TooSoon      = "too-soon"
	NotProved    = "not-proved"
	DoorOpened   = "door"
	SealBroken   = "seal"
	milliMinutes = 60_000_000 // milli-degree x ms in a degree-minute
)

// Judgement is what the evidence says of a shipment, once and for all.
type Judgement struct {
	DeliveredAt domain.Millis `json:"deliveredAt"`
	Proof       Proof         `json:"proof"`
	// Slots and Covered give the coverage; both zero if no condition was agreed.
	Slots   int64 `json:"slots,omitempty"`
	Covered int64 `json:"covered,omitempty"`
	// LongestGapMillis is the longest run of slots without a good reading.
	LongestGapMillis domain.Millis `json:"longestGapMillis,omitempty"`
	// DaysLate are the started days of the receiver by which the delivery was late, where the terms price them.
	DaysLate int64 `json:"daysLate,omitempty"`
	// Incomplete lists why the evidence is not complete; none if it is.
	Incomplete []string    `json:"incomplete,omitempty"`
	Excursions []Excursion `json:"excursions,omitempty"`
}

// Complete says whether silence may pay in full.
func (j Judgement) Complete() bool { return len(j.Incomplete) == 0 }

// Excursion is one stay outside the band.
type Excursion struct {
	From domain.Millis `json:"from"`
	// To is the end of the last interval that was charged.
	To       domain.Millis `json:"to"`
	Readings int64         `json:"readings"`
	// PeakMilli is the reading furthest outside the band.
	PeakMilli int64 `json:"peakMilli"`
	// Exposure is in milli-degree x ms; DegreeMinutes is the same for a reader, to three decimals.
	Exposure      int64  `json:"exposure"`
	DegreeMinutes string `json:"degreeMinutes"`
	// Evidence lists the first fingerprints of EvidenceCount messages in byte order;
	// EvidenceSHA256 is the hash of all of them, one after the other.
	Evidence       [][]byte `json:"evidence"`
	EvidenceCount  int64    `json:"evidenceCount"`
	EvidenceSHA256 []byte   `json:"evidenceSha256"`
	// Folded counts the excursions in this item, zero if it is one.
	Folded int64 `json:"folded,omitempty"`
}

// assess judges a shipment that was delivered at an instant.
func (s Shipment) assess(tracks []track, at domain.Millis, proof Proof) (Judgement, error) {
	j := Judgement{DeliveredAt: at, Proof: proof}
	if s.Carriage.Condition != nil {
		lanes := goodReadings(tracks, at)
		s.cover(&j, lanes)
		j.itemise(s.excursions(lanes, at))
	}
	var err error
	if j.DaysLate, err = s.daysLate(at); err != nil {
		return j, err
	}
	flag := func(reason string, applies bool) {
		if applies {
			j.Incomplete = append(j.Incomplete, reason)
		}
	}
	flag(NotProved, proof == BySupplier)
	flag(Equivocated, slices.ContainsFunc(tracks, func(t track) bool { return t.trace.Equivocations > 0 }))
	flag(TooLate, s.Carriage.Late == nil && at > s.deliverBy())
	if s.Carriage.Delivery.Sealed {
		flag(DoorOpened, slices.ContainsFunc(tracks, func(t track) bool { return t.opened(at) }))
		flag(SealBroken, s.broken(tracks, at) || s.otherSeals(tracks))
	}
	flag(TooSoon, at-s.DespatchAt < s.Carriage.Delivery.MinTransitMillis)
	if s.Carriage.Condition != nil {
		enough, err := s.Carriage.Condition.covered(j.Covered, j.Slots)
		if err != nil {
			return j, err
		}
		flag(LowCoverage, !enough)
		flag(LongGap, j.LongestGapMillis > s.Carriage.Sampling.MaxGapMillis)
	}
	return j, nil
}

// goodReadings gives for each device its good temperatures up to the delivery, in a lane each for
// values, for the least and for the greatest ones.
func goodReadings(tracks []track, until domain.Millis) [][]sample {
	var lanes [][]sample
	for _, t := range tracks {
		holes := t.holes()
		for _, kind := range []int64{temperature, lowest, greatest} {
			var lane []sample
			for k, r := range t.of(kind) {
				started := kind != temperature || k > 0 || r.value != powerUp // some probes wake up with this value
				if started && r.at <= until && t.trace.known(r.at, holes) {
					lane = append(lane, r)
				}
			}
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

// cover counts the slots that hold a good reading of any device.
func (s Shipment) cover(j *Judgement, lanes [][]sample) {
	interval := s.Carriage.Sampling.IntervalMillis
	held := make([]bool, max(1, int64((j.DeliveredAt-s.DespatchAt)/interval)))
	for _, lane := range lanes {
		for _, r := range lane {
			last := int((r.at - s.DespatchAt) / interval)
			for slot := int((r.at - r.span - s.DespatchAt) / interval); slot <= last && slot < len(held); slot++ {
				held[slot] = true
			}
		}
	}
	j.Slots = int64(len(held))
	gap := domain.Millis(0)
	for _, h := range held {
		if h {
			j.Covered++
			gap = 0
			continue
		}
		gap += interval
		j.LongestGapMillis = max(j.LongestGapMillis, gap)
	}
}

// covered compares the share of slots with the agreed minimum; exactly the minimum is enough.
func (c Condition) covered(held, slots int64) (bool, error) {
	least, err := percent("condition.minCoverage", c.MinCoverage)
	return hundred().Mul(count(held)).GreaterThanOrEqual(least.Mul(count(slots))), err
}

// deviation is how far a reading is outside the band; zero on its bounds.
func (c Condition) deviation(milli int64) int64 {
	return max(0, c.LowerMilli-milli, milli-c.UpperMilli)
}

// hot is a reading out of range for the time [at, to] that it stands for.
type hot struct {
	sample
	to        domain.Millis
	deviation int64
	above     bool
}

// stay is one device's time outside the band, or that of several devices if theirs overlap.
type stay struct {
	from, to domain.Millis
	// long says that it counts: one device alone says so often enough, or two at once.
	long  bool
	lanes [][]hot // one for each device, each in order of time, its readings disjoint
}

// excursions finds the stays of each device, joins those that overlap, in order of time, and
// keeps those that count: long enough on one device, or seen by two.
func (s Shipment) excursions(lanes [][]sample, until domain.Millis) []stay {
	var all []stay
	for i, lane := range lanes {
		for _, hots := range s.stays(lane, until) {
			each := stay{from: hots[0].at, to: hots[len(hots)-1].to, lanes: make([][]hot, len(lanes))}
			each.lanes[i], each.long = hots, int64(len(hots)) >= s.Carriage.Condition.Consecutive
			all = append(all, each)
		}
	}
	slices.SortStableFunc(all, func(a, b stay) int { return cmp.Compare(a.from, b.from) })
	var joined []stay
	for _, next := range all {
		if last := len(joined) - 1; last >= 0 && next.from <= joined[last].to {
			joined[last] = joined[last].join(next)
		} else {
			joined = append(joined, next)
		}
	}
	return slices.DeleteFunc(joined, func(a stay) bool { return !a.long && !a.repeated(s.Carriage.Condition.Consecutive) })
}

// repeated says whether one device shows it at so many instants, be it above the band and then below.
func (a stay) repeated(least int64) bool {
	for first := 0; first < len(a.lanes); first += lanesPerDevice {
		instants := map[domain.Millis]bool{}
		for _, lane := range a.lanes[first:min(first+lanesPerDevice, len(a.lanes))] {
			for _, h := range lane {
				instants[h.sample.at] = true
			}
		}
		if int64(len(instants)) >= least {
			return true
		}
	}
	return false
}

// lanesPerDevice counts the lanes of a device: values, least and greatest ones.
const lanesPerDevice = 3

// another says whether two stays were seen by two devices at one time.
func (a stay) another(b stay) bool {
	if b.from >= a.to {
		return false
	}
	seen := map[int]bool{}
	for i := range a.lanes {
		if len(a.lanes[i]) > 0 || len(b.lanes[i]) > 0 {
			seen[i/lanesPerDevice] = true
		}
	}
	return len(seen) > 1
}

func (a stay) join(b stay) stay {
	joint := stay{from: a.from, to: max(a.to, b.to), long: a.long || b.long || a.another(b), lanes: make([][]hot, len(a.lanes))}
	for i := range joint.lanes {
		joint.lanes[i] = slices.Concat(a.lanes[i], b.lanes[i])
	}
	return joint
}

// stays cuts one device's readings into runs out of range.
func (s Shipment) stays(lane []sample, until domain.Millis) [][]hot {
	var stays [][]hot
	var current []hot
	end := func() {
		if len(current) > 0 {
			stays = append(stays, current)
		}
		current = nil
	}
	for i, r := range lane {
		if deviation := s.Carriage.Condition.deviation(r.value); deviation > 0 {
			h := hot{sample: r, deviation: deviation, above: r.value > s.Carriage.Condition.UpperMilli}
			h.at, h.to = s.standsFor(lane, i, until)
			current = append(current, h)
		} else {
			end()
		}
	}
	end()
	return stays
}

// standsFor is the time that reading i of a lane is charged for. A value stands until the next one, the least or
// greatest of a span for the last interval of it: it was reached, nobody says for how long.
func (s Shipment) standsFor(lane []sample, i int, until domain.Millis) (from, to domain.Millis) {
	r, interval := lane[i], s.Carriage.Sampling.IntervalMillis
	if r.span > 0 {
		from = max(r.at-min(r.span, interval), s.DespatchAt)
		if i > 0 {
			from = max(from, lane[i-1].at)
		}
		return from, r.at
	}
	to = min(r.at+interval, until)
	if i+1 < len(lane) {
		to = min(to, max(r.at, lane[i+1].at-lane[i+1].span))
	}
	return r.at, to
}

// exposure integrates over the stay the largest deviation above that any device shows, and the largest below. It fits 63 bits:
// 2,000,000 milli-degrees for 800 days are 1.4e17.
func (a stay) exposure() int64 {
	var edges []domain.Millis
	for _, lane := range a.lanes {
		for _, h := range lane {
			edges = append(edges, h.at, h.to)
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	total, next := int64(0), make([]int, len(a.lanes))
	for i := 1; i < len(edges); i++ {
		above, below := int64(0), int64(0)
		for l, lane := range a.lanes {
			for next[l] < len(lane) && lane[next[l]].to <= edges[i-1] {
				next[l]++
			}
			if next[l] < len(lane) && lane[next[l]].at <= edges[i-1] {
				if h := lane[next[l]]; h.above {
					above = max(above, h.deviation)
				} else {
					below = max(below, h.deviation)
				}
			}
		}
		total += (above + below) * int64(edges[i]-edges[i-1])
	}
	return total
}

// itemise lists the stays, at most MaxExcursions: from the last one on they are folded into one.
func (j *Judgement) itemise(stays []stay) {
	for len(stays) > 0 {
		n := 1
		if len(j.Excursions) == MaxExcursions-1 {
			n = len(stays)
		}
		j.Excursions, stays = append(j.Excursions, item(stays[:n])), stays[n:]
	}
}

// item writes a group of stays, more than one only when the limit folds them, as one excursion.
func item(stays []stay) Excursion {
	e := Excursion{From: stays[0].from, To: stays[len(stays)-1].to}
	if len(stays) > 1 {
		e.Folded = int64(len(stays))
	}
	var readings []sample
	worst := int64(-1)
	for _, each := range stays {
		e.Exposure += each.exposure()
		for _, h := range slices.Concat(each.lanes...) {
			readings = append(readings, h.sample)
			if h.deviation > worst {
				worst, e.PeakMilli = h.deviation, h.value
			}
		}
	}
	e.Readings = int64(len(readings))
	e.DegreeMinutes = degreeMinutes(e.Exposure)
	hash := sha256.New()
	for i, m := range fingerprints(readings) {
		hash.Write([]byte(m))
		e.EvidenceCount++
		if i < MaxExcursionEvidence {
			e.Evidence = append(e.Evidence, []byte(m))
		}
	}
	e.EvidenceSHA256 = hash.Sum(nil)
	return e
}
