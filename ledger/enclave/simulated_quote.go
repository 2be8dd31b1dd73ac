package enclave

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"aval/domain/canon"
)

// simulatedQuotes separates the key that signs from the key that seals, and what it signs from all else.
const simulatedQuotes = "SIMULATED aval quote 1\x00"

// ErrSimulatedQuote reports a simulated quote that is malformed or was changed.
var ErrSimulatedQuote = errors.New("simulated quote is malformed or was changed")

// simulatedEvidence has the shape of evidence, and says what it is.
type simulatedEvidence struct {
	Warning     string `json:"warning"`
	Measurement []byte `json:"measurement"`
	Report      []byte `json:"report"`
	Key         []byte `json:"key"`
	Signature   []byte `json:"signature"`
}

// Quote implements Platform: signed by the stand-in key, which anybody can make. It proves nothing.
func (s simulated) Quote(report [64]byte) (Quote, error) {
	e := simulatedEvidence{Warning: Warning, Measurement: s.Measurement(), Report: report[:], Key: s.signer.Public().(ed25519.PublicKey)}
	e.Signature = ed25519.Sign(s.signer, e.signed())
	evidence, err := canon.Marshal(e)
	return Quote{Platform: SimulatedName, Evidence: evidence}, err
}

func (e simulatedEvidence) signed() []byte {
	return append(append([]byte(simulatedQuotes), e.Measurement...), e.Report...)
}

// verifySimulated finds accidents, not lies.
func verifySimulated(q Quote, _ Policy, report [64]byte, _ Times) (Appraisal, error) {
	var e simulatedEvidence
	if err := canon.Unmarshal(q.Evidence, &e); err != nil {
		return Appraisal{}, fmt.Errorf("%w: %w", ErrSimulatedQuote, err)
	}
	if e.Warning != Warning || len(e.Measurement) != sha256.Size || len(e.Key) != ed25519.PublicKeySize || len(q.Collateral) > 0 {
		return Appraisal{}, ErrSimulatedQuote
	}
	if !ed25519.Verify(e.Key, e.signed(), e.Signature) {
		return Appraisal{}, fmt.Errorf("%w: signature", ErrSimulatedQuote)
	}
	if string(e.Report) != string(report[:]) {
		return Appraisal{}, ErrReportData
	}
	return Appraisal{Measurement: e.Measurement, Simulated: true}, nil
}
