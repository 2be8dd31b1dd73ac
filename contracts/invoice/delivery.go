package invoice

import "aval/domain"

// The proofs that no sensor gave.
const (
	BySupplier Proof = "supplier" // declared, and always inspected
	ByBuyer    Proof = "buyer"    // accepted on the way
)

// delivery says when the delivery was proved and by what; the proof is empty if it is not.
func delivery(s Shipment, tracks []track) (domain.Millis, Proof) {
	var fenceAt, scanAt domain.Millis
	for _, t := range tracks {
		fenceAt = sooner(fenceAt, s.Carriage.dwelt(t.of(position)))
		if scans := t.of(scan); len(scans) > 0 {
			scanAt = sooner(scanAt, scans[0].at)
		}
	}
	fenced, scanned := fenceAt != 0, scanAt != 0
	switch s.Carriage.Delivery.Proof {
	case ByAll:
		if fenced && scanned {
			return max(fenceAt, scanAt), ByAll
		}
	case ByAny, ByFence, ByScan:
		if fenced && (!scanned || fenceAt <= scanAt) {
			return fenceAt, ByFence
		}
		if scanned {
			return scanAt, ByScan
		}
	}
	return 0, ""
}

// sooner is the smaller of two instants, of which zero means none.
func sooner(a, b domain.Millis) domain.Millis {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// dwelt is the instant of the position that completes the agreed number of consecutive ones
// inside the fence and the agreed dwell; zero if none does. A position outside, or a longer
// silence than agreed, starts the count again.
func (t Carriage) dwelt(positions []sample) domain.Millis {
	var first, last domain.Millis
	count := int64(0)
	for _, p := range positions {
		switch {
		case p.value == 0:
			count = 0
			continue
		case count == 0 || p.at-last > t.Sampling.MaxGapMillis:
			first, count = p.at, 1
		default:
			count++
		}
		last = p.at
		if f := t.Delivery.Fence; count >= f.Readings && p.at-first >= f.DwellMillis {
			return p.at
		}
	}
	return 0
}
