package enclave

import (
	"crypto/sha512"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

const (
	// MaxNitroCertificates bounds a document's bundle, nitroPCRs its registers.
	MaxNitroCertificates = 8
	nitroPCRs            = 32
	nitroSignature       = 96
)

// nitroHeader is the one protected header that AWS writes: {1: -35}, ES384.
var nitroHeader = []byte{0xA1, 0x01, 0x38, 0x22}

// nitroSigned is a COSE_Sign1, tagged or not: RFC 9052, 4.2.
type nitroSigned struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[any]any
	Payload     []byte
	Signature   []byte
}

// nitroDocument is the payload.
type nitroDocument struct {
	ModuleID    string          `cbor:"module_id"`
	Timestamp   int64           `cbor:"timestamp"` // Unix milliseconds
	Digest      string          `cbor:"digest"`
	PCRs        map[uint][]byte `cbor:"pcrs"`
	Certificate []byte          `cbor:"certificate"`
	CABundle    [][]byte        `cbor:"cabundle"`
	PublicKey   []byte          `cbor:"public_key"`
	UserData    []byte          `cbor:"user_data"`
	Nonce       []byte          `cbor:"nonce"`
}

// nitroDecoding is strict, but does not ask for the canonical order of keys: AWS writes its own.
var nitroDecoding = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: nitroPCRs, UTF8: cbor.UTF8RejectInvalid, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	TagsMd: cbor.TagsForbidden,
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// parseNitro reads a document. ErrEvidence.
func parseNitro(evidence []byte) (s nitroSigned, d nitroDocument, err error) {
	const tag = 0xD2 // 18, COSE_Sign1
	if len(evidence) > 0 && evidence[0] == tag {
		evidence = evidence[1:]
	}
	if err := nitroDecoding.Unmarshal(evidence, &s); err != nil {
		return s, d, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	if string(s.Protected) != string(nitroHeader) || len(s.Unprotected) > 0 || len(s.Signature) != nitroSignature {
		return s, d, fmt.Errorf("%w: want ES384 and no other header", ErrEvidence)
	}
	if err := nitroDecoding.Unmarshal(s.Payload, &d); err != nil {
		return s, d, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return s, d, d.check()
}

func (d nitroDocument) check() error {
	if d.Digest != "SHA384" || d.ModuleID == "" || len(d.PCRs[0]) != sha512.Size384 {
		return fmt.Errorf("%w: want registers of SHA384", ErrEvidence)
	}
	for i, value := range d.PCRs {
		if i >= nitroPCRs || len(value) != sha512.Size384 {
			return fmt.Errorf("%w: register %d of %d bytes", ErrEvidence, i, len(value))
		}
	}
	if len(d.CABundle) == 0 || len(d.CABundle) > MaxNitroCertificates {
		return fmt.Errorf("%w: bundle of %d certificates, limit %d", ErrEvidence, len(d.CABundle), MaxNitroCertificates)
	}
	return nil
}

// debug: an enclave in debug mode has zeros where the image's measurement stands.
func (d nitroDocument) debug() bool {
	for _, b := range d.PCRs[0] {
		if b != 0 {
			return false
		}
	}
	return true
}

// toSign is the Sig_structure without external data.
func (s nitroSigned) toSign() ([]byte, error) {
	return cbor.Marshal([]any{"Signature1", s.Protected, []byte{}, s.Payload})
}
