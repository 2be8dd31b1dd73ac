package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/ledger/recovery"
)

// RecoveryFile holds the ledger's keys, sealed under a key that members hold shares of, and
// the shares, each sealed to its member. It is for members and backups to copy.
const RecoveryFile = "recovery.set"

// keepRecovery issues a new set of shares whenever governance names other members or the ledger
// key has rotated. A set that cannot be made is told and tried again at the next change.
func (n *Node) keepRecovery(ctx context.Context) error {
	for {
		changed := n.Engine.Changed()
		if err := n.issueShares(); err != nil {
			n.options.Log.Error("recovery shares are not up to date", "error", err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// issueShares brings the set in line with the ledger.
func (n *Node) issueShares() error {
	governed, epoch := n.Engine.Recovery(), n.Engine.KeyEpoch()
	if last := n.issued.Load(); governed.Number == 0 || last != nil && last.Number == governed.Number && last.Epoch == epoch {
		return nil
	}
	have, err := n.Folder.recoverySet()
	if err != nil {
		return err
	}
	if have == nil || have.Name.Number != governed.Number || have.Name.Epoch != epoch {
		if err := n.Folder.issueShares(governed, epoch); err != nil {
			return err
		}
		n.options.Log.Info("recovery shares issued", "number", governed.Number, "epoch", epoch, "threshold", governed.Threshold, "members", len(governed.Members))
	}
	n.issued.Store(&recovery.Name{Number: governed.Number, Epoch: epoch})
	return nil
}

func (f *Folder) issueShares(governed domain.Recovery, epoch uint32) error {
	secrets, err := f.secrets()
	if err != nil {
		return err
	}
	set, err := recovery.Issue(f.Keys.Origin, epoch, governed, secrets)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(f.Keys.LogSigner)
	if err != nil {
		return errors.New("log key does not parse")
	}
	file, err := set.Sign(signer)
	if err != nil {
		return err
	}
	return replaceFile(f.path(RecoveryFile), file, 0o644)
}

// recoverySet reads the folder's own set; nil if there is none.
func (f *Folder) recoverySet() (*recovery.Set, error) {
	log, err := note.NewVerifier(f.Keys.LogVerifier)
	if err != nil {
		return nil, err
	}
	file, err := readBounded(f.path(RecoveryFile), recovery.MaxSet)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return recovery.ParseSet(file, log)
}

// recordOpening puts into the log how this node came by its keys, once, when it was not by its platform; and that its
// head was accepted.
func (n *Node) recordOpening(ctx context.Context) error {
	keys, platform := n.Folder.keys, n.Folder.Platform
	if n.accepted == 0 {
		switch keys.Way() {
		case domain.OpenedSealed:
			return nil
		case domain.OpenedCreated: // the genesis says it
			return keys.Recorded()
		}
	}
	id := make([]byte, 16)
	rand.Read(id)
	o := domain.Opening{ID: hex.EncodeToString(id), Way: keys.Way(), Platform: platform.Name(), Measurement: n.measurement, Accepted: n.accepted}
	if err := n.Engine.RecordOpening(ctx, o); err != nil {
		if ctx.Err() != nil { // the node stops: it is recorded at the next start
			return ctx.Err()
		}
		return fmt.Errorf("record how the keys came: %w", err)
	}
	n.options.Log.Warn("the log says how this node came by its keys", "way", o.Way, "platform", o.Platform, "accepted", o.Accepted)
	if err := keys.Recorded(); err != nil || n.accepted == 0 {
		return err
	}
	defer close(n.settled)
	return n.store.release()
}
