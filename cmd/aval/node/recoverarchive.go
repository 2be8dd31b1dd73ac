package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aval/ledger/recovery"
)

// unpacked are the files of an archive that a recovery begins with. The database is made at its end, for that takes the keys.
var unpacked = []string{RecoveryFile, PolicyFile, OracleKeyFile, configFile}

// provide sees to it that there is a ledger to recover the keys of.
func (l Lost) provide() error {
	_, err := os.Stat(filepath.Join(l.Dir, databaseFile))
	if err == nil && l.Archive == "" {
		return nil
	}
	if l.Archive == "" {
		return fmt.Errorf("%s holds no ledger to recover the keys of: put a copy of its database there, or name an archive: %w", l.Dir, err)
	}
	if checkFolder(l.Dir) == nil {
		return nil // it was begun before, or is a copy of the lost one
	}
	return l.unpack()
}

// unpack begins a folder from the archive alone. Nothing in it is believed: the set of shares is signed by the log key of the policy,
// and with the keys every byte of the archive is checked and every batch executed again.
func (l Lost) unpack() error {
	if err := unused(l.Dir); err != nil {
		return err
	}
	o, err := (Archive{Path: l.Archive}).preface(context.Background())
	if err != nil {
		return err
	}
	defer o.file.Close()
	build := filepath.Clean(l.Dir) + buildSuffix
	if err := claim(build); err != nil {
		return err
	}
	for _, name := range unpacked {
		data, there := o.Extra[extraDir+name]
		if !there || len(data) > recovery.MaxSet {
			err = fmt.Errorf("archive %s: no %s, or larger than %d bytes: was it exported before members were named?", l.Archive, name, recovery.MaxSet)
		} else {
			err = writeFile(filepath.Join(build, name), data, 0o600)
		}
		if err != nil {
			return errors.Join(err, os.RemoveAll(build))
		}
	}
	return appear(build, l.Dir)
}

// rebuild makes the database from the archive, unless it is there.
func (r *Recovery) rebuild(ctx context.Context, w wrapped) error {
	database := r.path(databaseFile)
	if _, err := os.Stat(database); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a := Archive{Path: r.lost.Archive, Policy: r.lost.Policy, Erased: r.lost.Erased, secrets: &w}
	o, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer o.file.Close()
	build := database + buildSuffix
	if err := claim(build); err != nil {
		return err
	}
	if _, err = a.database(o, build); err == nil {
		err = os.Rename(filepath.Join(build, databaseFile), database)
	}
	return errors.Join(err, os.RemoveAll(build), syncFolder(r.lost.Dir))
}
