// Package fingerprint makes the marks by which one invoice is known again on another ledger
// without saying anything about it: a verifiable oblivious pseudo-random function (RFC 9497,
// mode VOPRF, ristretto255-SHA512) of who sold, under which number, in which year.
//
// The registry that holds the key never sees an invoice: it is handed a blinded element and
// gives back its product with the key, and a proof that it is the right key. Whoever has no key
// cannot compute a fingerprint, and so cannot try candidates. No amount, buyer, document type or
// date beyond the year is part of it: there is no amount to try, and 380, 393 and a reissued file are one.
//
// This package is the part that a ledger judges, and pure. The contract itself makes the blinded
// elements, out of an invoice of the sender: nobody obtains the fingerprint of another's.
package fingerprint

import (
	"encoding/hex"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"

	"aval/domain"
	"aval/domain/canon"
)

const (
	// SeedBytes is the length of the secret from which an invoice's two blinds are derived.
	SeedBytes = 32
	// ElementBytes is the length of a public key, a blinded and an evaluated element.
	ElementBytes = 32
	// ProofBytes is the length of the proof over both elements.
	ProofBytes = 64
	// Bytes is the length of a fingerprint: 256 bits of the 512 that the function gives.
	Bytes = 32
)

// Identity is what makes a receivable the same.
type Identity struct {
	// Supplier is the seller's identity outside: an LEI, a VAT number; a party ID means this ledger only.
	Supplier string `json:"supplier"`
	// Number is the invoice number, in any spelling.
	Number string `json:"number"`
	// Year is that of the issue date: numbers begin again each year.
	Year int64 `json:"year"`
}

// Request is what the registry sees: two blinded elements, for the number as it is and without leading zeros.
type Request struct {
	Exact []byte `json:"exact"`
	Loose []byte `json:"loose"`
}

// Answer is what the registry gives back: each element times its key, and the proof that both are.
type Answer struct {
	Exact []byte `json:"exact"`
	Loose []byte `json:"loose"`
	Proof []byte `json:"proof"`
}

// Pair is the two fingerprints of an invoice, in lower-case hexadecimal. An equal Exact is the
// same receivable; an equal Loose alone is one that differs in leading zeros.
type Pair struct {
	Exact string `json:"exact"`
	Loose string `json:"loose"`
}

// input is what is hashed; its canonical encoding keeps the fields apart.
type input struct {
	Form     string `json:"form"`
	Supplier string `json:"supplier"`
	Number   string `json:"number"`
	Year     int64  `json:"year"`
}

func (i Identity) inputs() ([][]byte, error) {
	number, err := Normalise(i.Number)
	if err != nil {
		return nil, err
	}
	supplier, err := Normalise(i.Supplier)
	if err != nil {
		return nil, err
	}
	if i.Year < 1970 || i.Year > 9999 {
		return nil, domain.Refuse(domain.Malformed, "year %d: want 1970 to 9999", i.Year)
	}
	exact, err := canon.Marshal(input{"exact", supplier, number, i.Year})
	if err != nil {
		return nil, err
	}
	loose, err := canon.Marshal(input{"loose", supplier, Loose(number), i.Year})
	return [][]byte{exact, loose}, err
}

// Blind makes the request for an invoice. The seed must be SeedBytes of chance, used for this invoice alone.
func Blind(id Identity, seed []byte) (Request, error) {
	_, request, err := blind(id, seed)
	if err != nil {
		return Request{}, err
	}
	exact, err1 := request.Elements[0].MarshalBinaryCompress()
	loose, err2 := request.Elements[1].MarshalBinaryCompress()
	if err1 != nil || err2 != nil {
		return Request{}, domain.Refuse(domain.Malformed, "seed: another one is needed")
	}
	return Request{exact, loose}, nil
}

func blind(id Identity, seed []byte) (*oprf.FinalizeData, *oprf.EvaluationRequest, error) {
	if len(seed) != SeedBytes {
		return nil, nil, domain.Refuse(domain.Malformed, "seed: %d bytes, want %d", len(seed), SeedBytes)
	}
	inputs, err := id.inputs()
	if err != nil {
		return nil, nil, err
	}
	blinds := []oprf.Blind{scalar(seed, 0), scalar(seed, 1)}
	data, request, err := oprf.NewClient(oprf.SuiteRistretto255).DeterministicBlind(inputs, blinds)
	if err != nil {
		return nil, nil, domain.Refuse(domain.Malformed, "seed: another one is needed")
	}
	return data, request, nil
}

func scalar(seed []byte, number byte) group.Scalar {
	return group.Ristretto255.HashToScalar(append([]byte{number}, seed...), []byte("aval invoice fingerprint blind"))
}

// CheckPublic refuses what is no public key of a registry: Malformed.
func CheckPublic(public []byte) error {
	_, err := parsePublic(public)
	return err
}

func parsePublic(public []byte) (*oprf.PublicKey, error) {
	key := new(oprf.PublicKey)
	if _, err := element("publicKey", public); err != nil {
		return nil, err
	}
	if err := key.UnmarshalBinary(oprf.SuiteRistretto255, public); err != nil {
		return nil, domain.Refuse(domain.Malformed, "publicKey: not an element of ristretto255")
	}
	return key, nil
}

// element reads one that is not the identity, in its one encoding.
func element(field string, raw []byte) (group.Element, error) {
	e := group.Ristretto255.NewElement()
	if len(raw) != ElementBytes || e.UnmarshalBinary(raw) != nil || e.IsIdentity() {
		return nil, domain.Refuse(domain.Malformed, "%s: want an element of ristretto255, %d bytes", field, ElementBytes)
	}
	return e, nil
}

// Open gives the fingerprints out of the registry's answer to Blind(id, seed). NotEvidence if
// the proof does not hold: another key, or an answer to something else.
func Open(public []byte, id Identity, seed []byte, answer Answer) (Pair, error) {
	key, err := parsePublic(public)
	if err != nil {
		return Pair{}, err
	}
	data, _, err := blind(id, seed)
	if err != nil {
		return Pair{}, err
	}
	evaluation, err := answer.parse()
	if err != nil {
		return Pair{}, err
	}
	outputs, err := oprf.NewVerifiableClient(oprf.SuiteRistretto255, key).Finalize(data, evaluation)
	if err != nil {
		return Pair{}, domain.Refuse(domain.NotEvidence, "answer: the proof does not hold for this key and this request")
	}
	return Pair{hex.EncodeToString(outputs[0][:Bytes]), hex.EncodeToString(outputs[1][:Bytes])}, nil
}

func (a Answer) parse() (*oprf.Evaluation, error) {
	exact, err := element("exact", a.Exact)
	if err != nil {
		return nil, err
	}
	loose, err := element("loose", a.Loose)
	if err != nil {
		return nil, err
	}
	proof := new(dleq.Proof)
	if len(a.Proof) != ProofBytes || proof.UnmarshalBinary(group.Ristretto255, a.Proof) != nil {
		return nil, domain.Refuse(domain.Malformed, "proof: want %d bytes", ProofBytes)
	}
	return &oprf.Evaluation{Elements: []oprf.Evaluated{exact, loose}, Proof: proof}, nil
}
