package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aval/domain"
	"aval/ledger"
)

// maxEventBytes bounds one line of a stream: one entry as JSON.
const maxEventBytes = 16 << 20

// Events calls each for every entry from the index on that the party may see, in order, each
// once, and goes on with new ones as they are committed. It reconnects by itself, with a new token,
// where it left off. It returns when ctx ends, when each returns an error (that error), or when the
// server refuses the stream.
func (c *Client) Events(ctx context.Context, from uint64, each func(ledger.EntryView) error) error {
	s := &subscription{client: c, next: from, each: each}
	for attempt := 1; ; attempt++ {
		before := s.next
		err := s.connect(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var stopped *callbackError
		if errors.As(err, &stopped) {
			return stopped.err
		}
		if err != nil && !retryable(err) {
			return err
		}
		if s.next > before || s.ended {
			attempt = 1 // it worked for a while: the next failure is a new one
		}
		if err := c.rest(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// subscription is one reader of the stream over all its connections.
type subscription struct {
	client *Client
	next   uint64
	each   func(ledger.EntryView) error
	// ended says that the last connection ended in an orderly way.
	ended bool
}

// callbackError carries the caller's own error past the retries.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

// connect reads one connection to its end. Silence beyond two missed heartbeats ends it.
func (s *subscription) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(s.client.quiet, cancel)
	defer quiet.Stop()
	s.ended = false
	header := http.Header{"Accept": {"text/event-stream"}}
	path := "/v1/events?from=" + strconv.FormatUint(s.next, 10)
	response, err := s.client.do(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		return problem(response, body)
	}
	return s.read(bufio.NewReaderSize(response.Body, 64<<10), func() { quiet.Reset(s.client.quiet) })
}

// read takes the events of one connection. alive is called for every line.
func (s *subscription) read(r *bufio.Reader, alive func()) error {
	var event string
	var data []byte
	for {
		text, err := line(r)
		if err != nil {
			return err
		}
		alive()
		switch name, value, _ := strings.Cut(string(text), ":"); name {
		case "event":
			event = strings.TrimPrefix(value, " ")
		case "data":
			data = []byte(strings.TrimPrefix(value, " "))
		case "":
			if len(text) > 0 { // a comment
				continue
			}
			if event == "end" {
				s.ended = true
				return nil
			}
			if event == "entry" {
				if err := s.deliver(data); err != nil {
					return err
				}
			}
			event, data = "", nil
		}
	}
}

// deliver hands one entry on, unless it came before.
func (s *subscription) deliver(data []byte) error {
	var e ledger.EntryView
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("read entry of the event stream: %w", err)
	}
	if e.Index < s.next {
		return nil
	}
	if e.Index > domain.MaxMinor {
		return fmt.Errorf("entry of the event stream has index %d, beyond %d", e.Index, int64(domain.MaxMinor))
	}
	if err := s.each(e); err != nil {
		return &callbackError{err}
	}
	s.next = e.Index + 1
	return nil
}

// line reads one line without its end, at most maxEventBytes.
func line(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(whole)+len(part) > maxEventBytes {
			return nil, fmt.Errorf("a line of the event stream is longer than %d bytes", maxEventBytes)
		}
		whole = append(whole, part...)
		switch {
		case err == nil:
			return bytes.TrimRight(whole, "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, &transportError{err}
		}
	}
}
