package ledger

import (
	"errors"
	"fmt"
	"slices"

	"aval/domain"
)

// storedHistory answers what execution asks about the past: from the trails of the batches
// that are not on disk yet, then from the store.
type storedHistory struct {
	store  Archive
	vault  *vault
	trails []trail
	found  map[string]StoredID
	// asked holds the identities that the prefetch looked up.
	asked map[string]bool
	// closed remembers the answers to Closed: contract and engine ask about the same new keys.
	closed map[string]bool
	past   past
	err    error
}

// past gives the history before the next batch, with nothing looked up yet.
func (e *Engine) past() *storedHistory {
	e.forget()
	return &storedHistory{
		store: e.store, vault: e.vault, trails: e.trails, asked: map[string]bool{}, closed: map[string]bool{},
		past: past{archive: e.store, vault: e.vault},
	}
}

// prefetch gives the history with the identities of a batch looked up in one go.
func (e *Engine) prefetch(b Batch) (*storedHistory, error) {
	h := e.past()
	var tags [][]byte
	for _, item := range b.Items {
		if item.checked == nil {
			continue
		}
		if sender, err := item.checked.authenticate(e.state, b.Now); err == nil {
			tag := e.vault.identityTag(item.checked.identity(sender))
			h.asked[string(tag)] = true
			tags = append(tags, tag)
		}
	}
	var err error
	h.found, err = e.store.Find(tags)
	return h, err
}

// Seen implements History.
func (h *storedHistory) Seen(id string, fingerprint []byte) (index uint64, same, found bool) {
	for _, t := range h.trails {
		if e, ok := t.seen[id]; ok {
			return e.Index, slices.Equal(e.Fingerprint, fingerprint), true
		}
	}
	tag := h.vault.identityTag(id)
	stored, found := h.found[string(tag)]
	if !found && !h.asked[string(tag)] {
		more, err := h.store.Find([][]byte{tag})
		h.err = errors.Join(h.err, err)
		stored, found = more[string(tag)]
	}
	if !found {
		return 0, false, false
	}
	e, err := h.past.entry(stored.Index)
	h.err = errors.Join(h.err, err)
	return stored.Index, e != nil && slices.Equal(e.Fingerprint, fingerprint), true
}

// Closed implements History.
func (h *storedHistory) Closed(kind domain.Kind, key string) bool {
	name := recordName(kind, key)
	for _, t := range h.trails {
		if _, ok := t.closed[name]; ok {
			return true
		}
	}
	closed, known := h.closed[name]
	if known {
		return closed
	}
	err := h.store.Slots(SlotQuery{Tag: h.vault.tag(name)}, func(s StoredSlot) error {
		closed = !s.Open
		return nil
	})
	h.err = errors.Join(h.err, err)
	h.closed[name] = closed
	return closed
}

// Posting implements History.
func (h *storedHistory) Posting(ref domain.PostingRef) (domain.Posting, bool) {
	for _, t := range h.trails {
		if at := ref.Index - t.base; ref.Index >= t.base && at < uint64(len(t.entries)) {
			return numbered(t.entries[at].Postings, ref.Number)
		}
	}
	p, found, err := h.past.posting(ref)
	h.err = errors.Join(h.err, err)
	return p, found
}

func partyName(p domain.PartyID) string { return "party " + string(p) }

// accountName is where the postings of an account are filed: those of a party's own accounts
// under the party, which sees their entries anyway.
func accountName(a domain.AccountID) string {
	if owner := a.Owner(); owner != "" {
		return partyName(owner)
	}
	return "account " + string(a)
}

// commitOf gathers everything a batch changes on disk, sealed or tagged. seal gives the sealed
// body of entry i of the batch.
func (e *Engine) commitOf(sealed []*sealedEntry, closing []byte, changes []change, seal func(i int) []byte) Commit {
	c := e.tablesOf(sealed, changes)
	leaves := make([][]byte, 0, len(sealed)+1)
	for i, s := range sealed {
		leaves = append(leaves, s.leaf)
		c.Entries = append(c.Entries, StoredEntry{Index: s.Index, Leaf: s.leaf, Body: seal(i)})
	}
	c.Entries = append(c.Entries, StoredEntry{Index: sealed[len(sealed)-1].Index + 1, Leaf: closing})
	c.Tiles = e.tree.append(append(leaves, closing))
	return c
}

// tablesOf gives what a batch adds to the tables.
func (e *Engine) tablesOf(sealed []*sealedEntry, changes []change) (c Commit) {
	for _, s := range sealed {
		if s.identity != "" {
			c.IDs = append(c.IDs, StoredID{Tag: e.vault.identityTag(s.identity), Index: s.Index})
		}
		for _, name := range entryNames(s) {
			c.Refs = append(c.Refs, StoredRef{Tag: e.vault.tag(name), Index: s.Index})
		}
	}
	for _, changed := range changes {
		c.Slots = append(c.Slots, e.storedSlot(changed))
	}
	return c
}

// entryNames lists what an entry is found by: its viewers, the records and accounts it touches, and that it governs.
func entryNames(s *sealedEntry) []string {
	var names []string
	if s.governs() {
		names = append(names, chainName)
	}
	for _, viewer := range s.viewers[1:] {
		names = append(names, partyName(viewer))
	}
	for _, record := range s.Records {
		names = append(names, recordName(s.Kind, record.Key))
	}
	for _, p := range s.Postings {
		names = append(names, accountName(p.Debit), accountName(p.Credit))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (e *Engine) storedSlot(c change) StoredSlot {
	stored := StoredSlot{Tag: e.vault.tag(c.slot.name()), Open: c.opened}
	if c.body == nil {
		return stored
	}
	stored.Body = e.vault.seal(slotPlace(stored.Tag), c.body)
	if c.slot.Type == recordSlot && !c.listed {
		for _, list := range owners(c.slot) {
			stored.Members = append(stored.Members, e.vault.tag(list))
		}
	}
	return stored
}

// checkSums checks that every currency sums to zero over all accounts.
func checkSums(st *State) error {
	for currency, sum := range st.sums() { //tidy:ordered any broken sum is an error
		if sum != 0 {
			return fmt.Errorf("all %s accounts sum to %d, want 0", currency, sum)
		}
	}
	return nil
}
