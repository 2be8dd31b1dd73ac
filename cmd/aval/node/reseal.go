package node

import (
	"fmt"
	"path/filepath"

	"aval/ledger/enclave"
)

// resealer is a platform that can seal for binaries that do not run yet.
type resealer interface {
	Reseal(purpose string, sealed []byte, others ...enclave.Release) ([]byte, error)
}

// Reseal lets these releases, beside the running one, open the folder's secrets;
// without any, the running one alone. It fails while a node runs on the folder. Keys that a rotation
// adds later are sealed to the same releases.
func (f *Folder) Reseal(others ...enclave.Release) error {
	platform, can := f.Platform.(resealer)
	if !can {
		return fmt.Errorf("reseal: what %s seals is not bound to a binary", f.Platform.Name())
	}
	store, err := f.OpenStore() // its lock keeps out a node that writes keys
	if err != nil {
		return err
	}
	defer store.Close()
	for name, purpose := range map[string]string{keysFile: purposeOf(f.keys.Way()), oracleFile: oraclePurpose} {
		if err := resealFile(platform, filepath.Join(f.Dir, name), purpose, others); err != nil {
			return err
		}
	}
	return nil
}

func resealFile(platform resealer, path, purpose string, others []enclave.Release) error {
	sealed, err := readBounded(path, maxSealedFile)
	if err != nil {
		return err
	}
	again, err := platform.Reseal(purpose, sealed, others...)
	if err != nil {
		return err
	}
	return replaceFile(path, again, 0o600)
}
