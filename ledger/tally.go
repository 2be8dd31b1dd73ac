package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aval/domain"
)

// tally adds up postings.
type tally struct {
	books
	viewer         domain.PartyID
	all            bool
	from, next, to uint64
	rows           map[holding]*TrialRow
}

func newTally(b books, viewer domain.PartyID, all bool) *tally {
	return &tally{books: b, viewer: viewer, all: all, rows: map[holding]*TrialRow{}}
}

// resume takes beginning and end of the page from a cursor, which carries no right.
func (t *tally) resume(cursor string) error {
	from, to, _ := strings.Cut(cursor, ".")
	t.from, _ = strconv.ParseUint(from, 10, 64)
	t.to, _ = strconv.ParseUint(to, 10, 64)
	t.next = t.from
	if cursor != t.cursor() || t.from > t.to || t.to > t.head.Size {
		return domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
	}
	return nil
}

func (t *tally) cursor() string { return fmt.Sprintf("%d.%d", t.next, t.to) }

// page adds up entries until one of the bounds is reached, or the end.
func (t *tally) page(entries, rows int) error {
	part := min(entries, MaxPage)
	for scanned := 0; t.next < t.to && scanned < entries && len(t.rows) < rows; scanned += part {
		indexes, err := t.indexes(partyName(t.viewer), t.all, t.next, part)
		if err != nil {
			return err
		}
		end := t.to
		if len(indexes) == part {
			end = min(end, indexes[part-1]+1)
		}
		err = t.visit(indexes, func(en *entry) error {
			if en.Index >= t.to || len(t.rows) >= rows {
				end = en.Index
				return errEnough
			}
			return t.add(en)
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		t.next = min(end, t.to)
	}
	return nil
}

// add books the entry's postings on the rows. Read from the beginning, they must make the balances that the entry gives.
func (t *tally) add(en *entry) error {
	for _, p := range en.Postings {
		if err := t.move(holding{p.Debit, p.Amount.Currency}, p.Amount.Minor, 0); err != nil {
			return err
		}
		if err := t.move(holding{p.Credit, p.Amount.Currency}, 0, p.Amount.Minor); err != nil {
			return err
		}
	}
	if t.from > 0 {
		return nil
	}
	for _, b := range en.Balances {
		for c, minor := range b.Minor { //tidy:ordered any difference is an error
			row := t.rows[holding{b.Account, c}]
			if t.counts(b.Account) && (row == nil || row.Balance != minor) {
				return fmt.Errorf("entry %d: the balances do not follow from the postings: the store was changed", en.Index)
			}
		}
	}
	return nil
}

// counts says whether the account is one of those that the viewer may see.
func (t *tally) counts(account domain.AccountID) bool { return t.all || account.Owner() == t.viewer }

func (t *tally) move(h holding, debits, credits int64) (err error) {
	if !t.counts(h.account) {
		return nil
	}
	row := t.rows[h]
	if row == nil {
		row = &TrialRow{Account: h.account, Class: h.account.Class(), Owner: h.account.Owner(), Currency: h.currency}
		t.rows[h] = row
	}
	if row.Debits, err = domain.AddMinor(row.Debits, debits); err != nil {
		return err
	}
	row.Credits, err = domain.AddMinor(row.Credits, credits)
	row.Balance = row.Credits - row.Debits
	return err
}

// close shows what was added up, and when the last leaf of it was booked.
func (t *tally) close() (TrialBalance, error) {
	var at domain.Millis
	var err error
	if t.next > 0 {
		at, err = t.bookedAt(t.next - 1)
	}
	if err != nil {
		return TrialBalance{}, err
	}
	return t.show(at)
}

// show orders the rows and adds them up.
func (t *tally) show(at domain.Millis) (TrialBalance, error) {
	v := TrialBalance{From: t.from, To: t.next, BookedAt: at, Rows: []TrialRow{}, Totals: []TrialTotal{}}
	if t.next < t.to {
		v.Next = t.cursor()
	}
	totals := newTally(books{}, "", true)
	for h, row := range t.rows { //tidy:ordered sums, and rows that are sorted below
		v.Rows = append(v.Rows, *row)
		if err := totals.move(holding{currency: h.currency}, row.Debits, row.Credits); err != nil {
			return TrialBalance{}, err
		}
	}
	for h, sum := range totals.rows { //tidy:ordered sorted below
		v.Totals = append(v.Totals, TrialTotal{h.currency, sum.Debits, sum.Credits, sum.Balance})
	}
	slices.SortFunc(v.Rows, func(a, b TrialRow) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
	slices.SortFunc(v.Totals, func(a, b TrialTotal) int { return cmp.Compare(a.Currency, b.Currency) })
	return v, nil
}
