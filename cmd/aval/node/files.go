package node

import (
	"errors"
	"fmt"
	"io/fs"
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
	sealed, err := readBounded(path, maxSealedFile)
	if err != nil {
		return nil, err
	}
	return p.Unseal(purpose, sealed)
}

// replaceSealed seals a file's new content, and replaces it.
func replaceSealed(path string, p enclave.Platform, purpose string, plain []byte) error {
	sealed, err := p.Seal(purpose, plain)
	if err != nil {
		return err
	}
	return replaceFile(path, sealed, 0o600)
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

// readBounded reads a file up to a limit in bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, limit %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
