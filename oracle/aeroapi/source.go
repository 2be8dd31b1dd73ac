// Package aeroapi asks FlightAware AeroAPI 4 about one flight leg and brings the answer to the
// normal form. It reports, it never judges money: what it cannot tell apart is unknown.
//
// Rules of reading an answer:
//
//   - The leg is the one row whose carrier, number, origin and destination are those of the
//     query, as far as the row names them, and whose scheduled departure lies within
//     MatchTolerance of it. No such row: unknown, "no-match". More than one: unknown,
//     "ambiguous". A row that comes twice, word for word, is one row.
//   - Landed needs actual_in. A runway time is not an arrival, and arrival_delay is not looked
//     at, because it may come from an estimate. The status text is for people.
//   - A row that contradicts itself is unknown, "contradictory": cancelled and yet landed or
//     diverted, in before out, an arrival in the future, a time that cannot be read.
//   - A row type that is not listed, or a blocked flight, is unknown, "ambiguous".
//   - Pages are followed up to MaxPages; an answer that goes on is unknown, "ambiguous". A
//     cursor that comes back ends the list.
//   - 404 is unknown, "no-match". An answer that was not had, or cannot be read, is an error.
//
// The API key travels in a header and nowhere else: no URL, no error. Redirects are not
// followed, because the key would go along. Errors hold no flight either.
package aeroapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aval/domain"
)

// Limits of one Fetch.
const (
	// MaxPages bounds the pages, MaxBodyBytes the body of each; 15 rows are about 50 KB.
	MaxPages     = 8
	MaxBodyBytes = 1 << 20
	// MatchTolerance is how far the scheduled departure may have moved since the query was made.
	MatchTolerance = 6 * time.Hour
	// MaxAttempts bounds the requests for one page.
	MaxAttempts = 4
	// MinBackoff doubles from attempt to attempt up to MaxBackoff. A service that asks for more
	// than MaxHint is left alone until the next poll.
	MinBackoff = time.Second
	MaxBackoff = 30 * time.Second
	MaxHint    = 2 * time.Minute
	// MaxSkew is how far ahead of our clock an actual time may lie.
	MaxSkew = 5 * time.Minute
)

// The reach of the service around its present, less a minute for the difference of clocks.
const (
	pastWindow   = 10*24*time.Hour - time.Minute
	futureWindow = 2*24*time.Hour - time.Minute
)

// DefaultBaseURL is the public service.
const DefaultBaseURL = "https://aeroapi.flightaware.com/aeroapi"

// Config is what a Source needs. Client, Key and Now are required.
type Config struct {
	// Name is the source's registered ID, empty for "aeroapi".
	Name string
	// BaseURL is https, or http on a loopback address; empty for DefaultBaseURL.
	BaseURL string
	Client  *http.Client
	// Key gives the API key. It is asked for each request, so that a renewed key is taken up.
	Key func() string
	Now func() time.Time
	// Wait sleeps between attempts and ends early with the context; nil for a real timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Jitter gives a duration from zero to below its argument; nil for a random one.
	Jitter func(time.Duration) time.Duration
	// Keep is handed the bodies whose SHA-256 is in a status, pages joined; nil keeps nothing.
	// Answers that say pending are not kept. It must be safe for concurrent use.
	Keep func(sha256, body []byte)
}

// Source is one subscription to the service. Safe for concurrent use.
type Source struct {
	config Config
	base   *url.URL
	client http.Client
}

// New checks the configuration.
func New(c Config) (*Source, error) {
	if c.Client == nil || c.Key == nil || c.Now == nil {
		return nil, errors.New("aeroapi: Client, Key and Now are required")
	}
	if c.Name == "" {
		c.Name = "aeroapi"
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("aeroapi: base URL: want scheme, host and path only")
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, errors.New("aeroapi: base URL: want https, or http on a loopback address")
	}
	s := &Source{config: c, base: base, client: *c.Client}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name is the source's registered ID.
func (s *Source) Name() string { return s.config.Name }

// Fetch asks about one leg. The status is pending, final or unknown; an error says that there
// is no answer to put on record, and the next poll may have one.
func (s *Source) Fetch(ctx context.Context, q domain.FlightQuery, leg string) (domain.FlightStatus, error) {
	status := domain.FlightStatus{Leg: leg, Source: s.config.Name, Phase: domain.FlightUnknown, Reason: "no-match"}
	if q.Carrier == "" || q.Number == "" || q.Origin == "" || q.Destination == "" || q.ScheduledOut <= 0 {
		return status, errors.New("aeroapi: the query does not name a leg")
	}
	start, end, open := window(q, s.config.Now())
	var l list
	if open {
		var err error
		if l, err = s.list(ctx, q, start, end); err != nil {
			return status, fmt.Errorf("aeroapi: %w", err)
		}
	}
	now := domain.Millis(s.config.Now().UnixMilli())
	sum := sha256.Sum256(l.raw)
	status.RawSHA256, status.FetchedAt = sum[:], now
	l.judge(q, now, &status)
	if status.Phase != domain.FlightPending && s.config.Keep != nil && open {
		s.config.Keep(sum[:], l.raw)
	}
	return status, nil
}

// window is the span of scheduled departures to ask for, cut to what the service answers for;
// open is false if nothing is left.
func window(q domain.FlightQuery, now time.Time) (start, end time.Time, open bool) {
	out := time.UnixMilli(int64(q.ScheduledOut)).UTC().Truncate(time.Second)
	start, end = out.Add(-MatchTolerance), out.Add(MatchTolerance+time.Second)
	now = now.UTC().Truncate(time.Second)
	if first := now.Add(-pastWindow); start.Before(first) {
		start = first
	}
	if last := now.Add(futureWindow); end.After(last) {
		end = last
	}
	return start, end, start.Before(end)
}

// ident is the designator under which the service knows the flight.
func ident(q domain.FlightQuery) string { return q.Carrier + plain(q.Number) }

// plain drops leading zeros: LH0400 is LH400.
func plain(number string) string {
	trimmed := strings.TrimLeft(number, "0")
	if trimmed == "" || trimmed[0] < '0' || trimmed[0] > '9' {
		return "0" + trimmed
	}
	return trimmed
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
