package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"time"

	"aval/domain"
	"aval/ledger"
)

// maxPause bounds one pause between attempts, a server's Retry-After included.
const maxPause = 10 * time.Second

// Error is an answer that is not a success. It unwraps to the *domain.Rejection that the
// problem document holds, if it is one.
type Error struct {
	// Status is the HTTP status.
	Status    int
	Rejection *domain.Rejection
	// Reply is set for a command or a capture that was ordered, refused and logged.
	Reply ledger.Reply
	// RequestID names the request in the operator's log.
	RequestID string
	// RetryAfter is zero unless the server gave one.
	RetryAfter time.Duration
}

// Error gives code and sentence, or the status alone if the answer was no problem document.
func (e *Error) Error() string {
	if e.Rejection != nil {
		return e.Rejection.Error()
	}
	return fmt.Sprintf("server answered %d %s", e.Status, http.StatusText(e.Status))
}

// Unwrap gives the rejection.
func (e *Error) Unwrap() error {
	if e.Rejection == nil {
		return nil
	}
	return e.Rejection
}

// transportError is a failure below HTTP: whether the server saw the request is unknown.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// problem decodes an answer. Members that it does not know are skipped: a newer server may add some.
func problem(response *http.Response, body []byte) error {
	e := &Error{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = min(time.Duration(min(seconds, 3600))*time.Second, maxPause)
	}
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || media != "application/problem+json" {
		return e
	}
	var document ledger.Reply // of which a problem document has the members, after its own
	if json.Unmarshal(body, &document) == nil && document.Code != "" {
		e.Rejection = &domain.Rejection{Code: document.Code, Detail: document.Detail}
		if document.ID != "" || document.BookedAt != 0 {
			e.Reply = document
		}
	}
	return e
}

// retryable says whether another attempt may fare better.
func retryable(err error) bool {
	var verdict *distrust
	var unknown *tls.CertificateVerificationError
	if errors.As(err, &verdict) || errors.As(err, &unknown) {
		return false
	}
	var transport *transportError
	if errors.As(err, &transport) {
		return true
	}
	var answered *Error
	if !errors.As(err, &answered) {
		return false
	}
	switch answered.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// rest waits before the next attempt: twice as long each time, with jitter so that clients
// do not come back together, and at least as long as the server asked for. It ends early, with an error, when
// ctx ends.
func (c *Client) rest(ctx context.Context, attempt int, cause error) error {
	pause := min(c.pause<<min(attempt-1, 10), maxPause)
	pause = pause/2 + rand.N(pause/2+1)
	var answered *Error
	if errors.As(cause, &answered) {
		pause = max(pause, answered.RetryAfter)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
