package flightserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"aval/domain"
)

// asked is one request for flights, checked.
type asked struct {
	list       []int32
	found      bool
	start, end domain.Millis
	pages      int
	offset     int
}

var (
	errStart  = errors.New("start is not a date or time within the last 10 days")
	errEnd    = errors.New("end is not a date or time within the next 2 days")
	errOrder  = errors.New("start is not before end")
	errType   = errors.New("ident_type is not designator, registration or fa_flight_id")
	errPages  = errors.New("max_pages is not 1 to 40")
	errCursor = errors.New("cursor is not one of ours")
)

func (s *Server) flights(w http.ResponseWriter, r *http.Request) {
	now := s.now()
	query := r.URL.Query()
	a, err := s.read(r.PathValue("ident"), query, now)
	if err != nil {
		fail(w, http.StatusBadRequest, "Invalid argument", "INVALID_ARGUMENT", err.Error())
		return
	}
	if !a.found {
		fail(w, http.StatusNotFound, "Not found", "NOT_FOUND", "no flight is known under that ident")
		return
	}
	rows := s.window(a.list, a.start, a.end)
	offset := min(a.offset, len(rows))
	page := rows[offset:min(offset+a.pages*PageRows, len(rows))]
	answer := answer{NumPages: max(1, (len(page)+PageRows-1)/PageRows), Flights: make([]flight, 0, len(page))}
	for _, i := range page {
		answer.Flights = append(answer.Flights, s.tell(&s.records[i], domain.Millis(now.UnixMilli()), faultOf(r)))
	}
	next := offset + len(page)
	if faultOf(r) == RepeatedCursor {
		next = a.offset
	}
	if next < len(rows) || faultOf(r) == RepeatedCursor {
		query.Set("cursor", formatCursor(next))
		answer.Links = &links{Next: "/flights/" + url.PathEscape(r.PathValue("ident")) + "?" + query.Encode()}
	}
	send(w, http.StatusOK, answer)
}

// read checks the parameters in the order in which the service documents them.
func (s *Server) read(ident string, query url.Values, now time.Time) (asked, error) {
	a := asked{pages: 1}
	var err error
	switch query.Get("ident_type") {
	case "", "designator":
		a.list, a.found = s.byDesignator[ident]
	case "registration":
		a.list, a.found = s.byTail[ident]
	case "fa_flight_id":
		a.list, a.found = s.byFlightAware[ident]
	default:
		return a, errType
	}
	past, future := now.Add(-PastWindow), now.Add(FutureWindow)
	if a.start, err = instant(query.Get("start"), past, past, future, errStart); err != nil {
		return a, err
	}
	if a.end, err = instant(query.Get("end"), future, past, future, errEnd); err != nil {
		return a, err
	}
	if a.start >= a.end {
		return a, errOrder
	}
	if text := query.Get("max_pages"); text != "" {
		if a.pages, err = strconv.Atoi(text); err != nil || a.pages < 1 || a.pages > MaxPages {
			return a, errPages
		}
	}
	a.offset, err = parseCursor(query.Get("cursor"))
	return a, err
}

// instant reads an ISO date or date-time and refuses one outside low to high.
func instant(text string, unset, low, high time.Time, refusal error) (domain.Millis, error) {
	t := unset
	if text != "" {
		var err error
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			t, err = time.Parse(time.DateOnly, text)
		}
		if err != nil || t.Before(low) || t.After(high) {
			return 0, refusal
		}
	}
	return domain.Millis(t.UnixMilli()), nil
}

// A cursor is the number of rows already given, behind a letter that keeps clients from
// taking it for a page number.
func formatCursor(offset int) string { return "r" + strconv.Itoa(offset) }

func parseCursor(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.Atoi(text[1:])
	if err != nil || text[0] != 'r' || offset < 0 {
		return 0, errCursor
	}
	return offset, nil
}

func send(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status, data = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that went away is nobody's fault
}

// problem is the error body of the service.
type problem struct {
	Title  string `json:"title"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Status int    `json:"status"`
}

func fail(w http.ResponseWriter, status int, title, reason, detail string) {
	send(w, status, problem{title, reason, detail, status})
}
