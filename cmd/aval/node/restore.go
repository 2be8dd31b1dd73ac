package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/enclave"
	"aval/ledger/order"
	"aval/ledger/sqlite"
)

// buildSuffix ends the name of the folder in which a restore works. Only a complete one loses it.
const buildSuffix = ".restoring"

// Restore rebuilds a node's folder from the archive, whose keys are sealed again for a
// platform of its own. dir must not exist, or be empty. It appears only when all of it is on
// disk; what a killed restore leaves beside it, the next one removes.
func (a Archive) Restore(ctx context.Context, dir string) (ledger.Restored, error) {
	if !a.opensKeys() {
		return ledger.Restored{}, errors.New("restore needs the enclave or the passphrase that opens the keys in the archive")
	}
	if err := unused(dir); err != nil {
		return ledger.Restored{}, err
	}
	o, err := a.open(ctx)
	if err != nil {
		return ledger.Restored{}, err
	}
	defer o.file.Close()
	build := filepath.Clean(dir) + buildSuffix
	if err := claim(build); err != nil {
		return ledger.Restored{}, err
	}
	found, err := a.build(o, build)
	if err != nil {
		return found, errors.Join(err, os.RemoveAll(build))
	}
	return found, appear(build, dir)
}

// appear gives a folder that is complete its name, in place of an empty one.
func appear(build, dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(build, dir), syncFolder(filepath.Dir(filepath.Clean(dir))))
}

// unused wants no folder, or an empty one.
func unused(dir string) error {
	files, err := os.ReadDir(dir)
	if err == nil && len(files) > 0 {
		return fmt.Errorf("folder %s is not empty: a ledger is restored into a new one", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// claim makes the folder to work in, in place of what a killed restore left, unless another one is at work there.
func claim(build string) error {
	err := os.Mkdir(build, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	left, err := sqlite.Open(filepath.Join(build, databaseFile))
	if errors.Is(err, sqlite.ErrInUse) {
		return fmt.Errorf("another restore is at work in %s: %w", build, err)
	}
	if err == nil {
		left.Close()
	}
	return errors.Join(os.RemoveAll(build), os.Mkdir(build, 0o700))
}

// build fills a folder: the ledger first, then what belongs to it.
func (a Archive) build(o *opened, dir string) (found ledger.Restored, err error) {
	if found, err = a.database(o, dir); err != nil {
		return found, err
	}
	platform, err := a.Seal.in(dir)
	if err != nil {
		return found, err
	}
	return found, o.furnish(dir, platform)
}

// database makes the ledger's database in a folder.
func (a Archive) database(o *opened, dir string) (found ledger.Restored, err error) {
	store, err := sqlite.Create(filepath.Join(dir, databaseFile))
	if err != nil {
		return found, err
	}
	o.restore.Store = store
	found, err = a.from(o)
	if err == nil { // what was written must be what a node opens
		_, err = ledger.Open(engineConfig(o.restore.Keys, store, order.NewSolo(time.Now), ""))
	}
	return found, errors.Join(err, store.Close())
}

// restoredWay is how keys count that are sealed again: no restore makes any.
func restoredWay(way string) string {
	if way == domain.OpenedCreated {
		return domain.OpenedSealed
	}
	return way
}

// furnish writes the files of the folder beside its database.
func (o *opened) furnish(dir string, platform enclave.Platform) error {
	for _, name := range extras {
		path, mode := filepath.Join(dir, name), os.FileMode(0o600)
		var err error
		switch name {
		case keysFile:
			err = writeSealed(path, platform, purposeOf(restoredWay(o.secrets.Way)), o.secrets.Keys)
		case oracleFile:
			err = writeSealed(path, platform, oraclePurpose, o.secrets.Oracle)
		case PolicyFile, OracleKeyFile:
			mode = 0o644
			fallthrough
		default:
			err = writeFile(path, o.Extra[extraDir+name], mode)
		}
		if err != nil {
			return err
		}
	}
	if set, there := o.Extra[extraDir+RecoveryFile]; there {
		if err := writeFile(filepath.Join(dir, RecoveryFile), set, 0o644); err != nil {
			return err
		}
	}
	_, err := OpenFolder(dir)
	return err
}
