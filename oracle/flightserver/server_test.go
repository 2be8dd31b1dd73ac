package flightserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/fixtures/flights"
	"aval/oracle/bts"
	"aval/oracle/flightserver"
)

func recorded(t testing.TB) ([]bts.Flight, bts.Airports) {
	t.Helper()
	airports, err := flights.FS.Open(flights.Airports)
	if err != nil {
		t.Fatal(err)
	}
	defer airports.Close()
	table, err := bts.ReadAirports(airports)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := flights.FS.Open(flights.OnTime)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	result, err := bts.Read(rows, table)
	if err != nil {
		t.Fatal(err)
	}
	return result.Flights, table
}

// clock is a time that tests set.
type clock struct{ millis atomic.Int64 }

func (c *clock) now() time.Time      { return time.UnixMilli(c.millis.Load()).UTC() }
func (c *clock) set(m domain.Millis) { c.millis.Store(int64(m)) }

// served is a server over the recorded day with a clock.
type served struct {
	*flightserver.Server
	clock   clock
	flights []bts.Flight
}

func serve(t testing.TB, o flightserver.Options) *served {
	t.Helper()
	s := &served{}
	var airports bts.Airports
	s.flights, airports = recorded(t)
	s.Server = flightserver.New(s.flights, airports, s.clock.now, o)
	s.clock.set(domain.Millis(time.Date(2015, 1, 2, 12, 0, 0, 0, time.UTC).UnixMilli()))
	return s
}

func (s *served) find(t testing.TB, leg string) bts.Flight {
	t.Helper()
	for _, f := range s.flights {
		if f.Leg() == leg {
			return f
		}
	}
	t.Fatalf("no flight %s", leg)
	return bts.Flight{}
}

// row has the members that the tests look at; the server's own struct is not used to read it.
type row struct {
	Status              string
	FAFlightID          string `json:"fa_flight_id"`
	Cancelled, Diverted bool
	ArrivalDelay        *int    `json:"arrival_delay"`
	ScheduledOutText    string  `json:"scheduled_out"`
	ActualOutText       *string `json:"actual_out"`
	ActualOnText        *string `json:"actual_on"`
	ActualInText        *string `json:"actual_in"`
}

type body struct {
	Links    *struct{ Next string }
	NumPages int `json:"num_pages"`
	Flights  []row
	Title    string
	Reason   string
	Detail   string
	Status   int
}

func (s *served) get(t testing.TB, path string, header ...string) (int, body, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var b body
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return w.Code, b, w.Body.String()
}

func (s *served) about(t testing.TB, f bts.Flight) row {
	t.Helper()
	_, b, _ := s.get(t, "/aeroapi/flights/"+f.Carrier+f.Number)
	want := time.UnixMilli(int64(f.ScheduledOut)).UTC().Format(time.RFC3339)
	for _, r := range b.Flights {
		if r.ScheduledOutText == want {
			return r
		}
	}
	t.Fatalf("%s is not in the answer", f.Leg())
	return row{}
}

func TestAllLegsOfANumberComeTogetherNewestFirst(t *testing.T) {
	s := serve(t, flightserver.Options{})
	_, b, _ := s.get(t, "/aeroapi/flights/NK470")
	var got []string
	for _, f := range b.Flights {
		got = append(got, f.ScheduledOutText)
	}
	if len(got) != 4 || got[0] <= got[1] || got[1] <= got[2] || got[2] <= got[3] || b.Links != nil || b.NumPages != 1 {
		t.Errorf("got %v, %+v", got, b.Links)
	}
}

