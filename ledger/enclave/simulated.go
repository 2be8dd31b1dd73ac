package enclave

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Warning is what every user of the simulated platform is told.
const Warning = "SIMULATED ENCLAVE: keys are sealed by a file beside them, not by hardware; whoever reads this disk reads the ledger. For trials only."

// simulatedKeyFile stands in for the key that a processor would hold.
const simulatedKeyFile = "SIMULATED-ENCLAVE-KEY"

// simulated seals under a key that lies in the open beside the data, and signs quotes with it.
type simulated struct {
	aead   cipher.AEAD
	signer ed25519.PrivateKey
	// binary is the SHA-256 of the running program, found out when it is first asked for.
	binary func() [sha256.Size]byte
}

// CreateSimulated makes the stand-in key in dir. It fails if there is one.
func CreateSimulated(dir string) (Platform, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := createFile(filepath.Join(dir, simulatedKeyFile), key); err != nil {
		return nil, fmt.Errorf("create simulated platform: %w", err)
	}
	return newSimulated(key)
}

// OpenSimulated uses the stand-in key of dir.
func OpenSimulated(dir string) (Platform, error) {
	key, err := os.ReadFile(filepath.Join(dir, simulatedKeyFile))
	if err != nil {
		return nil, fmt.Errorf("open simulated platform: %w", err)
	}
	return newSimulated(key)
}

func newSimulated(key []byte) (Platform, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("simulated platform: key file is damaged")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	seed := sha256.Sum256(append([]byte(simulatedQuotes), key...))
	return simulated{aead, ed25519.NewKeyFromSeed(seed[:]), ownMeasurement}, err
}

// ownMeasurement is that of the running program, which does not change. Zeros: it cannot be read.
var ownMeasurement = sync.OnceValue(func() [sha256.Size]byte {
	digest, err := MeasureBinary(ownBinary)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return digest
})

// Name is "simulated".
func (simulated) Name() string { return SimulatedName }

// Measurement is the SHA-256 of the running program, by its own word.
func (s simulated) Measurement() []byte { m := s.binary(); return m[:] }

// Seal implements Platform.
func (s simulated) Seal(purpose string, data []byte) ([]byte, error) {
	return s.aead.Seal(nil, nil, data, []byte(purpose)), nil
}

// Unseal implements Platform.
func (s simulated) Unseal(purpose string, sealed []byte) ([]byte, error) {
	data, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("unseal %s: sealed by another platform or changed", purpose)
	}
	return data, nil
}
