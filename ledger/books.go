package ledger

import (
	"errors"
	"fmt"
	"sort"

	"aval/domain"
	"aval/domain/canon"
)

// books are the log up to one head, open for reading. Nothing that is booked later changes
// what they say.
type books struct {
	archive Archive
	vault   *vault
	head    Head
}

// books are as of the last signed head.
func (e *Engine) books() books {
	return books{archive: e.store, vault: e.vault, head: e.published.Load().head}
}

// openBooks opens a stored log without a running engine.
func openBooks(keys *Keys, archive Archive) (books, error) {
	vault, err := newVault(keys)
	if err != nil {
		return books{}, err
	}
	head, _, err := archive.Head()
	return books{archive: archive, vault: vault, head: head}, err
}

// openEntry opens a stored body. What opens under the ledger's key at its own place was written by
// this ledger's canon.Marshal, so it need not be encoded again to be compared.
func (b books) openEntry(s StoredEntry) (*entry, error) {
	body, err := b.vault.openEntry(s.Index, s.Body)
	if err != nil {
		return nil, err
	}
	en := &entry{}
	if err := canon.Decode(body, en); err != nil {
		return nil, fmt.Errorf("decode entry %d: %w", s.Index, err)
	}
	return en, nil
}

// entryAt reads and opens one committed entry. NotFound for a seal leaf or beyond the end.
func (b books) entryAt(index uint64) (*entry, error) {
	var found *entry
	err := b.visit([]uint64{index}, func(en *entry) error {
		found = en
		return nil
	})
	if err == nil && found == nil {
		err = errNotFound()
	}
	return found, err
}

// nearby is how far apart two wanted entries may stand to be read in one go.
const nearby = 8

// errEnough ends a visit early.
var errEnough = errors.New("enough")

// visit opens the entries at ascending indexes. It leaves out seal leaves and whatever lies beyond the head.
func (b books) visit(indexes []uint64, visit func(*entry) error) error {
	for len(indexes) > 0 && indexes[0] < b.head.Size {
		n := 1
		for n < len(indexes) && indexes[n] < b.head.Size && indexes[n]-indexes[n-1] <= nearby {
			n++
		}
		run := indexes[:n]
		indexes = indexes[n:]
		err := b.archive.Entries(run[0], int(run[n-1]-run[0])+1, func(s StoredEntry) error {
			if len(run) == 0 || s.Index != run[0] {
				return nil
			}
			run = run[1:]
			if len(s.Body) == 0 {
				return nil
			}
			en, err := b.openEntry(s)
			if err != nil {
				return err
			}
			return visit(en)
		})
		if err == nil && len(run) > 0 {
			err = fmt.Errorf("entry %d is missing: the store was changed", run[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bookedAt is the time of the leaf's batch.
func (b books) bookedAt(index uint64) (at domain.Millis, err error) {
	found := false
	err = b.archive.Entries(index, 1, func(s StoredEntry) error {
		found = s.Index == index
		if len(s.Body) == 0 {
			var closing sealLeaf
			err := canon.Unmarshal(s.Leaf, &closing)
			at = closing.BookedAt
			return err
		}
		en, err := b.openEntry(s)
		if err == nil {
			at = en.BookedAt
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("entry %d is missing: the store was changed", index)
	}
	return at, err
}

// indexAt is the first index that was booked at or after an instant, the size of the log if there is none.
func (b books) indexAt(at domain.Millis) (uint64, error) {
	if at > b.head.Now {
		return b.head.Size, nil
	}
	var failed error
	index := sort.Search(int(b.head.Size), func(i int) bool {
		if failed != nil {
			return true
		}
		booked, err := b.bookedAt(uint64(i))
		failed = err
		return booked >= at
	})
	return uint64(index), failed
}
