package invoice

import (
	"maps"
	"slices"

	"aval/domain"
)

// The sentinels of common probes, in milli-degrees: values that stand for "no measurement".
const (
	unplugged    = 327_670  // the largest 16-bit value in hundredths
	disconnected = -127_000 // one-wire probe without an answer
	powerUp      = 85_000   // one-wire probe that has not measured since power-up
)

// intake is what one message yields.
type intake struct {
	samples []sample
	// from and to span the instants of what counted; if nothing did, the signer's own instant.
	from, to domain.Millis
	// apart counts readings from before despatch, from the future or under an unset clock,
	// suspect those that look like no measurement. Neither is good or bad.
	apart, suspect int64
	// arrivedAt is the first instant of a sample that may prove the delivery, zero if there is none.
	arrivedAt domain.Millis
}

// sample is one reading that counts.
type sample struct {
	at    domain.Millis
	kind  int64
	value int64 // milli-degrees Celsius; 1 inside and 0 outside the fence; 1 for a scan, and for a door that opened
	// span is the time before at that a least or greatest value is over; zero for an instant.
	span domain.Millis
	// message is the fingerprint of the message that carries it, or the key of the event that states it.
	message string
}

// The kinds of samples.
const (
	temperature int64 = 1
	position    int64 = 2
	scan        int64 = 3
	lowest      int64 = 4 // the least temperature over a span
	greatest    int64 = 5
	door        int64 = 6
)

// take sorts the readings that a message states for itself, and not in an event, into what counts, what stands
// apart and what is suspect. Those of a device that is not bound to this shipment alone stand apart.
func (s Shipment) take(now domain.Millis, o domain.Observation, bound bool) intake {
	plain := slices.DeleteFunc(slices.Clone(o.Readings), func(r domain.Reading) bool {
		return r.Event != "" || r.Name == domain.QuantityWithdrawal
	})
	if !bound {
		return intake{apart: int64(len(plain))}
	}
	got := s.sort(now, o, plain)
	message := string(o.Fingerprint)
	for i := range got.samples {
		got.samples[i].message = message
	}
	return got
}

// timely says whether a reading lies in the trip and not in the future, under a clock that was set.
func (s Shipment) timely(now domain.Millis, o domain.Observation, r domain.Reading) bool {
	early := now < s.DespatchAt || r.At < s.DespatchAt || r.From != 0 && r.From < s.DespatchAt
	return !early && r.From <= r.At && r.At <= min(now+MaxSkew, s.closes()) && o.ClockQuality != domain.ClockUnset
}

// sort turns readings that belong together, of a message or of one event, into samples.
func (s Shipment) sort(now domain.Millis, o domain.Observation, readings []domain.Reading) intake {
	var got intake
	var scans []domain.Reading
	fixes := map[domain.Millis]*fix{}
	booted := o.Sequence == 1
	for _, r := range readings {
		if !s.timely(now, o, r) {
			got.apart++
			continue
		}
		switch r.Name {
		case domain.QuantityTemperature:
			got.temperature(s, r, temperature, booted && r.Event == "")
			booted = false
		case domain.QuantityTemperatureMin:
			got.temperature(s, r, lowest, false)
		case domain.QuantityTemperatureMax:
			got.temperature(s, r, greatest, false)
		case domain.QuantityLatitude, domain.QuantityLongitude:
			locate(fixes, r)
		case domain.QuantityScan:
			scans = append(scans, r)
		case domain.QuantityDoor:
			if r.State == domain.StateOpened || r.Text == domain.StateOpened {
				got.samples = append(got.samples, sample{at: r.At, kind: door, value: 1})
			}
		case domain.QuantityFault:
			got.suspect++
		}
	}
	got.positions(s, fixes)
	got.scans(s, scans)
	return got
}

// temperature takes one reading; first says that the device has just been switched on.
func (got *intake) temperature(s Shipment, r domain.Reading, kind int64, first bool) {
	if s.Carriage.Condition == nil {
		return
	}
	milli, fits := scaled(r.Value, int(r.Scale), 3)
	sentinel := milli == unplugged || milli == disconnected || first && milli == powerUp
	if r.Unit != "Cel" || !fits || sentinel || milli < -MilliDegreeLimit || milli > MilliDegreeLimit {
		got.suspect++
		return
	}
	span := domain.Millis(0)
	if r.From != 0 {
		span = r.At - r.From
	}
	got.samples = append(got.samples, sample{at: r.At, kind: kind, value: milli, span: span})
}

// fix is a position in the making: both co-ordinates of one instant.
type fix struct{ latitudes, longitudes []domain.Reading }

