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
	"aval/domain"
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
	// Erased is a governance file of the ledger, nil for none: what is private about the parties that are erased in it
	// is not restored, however old the archive.
	Erased []byte
	Tell   Progress
	// Seal is the platform of the restored folder; nil means the simulated one.
	Seal CreatePlatform
	// secrets are the keys where they came from elsewhere, in place of Platform and Passphrase.
	secrets *wrapped
}

// opened is an archive whose preface was read.
type opened struct {
	*ledger.Backup
	file    *os.File
	secrets wrapped
	restore ledger.Restore
}

// open reads the preface and opens the keys in it.
func (a Archive) open(ctx context.Context) (*opened, error) {
	o, err := a.preface(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.unseal(o); err != nil {
		return nil, errors.Join(a.unreadable(err), o.file.Close())
	}
	return o, nil
}

func (a Archive) unreadable(err error) error { return fmt.Errorf("read archive %s: %w", a.Path, err) }

// preface reads what comes before the log.
func (a Archive) preface(ctx context.Context) (*opened, error) {
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
	if err != nil {
		return nil, errors.Join(a.unreadable(err), file.Close())
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
	if o.secrets, err = a.findKeys(o); err != nil {
		return err
	}
	if o.restore.Keys, err = ledger.ParseKeys(o.secrets.Keys); err != nil {
		return err
	}
	if a.Policy == nil {
		o.restore.Policy, err = ledger.ParsePolicy(o.restore.Keys.Policy())
	}
	if err == nil && a.Erased != nil {
		o.restore.Erased, err = erasedIn(o.restore.Policy, a.Erased)
	}
	return err
}

// erasedIn lists the parties that were erased by the time of a governance file, which is verified first.
func erasedIn(policy ledger.Policy, file []byte) (erased []domain.PartyID, err error) {
	governance, err := OpenGovernance(policy.LogOnly(), bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("list of the erased: %v", err) // its faults are not the archive's
	}
	state, err := governance.At(ledger.Moment{})
	for _, party := range state.Parties {
		if party.Erased != 0 {
			erased = append(erased, party.ID)
		}
	}
	return erased, err
}

func (a Archive) opensKeys() bool {
	return a.Platform != nil || a.Passphrase != "" || a.secrets != nil
}

func (a Archive) findKeys(o *opened) (w wrapped, err error) {
	switch {
	case a.secrets != nil:
		return *a.secrets, nil
	case a.Passphrase != "":
		return unwrap(a.Passphrase, o.Extra[extraDir+wrappedFile])
	}
	if w.Keys, w.Way, err = unsealKeys(a.Platform, o.Extra[extraDir+keysFile]); err != nil {
		return w, err
	}
	w.Oracle, err = a.Platform.Unseal(oraclePurpose, o.Extra[extraDir+oracleFile])
	return w, err
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
