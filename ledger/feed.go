package ledger

import (
	"errors"
	"slices"

	"aval/domain"
)

// maxFeedItems bounds the events and postings of the entries that one page looks at, so that
// bulks, of which an entry holds thousands, make a page of fewer entries.
const maxFeedItems = 20_000

// Feed lists what the viewer may see of the log, oldest first. A page may be short and still have a Next.
func (e *Engine) Feed(viewer domain.PartyID, f FeedFilter) (EntryPage, error) {
	page := EntryPage{Entries: []EntryView{}}
	limit, err := pageLimit(f.Limit)
	if err != nil || viewer == "" || f.From >= e.Size() {
		return page, err
	}
	name, keep, err := e.feedIndex(viewer, f)
	if err != nil {
		return page, err
	}
	b, all := e.books(), e.Audits(viewer)
	from, more, items := f.From, true, 0
	for scanned := 0; more && len(page.Entries) < limit && scanned < maxScanned; scanned += limit {
		indexes, err := b.indexes(name, all && f.Record == "" && f.Account == "", from, limit)
		if err != nil {
			return page, err
		}
		more = len(indexes) == limit
		err = b.visit(indexes, func(en *entry) error {
			if len(page.Entries) == limit || items > maxFeedItems {
				more = true // the page ends within what was asked for
				return errEnough
			}
			from = en.Index + 1
			items += len(en.Events) + len(en.Postings)
			v, ok, err := en.feed(viewer, all, keep)
			if ok {
				page.Entries = append(page.Entries, v)
			}
			return err
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return page, err
		}
		if len(page.Entries) < limit && len(indexes) > 0 {
			from = indexes[len(indexes)-1] + 1
		}
	}
	if more {
		page.Next = &from
	}
	return page, nil
}

// indexes lists where a name is filed; for an auditor without a filter, simply every index.
func (b books) indexes(name string, every bool, from uint64, limit int) ([]uint64, error) {
	if !every {
		return b.archive.Refs(b.vault.tag(name), from, limit)
	}
	var all []uint64
	for i := from; i < min(from+uint64(limit), b.head.Size); i++ {
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
			v.Postings = slices.DeleteFunc(v.Postings, func(p PostingView) bool { return p.Cause.Record != f.Record })
			return v.Kind == kind && len(v.Events)+len(v.Postings) > 0
		}, err
	case f.Account != "":
		if !e.mayRead(viewer, f.Account) {
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

// feed is what the viewer may see of an entry, if that is anything.
func (e *entry) feed(viewer domain.PartyID, all bool, keep func(*EntryView) bool) (EntryView, bool, error) {
	d := e.disclose(viewer)
	if all {
		d = e.audit()
	} else if !e.sees(viewer) {
		return EntryView{}, false, nil
	}
	v, err := d.view()
	if err != nil || !keep(&v) {
		return EntryView{}, false, err
	}
	if all {
		v.Parties = e.parties()
	}
	return v, true, nil
}
