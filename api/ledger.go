package api

import (
	"context"

	"aval/domain"
	"aval/ledger"
)

// Ledger is the engine as this package needs it. Safe for concurrent use. A refusal is a
// *domain.Rejection; ledger.ErrBusy means that the pool is full, ledger.ErrClosed that the
// engine takes nothing more. "Not yours" is a not-found rejection like "not there".
type Ledger interface {
	Origin() string
	// Submit takes the signed bytes as received. It returns as soon as wait is satisfied or
	// ctx ends; in the second case the command may still be committed.
	Submit(ctx context.Context, format string, raw []byte, wait ledger.Wait) (ledger.Reply, error)
	// Status is the first reply to a command ID, for its sender only.
	Status(viewer domain.PartyID, id string) (ledger.Reply, error)
	// Registry is as of the last committed batch.
	Registry() domain.Registry
	Records(viewer domain.PartyID, f ledger.RecordFilter) (ledger.RecordPage, error)
	Record(viewer domain.PartyID, id domain.RecordID) (ledger.RecordView, error)
	Feed(viewer domain.PartyID, f ledger.FeedFilter) (ledger.EntryPage, error)
	Books
	Grants
	// Private is a private value by its digest, for those who may read it.
	Private(viewer domain.PartyID, digest string) (ledger.PrivateView, error)
	// Receipt is a C2SP tlog-proof with the viewer's disclosure.
	Receipt(ctx context.Context, viewer domain.PartyID, index uint64) ([]byte, error)
	Log
	// Ready is nil while the engine can commit.
	Ready() error
}

// Grants is who may see what is not his own, as of the last committed batch.
type Grants interface {
	// As gives the right by which the viewer may read as the party does: everything, or the record or
	// account that target names.
	As(viewer, party domain.PartyID, target string) (ledger.Right, error)
	// RecordAccess returns nil once the log durably says who read.
	RecordAccess(ctx context.Context, a domain.Access) error
	// Governance is the file that proves who may do what, for members and auditors of everything.
	Governance(viewer domain.PartyID) ([]byte, error)
	// Limits is what one party may ask in a minute.
	Limits() domain.Limits
}

// Log is what everybody may read.
type Log interface {
	// Checkpoint is a C2SP signed note.
	Checkpoint() ([]byte, error)
	// Tile is a hash tile of that many hashes; level -1 is a bundle of that many entries.
	Tile(level int, index uint64, width int) ([]byte, error)
	Size() uint64
	// Changed is closed at the next commit. Take it before reading.
	Changed() <-chan struct{}
}
