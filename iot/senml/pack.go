package senml

import (
	"strings"

	"aval/domain"
	"aval/domain/envelope"
)

// Pack is the signed content of a message.
type Pack struct {
	Ledger  string
	Kind    domain.Kind
	Subject string
	Device  string
	// Epoch and Sequence count from 1.
	Epoch, Sequence uint64
	// Previous is the fingerprint of the message before it, empty for Sequence 1 and only then.
	Previous []byte
	// At is the device's clock when it signed, Clock how that was set.
	At    domain.Millis
	Clock domain.ClockQuality
	// Readings are at the scale of their quantity, see NewReading.
	Readings []domain.Reading
}

// CheckDevice refuses a device name that is not 1 to 48 of a-z, 0-9, '-'.
func CheckDevice(name string) error {
	if name == "" || len(name) > 48 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return domain.Refuse(domain.Malformed, "dev %.60q: want 1 to 48 of a-z, 0-9, '-'", name)
	}
	return nil
}

// check refuses a head that no device may sign. Readings are checked when they are resolved.
func (p Pack) check() error {
	if err := CheckDevice(p.Device); err != nil {
		return err
	}
	return envelope.CheckMessage(domain.Observation{
		Ledger: p.Ledger, Kind: p.Kind, Subject: p.Subject, Epoch: p.Epoch, Sequence: p.Sequence, Previous: p.Previous,
		ObservedAt: p.At, ClockQuality: p.Clock,
	})
}

// fieldNames are the members of the signed map, in the order in which a pack is read.
func fieldNames() []string {
	return []string{"ledger", "kind", "subject", "dev", "epoch", "seq", "prev", "t", "clock", "records"}
}

// checkFields refuses a map that lacks a member or has one too many. Prev may be absent.
func checkFields[V any](members map[string]V) error {
	for _, name := range fieldNames() {
		if _, ok := members[name]; !ok && name != "prev" {
			return domain.Refuse(domain.Malformed, "%s is missing", name)
		}
	}
	_, hasPrev := members["prev"]
	if extra := len(members) - len(fieldNames()); extra > 0 || extra == 0 && !hasPrev {
		return domain.Refuse(domain.Malformed, "unknown member in the pack")
	}
	return nil
}

// with completes a checked head.
func (p Pack) with(records []record) (Pack, error) {
	readings, err := resolve(p.Device, records)
	if err != nil {
		return Pack{}, err
	}
	p.Readings = readings
	return p, nil
}
