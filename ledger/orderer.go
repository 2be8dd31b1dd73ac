package ledger

import (
	"context"
	"errors"

	"aval/domain"
)

// Limits of ordering.
const (
	// MaxBatchItems and MaxBatchBytes bound one batch.
	MaxBatchItems = 1000
	MaxBatchBytes = 8 << 20
	// MaxPool and MaxPoolBytes bound what waits for ordering; beyond them Submit answers ErrBusy.
	MaxPool      = 10_000
	MaxPoolBytes = 64 << 20
)

// Errors of submission that are not refusals.
var (
	// ErrBusy says that the pool is full: nothing happened, try again later.
	ErrBusy = errors.New("ledger busy: the pool of waiting submissions is full")
	// ErrClosed says that the engine has stopped: whether the submission was committed is
	// decided when it is opened again; submit the same bytes again to learn it.
	ErrClosed = errors.New("ledger closed")
)

// Item is one submission on its way through the Orderer.
type Item struct {
	Format string
	Raw    []byte
	// checked is what admission already parsed and verified on this node; nil when the item
	// came from elsewhere, and then execution parses and verifies it itself.
	checked *submission
}

// Batch is an ordered set of items with a place in the sequence and a time.
type Batch struct {
	// Sequence and Now are strictly increasing from batch to batch; gaps are allowed.
	Sequence uint64
	Now      domain.Millis
	Items    []Item
}

// Orderer decides the order and the time of batches. An item may be lost before Next
// returned it, never after; Next gives each batch once.
type Orderer interface {
	// Propose offers an item. ErrBusy when the pool is full, ErrClosed after Close. Safe for concurrent use.
	Propose(ctx context.Context, item Item) error
	// Next waits for the batch after the given one: items are there, or the instant due (zero: none) has come.
	Next(ctx context.Context, last Batch, due domain.Millis) (Batch, error)
	// Close wakes Next and Propose with ErrClosed.
	Close() error
}
