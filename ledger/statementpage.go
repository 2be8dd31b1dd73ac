package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// maxLookback bounds the entries of an account's owner that are searched, back from the
// beginning of a page, for the last one that moved money on the account.
const maxLookback = 50_000

// statementPage is a page of a statement in the making.
type statementPage struct {
	books
	Statement
	viewer   domain.PartyID
	all      bool
	currency domain.Currency
	// at is the index where the page begins.
	at uint64
	// running are the account's balances other than zero after the last entry read.
	running map[domain.Currency]int64
}

// period resolves the period, or takes it and the page's beginning from the cursor.
func (p *statementPage) period(f StatementFilter) (err error) {
	if f.Cursor != "" {
		return p.resume(f.Cursor)
	}
	if p.From, err = p.first(f.From, 0); err != nil {
		return err
	}
	if p.To, err = p.first(f.To, p.head.Size); err != nil {
		return err
	}
	if p.To < p.From {
		return domain.Refuse(domain.Malformed, "from: the period ends before it begins")
	}
	p.at = p.From
	return nil
}

// cursor is where a page begins, and the period: three indexes.
func (p *statementPage) cursor(at uint64) string { return fmt.Sprintf("%d.%d.%d", p.From, at, p.To) }

// resume reads a cursor. It carries no right: whoever makes one up sees what From and To would show.
func (p *statementPage) resume(cursor string) error {
	parts := strings.Split(cursor, ".")
	into := []*uint64{&p.From, &p.at, &p.To}
	if len(parts) == len(into) {
		for i, part := range parts {
			*into[i], _ = strconv.ParseUint(part, 10, 64)
		}
	}
	if cursor != p.cursor(p.at) || p.From > p.at || p.at > p.To || p.To > p.head.Size {
		return domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
	}
	return nil
}

// read fills the page from the entries under which the account is filed.
func (p *statementPage) read(limit int) error {
	opening, err := p.balancesBefore(p.Account, p.at)
	if err != nil {
		return err
	}
	p.running = maps.Clone(opening)
	tag := p.vault.tag(accountName(p.Account))
	next, more := p.at, true
	for scanned := 0; more && len(p.Lines) < limit && scanned < maxScanned; scanned += limit {
		indexes, err := p.archive.Refs(tag, next, limit)
		if err != nil {
			return err
		}
		more = len(indexes) == limit && indexes[limit-1]+1 < p.To
		err = p.visit(indexes, func(en *entry) error {
			switch {
			case en.Index >= p.To:
				return errEnough
			case len(p.Lines) >= limit:
				more = true // the page ends within what was asked for
				return errEnough
			}
			next = en.Index + 1
			return p.add(en)
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	if more {
		p.Next = p.cursor(next)
	}
	p.Opening, p.Closing = p.totals(opening), p.totals(p.running)
	return nil
}

// add appends the entry's lines and holds them against the balances that the entry itself gives.
func (p *statementPage) add(en *entry) error {
	after, touched := en.balancesOf(p.Account)
	if !touched {
		return nil
	}
	d := en.audit()
	if !p.all {
		d = en.disclose(p.viewer)
	}
	for _, posting := range d.Postings {
		if posting.Debit != p.Account && posting.Credit != p.Account {
			continue
		}
		line, err := d.line(p.Account, posting)
		if err != nil {
			return err
		}
		line.Balance = p.move(line)
		if p.currency == "" || p.currency == line.Amount.Currency {
			p.Lines = append(p.Lines, line)
		}
	}
	if !maps.Equal(p.running, after) {
		return fmt.Errorf("entry %d: the balances do not follow from those before: the store was changed", en.Index)
	}
	return nil
}

// move books a line onto the running balances.
func (p *statementPage) move(line StatementLine) domain.Money {
	c := line.Amount.Currency
	if line.Side == CreditSide {
		p.running[c] += line.Amount.Minor
	} else {
		p.running[c] -= line.Amount.Minor
	}
	balance := domain.Money{Minor: p.running[c], Currency: c}
	if balance.Minor == 0 {
		delete(p.running, c)
	}
	return balance
}

// totals lists balances in the currencies that the page names.
func (p *statementPage) totals(minor map[domain.Currency]int64) []domain.Money {
	named := slices.Collect(maps.Keys(minor)) //tidy:ordered sorted below
	for _, line := range p.Lines {
		named = append(named, line.Amount.Currency)
	}
	slices.Sort(named)
	all := []domain.Money{}
	for _, c := range slices.Compact(named) {
		if p.currency == "" || p.currency == c {
			all = append(all, domain.Money{Minor: minor[c], Currency: c})
		}
	}
	return all
}

// line shows a disclosed posting from one of its accounts.
func (d Disclosure) line(account domain.AccountID, p DisclosedPosting) (StatementLine, error) {
	v, err := d.Posting(p)
	if err != nil {
		return StatementLine{}, err
	}
	line := StatementLine{
		Index: d.Index, Number: v.Number, BookedAt: d.BookedAt, ValueDate: v.ValueDate, Side: CreditSide, Amount: v.Amount, Counter: v.Debit,
		Purpose: v.Purpose, Reference: referenceOf(d.Events[p.Cause]), Command: d.ID, Cause: v.Cause, Reverses: v.Reverses,
	}
	if v.Debit == account {
		line.Side, line.Counter = DebitSide, v.Credit
	}
	return line, nil
}

// referenceOf is what an event calls reference, empty if it has none.
func referenceOf(event domain.Event) string {
	var body map[string]any
	if canon.Decode(event.Body, &body) != nil {
		return ""
	}
	reference, _ := body["reference"].(string)
	return reference
}

// balancesOf are the account's balances after the entry. found is false if it moved nothing there.
func (e *entry) balancesOf(account domain.AccountID) (minor map[domain.Currency]int64, found bool) {
	i, found := slices.BinarySearchFunc(e.Balances, account, func(b AccountBalances, a domain.AccountID) int {
		return strings.Compare(string(b.Account), string(a))
	})
	if !found {
		return nil, false
	}
	return e.Balances[i].Minor, true
}

// balancesBefore are an account's balances other than zero before the entry at an index: those
// after the last entry before it that touched the account.
func (b books) balancesBefore(account domain.AccountID, index uint64) (map[domain.Currency]int64, error) {
	tag := b.vault.tag(accountName(account))
	before, step := index, 1
	for looked := 0; looked < maxLookback; looked += step {
		step = min(2*step, MaxPage)
		indexes, err := b.archive.RefsBefore(tag, before, step)
		if err != nil {
			return nil, err
		}
		for _, at := range indexes {
			en, err := b.entryAt(at)
			if err != nil {
				return nil, err
			}
			if minor, found := en.balancesOf(account); found {
				return minor, nil
			}
			before = at
		}
		if len(indexes) < step {
			return map[domain.Currency]int64{}, nil
		}
	}
	return nil, domain.Refuse(domain.LimitExceeded,
		"no money moved on the account in the %d entries of its owner before index %d: ask nearer to a posting", maxLookback, index)
}
