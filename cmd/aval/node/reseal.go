package node

import (
	"fmt"
	"path/filepath"
)

// resealer is a platform that can seal for binaries that do not run yet.
type resealer interface {
	Reseal(purpose string, sealed []byte, others ...[32]byte) ([]byte, error)
}

// sealedFiles are the files of a node's folder that its platform sealed, and their purposes.
var sealedFiles = map[string]string{keysFile: keysPurpose, oracleFile: oraclePurpose}

// Reseal lets the binaries of these digests, beside the running one, open the folder's secrets;
// without any, the running one alone. It fails while a node runs on the folder. A key that is made
// later, by a rotation, is sealed to the binary that made it alone.
func (f *Folder) Reseal(others ...[32]byte) error {
	platform, can := f.Platform.(resealer)
	if !can {
		return fmt.Errorf("reseal: what %s seals is not bound to a binary", f.Platform.Name())
	}
	store, err := f.OpenStore() // its lock keeps out a node that writes keys
	if err != nil {
		return err
	}
	defer store.Close()
	for name, purpose := range sealedFiles {
		if err := resealFile(platform, filepath.Join(f.Dir, name), purpose, others); err != nil {
			return err
		}
	}
	return nil
}

func resealFile(platform resealer, path, purpose string, others [][32]byte) error {
	sealed, err := readSealedFile(path)
	if err != nil {
		return err
	}
	again, err := platform.Reseal(purpose, sealed, others...)
	if err != nil {
		return err
	}
	return replaceFile(path, again, 0o600)
}
