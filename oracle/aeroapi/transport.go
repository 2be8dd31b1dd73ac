package aeroapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"aval/domain"
)

// list is what the pages of one answer hold together. The zero value is an empty answer.
type list struct {
	rows []row
	// raw is all bodies, one after the other in the order fetched.
	raw []byte
	// cut says that more pages were there than were read.
	cut bool
}

// list fetches page after page until the service says that there is no next one.
func (s *Source) list(ctx context.Context, q domain.FlightQuery, start, end time.Time) (list, error) {
	var all list
	query := url.Values{
		"ident_type": {"designator"}, "max_pages": {"1"},
		"start": {start.Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)},
	}
	seen := map[string]bool{}
	for range MaxPages {
		a, body, err := s.page(ctx, s.base.JoinPath("flights", ident(q)), query)
		if err != nil {
			return list{}, err
		}
		all.raw = append(all.raw, body...)
		all.rows = append(all.rows, a.rows()...)
		next := a.cursor()
		if next == "" || seen[next] {
			return all, nil
		}
		seen[next] = true
		query.Set("cursor", next)
	}
	all.cut = true
	return all, nil
}

// page fetches one page, trying again where that may help.
func (s *Source) page(ctx context.Context, address *url.URL, query url.Values) (answer, []byte, error) {
	target := *address
	target.RawQuery = query.Encode()
	renewed := false
	for attempt := 1; ; attempt++ {
		r := s.once(ctx, target.String())
		if r.err == nil {
			return r.answer, r.body, nil
		}
		if ctx.Err() != nil {
			return answer{}, nil, ctx.Err()
		}
		pause, again := s.pause(r, attempt, renewed)
		if !again {
			return answer{}, nil, fmt.Errorf("attempt %d: %w", attempt, r.err)
		}
		renewed = renewed || r.status == http.StatusUnauthorized
		if err := s.config.Wait(ctx, pause); err != nil {
			return answer{}, nil, err
		}
	}
}

// pause says how long to wait before the next attempt, and whether there should be one.
func (s *Source) pause(r reply, attempt int, renewed bool) (time.Duration, bool) {
	if attempt >= MaxAttempts || r.hint > MaxHint {
		return 0, false
	}
	switch {
	case r.status == http.StatusUnauthorized:
		return 0, !renewed // once, with the key asked for anew
	case r.status == http.StatusTooManyRequests, r.status >= 500, r.status == 0, r.unreadable:
		backoff := min(MinBackoff<<(attempt-1), MaxBackoff)
		return max(r.hint, backoff/2+s.config.Jitter(backoff/2)), true
	}
	return 0, false
}

// reply is the outcome of one request.
type reply struct {
	answer answer
	body   []byte
	// status is zero if there was no answer at all; an error body sent with 200 counts as its own status.
	status     int
	unreadable bool
	hint       time.Duration
	err        error
}

var (
	errTooLarge   = fmt.Errorf("the body is larger than %d bytes", MaxBodyBytes)
	errUnreadable = errors.New("the body is not an answer")
)

// once makes one request. Its errors name neither address nor key nor anything of the body.
func (s *Source) once(ctx context.Context, address string) reply {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{err: errors.New("the address cannot be used"), status: http.StatusBadRequest}
	}
	request.Header.Set("x-apikey", s.config.Key())
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return reply{err: withoutAddress(err)}
	}
	defer response.Body.Close()
	r := reply{status: response.StatusCode, hint: hint(response.Header.Get("Retry-After"), s.config.Now())}
	r.body, err = io.ReadAll(io.LimitReader(response.Body, MaxBodyBytes+1))
	switch {
	case err != nil:
		r.unreadable, r.err = true, errUnreadable
	case len(r.body) > MaxBodyBytes:
		r.err = errTooLarge
	default:
		r.read()
	}
	return r
}

// read decides what status and body together mean.
func (r *reply) read() {
	if r.status == http.StatusNotFound {
		r.answer = answer{Flights: &[]row{}} // the service knows no such flight
		return
	}
	if r.status == http.StatusOK {
		a, code, err := decode(r.body)
		if err != nil {
			r.unreadable, r.err = true, errUnreadable
			return
		}
		r.answer, r.status = a, code
	}
	switch r.status {
	case http.StatusOK:
	case http.StatusNotFound:
		r.answer = answer{Flights: &[]row{}}
	default:
		r.err = fmt.Errorf("the service answered with status %d", r.status)
	}
}

// withoutAddress drops the address that net/http puts into its errors: it names the flight.
func withoutAddress(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return fmt.Errorf("no answer: %w", outer.Err)
	}
	return errors.New("no answer")
}

// hint reads Retry-After: seconds or an HTTP date. Anything else is no hint.
func hint(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