func TestNothingIsToldBeforeItHappened(t *testing.T) {
	s := serve(t, flightserver.Options{})
	f := s.find(t, "NK-612-LAS-MSP-2015-01-02") // 99 minutes late out, 98 in
	const second = 1000
	for _, c := range []struct {
		name        string
		at          domain.Millis
		out, on, in bool
		status      string
	}{
		{"day before", f.ScheduledOut - 86_400*second, false, false, false, "Scheduled"},
		{"overdue", f.ScheduledOut + 60*second, false, false, false, "Scheduled / Delayed"},
		{"a moment before leaving", f.ActualOut - 1, false, false, false, "Scheduled / Delayed"},
		{"leaving", f.ActualOut, true, false, false, "En Route / Delayed"},
		{"a moment before the runway", f.ActualOn - 1, true, false, false, "En Route / Delayed"},
		{"runway", f.ActualOn, true, true, false, "Landed / Taxiing"},
		{"a moment before the gate", f.ActualIn - 1, true, true, false, "Landed / Taxiing"},
		{"gate", f.ActualIn, true, true, true, "Arrived / Gate Arrival"},
	} {
		s.clock.set(c.at)
		r := s.about(t, f)
		if (r.ActualOutText != nil) != c.out || (r.ActualOnText != nil) != c.on || (r.ActualInText != nil) != c.in || r.Status != c.status {
			t.Errorf("%s: out %v, on %v, in %v, %q", c.name, r.ActualOutText, r.ActualOnText, r.ActualInText, r.Status)
		}
		if r.ArrivalDelay == nil || c.in && *r.ArrivalDelay != 98*60 {
			t.Errorf("%s: arrival delay %v", c.name, r.ArrivalDelay)
		}
		if c.status == "En Route / Delayed" && *r.ArrivalDelay == 98*60 {
			t.Errorf("%s: the estimate knows the future", c.name)
		}
	}
}

func TestCancellationAndDiversionAreToldByTheirRules(t *testing.T) {
	s := serve(t, flightserver.Options{})
	cancelled, diverted := s.find(t, "NK-597-MSP-FLL-2015-01-02"), s.find(t, "NK-945-ACY-RSW-2015-01-02")
	due := diverted.ActualOut + diverted.ScheduledIn - diverted.ScheduledOut
	if early := diverted.ScheduledIn; due < early {
		due = early
	}
	notice := cancelled.ScheduledOut - domain.Millis(flightserver.CancelNotice.Milliseconds())
	for _, c := range []struct {
		f                   bts.Flight
		at                  domain.Millis
		cancelled, diverted bool
	}{
		{cancelled, notice - 1, false, false}, {cancelled, notice, true, false}, {cancelled, notice + 86_400_000, true, false},
		{diverted, due - 1, false, false}, {diverted, due, false, true}, {diverted, due + 86_400_000, false, true},
	} {
		s.clock.set(c.at)
		r := s.about(t, c.f)
		if r.Cancelled != c.cancelled || r.Diverted != c.diverted || r.ActualInText != nil {
			t.Errorf("%s at %d: %+v", c.f.Leg(), c.at, r)
		}
	}
}

func TestCancelledAfterLeavingTheGate(t *testing.T) {
	all, airports := recorded(t)
	f := all[0]
	f.Cancelled, f.ArrivalDelayKnown, f.ActualIn, f.ActualOn, f.ActualOff = true, false, 0, 0, 0
	s := &served{flights: []bts.Flight{f}}
	s.Server = flightserver.New(s.flights, airports, s.clock.now, flightserver.Options{})
	for offset, want := range map[domain.Millis]bool{-1: false, 0: false, 3_599_999: false, 3_600_000: true} {
		s.clock.set(f.ActualOut + offset)
		if r := s.about(t, f); r.Cancelled != want || (r.ActualOutText != nil) != (offset >= 0) {
			t.Errorf("at out%+d: %+v", offset, r)
		}
	}
}

// many is a number that flies n times, an hour apart.
func many(t testing.TB, n int) *served {
	t.Helper()
	all, airports := recorded(t)
	s := &served{}
	for i := range n {
		f := all[0]
		f.Row = i + 2
		f.ScheduledOut += domain.Millis(i) * 3_600_000
		f.ScheduledIn += domain.Millis(i) * 3_600_000
		s.flights = append(s.flights, f)
	}
	s.Server = flightserver.New(s.flights, airports, s.clock.now, flightserver.Options{})
	s.clock.set(all[0].ScheduledOut)
	return s
}

func TestPagesAreFollowedByCursor(t *testing.T) {
	s := many(t, 40)
	seen, path, pages := map[string]bool{}, "/aeroapi/flights/NK612", 0
	for {
		_, b, _ := s.get(t, path)
		if len(b.Flights) > flightserver.PageRows {
			t.Fatalf("%d rows on a page", len(b.Flights))
		}
		for _, f := range b.Flights {
			seen[f.FAFlightID] = true
		}
		pages++
		if b.Links == nil {
			break
		}
		path = "/aeroapi" + b.Links.Next
	}
	if len(seen) != 40 || pages != 3 {
		t.Errorf("%d flights on %d pages", len(seen), pages)
	}
	if _, b, _ := s.get(t, "/aeroapi/flights/NK612?max_pages=2"); len(b.Flights) != 30 || b.NumPages != 2 || b.Links == nil {
		t.Errorf("two pages at once: %d rows", len(b.Flights))
	}
}

