package envelope

import (
	"aval/domain"
	"aval/domain/canon"
)

// observation is the signed payload of an oracle observation. Its members are those of
// domain.Observation that the signer states.
type observation struct {
	Ledger     string               `json:"ledger"`
	Kind       domain.Kind          `json:"kind"`
	Subject    string               `json:"subject"`
	Epoch      uint64               `json:"epoch"`
	Sequence   uint64               `json:"sequence"`
	Previous   []byte               `json:"previous,omitempty"`
	ObservedAt domain.Millis        `json:"observedAt"`
	Flight     *domain.FlightStatus `json:"flight"`
}

// ObservationCodec reads oracle observations: a compact JWS of type ObservationType.
type ObservationCodec struct{}

// Format is ObservationType.
func (ObservationCodec) Format() string { return ObservationType }

// Decode reads one observation strictly. Errors are *domain.Rejection.
func (ObservationCodec) Decode(raw []byte) (domain.Observation, domain.Signed, error) {
	var o observation
	shell, payload, err := Open(ObservationType, raw)
	if err != nil {
		return domain.Observation{}, shell, err
	}
	if err := canon.DecodeJSON(payload, &o); err != nil {
		return domain.Observation{}, shell, domain.Refuse(domain.Malformed, "observation: %.200v", err)
	}
	if o.Flight == nil {
		return domain.Observation{}, shell, domain.Refuse(domain.Malformed, "observation: flight is missing")
	}
	if err := CheckObservation(o.Kind, o.Subject, o.Epoch, o.Sequence); err != nil {
		return domain.Observation{}, shell, err
	}
	return domain.Observation{
		Ledger: o.Ledger, Kind: o.Kind, Subject: o.Subject, KeyID: shell.KeyID, Epoch: o.Epoch, Sequence: o.Sequence,
		Previous: o.Previous, Fingerprint: Fingerprint(shell), ObservedAt: o.ObservedAt, Flight: o.Flight,
	}, shell, nil
}

// SealObservation signs an observation; KeyID and Fingerprint are the signer's to give.
func SealObservation(signer *Signer, o domain.Observation) ([]byte, error) {
	return Seal(signer, ObservationType, observation{
		Ledger: o.Ledger, Kind: o.Kind, Subject: o.Subject, Epoch: o.Epoch, Sequence: o.Sequence,
		Previous: o.Previous, ObservedAt: o.ObservedAt, Flight: o.Flight,
	})
}

// CheckObservation refuses an identity that no signer may use: a bad kind or subject, epoch
// or sequence zero, or one beyond 2^53-1, which not every JSON reader keeps exact.
func CheckObservation(kind domain.Kind, subject string, epoch, sequence uint64) error {
	if err := kind.Check(); err != nil {
		return err
	}
	if epoch == 0 || sequence == 0 || epoch > domain.MaxMinor || sequence > domain.MaxMinor {
		return domain.Refuse(domain.Malformed, "epoch %d, sequence %d: want 1 to %d", epoch, sequence, int64(domain.MaxMinor))
	}
	return domain.CheckID("subject", subject)
}
