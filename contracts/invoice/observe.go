package invoice

import (
	"slices"

	"aval/domain"
)

// Limits of one message.
const (
	// MaxReadings bounds the readings of one message.
	MaxReadings = 1000
	// MaxSkew is how far a device's clock may be ahead of the batch time: 5 min.
	MaxSkew domain.Millis = 5 * 60 * 1000
)

func (d *draft) observe() error {
	s, device, o, err := d.witness()
	if err != nil {
		return err
	}
	if s.Judgement != nil {
		return d.takeBackEvidence(s, device, o)
	}
	got, err := d.gather(s, device, o)
	if err != nil {
		return err
	}
	if s.Status == Despatched && len(got.samples) > 0 {
		s.Status = InTransit
		d.shipments.touch(s)
	}
	if got.arrivedAt != 0 && s.JudgeAt == 0 {
		s.JudgeAt = d.in.Now + s.Carriage.Sampling.WaitMillis
		d.shipments.touch(s)
		d.event("ArrivalSeen", shipmentKey(s.ID), arrivalSeen{got.arrivedAt, s.JudgeAt}, s.everybody()...)
	}
	return nil
}

// gather adds what a message yields to the evidence of its device.
func (d *draft) gather(s *Shipment, device int, o domain.Observation) (intake, error) {
	key, regKey := traceKey(s.ID, device), registerKey(s.ID, device)
	t, found, err := domain.Load[trace](d.view, key)
	if err != nil || !found {
		return intake{}, firstError(err, domain.Refuse(domain.NotFound, "shipment %s gathers no evidence", s.ID))
	}
	reg, _, err := domain.Load[register](d.view, regKey)
	if err != nil {
		return intake{}, err
	}
	got := s.take(d.in.Now, o, device < len(s.Devices))
	if n := got.events(*s, &reg, d.in.Now, o); n > 0 {
		t.Equivocations += n
		d.event("DeviceEquivocated", shipmentKey(s.ID), equivocation{t.Device, o.Epoch, o.Sequence, o.Fingerprint}, s.everybody()...)
	}
	got.order(*s, o)
	if s.Judgement == nil { // what amends a judgement goes on from where the chain was judged, not from what was refused since
		err = t.add(o, got)
	}
	if err := firstError(err, reg.check()); err != nil {
		return got, err
	}
	changed, err := d.merge(*s, device, got.samples)
	if err != nil {
		return got, err
	}
	put(d, key, t, "open", false, s.insiders()...)
	if len(reg.Events) > 0 {
		put(d, regKey, reg, "open", false, s.insiders()...)
	}
	for _, each := range changed {
		put(d, each.key, each.slice, "open", false, s.insiders()...)
	}
	d.fresh = &fresh{key, t, regKey, reg, changed}
	return got, nil
}

// fresh is the evidence of one device as this draft has changed it.
type fresh struct {
	traceKey    string
	trace       trace
	registerKey string
	register    register
	slices      []change
}

// arrivalSeen announces that a message may prove the delivery, and when that is judged.
type arrivalSeen struct {
	ObservedAt domain.Millis `json:"observedAt"`
	JudgeAt    domain.Millis `json:"judgeAt"`
}

// witness checks that the command carries one message of a device bound to the shipment.
func (d *draft) witness() (*Shipment, int, domain.Observation, error) {
	refuse := func(code domain.Code, text string, args ...any) (*Shipment, int, domain.Observation, error) {
		return nil, 0, domain.Observation{}, domain.Refuse(code, text, args...)
	}
	if len(d.in.Evidence) != 1 {
		return refuse(domain.NotEvidence, "%d observations, want 1", len(d.in.Evidence))
	}
	o, id := d.in.Evidence[0], d.in.Command.Contract
	s, found, err := d.shipments.fetch(d.view, shipmentKey(id))
	switch {
	case err != nil:
		return nil, 0, o, err
	case !found:
		return refuse(domain.NotFound, "shipment %.64q is not open", id)
	case o.Kind != Kind || o.Subject != id || len(o.Readings) == 0 || o.Flight != nil:
		return refuse(domain.NotEvidence, "not readings about this shipment")
	}
	device := slices.Index(s.witnesses(), o.Holder)
	switch {
	case device < 0:
		return refuse(domain.NotEvidence, "device %.64q is not bound to this shipment", o.Holder)
	case !s.sensing() && (s.Judgement == nil || !ofEvents(o)):
		return refuse(domain.WrongState, "shipment is %s and takes no more evidence", s.Status)
	case len(o.Readings) > MaxReadings:
		return refuse(domain.LimitExceeded, "%d readings, limit %d", len(o.Readings), MaxReadings)
	}
	return s, device, o, nil
}

// equivocate flags a device that signed two messages under one identity.
func (d *draft) equivocate() error {
	s, device, o, err := d.witness()
	if err != nil {
		return err
	}
	t, found, err := domain.Load[trace](d.view, traceKey(s.ID, device))
	if err != nil || !found {
		return firstError(err, domain.Refuse(domain.NotFound, "shipment %s gathers no evidence", s.ID))
	}
	t.Equivocations++
	put(d, traceKey(s.ID, device), t, "open", false, s.insiders()...)
	d.event("DeviceEquivocated", shipmentKey(s.ID), equivocation{t.Device, o.Epoch, o.Sequence, o.Fingerprint}, s.everybody()...)
	return nil
}

// equivocation names the message that gives an identity, or an event, another content; the log holds both.
type equivocation struct {
	Device      string `json:"device"`
	Epoch       uint64 `json:"epoch"`
	Sequence    uint64 `json:"sequence"`
	Fingerprint []byte `json:"fingerprint"`
}
