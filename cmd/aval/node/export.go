package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aval/ledger"
	"aval/ledger/backup"
	"aval/ledger/recovery"
)

// extraDir is where the files of a node's folder lie in an archive.
const extraDir = "node/"

// extras are the files of a folder that go into an archive as they are. What a password or
// the enclave's stand-in key would be read from is not among them.
var extras = []string{configFile, keysFile, oracleFile, PolicyFile, OracleKeyFile}

// Progress is told how far an export or a restore has come, and how many bytes of archive that is.
type Progress func(p ledger.Progress, bytes uint64)

// Export writes the whole ledger, as it is at this moment, into a new archive file. A node
// may be running on the folder. A passphrase adds the keys, wrapped under it. The file appears
// under its name only when it is complete and on disk. With inClear, governance is in it in clear too.
func (f *Folder) Export(ctx context.Context, path, passphrase string, inClear bool, tell Progress) (bytes uint64, err error) {
	archive, err := f.snapshot()
	if err != nil {
		return 0, err
	}
	defer archive.Close()
	extra, err := f.extra()
	if err == nil && passphrase != "" {
		extra[extraDir+wrappedFile], err = f.wrap(passphrase)
	}
	if err != nil {
		return 0, err
	}
	err = publishFile(path, func(out *os.File) error {
		buffered := bufio.NewWriterSize(out, 1<<20)
		w := backup.NewWriter(buffered)
		progress := func(p ledger.Progress) { tell(p, w.Bytes()) }
		if err := ledger.ExportArchive(f.Keys, archive, archive, extra, inClear, stoppable(ctx, w.Put), progress); err != nil {
			return err
		}
		err := errors.Join(w.Close(f.Keys.SealArchive), buffered.Flush())
		bytes = w.Bytes()
		return err
	})
	return bytes, err
}

// ExportLog writes the public log into a new folder, which any web server can serve.
func (f *Folder) ExportLog(ctx context.Context, dir string, tell Progress) (bytes uint64, err error) {
	archive, err := f.snapshot()
	if err != nil {
		return 0, err
	}
	defer archive.Close()
	policy, err := f.policy()
	if err != nil {
		return 0, err
	}
	err = publishFolder(dir, func(to string) error {
		put := func(name string, data []byte) error {
			bytes += uint64(len(data))
			return writePublic(filepath.Join(to, filepath.FromSlash(name)), data)
		}
		return ledger.ExportLog(f.Keys, policy, archive, stoppable(ctx, put), func(p ledger.Progress) { tell(p, bytes) })
	})
	return bytes, err
}

// extra reads the folder's files for an archive.
func (f *Folder) extra() (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, name := range extras {
		data, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err != nil {
			return nil, err
		}
		all[extraDir+name] = data
	}
	set, err := readBounded(f.path(RecoveryFile), recovery.MaxSet)
	if err == nil {
		all[extraDir+RecoveryFile] = set
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return all, nil
}

// stoppable ends an export when the context does.
func stoppable(ctx context.Context, put ledger.Put) ledger.Put {
	return func(name string, data []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return put(name, data)
	}
}

// publishFile makes a new file that is there whole or not at all: it is written under another
// name in the same folder first. What a killed process leaves ends in ".partial".
func publishFile(path string, fill func(*os.File) error) error {
	if err := absent(path); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial")
	if err != nil {
		return err
	}
	err = fill(out)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return settle(out.Name(), path)
}

// publishFolder is publishFile for a folder.
func publishFolder(dir string, fill func(to string) error) error {
	if err := absent(dir); err != nil {
		return err
	}
	to, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".*.partial")
	if err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(to, 0o755), fill(to)); err != nil { // to be served, perhaps by another account
		return errors.Join(err, os.RemoveAll(to))
	}
	return settle(to, dir)
}

// settle gives what is complete its name.
func settle(from, to string) error {
	if err := absent(to); err != nil {
		return errors.Join(err, os.RemoveAll(from))
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.RemoveAll(from))
	}
	return syncFolder(filepath.Dir(to))
}

func absent(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fmt.Errorf("%s is there already: nothing is overwritten", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writePublic makes a file, and the folders above it, for everybody to read.
func writePublic(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeFile(path, data, 0o644)
}
