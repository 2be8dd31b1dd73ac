package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"aval/domain/canon"
)

// wrappedFile holds a node's keys under a passphrase, in the age format (https://age-encryption.org/v1).
const wrappedFile = "keys.age"

// MinPassphrase and MaxPassphrase bound a passphrase, in bytes. Whoever holds the archive can
// try passphrases as long as they like.
const (
	MinPassphrase = 16
	MaxPassphrase = 1024
)

// wrapped is what the passphrase opens: both keys in the form that a platform seals.
type wrapped struct {
	Keys   []byte `json:"keys"`
	Oracle []byte `json:"oracle"`
	// Way is how the keys had come to the folder, a domain.Opened word.
	Way string `json:"way"`
}

// parseSecrets reads what secrets gave.
func parseSecrets(plain []byte) (w wrapped, err error) {
	if canon.Unmarshal(plain, &w) != nil || !slices.Contains(ways, w.Way) {
		return w, errors.New("damaged")
	}
	return w, nil
}

// wrap encrypts the folder's keys. It takes about a second, as each try of a passphrase does.
func (f *Folder) wrap(passphrase string) ([]byte, error) {
	if len(passphrase) < MinPassphrase || len(passphrase) > MaxPassphrase {
		return nil, fmt.Errorf("passphrase of %d bytes: want %d to %d", len(passphrase), MinPassphrase, MaxPassphrase)
	}
	plain, err := f.secrets()
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	sealed, err := age.Encrypt(&out, recipient)
	if err != nil {
		return nil, err
	}
	_, err = sealed.Write(plain)
	err = errors.Join(err, sealed.Close())
	return out.Bytes(), err
}

// secrets are the folder's keys as they are now, in one text that must be sealed at once.
func (f *Folder) secrets() ([]byte, error) {
	w, err := wrapped{Way: f.keys.Way()}, error(nil)
	if w.Keys, err = f.keys.Keys().Format(); err != nil {
		return nil, err
	}
	if w.Oracle, err = f.Oracle.Format(); err != nil {
		return nil, err
	}
	return canon.Marshal(w)
}

// unwrap opens what wrap made.
func unwrap(passphrase string, data []byte) (w wrapped, err error) {
	if data == nil {
		return w, errors.New("the archive was exported without a passphrase")
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return w, err
	}
	opened, err := age.Decrypt(bytes.NewReader(data), identity)
	if err != nil {
		return w, errors.New("the passphrase does not open the keys in the archive")
	}
	plain, err := io.ReadAll(io.LimitReader(opened, maxSealedFile))
	if err == nil {
		w, err = parseSecrets(plain)
	}
	if err != nil {
		return w, errors.New("the wrapped keys in the archive are damaged")
	}
	return w, nil
}
