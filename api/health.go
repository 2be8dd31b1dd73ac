package api

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

//go:embed openapi.json
var openAPIDocument []byte

func (s *Server) openAPI(c call) error {
	c.Response().Header().Set(echo.HeaderCacheControl, cacheNever)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, openAPIDocument)
}

type health struct {
	Status string `json:"status"`
}

// healthy says that the process answers.
func (s *Server) healthy(c call) error { return c.JSON(http.StatusOK, health{Status: "ok"}) }

// ready says whether commands can be committed; why not is for the operator's log.
func (s *Server) ready(c call) error {
	if s.ledger.Ready() != nil {
		return newProblem(unavailable, "")
	}
	return c.JSON(http.StatusOK, health{Status: "ready"})
}
