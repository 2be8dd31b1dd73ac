package invoice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aval/domain"
)

// Limits of samples.
const (
	// SlotsPerSlice is how many sampling intervals one slice covers.
	SlotsPerSlice = 64
	// MaxSliceSamples bounds the samples of one slice: twice as often as agreed, with a
	// position each. A device that sends more is refused from there on.
	MaxSliceSamples = 256
	// MaxTouchedSlices bounds the slices that one message may speak of, and so what it rewrites.
	MaxTouchedSlices = 64
	// MaxSlices bounds the slices of one device. Times MaxDevices it stays below
	// domain.MaxScan, to read all at once, and domain.MaxWrites, to close all at once.
	MaxSlices = 224
)

// slice is the record samples/<shipment>/<device>/<n>: the samples of a device whose
// instants lie in [despatch + n x width, despatch + (n+1) x width), width being SlotsPerSlice
// intervals. It is the same whatever the order in which messages came.
type slice struct {
	// Messages are the fingerprints that samples refer to, sorted.
	Messages [][]byte `json:"messages,omitempty"`
	// Samples are in order of time.
	Samples []packed `json:"samples,omitempty"`
}

// packed is a sample as stored, an array of five small integers.
type packed struct {
	_ struct{} `cbor:",toarray" json:"-"`
	// At is in milliseconds from the start of the slice.
	At    int64 `json:"at"`
	Kind  int64 `json:"kind"`
	Value int64 `json:"value"`
	// Message is an index into Messages.
	Message int64 `json:"message"`
	// Span is how many milliseconds before At the value is over, zero for an instant.
	Span int64 `json:"span,omitempty"`
}

func samplesPrefix(shipment string) string { return "samples/" + shipment + "/" }

func samplesKey(shipment string, device int, n int64) string {
	return fmt.Sprintf("%s%d/%05d", samplesPrefix(shipment), device, n)
}

// change is a slice to be written.
type change struct {
	key   string
	slice slice
}

func (s Shipment) sliceWidth() domain.Millis {
	return s.Carriage.Sampling.IntervalMillis * SlotsPerSlice
}

func (s Shipment) sliceOf(at domain.Millis) int64 { return int64((at - s.DespatchAt) / s.sliceWidth()) }

func (s Shipment) sliceStart(n int64) domain.Millis {
	return s.DespatchAt + domain.Millis(n)*s.sliceWidth()
}

// merge adds samples, which are in order of time, to the slices that they fall into.
func (d *draft) merge(s Shipment, device int, samples []sample) ([]change, error) {
	var changed []change
	for len(samples) > 0 {
		if len(changed) == MaxTouchedSlices {
			return nil, domain.Refuse(domain.LimitExceeded, "readings in more than %d slices of %d ms", MaxTouchedSlices, int64(s.sliceWidth()))
		}
		n, end := s.sliceOf(samples[0].at), 1
		for end < len(samples) && s.sliceOf(samples[end].at) == n {
			end++
		}
		key := samplesKey(s.ID, device, n)
		old, _, err := domain.Load[slice](d.view, key)
		if err != nil {
			return nil, err
		}
		start := s.sliceStart(n)
		all := distinct(append(old.unpack(start), samples[:end]...))
		if len(all) > MaxSliceSamples {
			return nil, domain.Refuse(domain.LimitExceeded, "more than %d samples within %d ms", MaxSliceSamples, int64(s.sliceWidth()))
		}
		changed = append(changed, change{key, pack(start, all)})
		samples = samples[end:]
	}
	return changed, nil
}

// distinct sorts samples and keeps one of those that state the same at the same instant: the
// one whose message has the smallest fingerprint, so that order does not matter.
func distinct(samples []sample) []sample {
	slices.SortFunc(samples, compareSamples)
	return slices.CompactFunc(samples, func(a, b sample) bool {
		return a.at == b.at && a.kind == b.kind && a.value == b.value && a.span == b.span
	})
}

func compareSamples(a, b sample) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value), cmp.Compare(a.span, b.span), strings.Compare(a.message, b.message))
}

