package ledger

import (
	"fmt"
	"math"

	"aval/domain"
)

// Bounds of one page of a trial balance: entries looked at, and rows, but for those of the last entry.
const (
	maxTrialEntries = 20_000
	maxTrialRows    = 10_000
)

// TrialBalance is what moved on accounts in a range of the log. One that begins at index 0 and
// has no Next is the trial balance as of its end: then Balance is that of the account.
type TrialBalance struct {
	// From is the first index, To the one after the last; BookedAt the time of the last, zero for none.
	From     uint64        `json:"from"`
	To       uint64        `json:"to"`
	BookedAt domain.Millis `json:"bookedAt"`
	// Rows are in order of account and currency.
	Rows []TrialRow `json:"rows"`
	// Totals add up the rows of each currency. For an auditor debits and credits are equal, always.
	Totals []TrialTotal `json:"totals"`
	// Next is the cursor of the page that goes on where this one ends, empty at the end.
	Next string `json:"next,omitempty"`
}

// TrialRow is one account in one currency, in minor units. Debits and credits are sums of
// amounts, so never negative; Balance is credits minus debits.
type TrialRow struct {
	Account  domain.AccountID    `json:"account"`
	Class    domain.AccountClass `json:"class"`
	Owner    domain.PartyID      `json:"owner,omitempty"`
	Currency domain.Currency     `json:"currency"`
	Debits   int64               `json:"debits"`
	Credits  int64               `json:"credits"`
	Balance  int64               `json:"balance"`
}

// TrialTotal adds up all rows of a currency.
type TrialTotal struct {
	Currency domain.Currency `json:"currency"`
	Debits   int64           `json:"debits"`
	Credits  int64           `json:"credits"`
	Balance  int64           `json:"balance"`
}

// TrialFilter selects a page of a trial balance.
type TrialFilter struct {
	// AsOf is the last moment that counts; not set, the present.
	AsOf Moment
	// Cursor is the Next of an earlier page, empty for the first. It holds the end of the range.
	Cursor string
}

// TrialBalance is what moved on the viewer's own accounts, or for an auditor on all, page by
// page from the beginning of the log. InvalidAmount for a turnover beyond domain.MaxMinor.
func (e *Engine) TrialBalance(viewer domain.PartyID, f TrialFilter) (TrialBalance, error) {
	return e.trialPage(viewer, f, maxTrialEntries, maxTrialRows)
}

func (e *Engine) trialPage(viewer domain.PartyID, f TrialFilter, entries, rows int) (TrialBalance, error) {
	if viewer == "" {
		return TrialBalance{}, errNotFound()
	}
	b := e.books()
	t := newTally(b, viewer, e.Audits(viewer))
	var err error
	if f.Cursor != "" {
		err = t.resume(f.Cursor)
	} else {
		t.to, err = b.through(f.AsOf)
	}
	if err != nil {
		return TrialBalance{}, err
	}
	if err := t.page(entries, rows); err != nil {
		return TrialBalance{}, err
	}
	return t.close()
}

// ReadTrialBalance reads the trial balance as of a moment from a stored log, whole, in memory for
// its accounts and no more. It holds every balance against those in the entries and tells
// progress how many of how many leaves it has read, now and then.
func ReadTrialBalance(keys *Keys, archive Archive, asOf Moment, progress func(Progress)) (TrialBalance, error) {
	b, err := openBooks(keys, archive)
	if err != nil {
		return TrialBalance{}, err
	}
	t := newTally(b, "", true)
	if t.to, err = b.through(asOf); err != nil {
		return TrialBalance{}, err
	}
	for t.next < t.to {
		if err := t.page(maxTrialEntries, math.MaxInt); err != nil {
			return TrialBalance{}, err
		}
		progress(Progress{Leaves: t.next, Of: t.to})
	}
	return t.close()
}

// JoinTrialBalance reads page after page, each by the cursor that the one before gave, and adds
// them up to one that begins where the first does.
func JoinTrialBalance(read func(cursor string) (TrialBalance, error)) (TrialBalance, error) {
	page, err := read("")
	if err != nil || page.Next == "" {
		return page, err
	}
	t := newTally(books{}, "", true)
	t.from, t.next = page.From, page.From
	for {
		if page.From != t.next {
			return TrialBalance{}, fmt.Errorf("a page from index %d does not follow one up to %d", page.From, t.next)
		}
		for _, row := range page.Rows {
			if err := t.move(holding{row.Account, row.Currency}, row.Debits, row.Credits); err != nil {
				return TrialBalance{}, err
			}
		}
		if t.next = page.To; page.Next == "" {
			return t.show(page.BookedAt)
		}
		if page, err = read(page.Next); err != nil {
			return TrialBalance{}, err
		}
	}
}
