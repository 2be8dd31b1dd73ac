package api

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"aval/ledger"
)

//go:embed openapi.json
var openAPIDocument []byte

func (s *Server) openAPI(c call) error {
	c.Response().Header().Set(echo.HeaderCacheControl, cacheNever)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, openAPIDocument)
}

type health struct {
	Status string `json:"status"`
	// Platform is what the node runs on, as far as its own word goes.
	Platform string `json:"platform,omitempty"`
	// Keys are of a node that is ready.
	Keys *Custody `json:"keys,omitempty"`
}

// Custody is how a node keeps the keys of its ledger, by its own word.
type Custody struct {
	// Way is how they came at this start, a domain.Opened word; Epoch is the one that seals.
	Way   string `json:"way"`
	Epoch uint32 `json:"epoch"`
	// Simulated: nothing protects them from whoever reads the disk.
	Simulated bool `json:"simulated"`
	// Head is what shows that the log is the newest: its note, witnesses, or the operator's word alone ("accepted").
	Head string `json:"head"`
}

// healthy says that the process answers.
func (s *Server) healthy(c call) error {
	return c.JSON(http.StatusOK, health{Status: "ok", Platform: s.platform})
}

// ready says whether commands can be committed. A disk that has no room is named with its figures;
// why else not is for the operator's log.
func (s *Server) ready(c call) error {
	err := s.ledger.Ready()
	var full *ledger.NoSpace
	switch {
	case errors.As(err, &full):
		return newProblem(diskFull, full.Error())
	case errors.Is(err, ledger.ErrFull):
		return newProblem(diskFull, "")
	case err != nil:
		return newProblem(unavailable, "")
	}
	state := health{Status: "ready", Platform: s.platform}
	if s.custody != nil {
		keys := s.custody()
		state.Keys = &keys
	}
	return c.JSON(http.StatusOK, state)
}
