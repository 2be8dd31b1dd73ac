package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aval/ledger/enclave"
	"aval/ledger/sqlite"
	"aval/ledger/witness"
)

// The files of a witness's folder, beside the platform's.
const (
	witnessKeyFile  = "witness-key.sealed"
	witnessDatabase = "witness.db"
	witnessPurpose  = "witness key"
	// DefaultWitness is where a witness listens unless told otherwise.
	DefaultWitness = "127.0.0.1:8425"
)

// WitnessFolder is an opened witness's folder. Close releases it.
type WitnessFolder struct {
	// Key signs, and is a secret; VerifierKey is what policies name.
	Key, VerifierKey string
	Heads            *sqlite.Heads
}

// CreateWitness makes a witness's folder with a key of its own and an empty memory, and gives
// the key that policies name. It refuses a folder that is not empty. A witness that was lost
// is replaced by one of another key, never made again: it would have forgotten what it cosigned.
func CreateWitness(dir, name string) (verifierKey string, err error) {
	if err := CheckOrigin(name); err != nil {
		return "", fmt.Errorf("witness name: %w", err)
	}
	platform, err := createFolder(dir, nil)
	if err != nil {
		return "", err
	}
	if verifierKey, err = fillWitness(dir, name, platform); err != nil {
		return "", errors.Join(err, empty(dir))
	}
	return verifierKey, nil
}

func fillWitness(dir, name string, platform enclave.Platform) (string, error) {
	key, err := witness.NewKey(name, rand.Reader)
	if err != nil {
		return "", err
	}
	heads, err := sqlite.OpenHeads(filepath.Join(dir, witnessDatabase), true)
	if err != nil {
		return "", err
	}
	if err := heads.Close(); err != nil {
		return "", err
	}
	if err := writeSealed(filepath.Join(dir, witnessKeyFile), platform, witnessPurpose, []byte(key)); err != nil {
		return "", err
	}
	return witness.VerifierKey(key)
}

// HasWitness says whether a folder holds a witness. A folder that is not there holds none.
func HasWitness(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, witnessKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// OpenWitness unseals the key of a witness and opens its memory.
func OpenWitness(dir string) (*WitnessFolder, error) {
	platform, err := enclave.OpenSimulated(dir)
	if err != nil {
		return nil, err
	}
	key, err := readSealed(filepath.Join(dir, witnessKeyFile), platform, witnessPurpose)
	if err != nil {
		return nil, err
	}
	f := &WitnessFolder{Key: string(key)}
	if f.VerifierKey, err = witness.VerifierKey(f.Key); err != nil {
		return nil, err
	}
	f.Heads, err = sqlite.OpenHeads(filepath.Join(dir, witnessDatabase), false)
	return f, err
}
