package recovery

import (
	"bytes"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"

	"aval/domain/canon"
)

// PublicKeyBytes is the length of a recovery key's public half: ML-KEM-768 and X25519, as HPKE encodes them.
const PublicKeyBytes = 1184 + 32

// keyKind tells a recovery key's file from every other.
const keyKind = "aval-recovery-key"

// Key opens what was sealed to its public half. It is of no use for signing.
type Key struct{ private hpke.PrivateKey }

// keyText is the file of a Key.
type keyText struct {
	Kind    string `json:"kind"`
	Private []byte `json:"private"`
}

func kem() hpke.KEM { return hpke.MLKEM768X25519() }

// NewKey makes a key from the machine's randomness.
func NewKey() (Key, error) {
	private, err := kem().GenerateKey()
	if err != nil {
		return Key{}, fmt.Errorf("make recovery key: %w", err)
	}
	return Key{private}, nil
}

// Public is the half that governance registers.
func (k Key) Public() []byte { return k.private.PublicKey().Bytes() }

// Format gives the content of a private key file.
func (k Key) Format() ([]byte, error) {
	private, err := k.private.Bytes()
	if err != nil {
		return nil, errors.New("format recovery key: it cannot be written")
	}
	return json.Marshal(keyText{keyKind, private})
}

// ParseKey reads what Format gave. Errors never quote it.
func ParseKey(text []byte) (Key, error) {
	var t keyText
	if canon.DecodeJSON(bytes.TrimSpace(text), &t) != nil || t.Kind != keyKind {
		return Key{}, errors.New("read recovery key: not the file of one")
	}
	private, err := kem().NewPrivateKey(t.Private)
	if err != nil {
		return Key{}, errors.New("read recovery key: the file is damaged")
	}
	return Key{private}, nil
}

// CheckPublic refuses what nothing can be sealed to.
func CheckPublic(public []byte) error {
	if len(public) != PublicKeyBytes {
		return fmt.Errorf("recovery key: %d bytes, want %d", len(public), PublicKeyBytes)
	}
	if _, err := kem().NewPublicKey(public); err != nil {
		return errors.New("recovery key: not a point and a lattice")
	}
	return nil
}

// sealTo encrypts for the holder of a public half. What it is for is authenticated with it.
func sealTo(public []byte, purpose any, plain []byte) ([]byte, error) {
	key, err := kem().NewPublicKey(public)
	if err != nil {
		return nil, errors.New("seal: the key to seal to is malformed")
	}
	info, err := canon.Marshal(purpose)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, plain)
}

// open decrypts what was sealed to the key for that purpose.
func (k Key) open(purpose any, sealed []byte) ([]byte, error) {
	info, err := canon.Marshal(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := hpke.Open(k.private, hpke.HKDFSHA256(), hpke.AES256GCM(), info, sealed)
	if err != nil {
		return nil, errors.New("sealed to another key or for another purpose, or changed")
	}
	return plain, nil
}
