package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

var noDeadline time.Time

// The ways a stream ends: the data of its last event, and the label of the metric.
const (
	endClient   = "client-left"
	endSlow     = "too-slow"
	endShutdown = "shutdown"
	endToken    = "token-expired"
	endKey      = "key-revoked"
	endGrant    = "grant-ended"
	endError    = "error"
)

// stream is one open event stream. One goroutine owns it. It holds one page of entries
// at most; a reader that does not take an entry in time is cut off and resumes by itself.
type stream struct {
	*Server
	call
	control *http.ResponseController
	next    uint64
	full    bool // the last page has a next: there may be more
	expired <-chan time.Time
	beat    *time.Ticker
}

// events streams the viewer's entries as server-sent events: id is the log index, so that
// Last-Event-ID resumes without a hole or a repetition; without a start, it begins at the head. It ends
// when the token expires, its key is revoked or its grant ends, and on shutdown, with an event "end" that says why.
func (s *Server) events(c call) error {
	from, err := s.start(c)
	if err != nil {
		return err
	}
	leave, err := s.streams.open(c.viewer.party)
	if err != nil {
		return err
	}
	defer leave()
	// The controller of the writer below echo's: echo's own Flush loses the error.
	st := &stream{Server: s, call: c, next: from, control: http.NewResponseController(c.Response().Writer)}
	changed := s.ledger.Changed()
	page, err := st.page()
	if err != nil {
		return err
	}
	c.release() // from here on the limits of streams hold, not those of requests
	expiry := time.NewTimer(c.viewer.expires.Sub(s.now()))
	defer expiry.Stop()
	st.expired = expiry.C
	st.beat = time.NewTicker(s.limits.heartbeat)
	defer st.beat.Stop()
	reason := st.run(page, changed)
	s.metrics.ended.WithLabelValues(reason).Inc()
	return nil
}

// start is the first index wanted: after Last-Event-ID, else from, else the head.
func (s *Server) start(c call) (uint64, error) {
	if last := c.Request().Header.Get("Last-Event-ID"); last != "" {
		index, ok := decimal(last, maxIndex)
		if !ok {
			return 0, domain.Refuse(domain.Malformed, "Last-Event-ID: want a log index")
		}
		return index + 1, nil
	}
	from, given, err := c.query.from()
	if err == nil && !given {
		from = s.ledger.Size()
	}
	return from, err
}

// run sends pages until something ends the stream, and says what.
func (st *stream) run(page ledger.EntryPage, changed <-chan struct{}) (reason string) {
	if err := st.begin(); err != nil {
		return broken(err)
	}
	for {
		for _, e := range page.Entries {
			if err := st.entry(e); err != nil {
				return broken(err)
			}
		}
		if page.Next != nil {
			st.next = *page.Next
		}
		if reason := st.wait(changed); reason != "" {
			return st.end(reason)
		}
		changed = st.ledger.Changed()
		var err error
		if page, err = st.page(); err != nil {
			return st.end(endReason(err))
		}
	}
}

// page reads what comes next, at most as much as a stream may hold, and records the reading if it is one
// under a grant.
func (st *stream) page() (ledger.EntryPage, error) {
	for range maxRereads {
		var err error
		if _, st.right, err = st.as(st.call); err != nil {
			return ledger.EntryPage{}, err
		}
		page, err := st.ledger.Feed(st.eyes, ledger.FeedFilter{From: st.next, Limit: st.limits.streamPage})
		if err != nil {
			return page, read(err)
		}
		st.full = page.Next != nil
		if err = st.account(page.Entries); !errors.Is(err, errRightChanged) {
			return page, err
		}
	}
	return ledger.EntryPage{}, ledger.ErrBusy
}

// account records what a page shows; one that shows nothing begets no entry.
func (st *stream) account(entries []ledger.EntryView) error {
	shown := beyondReads(entries)
	if len(shown) == 0 {
		st.gate.open = true
		return nil
	}
	return st.record(st.call, shown)
}

// wait returns "" when the log should be read again, else why the stream ends. Reads are a
// pace apart, so that a thousand streams cannot read the log at every commit.
func (st *stream) wait(changed <-chan struct{}) (reason string) {
	if !st.full {
		if reason := st.until(changed); reason != "" {
			return reason
		}
		pace := make(chan struct{})
		defer time.AfterFunc(st.limits.streamPace, func() { close(pace) }).Stop()
		changed = pace
	} else {
		at := make(chan struct{})
		close(at)
		changed = at
	}
	return st.until(changed)
}

// until waits for the signal, keeping the connection alive.
func (st *stream) until(signal <-chan struct{}) (reason string) {
	for {
		if reason := st.over(); reason != "" {
			return reason
		}
		select {
		case <-signal:
			return ""
		case <-st.Request().Context().Done():
			return endClient
		case <-st.stopping:
			return endShutdown
		case <-st.expired:
			return endToken
		case <-st.beat.C:
			if err := st.send([]byte(": heartbeat\n\n")); err != nil {
				return broken(err)
			}
		}
	}
}

// over looks, without waiting, for what ends a stream, so that a reader who is always behind is ended too.
func (st *stream) over() (reason string) {
	select {
	case <-st.stopping:
		return endShutdown
	case <-st.expired:
		return endToken
	default:
	}
	if _, active := st.activeKey(st.viewer.keyID); !active {
		return endKey
	}
	if _, err := st.ledger.As(st.viewer.party, st.eyes, ""); err != nil {
		return endGrant
	}
	return ""
}

// begin sends the headers, and the place to resume from if nothing comes.
func (st *stream) begin() error {
	h := st.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	st.Response().WriteHeader(http.StatusOK)
	first := "retry: " + strconv.Itoa(int(retryAfter.Milliseconds())) + "\n"
	if st.next > 0 {
		first += "id: " + strconv.FormatUint(st.next-1, 10) + "\n"
	}
	return st.send([]byte(first + "\n"))
}

// entry sends one entry. JSON has no line breaks, so one data line holds it.
func (st *stream) entry(e ledger.EntryView) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\nevent: entry\ndata: %s\n\n", e.Index, body)
	if err := st.send(b.Bytes()); err != nil {
		return err
	}
	st.next = e.Index + 1
	st.metrics.sent.Inc()
	return nil
}

// end says why, if there still is somebody to tell.
func (st *stream) end(reason string) string {
	if reason != endClient && reason != endSlow {
		_ = st.send([]byte("event: end\ndata: {\"reason\":\"" + reason + "\"}\n\n"))
	}
	return reason
}

// send writes under a deadline of its own. The deadline is cleared again because HTTP/2
// would apply it to the silence after the write.
func (st *stream) send(b []byte) error {
	if err := st.control.SetWriteDeadline(time.Now().Add(st.limits.streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := st.Response().Write(b); err != nil {
		return err
	}
	if err := st.control.Flush(); err != nil {
		return err
	}
	if err := st.control.SetWriteDeadline(noDeadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// broken tells a reader that was too slow from one that left.
func broken(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return endSlow
	}
	return endClient
}

func endReason(err error) string {
	if errors.Is(err, ledger.ErrClosed) {
		return endShutdown
	}
	if problemOf(err).Code == domain.NotFound {
		return endGrant
	}
	return endError
}
