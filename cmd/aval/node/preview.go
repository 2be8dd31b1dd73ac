package node

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite"
)

// Standing says how an archive stands to the ledger of a folder.
type Standing struct {
	// Leaves and BookedAt are those of the folder's ledger, as signed and stored there.
	Leaves   uint64        `json:"leaves"`
	BookedAt domain.Millis `json:"bookedAt"`
	// Archive is what the archive is beside it: "same", "newer", "older", "forked", or
	// "unrelated" if the folder's head is not that of the ledger that the policy names.
	Archive string `json:"archive"`
}

// Preview is Verify, and compares the archive with the ledger of a folder, if there is one.
// It writes nothing.
func (a Archive) Preview(ctx context.Context, dir string) (found ledger.Restored, standing *Standing, err error) {
	o, err := a.open(ctx)
	if err != nil {
		return found, nil, err
	}
	defer o.file.Close()
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		found, err := a.from(o)
		return found, nil, err
	}
	target, err := sqlite.OpenSnapshot(path)
	if err != nil {
		return found, nil, err
	}
	defer target.Close()
	return a.compare(o, target)
}

func (a Archive) compare(o *opened, target ledger.Archive) (ledger.Restored, *Standing, error) {
	head, signed, err := target.Head()
	if err != nil {
		return ledger.Restored{}, nil, err
	}
	s := &Standing{Leaves: head.Size, BookedAt: head.Now, Archive: "unrelated"}
	known, alien := ledger.OpenCheckpoint(o.restore.Policy.LogOnly(), signed)
	if alien == nil {
		o.restore.Heads = append(o.restore.Heads, known.Size)
	}
	found, err := a.from(o)
	if err != nil || alien != nil {
		return found, s, err
	}
	return found, s, s.judge(found, known, target)
}

// judge compares the two roots at the size of the smaller log.
func (s *Standing) judge(found ledger.Restored, known ledger.Checkpoint, target ledger.Archive) (err error) {
	s.Archive = "newer"
	held, root := found.Roots[known.Size], known.Hash
	if found.Leaves < known.Size {
		s.Archive, held = "older", found.Root
		root, err = ledger.RootAt(target, found.Leaves)
	}
	switch {
	case err != nil:
	case !bytes.Equal(root, held):
		s.Archive = "forked"
	case found.Leaves == known.Size:
		s.Archive = "same"
	}
	return err
}
