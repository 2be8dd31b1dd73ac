package ledger

import (
	"encoding/binary"
	"fmt"

	"aval/domain"
)

// epochKey is the record of governance that says which epoch seals.
const epochKey = "epoch/current"

// governedEpoch is the number of the key that governance wants bodies sealed under from the next
// batch on; zero as long as it has said nothing.
func (st *State) governedEpoch() domain.LedgerEpoch {
	epoch, _ := lookup[domain.LedgerEpoch](registry{st}, epochKey)
	return epoch
}

// rotate follows governance to a newer epoch after a batch is durable and before anything of the
// next one is sealed. A crash before the key is kept: Open asks for it again, and nothing is sealed
// under a key that was lost. A crash after it: the key is held and in use.
func (e *Engine) rotate() error {
	wanted := e.published.Load().state.governedEpoch().Number
	if wanted <= e.vault.epoch() {
		return nil
	}
	if e.nextEpoch == nil {
		return fmt.Errorf("key epoch %d: governance has begun it, and this node has no way to obtain its key", wanted)
	}
	next, err := e.nextEpoch(wanted)
	if err != nil {
		return fmt.Errorf("key epoch %d: %w", wanted, err)
	}
	if next.Number != wanted || len(next.Key) != 32 {
		return fmt.Errorf("key epoch %d: was given that of %d", wanted, next.Number)
	}
	return e.vault.add(next)
}

// rotateAgain finishes what a crash interrupted. A ledger that is only looked at, without a way
// to new keys, may be opened all the same: it stops before it seals anything.
func (e *Engine) rotateAgain() error {
	if e.nextEpoch == nil {
		return nil
	}
	return e.rotate()
}

// checkEpochs wants the bodies of a batch sealed under the epoch that governance had begun before
// it, or a later one: a key that was given up must not go on sealing.
func checkEpochs(before *State, stored []StoredEntry) error {
	wanted := before.governedEpoch().Number
	for _, s := range stored {
		if len(s.Body) >= 4 && binary.BigEndian.Uint32(s.Body) < wanted {
			return &Fault{s.Index, fmt.Errorf("the body is sealed under key epoch %d, epoch %d had begun", binary.BigEndian.Uint32(s.Body), wanted)}
		}
	}
	return nil
}

// KeyEpoch is the number of the key that bodies are sealed under.
func (e *Engine) KeyEpoch() uint32 { return e.vault.epoch() }

// Recovery is who can open the ledger's keys together, as governance says; a Number of zero: nobody.
func (e *Engine) Recovery() domain.Recovery {
	r, _ := lookup[domain.Recovery](registry{e.published.Load().state}, "recovery/current")
	return r
}

// Opening is how a node last came by its keys, other than by its platform; without an ID: never.
func (e *Engine) Opening() domain.Opening {
	o, _ := lookup[domain.Opening](registry{e.published.Load().state}, "opening/current")
	return o
}
