package gateway

import (
	"fmt"
	"sync"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/senml"
)

// Device signs packs as a sensor does: sequences count up within an epoch, and each message
// names the fingerprint of the one before. A device that restarts begins a higher epoch. Safe
// for concurrent use.
type Device struct {
	signer *envelope.Signer
	format string

	mu   sync.Mutex
	head senml.Pack
}

// NewDevice makes a device that will sign with the ledger, kind, subject, device name and epoch of
// head, in a format of package senml.
func NewDevice(signer *envelope.Signer, head senml.Pack, format string) (*Device, error) {
	if format != senml.FormatJWS && format != senml.FormatCOSE {
		return nil, fmt.Errorf("device: format %.40q is unknown", format)
	}
	if err := senml.CheckDevice(head.Device); err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	head.Sequence, head.Previous, head.Readings = 0, nil, nil
	return &Device{signer: signer, format: format, head: head}, nil
}

// Name is the device's name in topics.
func (d *Device) Name() string { return d.head.Device }

// Sign makes the next message. A refused one uses no sequence.
func (d *Device) Sign(at domain.Millis, clock domain.ClockQuality, readings []domain.Reading) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.head
	next.Sequence++
	next.At, next.Clock, next.Readings = at, clock, readings
	raw, shell, err := d.seal(next)
	if err != nil {
		return nil, err
	}
	d.head.Sequence, d.head.Previous = next.Sequence, envelope.Fingerprint(shell)
	return raw, nil
}

func (d *Device) seal(p senml.Pack) ([]byte, domain.Signed, error) {
	seal, open := senml.SealJWS, senml.OpenJWS
	if d.format == senml.FormatCOSE {
		seal, open = senml.SealCOSE, senml.OpenCOSE
	}
	raw, err := seal(d.signer, p)
	if err != nil {
		return nil, domain.Signed{}, err
	}
	_, shell, err := open(raw)
	return raw, shell, err
}
