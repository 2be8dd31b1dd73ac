package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// requestID is the header that names a request to its sender and in the log.
const requestID = "X-Request-Id"

// platformHeader says on every answer what the node runs on, so that nobody takes a simulated one
// for another. Its own word: GET /v1/attestation has the proof.
const platformHeader = "Aval-Platform"

// clientGone is what the access log says when the client left before the answer (the
// custom of nginx; what is sent to nobody is 503).
const clientGone = 499

// observe is the outermost layer: it names the request, turns errors and panics into
// problem documents, counts, and writes the access line. The line holds the route's pattern, never the
// path: paths hold names of parties and contracts.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start, id := time.Now(), rand.Text()
		h := c.Response().Header()
		h.Set(requestID, id)
		if s.platform != "" {
			h.Set(platformHeader, s.platform)
		}
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderCacheControl, "no-store")
		status, code := s.answer(c, s.protect(next, c, id), id)
		route, took := s.metrics.request(c.Path(), status, code, time.Since(start))
		s.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", slog.String("id", id),
			slog.String("route", route), slog.Int("status", status), slog.Duration("duration", took))
		return nil
	}
}

// answer writes what is still to be written and says what was answered.
func (s *Server) answer(c echo.Context, err error, id string) (status int, code string) {
	if err == nil {
		return c.Response().Status, ""
	}
	p := problemOf(err)
	if p.Code == internal {
		s.log.Error("internal error", "id", id, "type", errorType(err))
	}
	if !c.Response().Committed {
		p.write(c) // even if the client seems gone: an answer left out would be sent as an empty 200
	}
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return clientGone, string(p.Code)
	}
	return c.Response().Status, string(p.Code)
}

// protect turns a panic into an internal error.
func (s *Server) protect(next echo.HandlerFunc, c echo.Context, id string) (err error) {
	defer func() {
		if s.recovered(recover(), id) {
			err = newProblem(internal, "")
		}
	}()
	return next(c)
}

// recovered counts what recover gave, and says whether there was a panic. The log gets the
// places, never the value.
func (s *Server) recovered(r any, id string) bool {
	switch r {
	case nil:
		return false
	case http.ErrAbortHandler:
		panic(r)
	}
	s.metrics.panics.Inc()
	s.log.Error("panic", "id", id, "at", places())
	return true
}

// places lists the functions and lines under a panic. A stack trace of the runtime would
// also show arguments, and those can be amounts.
func places() string {
	const depth = 24
	pcs := make([]uintptr, depth)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(5, pcs)]) // skip Callers, places, recovered, the deferred function, gopanic
	var lines []string
	for {
		f, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return strings.Join(lines, " ")
		}
	}
}

// errorType names the types along an error's chain: enough to find the place, and no text
// that could hold a secret.
func errorType(err error) string {
	var types []string
	for ; err != nil; err = errors.Unwrap(err) {
		types = append(types, fmt.Sprintf("%T", err))
	}
	return strings.Join(types, " ")
}
