package ledger

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"aval/domain/canon"
)

// Keys are the secrets of a ledger. They leave the process only sealed by a platform.
type Keys struct {
	// Origin names the ledger: a schema-less URL, equal to the log key's name.
	Origin string `json:"origin"`
	// LogSigner is the C2SP note signing key of the log.
	LogSigner string `json:"logSigner"`
	// LogVerifier is its public half, the vkey that verifiers are handed.
	LogVerifier string `json:"logVerifier"`
	// Index keys the tags under which things are found, Salt the commitments; both last as long as the ledger.
	Index []byte `json:"index"`
	Salt  []byte `json:"salt"`
	// Epochs are the keys of sealed bodies, oldest first; the last one seals.
	Epochs []Epoch `json:"epochs"`
}

// Epoch is one body key with its number, counted from 1. Numbers increase and may leave gaps.
type Epoch struct {
	Number uint32 `json:"number"`
	Key    []byte `json:"key"`
}

// NewKeys makes the secrets of a new ledger from the randomness it is given.
func NewKeys(origin string, random io.Reader) (*Keys, error) {
	signer, verifier, err := note.GenerateKey(random, origin)
	if err != nil {
		return nil, fmt.Errorf("make log key: %w", err)
	}
	secret := make([]byte, 3*32)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, err
	}
	return &Keys{
		Origin: origin, LogSigner: signer, LogVerifier: verifier, Index: secret[:32], Salt: secret[32:64],
		Epochs: []Epoch{{Number: 1, Key: secret[64:]}},
	}, nil
}

// Format gives the plaintext of a key file, to be sealed by a platform at once.
func (k *Keys) Format() ([]byte, error) { return canon.Marshal(k) }

// Policy is the tlog-policy under which receipts of this ledger verify: its log key, no witnesses.
func (k *Keys) Policy() []byte { return []byte("log " + k.LogVerifier + "\nquorum none\n") }

// ParseKeys reads what Format gave.
func ParseKeys(data []byte) (*Keys, error) {
	var k Keys
	if err := canon.Unmarshal(data, &k); err != nil {
		return nil, errors.New("read ledger keys: not a key file") // the cause could quote a key
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	return &k, nil
}

// check refuses keys that would seal, tag or sign what nobody could open, find or verify later.
func (k *Keys) check() error {
	signer, err := note.NewSigner(k.LogSigner)
	if err != nil {
		return errors.New("ledger keys: the log key does not parse") // the cause could quote the key
	}
	verifier, err := note.NewVerifier(k.LogVerifier)
	if err != nil || signer.Name() != k.Origin || verifier.Name() != k.Origin || signer.KeyHash() != verifier.KeyHash() {
		return errors.New("ledger keys: the two halves of the log key and the origin do not belong together")
	}
	if len(k.Epochs) == 0 || len(k.Index) != 32 || len(k.Salt) != 32 {
		return errors.New("ledger keys: incomplete")
	}
	last := uint32(0)
	for _, epoch := range k.Epochs {
		if epoch.Number <= last || len(epoch.Key) != 32 {
			return errors.New("ledger keys: want 32 bytes for each epoch, and numbers that increase from 1")
		}
		last = epoch.Number
	}
	return nil
}

// With gives keys that hold one more epoch, the newest. It leaves k as it is. A key of another
// length than 32 bytes, or of a number that is not beyond the newest, is an error.
func (k *Keys) With(next Epoch) (*Keys, error) {
	grown := *k
	grown.Epochs = append(slices.Clone(k.Epochs), next)
	return &grown, grown.check()
}

// NewEpoch makes a body key from the randomness it is given: nothing about it follows from any other key.
func NewEpoch(number uint32, random io.Reader) (Epoch, error) {
	e := Epoch{Number: number, Key: make([]byte, 32)}
	_, err := io.ReadFull(random, e.Key)
	return e, err
}
