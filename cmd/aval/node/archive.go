package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"aval/contracts"
	"aval/ledger"
	"aval/ledger/backup"
	"aval/ledger/enclave"
)

// Archive is an exported archive, and what one has to read it with.
type Archive struct {
	Path string
	// Platform unseals the keys in the archive. Nil leaves the sealed parts closed.
	Platform enclave.Platform
	// Passphrase opens the keys that were wrapped under it, in place of Platform.
	Passphrase string
	// Policy is that of the ledger one knows; nil means that of the keys in the archive.
	Policy *ledger.Policy
	// Newest is the newest checkpoint known from elsewhere, signed; the archive must hold all of it.
	Newest []byte
	Tell   Progress
	// Seal is the platform of the restored folder; nil means the simulated one.
	Seal CreatePlatform
}

// opened is an archive whose preface was read.
type opened struct {
	*ledger.Backup
	file         *os.File
	keys, oracle []byte
	restore      ledger.Restore
}

func (a Archive) open(ctx context.Context) (*opened, error) {
	file, err := os.Open(a.Path)
	if err != nil {
		return nil, err
	}
	o := &opened{file: file}
	reader := backup.NewReader(bufio.NewReaderSize(file, 1<<20))
	o.Backup, err = ledger.OpenBackup(func() (string, []byte, error) {
		if err := ctx.Err(); err != nil {
			return "", nil, err
		}
		name, data, err := reader.Next()
		if errors.Is(err, io.EOF) && o.restore.Keys != nil {
			if forged := reader.Authentic(o.restore.Keys.SealArchive); forged != nil {
				err = forged
			}
		}
		return name, data, err
	})
	if err == nil {
		err = a.unseal(o)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("read archive %s: %w", a.Path, err)
	}
	if a.Tell != nil {
		o.restore.Progress = func(p ledger.Progress) { a.Tell(p, reader.Bytes()) }
	}
	return o, nil
}

// unseal finds the keys in the archive.
func (a Archive) unseal(o *opened) (err error) {
	o.restore.Contracts, o.restore.Codecs = contracts.Table(), Codecs()
	if a.Policy != nil {
		o.restore.Policy = *a.Policy
	}
	if !a.opensKeys() {
		if a.Policy == nil {
			return errors.New("neither a policy nor an enclave or passphrase to open its keys: nothing to verify it with")
		}
		return nil
	}
	if err := a.findKeys(o); err != nil {
		return err
	}
	if o.restore.Keys, err = ledger.ParseKeys(o.keys); err != nil {
		return err
	}
	if a.Policy == nil {
		o.restore.Policy, err = ledger.ParsePolicy(o.restore.Keys.Policy())
	}
	return err
}

func (a Archive) opensKeys() bool { return a.Platform != nil || a.Passphrase != "" }

func (a Archive) findKeys(o *opened) (err error) {
	if a.Passphrase != "" {
		w, err := unwrap(a.Passphrase, o.Extra[extraDir+wrappedFile])
		o.keys, o.oracle = w.Keys, w.Oracle
		return err
	}
	if o.keys, err = a.Platform.Unseal(keysPurpose, o.Extra[extraDir+keysFile]); err != nil {
		return err
	}
	o.oracle, err = a.Platform.Unseal(oraclePurpose, o.Extra[extraDir+oracleFile])
	return err
}

// Verify reads the archive to its end and checks all of it that can be checked with what is
// there, see ledger.Restore.
func (a Archive) Verify(ctx context.Context) (ledger.Restored, error) {
	o, err := a.open(ctx)
	if err != nil {
		return ledger.Restored{}, err
	}
	defer o.file.Close()
	return a.from(o)
}

// from restores, and compares with the newest head that is known.
func (a Archive) from(o *opened) (ledger.Restored, error) {
	size, root, err := a.newest(o)
	if err != nil {
		return ledger.Restored{}, err
	}
	found, err := o.restore.From(o.Backup)
	if err == nil && size > 0 && !bytes.Equal(found.Roots[size], root) {
		err = &ledger.Fault{Index: size, Cause: errors.New("the archive holds another log than the newest checkpoint")}
	}
	return found, err
}

func (a Archive) newest(o *opened) (size uint64, root []byte, err error) {
	if a.Newest == nil {
		return 0, nil, nil
	}
	head, err := ledger.OpenCheckpoint(o.restore.Policy, a.Newest)
	if err != nil {
		return 0, nil, fmt.Errorf("newest checkpoint: %w", err)
	}
	if head.Size > o.Leaves {
		return 0, nil, fmt.Errorf("the archive is older than the newest checkpoint: %d leaves of %d", o.Leaves, head.Size)
	}
	o.restore.Heads = append(o.restore.Heads, head.Size)
	return head.Size, head.Hash, nil
}
