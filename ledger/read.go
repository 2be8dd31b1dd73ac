package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"aval/domain"
	"aval/domain/canon"
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
func (e *Engine) Policy() Policy { return e.policy }

// Size is the number of committed leaves, Now the time of the last batch.
func (e *Engine) Size() uint64 { return e.published.Load().head.Size }

// Now is the time of the last committed batch.
func (e *Engine) Now() domain.Millis { return e.published.Load().head.Now }

// NextDue is the earliest open deadline, zero if there is none.
func (e *Engine) NextDue() domain.Millis { return e.published.Load().state.nextDue() }

// Registry is the registry as of the last committed batch.
func (e *Engine) Registry() domain.Registry { return registry{e.published.Load().state} }

// Checkpoint is the newest signed head.
func (e *Engine) Checkpoint() ([]byte, error) {
	if signed := e.published.Load().note; signed != nil {
		return signed, nil
	}
	return nil, errNotFound()
}

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

// auditor says whether the viewer may see everything.
func (e *Engine) auditor(viewer domain.PartyID) bool {
	party, ok := e.Registry().Party(viewer)
	return ok && slices.Contains(party.Roles, domain.RoleAuditor)
}

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
	en, err := e.entryAt(stored.Index)
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
	if e.auditor(viewer) {
		viewer = ""
	}
	return e.receipt(s, viewer)
}

// entryAt reads and opens one committed entry. NotFound for a seal leaf or beyond the end.
func (e *Engine) entryAt(index uint64) (*entry, error) {
	if index >= e.Size() {
		return nil, errNotFound()
	}
	var found *entry
	err := e.store.Entries(index, 1, func(s StoredEntry) error {
		if len(s.Body) == 0 {
			return errNotFound()
		}
		body, err := e.vault.open(entryPlace(index), s.Body)
		if err != nil {
			return err
		}
		found = &entry{}
		return canon.Unmarshal(body, found)
	})
	if err == nil && found == nil {
		err = errNotFound()
	}
	return found, err
}

func (e *Engine) sealedAt(index uint64) (*sealedEntry, error) {
	en, err := e.entryAt(index)
	if err != nil {
		return nil, err
	}
	return seal(en, e.vault.salt)
}

// Feed lists what the viewer may see of the log, oldest first.
func (e *Engine) Feed(viewer domain.PartyID, f FeedFilter) ([]EntryView, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil || viewer == "" || f.From >= e.Size() {
		return nil, err
	}
	name, keep, err := e.feedIndex(viewer, f)
	if err != nil {
		return nil, err
	}
	all := e.auditor(viewer)
	var views []EntryView
	for from := f.From; len(views) < limit; {
		indexes, err := e.indexes(name, all && f.Record == "" && f.Account == "", from, limit)
		if err != nil {
			return nil, err
		}
		for _, index := range indexes {
			v, ok, err := e.feedEntry(viewer, all, index, keep)
			if err != nil {
				return nil, err
			}
			if ok && len(views) < limit {
				views = append(views, v)
			}
			from = index + 1
		}
		if len(indexes) < limit {
			break
		}
	}
	return views, nil
}

// indexes lists where a name is filed; for an auditor without a filter, simply every index.
func (e *Engine) indexes(name string, every bool, from uint64, limit int) ([]uint64, error) {
	if !every {
		return e.store.Refs(e.vault.tag(name), from, limit)
	}
	var all []uint64
	for i := from; i < min(from+uint64(limit), e.Size()); i++ {
		all = append(all, i)
	}
	return all, nil
}

// feedIndex chooses under which name the entries are filed, and what of them the filter keeps.
func (e *Engine) feedIndex(viewer domain.PartyID, f FeedFilter) (string, func(*EntryView) bool, error) {
	switch {
	case f.Record != "":
		if _, err := e.Record(viewer, f.Record); err != nil {
			return "", nil, err
		}
		kind, key, err := f.Record.Split()
		return recordName(kind, key), func(v *EntryView) bool {
			v.Events = slices.DeleteFunc(v.Events, func(event EventView) bool { return event.Record != f.Record })
			return v.Kind == kind && len(v.Events)+len(v.Postings) > 0
		}, err
	case f.Account != "":
		if f.Account.Owner() != viewer && !e.auditor(viewer) {
			return "", nil, errNotFound()
		}
		return accountName(f.Account), func(v *EntryView) bool {
			v.Postings = slices.DeleteFunc(v.Postings, func(p PostingView) bool {
				return p.Debit != f.Account && p.Credit != f.Account
			})
			return len(v.Postings) > 0
		}, nil
	}
	return partyName(viewer), func(*EntryView) bool { return true }, nil
}

