package ledger

import (
	"errors"
	"fmt"
)

// ErrFull says that the disk has no room. From Submit and Offer: nothing happened, the same bytes
// may be sent again once there is room. From Run: the batch that was being written is not there.
var ErrFull = errors.New("the disk is full")

// Disk is what a Store may offer besides: it knows how much room it has.
type Disk interface {
	// Space gives the bytes that are free, and how many of them are kept in reserve. Below those
	// the engine admits nothing new, so that what it admitted can still be committed.
	Space() (free, reserve uint64, err error)
}

// NoSpace is an ErrFull with its figures, in bytes.
type NoSpace struct{ Free, Reserve uint64 }

// Error gives the figures in MiB.
func (e *NoSpace) Error() string {
	return fmt.Sprintf("%v: %d MiB are free, and %d MiB are kept in reserve", ErrFull, e.Free>>20, e.Reserve>>20)
}

// Unwrap gives ErrFull.
func (e *NoSpace) Unwrap() error { return ErrFull }

// admitSpace is checkSpace, asked once a batch while there is room: each answer costs a call of
// the system. It must be followed by a proposal, whose batch asks again.
func (e *Engine) admitSpace() error {
	if e.roomy.Load() {
		return nil
	}
	if err := e.checkSpace(); err != nil {
		return err
	}
	e.roomy.Store(true)
	return nil
}

// checkSpace is nil while there is room for what is new. A disk that does not tell is not full.
func (e *Engine) checkSpace() error {
	disk, ok := e.store.Store.(Disk)
	if !ok {
		return nil
	}
	free, reserve, err := disk.Space()
	if err != nil || free >= reserve {
		return nil
	}
	return &NoSpace{Free: free, Reserve: reserve}
}