func locate(fixes map[domain.Millis]*fix, r domain.Reading) {
	f := fixes[r.At]
	if f == nil {
		f = &fix{}
		fixes[r.At] = f
	}
	if r.Name == "latitude" {
		f.latitudes = append(f.latitudes, r)
	} else {
		f.longitudes = append(f.longitudes, r)
	}
}

// positions judges each fix against the fence at once: only "inside" and "outside" are kept.
func (got *intake) positions(s Shipment, fixes map[domain.Millis]*fix) {
	if s.Carriage.Delivery.Fence == nil {
		return
	}
	for _, at := range slices.Sorted(maps.Keys(fixes)) {
		latitude, longitude, sound := fixes[at].read()
		if !sound {
			got.suspect++
			continue
		}
		inside := s.Carriage.Delivery.Fence.contains(latitude, longitude)
		if inside {
			got.arrivedAt = sooner(got.arrivedAt, at)
		}
		got.samples = append(got.samples, sample{at: at, kind: position, value: bit(inside)})
	}
}

// read gives the position in 1e-7 degrees. Half a position, two at one instant, one that is
// not on earth, and latitude 0 with longitude 0 are not sound.
func (f fix) read() (latitude, longitude int64, sound bool) {
	if len(f.latitudes) != 1 || len(f.longitudes) != 1 {
		return 0, 0, false
	}
	a, b := f.latitudes[0], f.longitudes[0]
	latitude, fitsA := scaled(a.Value, int(a.Scale), 7)
	longitude, fitsB := scaled(b.Value, int(b.Scale), 7)
	sound = fitsA && fitsB && onEarth(latitude, longitude) && (latitude != 0 || longitude != 0) &&
		a.Unit == "lat" && b.Unit == "lon"
	return latitude, longitude, sound
}

// scans takes a proof if the message holds a scan of the goods and, where the terms name a
// dock, one of the dock. The later of the two is its instant. An event says itself where it saw the
// goods: at the agreed dock, a GLN, and not on their way out.
func (got *intake) scans(s Shipment, scans []domain.Reading) {
	if !s.Carriage.Delivery.Proof.needsScan() {
		return
	}
	var placed domain.Millis
	for _, r := range scans {
		if s.atDock(r) {
			placed = sooner(placed, r.At)
		}
	}
	if placed != 0 {
		got.arrive(placed)
		return
	}
	scans = slices.DeleteFunc(scans, func(r domain.Reading) bool { return r.Event != "" })
	goods, dock := earliest(scans, s.SSCC, "00"+s.SSCC), earliest(scans, s.Carriage.Delivery.Dock)
	if goods == 0 || dock == 0 && s.Carriage.Delivery.Dock != "" {
		return
	}
	got.arrive(max(goods, dock))
}

// atDock says whether an event saw the goods at the agreed dock, or arriving if none is agreed.
func (s Shipment) atDock(r domain.Reading) bool {
	dock := s.Carriage.Delivery.Dock
	return r.Event != "" && r.Text == s.SSCC && r.Place != "" && r.State != domain.StateDeparted &&
		(r.Place == dock || dock == "" && r.State == domain.StateArrived)
}

// arrive takes a scan that proves the delivery.
func (got *intake) arrive(at domain.Millis) {
	got.arrivedAt = sooner(got.arrivedAt, at)
	got.samples = append(got.samples, sample{at: at, kind: scan, value: 1})
}

// earliest is the first instant at which one of the codes was scanned, 0 if none was. An SSCC
// on a label stands after its GS1 application identifier 00.
func earliest(scans []domain.Reading, codes ...string) (at domain.Millis) {
	for _, r := range scans {
		if slices.Contains(codes, r.Text) && r.Text != "" && (at == 0 || r.At < at) {
			at = r.At
		}
	}
	return at
}

// order brings the samples of a message into order of time, and notes what they span.
func (got *intake) order(s Shipment, o domain.Observation) {
	slices.SortFunc(got.samples, compareSamples)
	if len(got.samples) == 0 {
		at := min(max(o.ObservedAt, s.DespatchAt), s.closes())
		got.from, got.to = at, at
		return
	}
	got.from, got.to = got.samples[0].at, got.samples[len(got.samples)-1].at
}

// scaled gives value x 10^-scale in units of 10^-digits, rounded half away from zero. It
// does not fit for a scale outside 0 to 9 or a result beyond 10^15.
func scaled(value int64, scale, digits int) (int64, bool) {
	const limit = 1_000_000_000_000_000
	if scale < 0 || scale > 9 || value > limit || value < -limit {
		return 0, false
	}
	for ; scale < digits; scale++ {
		if value *= 10; value > limit || value < -limit {
			return 0, false
		}
	}
	divisor := int64(1)
	for ; scale > digits; scale-- {
		divisor *= 10
	}
	if value < 0 {
		return -((-value + divisor/2) / divisor), true
	}
	return (value + divisor/2) / divisor, true
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
