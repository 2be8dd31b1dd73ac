package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

// How long others may keep what the log serves. A tile of given width never changes; a
// partial one is worth little once a wider one exists.
const (
	cacheFull    = "public, max-age=31536000, immutable"
	cachePartial = "public, max-age=3600"
	cacheNever   = "no-cache"
)

const plainText = "text/plain; charset=utf-8"

// hashBytes is the size of a node of the tree (SHA-256).
const hashBytes = 32

func (s *Server) checkpoint(c call) error {
	note, err := s.ledger.Checkpoint()
	if err != nil {
		return read(err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, cacheNever)
	return c.Blob(http.StatusOK, plainText, note)
}

// policy serves what verifiers need. Whoever has it from here alone trusts this node in it.
func (s *Server) policy(c call) error {
	if s.policyText == nil {
		return newProblem(domain.NotFound, "")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, cacheNever)
	return c.Blob(http.StatusOK, plainText, s.policyText)
}

func (s *Server) hashTile(c call) error {
	level, err := parseTileLevel(c.Param("level"))
	if err != nil {
		return err
	}
	return s.tile(c, level)
}

func (s *Server) entryTile(c call) error { return s.tile(c, entryBundle) }

// tile serves one tile. An escaped path names none: there is one spelling.
func (s *Server) tile(c call, level int) error {
	index, width, err := parseTilePath(c.Param("*"))
	if err != nil {
		return err
	}
	data, err := s.ledger.Tile(level, index, width)
	if err != nil {
		return read(err)
	}
	if level != entryBundle && len(data) != width*hashBytes {
		return fmt.Errorf("tile at level %d is %d bytes, want %d hashes", level, len(data), width)
	}
	cache := cacheFull
	if width < fullTile {
		cache = cachePartial
	}
	c.Response().Header().Set(echo.HeaderCacheControl, cache)
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, data)
}

func (s *Server) receipt(c call) error {
	index, ok := decimal(pathParam(c, "index"), maxIndex)
	if !ok {
		return domain.Refuse(domain.Malformed, "receipt: want a log index")
	}
	receipt, err := s.ledger.Receipt(c.Request().Context(), c.eyes, index)
	if err != nil {
		return read(err)
	}
	proven := whoseRows{nil}
	if c.right.Grant.Scope == domain.ScopeAll {
		page, err := s.ledger.Feed(c.eyes, ledger.FeedFilter{From: index, Limit: 1})
		if err != nil {
			return read(err)
		}
		proven = rowsOf(page.Entries, seers)
	}
	if err := s.record(c, proven); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, plainText, receipt)
}
