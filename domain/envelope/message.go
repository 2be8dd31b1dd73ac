package envelope

import (
	"crypto/sha256"

	"aval/domain"
)

// Limits of what a device states of each of its messages.
const (
	// MaxLedgerBytes bounds the ledger's origin.
	MaxLedgerBytes = 256
	// MaxTime is the last millisecond of the year 9999.
	MaxTime domain.Millis = 253402300799999
)

// CheckMessage refuses an identity, a place in the chain of an epoch, or a clock that no device may
// state. Readings are not looked at.
func CheckMessage(o domain.Observation) error {
	if o.Ledger == "" || len(o.Ledger) > MaxLedgerBytes {
		return domain.Refuse(domain.Malformed, "ledger: %d bytes, want 1 to %d", len(o.Ledger), MaxLedgerBytes)
	}
	if err := CheckObservation(o.Kind, o.Subject, o.Epoch, o.Sequence); err != nil {
		return err
	}
	if first := o.Sequence == 1; first != (len(o.Previous) == 0) || !first && len(o.Previous) != sha256.Size {
		return domain.Refuse(domain.Malformed, "prev: %d bytes at seq %d, want none at 1 and %d after", len(o.Previous), o.Sequence, sha256.Size)
	}
	if o.ObservedAt < 0 || o.ObservedAt > MaxTime {
		return domain.Refuse(domain.Malformed, "t: %d ms, want 0 to %d", o.ObservedAt, MaxTime)
	}
	switch o.ClockQuality {
	case domain.ClockUnset, domain.ClockRTC, domain.ClockNTP, domain.ClockGNSS:
		return nil
	}
	return domain.Refuse(domain.Malformed, "clock %.20q: want unset, rtc, ntp or gnss", string(o.ClockQuality))
}
