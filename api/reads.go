package api

import (
	"net/http"
	"strconv"

	"aval/domain"
	"aval/ledger"
)

func (s *Server) contracts(c call) error {
	filter, err := c.query.records()
	if err != nil {
		return err
	}
	page, err := s.ledger.Records(c.eyes, filter)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, rowsOf(page.Records, func(r ledger.RecordView) []domain.PartyID { return r.Parties })); err != nil {
		return err
	}
	page.Records = notNil(page.Records)
	return c.JSON(http.StatusOK, page)
}

func (s *Server) contract(c call) error {
	id, err := recordID(c)
	if err != nil {
		return err
	}
	if c.query["asOf"] != "" {
		return s.pastContract(c, id)
	}
	record, err := s.ledger.Record(c.eyes, id)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, whoseRows{record.Parties}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, record)
}

func (s *Server) pastContract(c call, id domain.RecordID) error {
	asOf, err := c.query.moment("asOf")
	if err != nil {
		return err
	}
	record, err := s.ledger.RecordAt(c.eyes, id, asOf)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, whoseRows{record.Parties}); err != nil {
		return err
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
	form, err := c.form()
	if err != nil {
		return err
	}
	page, err := s.ledger.Feed(c.eyes, filter)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, rowsOf(page.Entries, seers)); err != nil {
		return err
	}
	page.Entries = notNil(page.Entries)
	next := ""
	if page.Next != nil {
		next = strconv.FormatUint(*page.Next, 10)
	}
	return c.give(form, page, "from", next)
}

// seers are those whose an entry is.
func seers(e ledger.EntryView) []domain.PartyID { return e.Parties }

// jsonLines is the media type of lines of JSON.
const jsonLines = "application/jsonl"

func (s *Server) governance(c call) error {
	file, err := s.ledger.Governance(c.eyes)
	if err != nil {
		return read(err)
	}
	if err := s.record(c, whoseRows{nil}); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, jsonLines, file)
}

func (s *Server) private(c call) error {
	digest := pathParam(c, "digest")
	if err := domain.CheckDigest(digest); err != nil {
		return err
	}
	value, err := s.ledger.Private(c.viewer.party, digest)
	if err != nil {
		return read(err)
	}
	return c.JSON(http.StatusOK, value)
}

// notNil makes an empty list [] in JSON, not null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
