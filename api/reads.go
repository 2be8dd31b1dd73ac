package api

import (
	"net/http"

	"aval/domain"
	"aval/ledger"
)

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

func (s *Server) contracts(c call) error {
	filter, err := c.query.records()
	if err != nil {
		return err
	}
	page, err := s.ledger.Records(c.viewer.party, filter)
	if err != nil {
		return read(err)
	}
	page.Records = notNil(page.Records)
	return c.JSON(http.StatusOK, page)
}

func (s *Server) contract(c call) error {
	id, err := recordID(c)
	if err != nil {
		return err
	}
	record, err := s.ledger.Record(c.viewer.party, id)
	if err != nil {
		return read(err)
	}
	return c.JSON(http.StatusOK, record)
}

func (s *Server) contractEvents(c call) error {
	filter, err := c.query.feed()
	if err != nil {
		return err
	}
	if filter.Record, err = recordID(c); err != nil {
		return err
	}
	page, err := s.ledger.Feed(c.viewer.party, filter)
	if err != nil {
		return read(err)
	}
	page.Entries = notNil(page.Entries)
	return c.JSON(http.StatusOK, page)
}

func (s *Server) accounts(c call) error {
	accounts, err := s.ledger.Accounts(c.viewer.party)
	if err != nil {
		return read(err)
	}
	return c.JSON(http.StatusOK, accountList{Accounts: notNil(accounts)})
}

func (s *Server) postings(c call) error {
	filter, err := c.query.feed()
	if err != nil {
		return err
	}
	if filter.Account, err = accountID(c); err != nil {
		return err
	}
	entries, err := s.ledger.Feed(c.viewer.party, filter)
	if err != nil {
		return read(err)
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

// notNil makes an empty list [] in JSON, not null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
