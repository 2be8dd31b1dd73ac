package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"aval/domain"
	"aval/ledger"
)

// readPage is one page of the readings that concern a party, under the paging of entries.
type readPage struct {
	Reads []readLine `json:"reads"`
	Next  *uint64    `json:"next,omitempty"`
}

// readLine is one reading under a grant and where it was recorded.
type readLine struct {
	Index    uint64        `json:"index"`
	Sequence uint64        `json:"sequence"`
	ReadAt   domain.Millis `json:"readAt"`
	domain.WasRead
}

// reads lists who read under a grant what is the viewer's, by a grant of his, or, for members, by one of
// governance; and what the viewer read so himself. A party of which nothing was recorded has an empty list.
func (s *Server) reads(c call) error {
	filter, err := c.query.feed()
	if err != nil {
		return err
	}
	filter.Record = domain.ReadsRecord(c.eyes)
	page := readPage{Reads: []readLine{}}
	entries, err := s.ledger.Feed(c.eyes, filter)
	if err != nil && !isRefused(err, domain.NotFound) {
		return err
	}
	for _, e := range entries.Entries {
		if page.Reads, err = appendReads(page.Reads, e); err != nil {
			return err
		}
	}
	page.Next = entries.Next
	if err := s.recordTrail(c, len(page.Reads)); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, page)
}

// recordTrail records the reading of somebody else's list; one's own begets no entry in it.
func (s *Server) recordTrail(c call, n int) error {
	if c.eyes == c.viewer.party {
		c.gate.open = true
		return nil
	}
	return s.record(c, make(whoseRows, n))
}

func appendReads(lines []readLine, e ledger.EntryView) ([]readLine, error) {
	for _, event := range e.Events {
		line := readLine{Index: e.Index, Sequence: e.Sequence, ReadAt: e.BookedAt}
		if err := json.Unmarshal(event.Body, &line.WasRead); err != nil {
			return lines, fmt.Errorf("decode reading: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// beyondReads leaves out the entries that record readings: were they counted, two who listen to everything
// would write entries about each other for ever.
func beyondReads(entries []ledger.EntryView) whoseRows {
	var all whoseRows
	for _, e := range entries {
		if e.Kind != domain.GovernanceKind || e.Name != domain.Accessed {
			all = append(all, e.Parties)
		}
	}
	return all
}
