package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"aval/ledger"
	"aval/ledger/enclave"
)

// keyFile is the sealed file of a ledger's keys, which grows by a key with each epoch. Safe for
// concurrent use within one process; the lock on the database keeps a second one out.
type keyFile struct {
	path     string
	platform enclave.Platform
	mu       sync.Mutex
	keys     *ledger.Keys
}

func openKeyFile(path string, platform enclave.Platform) (*keyFile, error) {
	plain, err := readSealed(path, platform, keysPurpose)
	if err != nil {
		return nil, err
	}
	keys, err := ledger.ParseKeys(plain)
	return &keyFile{path: path, platform: platform, keys: keys}, err
}

// Keys are those in the file.
func (k *keyFile) Keys() *ledger.Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// Next makes the key of an epoch. When it returns, the key is on disk.
func (k *keyFile) Next(number uint32) (ledger.Epoch, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := ledger.NewEpoch(number, rand.Reader)
	if err != nil {
		return next, err
	}
	grown, err := k.keys.With(next)
	if err != nil {
		return next, err
	}
	plain, err := grown.Format()
	if err != nil {
		return next, err
	}
	sealed, err := k.platform.Seal(keysPurpose, plain)
	if err != nil {
		return next, fmt.Errorf("seal the keys: %w", err)
	}
	if err := replaceFile(k.path, sealed, 0o600); err != nil {
		return next, fmt.Errorf("write the keys: %w", err)
	}
	k.keys = grown
	return next, nil
}

// replaceFile gives a file new content: after a crash it has the old or the new one, whole, and
// once it returns the new one.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	next := path + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(next, data, mode); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
