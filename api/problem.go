package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

// retryAfter is what a busy answer tells clients to wait.
const retryAfter = time.Second

// problem is an RFC 9457 problem document, and an error. Its bytes depend on the code and the
// detail alone, so that two refusals that must read the same do.
type problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Code   domain.Code `json:"code"`
	// refusal is present for a command that was ordered, refused and logged.
	*refusal
	challenge string
	// wait is what a client is told to wait instead of retryAfter; it is not part of the bytes.
	wait time.Duration
}

// refusal says where in the log a refused command stands.
type refusal struct {
	// ID is empty for a capture, which has none.
	ID        string        `json:"id,omitempty"`
	Index     uint64        `json:"index"`
	Sequence  uint64        `json:"sequence"`
	BookedAt  domain.Millis `json:"bookedAt"`
	Duplicate bool          `json:"duplicate,omitempty"`
	Receipt   string        `json:"receipt,omitempty"`
	Witnessed bool          `json:"witnessed,omitempty"`
}

// Error gives code and sentence.
func (p *problem) Error() string { return string(p.Code) + ": " + p.Detail }

// newProblem describes a code. An empty detail takes the sentence of the table. A code that
// is not in the table is a refusal of an engine newer than this package: 422.
func newProblem(code domain.Code, detail string) *problem {
	a, known := answers[code]
	if !known {
		a = answer{status: http.StatusUnprocessableEntity, title: "Refused"}
	}
	if detail == "" {
		detail = a.detail
	}
	return &problem{Type: "urn:aval:problem:" + string(code), Title: a.title, Status: a.status, Detail: detail, Code: code}
}

// loggedRefusal describes the reply to a command that was logged as refused.
func loggedRefusal(r ledger.Reply) *problem {
	p := newProblem(r.Code, r.Detail)
	p.refusal = &refusal{
		ID: r.ID, Index: r.Index, Sequence: r.Sequence, BookedAt: r.BookedAt, Duplicate: r.Duplicate, Receipt: r.Receipt, Witnessed: r.Witnessed,
	}
	return p
}

// problemOf says what an error looks like from outside. Whatever is not known to be
// harmless is internal, without detail.
func problemOf(err error) *problem {
	var p *problem
	var rejection *domain.Rejection
	var routing *echo.HTTPError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &rejection):
		return newProblem(rejection.Code, rejection.Detail)
	case errors.Is(err, ledger.ErrFull):
		return newProblem(diskFull, "")
	case errors.Is(err, ledger.ErrBusy):
		return newProblem(busy, "")
	case errors.Is(err, ledger.ErrClosed), errors.Is(err, context.Canceled):
		return newProblem(unavailable, "")
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(outcomeUnknown, "")
	case errors.As(err, &large):
		return newProblem(domain.TooLarge, "body is larger than "+strconv.Itoa(domain.MaxSubmissionBytes)+" bytes")
	case errors.As(err, &routing) && routing.Code == http.StatusNotFound:
		return newProblem(domain.NotFound, "")
	case errors.As(err, &routing) && routing.Code == http.StatusMethodNotAllowed:
		return newProblem(methodNotAllowed, "")
	}
	return newProblem(internal, "")
}

// read hides from a reader why a thing was not found.
func read(err error) error {
	var rejection *domain.Rejection
	if errors.As(err, &rejection) && rejection.Code == domain.NotFound {
		return newProblem(domain.NotFound, "")
	}
	return err
}

// write sends the document. An error here means that the client has gone.
func (p *problem) write(c echo.Context) {
	body, err := json.Marshal(p)
	if err != nil {
		return // a struct of strings and integers always encodes
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	if p.challenge != "" {
		h.Set(echo.HeaderWWWAuthenticate, p.challenge)
	}
	if p.Code == rateLimited {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	}
	if p.Code == busy || p.Code == tooManyStreams || p.Code == unavailable || p.Code == diskFull || p.Code == outcomeUnknown {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(retryAfter/time.Second)))
	}
	_ = c.Blob(p.Status, "application/problem+json", body)
}
