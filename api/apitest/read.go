package apitest

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/ledger"
)

// Status is the first reply to the viewer's own command.
func (l *Ledger) Status(viewer domain.PartyID, id string) (ledger.Reply, error) {
	if err := l.fault(context.Background(), "Status"); err != nil {
		return ledger.Reply{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	index, found := l.byID[string(viewer)+" "+id]
	if !found {
		return ledger.Reply{}, notFound()
	}
	return l.entries[index].reply(), nil
}

// registry is the keys alone: the API asks for nothing else.
type registry struct{ *Ledger }

func (registry) Party(domain.PartyID) (domain.Party, bool) { return domain.Party{}, false }
func (registry) Device(string) (domain.Device, bool)       { return domain.Device{}, false }
func (registry) Source(string) (domain.Source, bool)       { return domain.Source{}, false }

func (registry) Approved(domain.Kind, string, domain.Millis) bool { return true }

func (r registry) Key(id string) (domain.Key, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, found := r.keys[id]
	return key, found
}

// Registry knows the enrolled keys.
func (l *Ledger) Registry() domain.Registry { return registry{l} }

// Records lists in order of creation; the cursor is a position.
func (l *Ledger) Records(viewer domain.PartyID, f ledger.RecordFilter) (ledger.RecordPage, error) {
	var page ledger.RecordPage
	if err := l.fault(context.Background(), "Records"); err != nil {
		return page, err
	}
	start := 0
	if f.Cursor != "" {
		var err error
		if start, err = strconv.Atoi(f.Cursor); err != nil || start < 0 {
			return page, domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := start; i < len(l.records); i++ {
		r := l.records[i]
		if !sees(r.parties, viewer) || f.Kind != "" && f.Kind != r.view.Kind || f.Status != "" && f.Status != r.view.Status {
			continue
		}
		if len(page.Records) == f.Limit {
			page.Next = strconv.Itoa(i)
			break
		}
		page.Records = append(page.Records, r.view)
	}
	return page, nil
}

// Record is one record.
func (l *Ledger) Record(viewer domain.PartyID, id domain.RecordID) (ledger.RecordView, error) {
	if err := l.fault(context.Background(), "Record"); err != nil {
		return ledger.RecordView{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record(viewer, id)
}

func (l *Ledger) record(viewer domain.PartyID, id domain.RecordID) (ledger.RecordView, error) {
	for _, r := range l.records {
		if r.view.ID == id && sees(r.parties, viewer) {
			return r.view, nil
		}
	}
	return ledger.RecordView{}, notFound()
}

// Feed lists the viewer's entries.
func (l *Ledger) Feed(viewer domain.PartyID, f ledger.FeedFilter) (ledger.EntryPage, error) {
	var page ledger.EntryPage
	if err := l.fault(context.Background(), "Feed"); err != nil {
		return page, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.Record != "" {
		if _, err := l.record(viewer, f.Record); err != nil {
			return page, err
		}
	}
	if f.Account != "" && f.Account.Owner() != viewer {
		return page, notFound()
	}
	for i := f.From; i < uint64(len(l.entries)); i++ {
		if e := l.entries[i]; !sees(e.parties, viewer) || !touches(f, e.view) {
			continue
		}
		if len(page.Entries) == f.Limit {
			page.Next = &i
			break
		}
		page.Entries = append(page.Entries, l.entries[i].view)
	}
	return page, nil
}

func touches(f ledger.FeedFilter, v ledger.EntryView) bool {
	ofRecord := slices.ContainsFunc(v.Events, func(e ledger.EventView) bool { return e.Record == f.Record })
	ofAccount := slices.ContainsFunc(v.Postings, func(p ledger.PostingView) bool { return p.Debit == f.Account || p.Credit == f.Account })
	return (f.Record == "" || ofRecord) && (f.Account == "" || ofAccount)
}

// Accounts lists the viewer's own accounts, by name and currency.
func (l *Ledger) Accounts(viewer domain.PartyID) ([]ledger.AccountView, error) {
	if err := l.fault(context.Background(), "Accounts"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var views []ledger.AccountView
	for account, balances := range l.balances {
		for currency, minor := range balances {
			if account.Owner() == viewer {
				views = append(views, ledger.AccountView{
					Account: account, Class: account.Class(), Owner: viewer, Balance: domain.Money{Minor: minor, Currency: currency},
				})
			}
		}
	}
	return views, nil
}

// Receipt proves an entry to a party of it.
func (l *Ledger) Receipt(ctx context.Context, viewer domain.PartyID, index uint64) ([]byte, error) {
	if err := l.fault(ctx, "Receipt"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if index >= uint64(len(l.entries)) || !sees(l.entries[index].parties, viewer) {
		return nil, notFound()
	}
	return l.receipt(int(index))
}

// Checkpoint is the signed head; there is none while the log is empty.
func (l *Ledger) Checkpoint() ([]byte, error) {
	if err := l.fault(context.Background(), "Checkpoint"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == 0 {
		return nil, notFound()
	}
	return l.checkpoint()
}

// Tile gives what the log covers.
func (l *Ledger) Tile(level int, index uint64, width int) ([]byte, error) {
	if err := l.fault(context.Background(), "Tile"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if level > 7 || index > 1<<40 || index*256+uint64(width) > uint64(len(l.entries))>>(8*max(level, 0)) {
		return nil, notFound()
	}
	if level < 0 {
		return bundle(l.entries[index*256 : index*256+uint64(width)]), nil
	}
	return tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: int64(index), W: width}, l.reader())
}

// Size is the number of leaves.
func (l *Ledger) Size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.entries))
}

// Changed is closed at the next commit.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Ready is nil unless the hook says otherwise.
func (l *Ledger) Ready() error { return l.fault(context.Background(), "Ready") }

// As lets everybody read as itself alone.
func (l *Ledger) As(viewer, party domain.PartyID, _ string) (ledger.Right, error) {
	if viewer != party {
		return ledger.Right{}, notFound()
	}
	return ledger.Right{}, nil
}

// RecordAccess is never asked: nobody reads under a grant.
func (l *Ledger) RecordAccess(context.Context, domain.Access) error {
	return errors.New("there are no grants")
}

// Governance is a first line without proofs: nothing is governed here.
func (l *Ledger) Governance(domain.PartyID) ([]byte, error) {
	return []byte(`{"format":"` + ledger.GovernanceFormat + `","origin":"` + Origin + `"}` + "\n"), l.fault(context.Background(), "Governance")
}

// Limits are none.
func (l *Ledger) Limits() domain.Limits { return domain.Limits{} }