func pack(start domain.Millis, samples []sample) slice {
	messages := fingerprints(samples)
	var packing slice
	for _, m := range messages {
		packing.Messages = append(packing.Messages, []byte(m))
	}
	for _, each := range samples {
		i, _ := slices.BinarySearch(messages, each.message)
		packing.Samples = append(packing.Samples, packed{
			At: int64(each.at - start), Kind: each.kind, Value: each.value, Message: int64(i), Span: int64(each.span),
		})
	}
	return packing
}

func (s slice) unpack(start domain.Millis) []sample {
	samples := make([]sample, 0, len(s.Samples))
	for _, p := range s.Samples {
		samples = append(samples, sample{
			at: start + domain.Millis(p.At), kind: p.Kind, value: p.Value, message: string(s.Messages[p.Message]), span: domain.Millis(p.Span),
		})
	}
	return samples
}

// fingerprints are those of the samples' messages, sorted, each once.
func fingerprints(samples []sample) []string {
	messages := make([]string, 0, len(samples))
	for _, each := range samples {
		messages = append(messages, each.message)
	}
	slices.Sort(messages)
	return slices.Compact(messages)
}

// track is all that one device has shown.
type track struct {
	// publisher says that the device speaks of many shipments, so that its numbers have gaps here.
	publisher bool
	trace     trace
	register  register
	// samples are those that nobody withdrew.
	samples []sample
}

// tracks reads the evidence of every device of the shipment, in their order, as this draft has it.
func (d *draft) tracks(s Shipment) ([]track, error) {
	tracks := make([]track, len(s.witnesses()))
	for i := range tracks {
		if err := d.read(&tracks[i], s, i); err != nil {
			return nil, err
		}
	}
	return tracks, nil
}

func (d *draft) read(t *track, s Shipment, device int) error {
	var err error
	t.publisher = device >= len(s.Devices)
	f := d.fresh
	if f != nil && f.traceKey == traceKey(s.ID, device) {
		t.trace, t.register = f.trace, f.register
	} else if t.trace, _, err = domain.Load[trace](d.view, traceKey(s.ID, device)); err != nil {
		return err
	} else if t.register, _, err = domain.Load[register](d.view, registerKey(s.ID, device)); err != nil {
		return err
	}
	for n := int64(0); n < s.Carriage.slices(); n++ {
		part, err := d.slice(samplesKey(s.ID, device, n))
		if err != nil {
			return err
		}
		t.samples = append(t.samples, part.unpack(s.sliceStart(n))...)
	}
	t.samples = slices.DeleteFunc(t.samples, func(each sample) bool { return t.register.dead(each.message) })
	return nil
}

// slice gives samples as this draft has them; none is an empty slice.
func (d *draft) slice(key string) (slice, error) {
	if d.fresh != nil {
		for _, each := range d.fresh.slices {
			if each.key == key {
				return each.slice, nil
			}
		}
	}
	part, _, err := domain.Load[slice](d.view, key)
	return part, err
}

// holes are the spans in which messages of the device are missing. Of a publisher's messages most are about other shipments.
func (t track) holes() []span {
	if t.publisher {
		return nil
	}
	return t.trace.holes()
}

// of gives the samples of one kind in order of time, without the instants at which the
// device contradicts itself.
func (t track) of(kind int64) []sample {
	var all, sound []sample
	for _, each := range t.samples {
		if each.kind == kind {
			all = append(all, each)
		}
	}
	for i, each := range all {
		twice := i > 0 && all[i-1].at == each.at || i+1 < len(all) && all[i+1].at == each.at
		if !twice {
			sound = append(sound, each)
		}
	}
	return sound
}

// opened says whether a door was open before an instant and, by the last position of the device,
// outside of the fence: at the dock it may be.
func (t track) opened(before domain.Millis) bool {
	positions := t.of(position)
	return slices.ContainsFunc(t.samples, func(each sample) bool {
		inside := false
		for _, p := range positions {
			if p.at <= each.at {
				inside = p.value == 1
			}
		}
		return each.kind == door && each.at < before && !inside
	})
}
