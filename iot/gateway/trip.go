package gateway

import (
	"bytes"
	"errors"
	"slices"

	"aval/domain"
	"aval/ledger"
)

// SignSamples makes the messages of a recorded trip, perMessage instants (1 to
// senml.MaxInstants) under one signature, each signed at its last instant.
func (d *Device) SignSamples(samples []Sample, clock domain.ClockQuality, perMessage int) (messages [][]byte, err error) {
	for part := range slices.Chunk(samples, perMessage) {
		var readings []domain.Reading
		for _, s := range part {
			readings = append(readings, s.Readings...)
		}
		raw, err := d.Sign(part[len(part)-1].At, clock, readings)
		if err != nil {
			return nil, err
		}
		messages = append(messages, raw)
	}
	return messages, nil
}

// VerifyUnder is a Config.Verify: it accepts a receipt that proves the message with that
// fingerprint under the policy.
func VerifyUnder(policy ledger.Policy) func(receipt, fingerprint []byte) error {
	return func(receipt, fingerprint []byte) error {
		d, err := ledger.OpenReceipt(policy, receipt)
		if err == nil && !bytes.Equal(d.Fingerprint, fingerprint) {
			err = errors.New("the receipt is for another message")
		}
		return err
	}
}
