package api

import (
	"net/http"

	"aval/domain"
	"aval/ledger"
)

// Books is what accountants and auditors ask of the engine: balances, movements and records as
// they stood.
type Books interface {
	Accounts(viewer domain.PartyID) ([]ledger.AccountView, error)
	Balance(viewer domain.PartyID, account domain.AccountID, asOf ledger.Moment) (ledger.AccountBalance, error)
	Statement(viewer domain.PartyID, f ledger.StatementFilter) (ledger.Statement, error)
	TrialBalance(viewer domain.PartyID, f ledger.TrialFilter) (ledger.TrialBalance, error)
	RecordAt(viewer domain.PartyID, id domain.RecordID, asOf ledger.Moment) (ledger.PastRecord, error)
}

// postingPage is one page of an account's postings, under the paging of entries.
type postingPage struct {
	Postings []line  `json:"postings"`
	Next     *uint64 `json:"next,omitempty"`
}

// line is one posting and where it was booked.
type line struct {
	Index    uint64        `json:"index"`
	Sequence uint64        `json:"sequence"`
	BookedAt domain.Millis `json:"bookedAt"`
	Kind     domain.Kind   `json:"kind"`
	Contract string        `json:"contract"`
	Name     string        `json:"name"`
	ledger.PostingView
}

type accountList struct {
	Accounts []ledger.AccountView `json:"accounts"`
}

func (s *Server) accounts(c call) error {
	accounts, err := s.ledger.Accounts(c.eyes)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, rowsOf(accounts, func(a ledger.AccountView) []domain.PartyID { return []domain.PartyID{a.Owner} })); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, accountList{Accounts: notNil(accounts)})
}

func (s *Server) account(c call) error {
	id, err := accountID(c)
	if err != nil {
		return err
	}
	asOf, err := c.query.moment("asOf")
	if err != nil {
		return err
	}
	balance, err := s.ledger.Balance(c.eyes, id, asOf)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, whoseRows{s.holders(c, id)}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, balance)
}

func (s *Server) postings(c call) error {
	filter, err := c.query.feed()
	if err != nil {
		return err
	}
	if filter.Account, err = accountID(c); err != nil {
		return err
	}
	entries, err := s.ledger.Feed(c.eyes, filter)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, rowsOf(entries.Entries, seers)); err != nil {
		return err
	}
	page := postingPage{Postings: []line{}, Next: entries.Next}
	for _, e := range entries.Entries {
		page.Postings = appendLines(page.Postings, e, filter.Account)
	}
	return c.JSON(http.StatusOK, page)
}

// appendLines adds an entry's postings that touch the account.
func appendLines(lines []line, e ledger.EntryView, account domain.AccountID) []line {
	for _, p := range e.Postings {
		if p.Debit == account || p.Credit == account {
			lines = append(lines, line{
				Index: e.Index, Sequence: e.Sequence, BookedAt: e.BookedAt,
				Kind: e.Kind, Contract: e.Contract, Name: e.Name, PostingView: p,
			})
		}
	}
	return lines
}

func (s *Server) statement(c call) error {
	filter, err := c.query.statement()
	if err != nil {
		return err
	}
	if filter.Account, err = accountID(c); err != nil {
		return err
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	page, err := s.ledger.Statement(c.eyes, filter)
	if err != nil {
		return read(err)
	}
	holders := s.holders(c, filter.Account)
	if err := s.record(c, rowsOf(page.Lines, func(ledger.StatementLine) []domain.PartyID { return holders })); err != nil {
		return err
	}
	return c.give(form, page, "cursor", page.Next)
}

func (s *Server) trialBalance(c call) error {
	asOf, err := c.query.moment("asOf")
	if err != nil {
		return err
	}
	cursor, err := c.query.cursor()
	if err != nil {
		return err
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	page, err := s.ledger.TrialBalance(c.eyes, ledger.TrialFilter{AsOf: asOf, Cursor: cursor})
	if err != nil {
		return read(err)
	}
	if err := s.record(c, rowsOf(page.Rows, func(r ledger.TrialRow) []domain.PartyID { return []domain.PartyID{r.Owner} })); err != nil {
		return err
	}
	return c.give(form, page, "cursor", page.Next)
}
