package witness

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// NewKey makes the signing key of a witness from the randomness it is given. The name is a
// schema-less URL, as of a log. The key is a secret.
func NewKey(name string, random io.Reader) (string, error) {
	key, _, err := note.GenerateKey(random, name)
	if err != nil {
		return "", fmt.Errorf("make witness key: %w", err)
	}
	_, err = VerifierKey(key)
	return key, err
}

// VerifierKey gives the public half of a witness's key: a vkey of the type of Ed25519
// cosignatures, as policies name it.
func VerifierKey(key string) (string, error) {
	parts := strings.SplitN(key, "+", 5)
	if _, err := note.NewSigner(key); err != nil || len(parts) != 5 {
		return "", errors.New("witness key does not parse") // the cause could quote the key
	}
	typed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(typed) != 1+ed25519.SeedSize {
		return "", errors.New("witness key does not parse")
	}
	public, ok := ed25519.NewKeyFromSeed(typed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("witness key is not of Ed25519")
	}
	plain, err := note.NewEd25519VerifierKey(parts[2], public)
	if err != nil {
		return "", err
	}
	return cosignature.VKeyToCosignatureV1(plain)
}
