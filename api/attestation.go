package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/labstack/echo/v4"

	"aval/domain"
)

// attestation answers a challenge with a quote over the node's keys. The key of the connection
// is one of them, so that whoever relays the answer under a key of his own is found out.
func (s *Server) attestation(c call) error {
	if s.quote == nil {
		return newProblem(domain.NotFound, "this node makes no quotes")
	}
	nonce, err := c.query.nonce()
	if err != nil {
		return err
	}
	leave, err := s.quoting.enter(c.Request().Context())
	if err != nil {
		return err
	}
	defer leave()
	statement, err := s.quote(nonce)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, statement)
}

// nonce reads the nonce parameter.
func (q query) nonce() ([]byte, error) {
	nonce, err := hex.DecodeString(q["nonce"])
	if err != nil || len(nonce) < minNonceBytes || len(nonce) > maxNonceBytes {
		return nil, domain.Refuse(domain.Malformed, "nonce: want %d to %d random bytes in hex", minNonceBytes, maxNonceBytes)
	}
	return nonce, nil
}

// queue lets one in at a time, and a bounded number wait.
type queue struct{ waiting, turn chan struct{} }

func newQueue(limit int) *queue {
	return &queue{waiting: make(chan struct{}, limit), turn: make(chan struct{}, 1)}
}

// enter waits for the turn. It refuses with busy when too many wait.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	select {
	case q.waiting <- struct{}{}:
	default:
		return nil, newProblem(busy, "")
	}
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn; <-q.waiting }, nil
	case <-ctx.Done():
		<-q.waiting
		return nil, ctx.Err()
	}
}
