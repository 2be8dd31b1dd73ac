package ledger

import (
	"context"
	"errors"

	"aval/domain"
)

// MaxPage is the largest page that a reader may ask for, defaultPage what zero means.
const (
	MaxPage     = 1000
	defaultPage = 100
)

// errNotFound reads the same for what is not there and for what is not the viewer's.
func errNotFound() error { return domain.Refuse(domain.NotFound, "not found") }

func pageLimit(n int) (int, error) {
	if n < 0 || n > MaxPage {
		return 0, domain.Refuse(domain.LimitExceeded, "limit %d: want 1 to %d", n, MaxPage)
	}
	if n == 0 {
		return defaultPage, nil
	}
	return n, nil
}

// Origin is the ledger's name.
func (e *Engine) Origin() string { return e.origin }

// Policy is what verifiers of this ledger's receipts are handed.
func (e *Engine) Policy() Policy { return e.public }

// Size is the number of committed leaves, Now the time of the last batch.
func (e *Engine) Size() uint64 { return e.published.Load().head.Size }

// Now is the time of the last committed batch.
func (e *Engine) Now() domain.Millis { return e.published.Load().head.Now }

// NextDue is the earliest open deadline, zero if there is none.
func (e *Engine) NextDue() domain.Millis { return e.published.Load().state.nextDue() }

// Registry is the registry as of the last committed batch.
func (e *Engine) Registry() domain.Registry { return registry{e.published.Load().state} }

// Changed is closed at the next commit. Take it before reading what you wait for.
func (e *Engine) Changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

// Watches lists the open watches, by kind and subject.
func (e *Engine) Watches() []WatchView {
	now := e.published.Load()
	var open []WatchView
	now.state.scan(string(watchSlot)+" ", "", func(s *slot) bool {
		if s.Watch.Until >= now.head.Now {
			open = append(open, WatchView{Kind: s.Kind, Watch: *s.Watch})
		}
		return true
	})
	return open
}

// Sums adds up every currency over all accounts: all zero, always.
func (e *Engine) Sums() map[string]int64 { return e.published.Load().state.sums() }

// Status is the first reply to a command ID of the viewer's own. NotFound otherwise.
func (e *Engine) Status(viewer domain.PartyID, id string) (Reply, error) {
	tag := e.vault.identityTag("command " + string(viewer) + " " + id)
	found, err := e.store.Find([][]byte{tag})
	if err != nil {
		return Reply{}, err
	}
	stored, ok := found[string(tag)]
	if !ok || viewer == "" {
		return Reply{}, errNotFound()
	}
	en, err := e.books().entryAt(stored.Index)
	if err == nil && (en.ID != id || en.Sender != viewer) {
		err = errors.New("the identity is filed for another entry: the store was changed")
	}
	if err != nil {
		return Reply{}, err
	}
	return replyOf(en), nil
}

// Receipt proves an entry to a party that may see something of it. NotFound otherwise.
func (e *Engine) Receipt(ctx context.Context, viewer domain.PartyID, index uint64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if viewer == "" { // view 0, the whole entry, is filed under nobody's name
		return nil, errNotFound()
	}
	s, err := e.sealedAt(index)
	if err != nil {
		return nil, err
	}
	if e.Audits(viewer) {
		viewer = ""
	}
	return e.receipt(s, viewer)
}

// sealedAt reads one committed entry and seals it again. NotFound as in entryAt.
func (e *Engine) sealedAt(index uint64) (*sealedEntry, error) {
	en, err := e.books().entryAt(index)
	if err != nil {
		return nil, err
	}
	return seal(en, e.vault.salt)
}
