package ledger

import (
	"bytes"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// loadShare is how many stored slots go from one stage of loading to the next at a time.
const loadShare = 512

// opened are slots read back, and the digest over their bytes.
type opened struct {
	slots  []*slot
	digest stateDigest
}

// loadState reads every open slot and compares the state with the last seal leaf. A row of
// an earlier state does not add up to that digest, one sealed for another place does not open.
// One goroutine reads, as many as there are processors open, this one puts them in order.
func (e *Engine) loadState(closing sealLeaf) error {
	stored, ready := make(chan []StoredSlot), make(chan opened)
	var openers, all errgroup.Group
	all.Go(func() error {
		defer close(stored)
		return e.readSlots(stored)
	})
	for range runtime.GOMAXPROCS(0) {
		openers.Go(func() error { return e.openSlots(stored, ready) })
	}
	all.Go(func() error {
		defer close(ready)
		return openers.Wait()
	})
	for share := range ready {
		for _, s := range share.slots {
			e.state.place(s.name(), s)
		}
		e.state.digest.merge(&share.digest)
	}
	if err := all.Wait(); err != nil {
		return err
	}
	e.state.sumHeld()
	if closing.Entries == 0 && *e.state.digest != (stateDigest{}) ||
		closing.Entries != 0 && !bytes.Equal(closing.State, e.vault.salt.digest(closing.Sequence, e.state.digest.sum())) {
		return fmt.Errorf("the stored state is not the one that batch %d sealed", closing.Sequence)
	}
	return nil
}

// readSlots hands on the open slots, a share at a time.
func (e *Engine) readSlots(to chan<- []StoredSlot) error {
	var share []StoredSlot
	err := e.store.Slots(SlotQuery{OpenOnly: true}, func(s StoredSlot) error {
		if share = append(share, s); len(share) == loadShare {
			to <- share
			share = nil
		}
		return nil
	})
	if len(share) > 0 {
		to <- share
	}
	return err
}

// openSlots opens shares until there are no more. After an error it takes the rest and drops it.
func (e *Engine) openSlots(from <-chan []StoredSlot, to chan<- opened) error {
	var failed error
	known := vocabulary{}
	for share := range from {
		if failed != nil {
			continue
		}
		var o opened
		if o, failed = e.openShare(share, known); failed == nil {
			to <- o
		}
	}
	return failed
}

// maxVocabulary bounds the texts that one opener of shares remembers.
const maxVocabulary = 1 << 16

// vocabulary holds each text once that many slots have in common: memory, and work for the collector.
type vocabulary map[string]string

func (v vocabulary) share(text *string) {
	if known, ok := v[*text]; ok {
		*text = known
	} else if len(v) < maxVocabulary {
		v[*text] = *text
	}
}

func (v vocabulary) shareIn(s *slot) {
	v.share((*string)(&s.Type))
	v.share((*string)(&s.Kind))
	v.share(&s.Name)
	v.share(&s.Status)
	v.share((*string)(&s.HeldFor))
	for i := range s.Parties {
		v.share((*string)(&s.Parties[i]))
	}
}

func (e *Engine) openShare(share []StoredSlot, known vocabulary) (opened, error) {
	var wide stretched
	var body []byte // decoding copies what it keeps
	o := opened{slots: make([]*slot, 0, len(share))}
	for _, stored := range share {
		s, plain, err := e.vault.openSlot(body, stored)
		if err != nil {
			return o, err
		}
		body = plain
		known.shareIn(s)
		o.digest.add(wide.of(plain))
		o.slots = append(o.slots, s)
	}
	return o, nil
}
