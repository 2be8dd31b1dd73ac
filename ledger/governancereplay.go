package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"aval/domain"
)

// replay executes the entries below an index again, on nothing but what the ones before left, and wants each
// to come out as it stands in the log. Errors are *Fault.
func (g *Governance) replay(below uint64) (*replayedGovernance, error) {
	p := &replayedGovernance{state: newState(), ids: map[string]*entry{}, gone: map[string]bool{}}
	for _, e := range g.entries {
		if e.Index >= below {
			break
		}
		if err := p.next(g.executor, e); err != nil {
			return nil, &Fault{e.Index, err}
		}
	}
	return p, nil
}

// replayedGovernance is what entries of governance led to. It is the History of its own replay.
type replayedGovernance struct {
	state *State
	ids   map[string]*entry
	gone  map[string]bool
	// epochs are the keys that bodies were sealed under, oldest first.
	epochs []EpochStart
	last   *entry
}

// EpochStart is one key that bodies are sealed under.
type EpochStart struct {
	domain.LedgerEpoch
	// Index is the entry that began it.
	Index uint64 `json:"index"`
}

// Seen implements History.
func (p *replayedGovernance) Seen(id string, fingerprint []byte) (index uint64, same, found bool) {
	e, found := p.ids[id]
	if !found {
		return 0, false, false
	}
	return e.Index, bytes.Equal(e.Fingerprint, fingerprint), true
}

// Closed implements History.
func (p *replayedGovernance) Closed(kind domain.Kind, key string) bool {
	return p.gone[recordName(kind, key)]
}

// Posting implements History: governance moves no money.
func (p *replayedGovernance) Posting(domain.PostingRef) (found domain.Posting, ok bool) {
	return found, false
}

// next executes one entry again.
func (p *replayedGovernance) next(x executor, want *entry) error {
	r := &run{
		executor: x, state: p.state, history: p, batch: Batch{Sequence: want.Sequence, Now: want.BookedAt}, base: want.Index,
		seen: map[string]*entry{}, disclosures: map[uint64][][]byte{},
	}
	if err := r.one(want); err != nil {
		return fmt.Errorf("executed again: %w", err)
	}
	if err := r.chain(); err != nil {
		return err
	}
	changes, err := p.state.settle()
	if err != nil {
		return err
	}
	p.note(r.entries[0], changes)
	return nil
}

// one executes what came in with an entry, and wants the same entry to come of it.
func (r *run) one(want *entry) error {
	if want.Format == deadlineFormat {
		due, open := r.state.slots.Get((&slot{Type: deadlineSlot, Kind: want.Kind, Key: want.Contract, Name: want.Name}).name())
		if !open || due.At > r.batch.Now {
			return errors.New("no such deadline was due")
		}
		if err := r.deadline(due); err != nil {
			return err
		}
	} else {
		parsed, err := r.parse(want.Format, want.Raw)
		if err != nil {
			return err
		}
		out, err := r.item(Item{Format: want.Format, Raw: want.Raw, checked: parsed})
		if err == nil && out.refused != nil {
			err = out.refused
		}
		if err != nil {
			return err
		}
	}
	if len(r.entries) != 1 {
		return errors.New("it repeats an entry before it")
	}
	return r.entries[0].same(want)
}

func (e *entry) same(want *entry) error {
	if e.Code != "" {
		return fmt.Errorf("it is refused: %s: %s", e.Code, e.Detail)
	}
	got, err := e.encode()
	if err != nil {
		return err
	}
	logged, err := want.encode()
	if err == nil && !bytes.Equal(got, logged) {
		err = errors.New("it comes out differently")
	}
	return err
}

func (p *replayedGovernance) note(e *entry, changes []change) {
	p.last = e
	if e.identity != "" {
		p.ids[e.identity] = e
	}
	for _, c := range changes {
		if c.body != nil && !c.opened {
			p.gone[c.slot.name()] = true
		}
		if epoch, ok := c.slot.registered.(domain.LedgerEpoch); ok && (len(p.epochs) == 0 || p.epochs[len(p.epochs)-1].LedgerEpoch != epoch) {
			p.epochs = append(p.epochs, EpochStart{epoch, e.Index})
		}
	}
}
