package apitest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"aval/domain"
	"aval/ledger"
)

// through is the size of the log as of a moment. It knows indexes alone: fmt shows them.
func (l *Ledger) through(asOf ledger.Moment) (uint64, error) {
	size := uint64(len(l.entries))
	if asOf == (ledger.Moment{}) {
		return size, nil
	}
	for i := range size {
		if asOf == ledger.AtIndex(i) {
			return i + 1, nil
		}
	}
	return 0, domain.Refuse(domain.TooEarly, "asOf: this index is not booked yet")
}

// Balance adds up the viewer's own account.
func (l *Ledger) Balance(viewer domain.PartyID, account domain.AccountID, asOf ledger.Moment) (ledger.AccountBalance, error) {
	v := ledger.AccountBalance{Account: account, Class: account.Class(), Owner: viewer}
	if err := l.fault(context.Background(), "Balance"); err != nil {
		return v, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if account.Owner() != viewer {
		return v, notFound()
	}
	var err error
	if v.To, err = l.through(asOf); err != nil {
		return v, err
	}
	s := l.lines(account, 0, v.To)
	v.Balances = s.Closing
	return v, nil
}

// lines makes the statement of a range.
func (l *Ledger) lines(account domain.AccountID, from, to uint64) ledger.Statement {
	s := ledger.Statement{Account: account, Class: account.Class(), Owner: account.Owner(), From: from, To: to, Lines: []ledger.StatementLine{}}
	minor := map[domain.Currency]int64{}
	totals := func() []domain.Money {
		all := []domain.Money{}
		for _, c := range slices.Sorted(maps.Keys(minor)) {
			all = append(all, domain.Money{Minor: minor[c], Currency: c})
		}
		return all
	}
	s.Opening = totals()
	for i, e := range l.entries[:to] {
		if uint64(i) == from {
			s.Opening = totals()
		}
		for _, p := range e.view.Postings {
			line := ledger.StatementLine{
				Index: e.view.Index, Number: p.Number, BookedAt: e.view.BookedAt, ValueDate: p.ValueDate, Side: ledger.CreditSide, Amount: p.Amount,
				Counter: p.Debit, Purpose: p.Purpose, Reference: p.Purpose, Command: e.id, Cause: p.Cause,
			}
			switch account {
			case p.Debit:
				line.Side, line.Counter = ledger.DebitSide, p.Credit
				minor[p.Amount.Currency] -= p.Amount.Minor
			case p.Credit:
				minor[p.Amount.Currency] += p.Amount.Minor
			default:
				continue
			}
			if line.Balance = (domain.Money{Minor: minor[p.Amount.Currency], Currency: p.Amount.Currency}); uint64(i) >= from {
				s.Lines = append(s.Lines, line)
			}
		}
	}
	s.Closing = totals()
	return s
}

// Statement pages through an account; the cursor is an index, and no period is known.
func (l *Ledger) Statement(viewer domain.PartyID, f ledger.StatementFilter) (ledger.Statement, error) {
	if err := l.fault(context.Background(), "Statement"); err != nil {
		return ledger.Statement{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.Account.Owner() != viewer {
		return ledger.Statement{}, notFound()
	}
	from, to := uint64(0), uint64(len(l.entries))
	if f.Cursor != "" {
		var err error
		if from, err = strconv.ParseUint(f.Cursor, 10, 64); err != nil || from > to {
			return ledger.Statement{}, domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
		}
	}
	next := ""
	if all := l.lines(f.Account, from, to).Lines; len(all) > f.Limit {
		to = all[f.Limit].Index
		next = fmt.Sprint(to)
	}
	s := l.lines(f.Account, from, to)
	s.Next = next
	return s, nil
}

// TrialBalance has the viewer's own accounts.
func (l *Ledger) TrialBalance(viewer domain.PartyID, f ledger.TrialFilter) (ledger.TrialBalance, error) {
	b := ledger.TrialBalance{Rows: []ledger.TrialRow{}, Totals: []ledger.TrialTotal{}}
	if err := l.fault(context.Background(), "TrialBalance"); err != nil {
		return b, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if f.Cursor != "" {
		return b, domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
	}
	if b.To, err = l.through(f.AsOf); err != nil {
		return b, err
	}
	for _, account := range []domain.AccountID{domain.IssueAccount(viewer), domain.PartyAccount(viewer)} {
		row := ledger.TrialRow{Account: account, Class: account.Class(), Owner: viewer, Currency: "EUR"}
		for _, line := range l.lines(account, 0, b.To).Lines {
			if line.Side == ledger.DebitSide {
				row.Debits += line.Amount.Minor
			} else {
				row.Credits += line.Amount.Minor
			}
		}
		row.Balance = row.Credits - row.Debits
		b.Rows = append(b.Rows, row)
	}
	return b, nil
}

// RecordAt knows records as they are: here none is written twice.
func (l *Ledger) RecordAt(viewer domain.PartyID, id domain.RecordID, asOf ledger.Moment) (ledger.PastRecord, error) {
	if err := l.fault(context.Background(), "RecordAt"); err != nil {
		return ledger.PastRecord{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	to, err := l.through(asOf)
	if err != nil {
		return ledger.PastRecord{}, err
	}
	r, err := l.record(viewer, id)
	return ledger.PastRecord{ID: r.ID, Kind: r.Kind, Status: r.Status, Final: r.Final, To: to, Fields: r.Fields}, err
}
