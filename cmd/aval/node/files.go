package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aval/ledger/enclave"
)

// maxSealedFile bounds a sealed file.
const maxSealedFile = 1 << 20

// writeFile makes a new file and syncs it and its folder: a key that was announced is on disk.
func writeFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder puts the names in a folder on disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeSealed(path string, p enclave.Platform, purpose string, plain []byte) error {
	sealed, err := p.Seal(purpose, plain)
	if err != nil {
		return err
	}
	return writeFile(path, sealed, 0o600)
}

func readSealed(path string, p enclave.Platform, purpose string) ([]byte, error) {
	sealed, err := readSealedFile(path)
	if err != nil {
		return nil, err
	}
	return p.Unseal(purpose, sealed)
}

func readSealedFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSealedFile {
		return nil, fmt.Errorf("%s: %d bytes, limit %d", path, info.Size(), maxSealedFile)
	}
	return os.ReadFile(path)
}