func TestStartIsInclusiveAndEndExclusive(t *testing.T) {
	s := many(t, 4)
	first := s.clock.now()
	for _, c := range []struct {
		start, end time.Duration
		want       int
	}{{0, time.Hour, 1}, {time.Second, time.Hour, 0}, {0, time.Hour + time.Second, 2}, {time.Hour, 4 * time.Hour, 3}, {5 * time.Hour, 6 * time.Hour, 0}} {
		path := fmt.Sprintf("/aeroapi/flights/NK612?start=%s&end=%s", first.Add(c.start).Format(time.RFC3339), first.Add(c.end).Format(time.RFC3339))
		if code, b, _ := s.get(t, path); code != 200 || len(b.Flights) != c.want {
			t.Errorf("%v to %v: %d, %d flights", c.start, c.end, code, len(b.Flights))
		}
	}
}

func TestIdentTypes(t *testing.T) {
	s := serve(t, flightserver.Options{})
	f := s.find(t, "NK-612-LAS-MSP-2015-01-02")
	id := s.about(t, f).FAFlightID
	for path, want := range map[string]int{
		"NK612?ident_type=designator": 2, id + "?ident_type=fa_flight_id": 1, f.Tail + "?ident_type=designator": 404, id: 404,
	} {
		code, b, _ := s.get(t, "/aeroapi/flights/"+path)
		if want == 404 && code != 404 || want != 404 && len(b.Flights) != want {
			t.Errorf("%s: %d, %d flights", path, code, len(b.Flights))
		}
	}
	if _, b, _ := s.get(t, "/aeroapi/flights/"+f.Tail+"?ident_type=registration"); len(b.Flights) < 2 {
		t.Errorf("an aircraft's day has %d flights", len(b.Flights))
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	s := serve(t, flightserver.Options{APIKey: "right"})
	for path, want := range map[string]int{
		"/aeroapi/flights/NK612": 200, "/aeroapi/flights/XX1": 404, "/aeroapi/other": 404, "/": 404,
		"/aeroapi/flights/NK612?start=yesterday":                                      400,
		"/aeroapi/flights/NK612?start=2014-12-22":                                     400,
		"/aeroapi/flights/NK612?end=2015-01-05":                                       400,
		"/aeroapi/flights/NK612?start=2015-01-02&end=2015-01-02":                      400,
		"/aeroapi/flights/NK612?start=2015-01-02&end=2015-01-03T00:00:00Z":            200,
		"/aeroapi/flights/NK612?ident_type=name":                                      400,
		"/aeroapi/flights/NK612?max_pages=0":                                          400,
		"/aeroapi/flights/NK612?max_pages=41":                                         400,
		"/aeroapi/flights/NK612?cursor=5":                                             400,
		"/aeroapi/flights/NK612?cursor=r-1":                                           400,
		"/aeroapi/flights/NK612?cursor=r99":                                           200,
		"/aeroapi/flights/NK612?cursor=r9223372036854775807&start=2015-01-01&unknown": 200,
	} {
		code, b, _ := s.get(t, path, "x-apikey", "right")
		if code != want || code != 200 && (b.Status != want || b.Title == "" || b.Reason == "" || b.Detail == "") {
			t.Errorf("%s: %d, %+v", path, code, b)
		}
	}
	for _, key := range []string{"", "wrong", "right2"} {
		if code, b, _ := s.get(t, "/aeroapi/flights/NK612", "x-apikey", key); code != 401 || b.Status != 401 {
			t.Errorf("key %q: %d", key, code)
		}
	}
}

func TestEveryDocumentedMemberIsPresent(t *testing.T) {
	s := serve(t, flightserver.Options{})
	_, _, text := s.get(t, "/aeroapi/flights/NK612")
	var got struct{ Flights []map[string]any }
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	for _, member := range strings.Fields("ident fa_flight_id operator flight_number registration atc_ident inbound_fa_flight_id status aircraft_type type " +
		"codeshares blocked diverted cancelled position_only foresight_predictions_available departure_delay arrival_delay filed_ete progress_percent " +
		"route_distance origin destination scheduled_out estimated_out actual_out scheduled_off estimated_off actual_off scheduled_on estimated_on " +
		"actual_on scheduled_in estimated_in actual_in") {
		if _, ok := got.Flights[0][member]; !ok {
			t.Errorf("%s is missing", member)
		}
	}
	if !strings.HasPrefix(text, `{"links":null,`) {
		t.Errorf("links: %.30s", text)
	}
}

func TestFaultsByCount(t *testing.T) {
	plan, err := flightserver.ParsePlan("429=2, 429-hint=3,500=5")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, flightserver.Options{Faults: plan})
	var got []int
	for range 6 {
		code, _, _ := s.get(t, "/aeroapi/flights/NK612")
		got = append(got, code)
	}
	if fmt.Sprint(got) != "[200 429 429 429 500 429]" || s.Requests() != 6 {
		t.Errorf("got %v", got)
	}
	for _, bad := range []string{"429", "429=0", "429=-1", "storm=3", "=3", "429=x"} {
		if _, err := flightserver.ParsePlan(bad); err == nil {
			t.Errorf("plan %q accepted", bad)
		}
	}
}