func (e *Engine) feedEntry(viewer domain.PartyID, all bool, index uint64, keep func(*EntryView) bool) (EntryView, bool, error) {
	if index >= e.Size() {
		return EntryView{}, false, nil
	}
	en, err := e.entryAt(index)
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return EntryView{}, false, nil // a seal leaf
	}
	if err != nil {
		return EntryView{}, false, err
	}
	d := en.disclose(viewer)
	if all {
		d = en.audit()
	} else if !slices.Contains(en.viewers(), viewer) {
		return EntryView{}, false, nil
	}
	v, err := d.view()
	if err != nil || !keep(&v) {
		return EntryView{}, false, err
	}
	return v, true, nil
}

// Accounts lists the viewer's own balances; an auditor sees every account.
func (e *Engine) Accounts(viewer domain.PartyID) ([]AccountView, error) {
	all := e.auditor(viewer)
	accounts := []AccountView{}
	if viewer == "" { // an escrow has no owner, and nobody owns it
		return accounts, nil
	}
	of := []string{string(domain.IssueAccount(viewer)) + " ", string(domain.PartyAccount(viewer)) + " "}
	if all {
		of = []string{""}
	}
	now := e.published.Load()
	for _, account := range of {
		now.state.scan(string(balanceSlot)+"  "+account, "", func(s *slot) bool {
			balance := domain.Money{Minor: s.Minor, Currency: domain.Currency(s.Name)}
			accounts = append(accounts, AccountView{domain.AccountID(s.Key), balance})
			return true
		})
	}
	return accounts, nil
}

// Record shows one record, open or final, with the viewer's own fields. NotFound otherwise.
func (e *Engine) Record(viewer domain.PartyID, id domain.RecordID) (RecordView, error) {
	kind, key, err := id.Split()
	if err != nil {
		return RecordView{}, errNotFound()
	}
	now := e.published.Load()
	found, open := now.state.slots.Get(recordName(kind, key))
	if !open {
		err = e.visitRecords(SlotQuery{Tag: e.vault.tag(recordName(kind, key))}, func(_ []byte, s *slot) error {
			found = now.current(s)
			return nil
		})
	}
	if err != nil {
		return RecordView{}, err
	}
	all := e.auditor(viewer)
	if found == nil || viewer == "" || !all && !slices.Contains(found.Parties, viewer) {
		return RecordView{}, errNotFound()
	}
	return e.show(found, viewer, all)
}

// current is what readers may see of a stored record: an open one comes from memory, where
// the state digest vouches for it and nothing is newer than the signed head. Nil if it is
// not to be seen yet.
func (p *published) current(stored *slot) *slot {
	if s, open := p.state.slots.Get(stored.name()); open {
		return s
	}
	if !stored.Final || stored.Type != recordSlot {
		return nil
	}
	return stored
}

func (e *Engine) show(s *slot, viewer domain.PartyID, all bool) (RecordView, error) {
	if all {
		viewer = ""
	}
	v := RecordView{ID: domain.NewRecordID(s.Kind, s.Key), Kind: s.Kind, Status: s.Status, Final: s.Final}
	contract, ok := e.kinds[s.Kind]
	if !ok {
		return v, errors.New("kind of a stored record is not built in")
	}
	var err error
	v.Fields, err = contract.Show(s.Key, s.Body, viewer)
	return v, err
}

func (e *Engine) visitRecords(q SlotQuery, visit func(tag []byte, s *slot) error) error {
	return e.store.Slots(q, func(stored StoredSlot) error {
		body, err := e.vault.open(slotPlace(stored.Tag), stored.Body)
		if err != nil {
			return err
		}
		s := &slot{}
		if err := canon.Unmarshal(body, s); err != nil {
			return err
		}
		return visit(stored.Tag, s)
	})
}

// maxScanned bounds the records that one page looks at for those of the status asked for.
const maxScanned = 10 * MaxPage

// Records lists the records that the viewer may see, open and final, in a stable order that
// means nothing. A page may be short, even empty, and still have a Next.
func (e *Engine) Records(viewer domain.PartyID, f RecordFilter) (RecordPage, error) {
	page := RecordPage{Records: []RecordView{}}
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return page, err
	}
	after, err := hex.DecodeString(f.Cursor)
	if err != nil || len(after) > 32 || viewer == "" {
		return page, domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
	}
	now, all, list := e.published.Load(), e.auditor(viewer), viewer
	if all {
		list = ""
	}
	q := SlotQuery{Member: e.vault.tag(memberName(list, f.Kind)), After: after, Limit: limit}
	for scanned := 0; len(page.Records) < limit; scanned += limit {
		if scanned >= maxScanned {
			page.Next = hex.EncodeToString(q.After)
			break
		}
		seen := 0
		err := e.visitRecords(q, func(tag []byte, s *slot) error {
			seen++
			q.After = tag
			s = now.current(s)
			if len(page.Records) == limit || s == nil || f.Status != "" && s.Status != f.Status || !all && !slices.Contains(s.Parties, viewer) {
				return nil
			}
			v, err := e.show(s, viewer, all)
			page.Records = append(page.Records, v)
			page.Next = hex.EncodeToString(tag)
			return err
		})
		if err != nil {
			return page, err
		}
		if seen < q.Limit {
			page.Next = ""
			break
		}
	}
	return page, nil
}