func TestFaultsOverTheWire(t *testing.T) {
	s := serve(t, flightserver.Options{SlowFor: time.Hour})
	wire := httptest.NewServer(s)
	defer wire.Close()
	fetch := func(f flightserver.Fault) (*http.Response, string) {
		s.SetFaults(flightserver.Always(f))
		response, err := http.Get(wire.URL + "/aeroapi/flights/NK470")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		data, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(data)
	}
	if r, text := fetch(flightserver.TooManyWithHint); r.StatusCode != 429 || r.Header.Get("Retry-After") != "1" || !strings.Contains(text, `"status":429`) {
		t.Errorf("429 with hint: %d %q %s", r.StatusCode, r.Header, text)
	}
	if r, _ := fetch(flightserver.TooMany); r.StatusCode != 429 || r.Header.Get("Retry-After") != "" {
		t.Errorf("429 without hint: %d %q", r.StatusCode, r.Header)
	}
	if r, _ := fetch(flightserver.Unauthorized); r.StatusCode != 401 {
		t.Errorf("401: %d", r.StatusCode)
	}
	if r, text := fetch(flightserver.ErrorBody); r.StatusCode != 200 || !strings.Contains(text, `"status":500`) {
		t.Errorf("error body: %d %s", r.StatusCode, text)
	}
	if _, text := fetch(flightserver.Truncated); json.Valid([]byte(text)) {
		t.Error("truncated: whole JSON")
	}
	if _, text := fetch(flightserver.Huge); len(text) < flightserver.HugeBytes || !strings.HasSuffix(text, `"}`) {
		t.Errorf("huge: %d bytes", len(text))
	}
	if _, text := fetch(flightserver.RepeatedCursor); !strings.Contains(text, "cursor=r0") {
		t.Errorf("repeated cursor: %s", text)
	}
	if _, text := fetch(flightserver.UnlistedStatus); !strings.Contains(text, `"status":"XX `) {
		t.Errorf("unlisted status: %s", text)
	}
	if r, _ := fetch(flightserver.None); r.StatusCode != 200 {
		t.Errorf("none: %d", r.StatusCode)
	}
}

func TestSlowAnswerEndsWithItsClient(t *testing.T) {
	s := serve(t, flightserver.Options{SlowFor: time.Hour, Faults: flightserver.Always(flightserver.Slow)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/aeroapi/flights/NK612", nil).WithContext(ctx))
	}()
	cancel()
	<-done // an hour, if the handler did not look at its client
	s = serve(t, flightserver.Options{SlowFor: time.Millisecond, Faults: flightserver.Always(flightserver.Slow)})
	if code, b, _ := s.get(t, "/aeroapi/flights/NK612"); code != 200 || len(b.Flights) != 2 {
		t.Errorf("slow answer: %d", code)
	}
}

func BenchmarkRequests(b *testing.B) {
	s := serve(b, flightserver.Options{})
	r := httptest.NewRequest(http.MethodGet, "/aeroapi/flights/NK470", nil)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			s.ServeHTTP(httptest.NewRecorder(), r.Clone(context.Background()))
		}
	})
}
