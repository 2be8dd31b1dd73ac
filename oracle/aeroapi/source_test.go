package aeroapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/fixtures/flights"
	"aval/oracle/aeroapi"
	"aval/oracle/bts"
	"aval/oracle/flightserver"
)

const canary = "canary-8f1c0a-key"

var evening = time.Date(2015, 1, 2, 23, 0, 0, 0, time.UTC)

// waits records how long the source meant to sleep, and does not sleep.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

func source(t testing.TB, address string, change func(*aeroapi.Config)) (*aeroapi.Source, *waits) {
	t.Helper()
	w := &waits{}
	c := aeroapi.Config{
		BaseURL: address + "/aeroapi", Client: &http.Client{Timeout: 30 * time.Second}, Key: func() string { return canary },
		Now: func() time.Time { return evening }, Wait: w.wait, Jitter: func(d time.Duration) time.Duration { return d },
	}
	if change != nil {
		change(&c)
	}
	s, err := aeroapi.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

func query() domain.FlightQuery {
	return domain.FlightQuery{
		Carrier: "NK", Number: "612", Origin: "LAS", Destination: "MSP",
		ScheduledOut: domain.Millis(time.Date(2015, 1, 2, 8, 25, 0, 0, time.UTC).UnixMilli()),
		ScheduledIn:  domain.Millis(time.Date(2015, 1, 2, 11, 26, 0, 0, time.UTC).UnixMilli()),
	}
}

const leg = "NK-612-LAS-MSP-2015-01-02"

// service is a real flight server over the recorded day, on loopback.
func service(t testing.TB, plan flightserver.Plan) (*flightserver.Server, *httptest.Server) {
	t.Helper()
	table, err := flights.FS.Open(flights.Airports)
	if err != nil {
		t.Fatal(err)
	}
	airports, err := bts.ReadAirports(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := flights.FS.Open(flights.OnTime)
	if err != nil {
		t.Fatal(err)
	}
	result, err := bts.Read(rows, airports)
	if err != nil {
		t.Fatal(err)
	}
	s := flightserver.New(result.Flights, airports, func() time.Time { return evening },
		flightserver.Options{APIKey: canary, Faults: plan, SlowFor: time.Hour})
	wire := httptest.NewServer(s)
	t.Cleanup(wire.Close)
	return s, wire
}

func TestFetchOverHTTP(t *testing.T) {
	_, wire := service(t, nil)
	s, _ := source(t, wire.URL, nil)
	got, err := s.Fetch(context.Background(), query(), leg)
	if err != nil {
		t.Fatal(err)
	}
	late := got.ActualIn - query().ScheduledIn
	if got.Phase != domain.FlightLanded || late != 98*60_000 || got.Leg != leg || got.Source != "aeroapi" || len(got.RawSHA256) != 32 ||
		got.FetchedAt != domain.Millis(evening.UnixMilli()) || got.ProviderID == "" {
		t.Errorf("got %+v", got)
	}
}

func TestFaultsOfTheService(t *testing.T) {
	const second = time.Second
	for name, c := range map[string]struct {
		faults   []flightserver.Fault
		phase    domain.FlightPhase // empty: an error
		requests uint64
		waits    []time.Duration
	}{
		"none":                 {nil, domain.FlightLanded, 1, nil},
		"429 with hint":        {[]flightserver.Fault{"429-hint"}, domain.FlightLanded, 2, []time.Duration{second}},
		"429 without":          {[]flightserver.Fault{"429", "429"}, domain.FlightLanded, 3, []time.Duration{second, 2 * second}},
		"500":                  {[]flightserver.Fault{"500", "500", "500"}, domain.FlightLanded, 4, []time.Duration{second, 2 * second, 4 * second}},
		"500 for ever":         {[]flightserver.Fault{"500", "500", "500", "500", "500"}, "", 4, []time.Duration{second, 2 * second, 4 * second}},
		"truncated":            {[]flightserver.Fault{"truncated"}, domain.FlightLanded, 2, []time.Duration{second}},
		"error with 200":       {[]flightserver.Fault{"error-body"}, domain.FlightLanded, 2, []time.Duration{second}},
		"401 once":             {[]flightserver.Fault{"401"}, domain.FlightLanded, 2, []time.Duration{0}},
		"401 twice":            {[]flightserver.Fault{"401", "401"}, "", 2, []time.Duration{0}},
		"huge":                 {[]flightserver.Fault{"huge"}, "", 1, nil},
		"cursor repeats":       {[]flightserver.Fault{"repeated-cursor", "repeated-cursor"}, domain.FlightLanded, 2, nil},
		"unlisted status":      {[]flightserver.Fault{"unlisted-status"}, domain.FlightLanded, 1, nil},
		"everything at a time": {[]flightserver.Fault{"429-hint", "truncated", "401"}, domain.FlightLanded, 4, []time.Duration{second, 2 * second, 0}},
	} {
		server, wire := service(t, flightserver.First(c.faults...))
		s, w := source(t, wire.URL, nil)
		got, err := s.Fetch(context.Background(), query(), leg)
		if (err == nil) != (c.phase != "") || err == nil && got.Phase != c.phase {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if server.Requests() != c.requests || fmt.Sprint(w.all) != fmt.Sprint(c.waits) {
			t.Errorf("%s: %d requests, waits %v", name, server.Requests(), w.all)
		}
		wire.Close()
	}
}

func TestSlowServiceEndsWithTheContext(t *testing.T) {
	_, wire := service(t, flightserver.Always(flightserver.Slow))
	s, _ := source(t, wire.URL, nil)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.Fetch(ctx, query(), leg); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// answering serves fixed answers, one per request; the last one stays.
func answering(t *testing.T, handlers ...http.HandlerFunc) (string, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	wire := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1))-1, len(handlers)-1)](w, r)
	}))
	t.Cleanup(wire.Close)
	return wire.URL, &n
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
	}
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

func TestStatusesThatAreNotTriedAgain(t *testing.T) {
	for code, want := range map[int]string{400: "", 403: "", 418: "", 301: "", 404: "no-match"} {
		address, n := answering(t, status(code, "Location", "/elsewhere"))
		s, w := source(t, address, nil)
		got, err := s.Fetch(context.Background(), query(), leg)
		if (err == nil) != (want != "") || err == nil && (got.Phase != domain.FlightUnknown || got.Reason != want || len(got.RawSHA256) != 32) {
			t.Errorf("%d: %+v, %v", code, got, err)
		}
		if n.Load() != 1 || len(w.all) != 0 {
			t.Errorf("%d: %d requests", code, n.Load())
		}
	}
}

func TestHints(t *testing.T) {
	date := func(d time.Duration) string { return evening.Add(d).Format(http.TimeFormat) }
	for header, want := range map[string]string{
		"7": "[7s]", "120": "[2m0s]", "121": "[]", "999999999999999": "[1s]", "-5": "[1s]", "soon": "[1s]", date(9 * time.Second): "[9s]", date(-time.Hour): "[1s]", date(time.Hour): "[]",
	} {
		address, _ := answering(t, status(503, "Retry-After", header), status(404))
		s, w := source(t, address, nil)
		_, err := s.Fetch(context.Background(), query(), leg)
		if fmt.Sprint(w.all) != want || (err == nil) != (want != "[]") {
			t.Errorf("Retry-After %q: waits %v, %v", header, w.all, err)
		}
	}
}

func TestPagesAreFollowedToABound(t *testing.T) {
	landed, err := os.ReadFile("testdata/landed.json")
	if err != nil {
		t.Fatal(err)
	}
	linked := func(cursor string) string {
		return strings.Replace(string(landed), `"links": null`, `"links": {"next": "https://elsewhere.example/flights/NK612?cursor=`+cursor+`"}`, 1)
	}
	empty := func(cursor string) string {
		return `{"links":{"next":"/flights/NK612?cursor=` + cursor + `"},"num_pages":1,"flights":[]}`
	}
	const last = `{"links":null,"num_pages":1,"flights":[]}`
	for name, c := range map[string]struct {
		pages    []string
		want     string
		requests int64
	}{
		"match on the second":    {[]string{empty("a"), string(landed)}, "landed", 2},
		"match on the first":     {[]string{linked("a"), last}, "landed", 2},
		"none on both":           {[]string{empty("a"), last}, "no-match", 2},
		"same row on both":       {[]string{linked("a"), string(landed)}, "landed", 2},
		"cursor comes back":      {[]string{linked("a"), empty("b"), empty("a")}, "landed", 3},
		"cursor stays":           {[]string{linked("a")}, "landed", 2},
		"a new cursor each time": {[]string{linked("1"), empty("2"), empty("3"), empty("4"), empty("5"), empty("6"), empty("7"), empty("8"), last}, "ambiguous", aeroapi.MaxPages},
	} {
		var handlers []http.HandlerFunc
		var raw []byte
		for _, page := range c.pages {
			handlers = append(handlers, body(page))
		}
		address, n := answering(t, handlers...)
		var kept []byte
		s, _ := source(t, address, func(config *aeroapi.Config) {
			config.Keep = func(sum, body []byte) {
				if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
					t.Errorf("%s: the hash kept is not that of the body kept", name)
				}
				kept = body
			}
		})
		got, err := s.Fetch(context.Background(), query(), leg)
		if err != nil || string(got.Phase) != c.want && got.Reason != c.want || n.Load() != c.requests {
			t.Errorf("%s: %s %q, %d requests, %v", name, got.Phase, got.Reason, n.Load(), err)
		}
		for i := range n.Load() {
			raw = append(raw, c.pages[min(int(i), len(c.pages)-1)]...)
		}
		if sum := sha256.Sum256(raw); !bytes.Equal(got.RawSHA256, sum[:]) || !bytes.Equal(kept, raw) {
			t.Errorf("%s: hash or kept body is not that of what was fetched", name)
		}
	}
}

func TestBodyAtTheLimit(t *testing.T) {
	filled := func(size int) string {
		const head, tail = `{"links":null,"flights":[],"padding":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	for size, ok := range map[int]bool{aeroapi.MaxBodyBytes: true, aeroapi.MaxBodyBytes + 1: false} {
		address, n := answering(t, body(filled(size)))
		s, _ := source(t, address, nil)
		if _, err := s.Fetch(context.Background(), query(), leg); (err == nil) != ok || n.Load() != 1 {
			t.Errorf("%d bytes: %v, %d requests", size, err, n.Load())
		}
	}
}

func TestQueryOutsideTheServiceIsNotSent(t *testing.T) {
	address, n := answering(t, status(500))
	s, _ := source(t, address, nil)
	old := query()
	old.ScheduledOut -= 11 * 86_400_000
	if got, err := s.Fetch(context.Background(), old, leg); err != nil || got.Reason != "no-match" || n.Load() != 0 || len(got.RawSHA256) != 32 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, empty := range []domain.FlightQuery{{}, {Carrier: "NK", Number: "1", Origin: "A", Destination: "B"}} {
		if _, err := s.Fetch(context.Background(), empty, leg); err == nil {
			t.Errorf("%+v was accepted", empty)
		}
	}
}

func TestRenewedKeyIsTakenUp(t *testing.T) {
	_, wire := service(t, nil)
	asked := 0
	s, _ := source(t, wire.URL, func(c *aeroapi.Config) {
		c.Key = func() string {
			if asked++; asked == 1 {
				return "old"
			}
			return canary
		}
	})
	if got, err := s.Fetch(context.Background(), query(), leg); err != nil || got.Phase != domain.FlightLanded || asked != 2 {
		t.Errorf("%s, %v, key asked for %d times", got.Phase, err, asked)
	}
}

func TestKeyAndFlightStayOutOfAddressesAndErrors(t *testing.T) {
	var other atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { other.Add(1) }))
	defer elsewhere.Close()
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.String(), canary) {
				t.Error("the key is in the address")
			}
			if r.Header.Get("x-apikey") != canary {
				t.Error("the key is not in its header")
			}
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"title":"%s","status":%d}`, r.Header.Get("x-apikey"), code)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"400": echo(400), "401": echo(401), "403": echo(403), "500": echo(500),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?key="+canary, http.StatusFound)
		},
		"broken": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"text":   body("the key " + canary + " is wrong"),
	} {
		address, _ := answering(t, h)
		s, _ := source(t, address, nil)
		got, err := s.Fetch(context.Background(), query(), leg)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if text := fmt.Sprintf("%v %+v %#v", err, got, err); strings.Contains(text, canary) || strings.Contains(err.Error(), "NK612") {
			t.Errorf("%s: the error tells too much: %s", name, text)
		}
	}
	if other.Load() != 0 {
		t.Error("a redirect was followed, and the key with it")
	}
	s, _ := source(t, "http://127.0.0.1:1", nil)
	if _, err := s.Fetch(context.Background(), query(), leg); err == nil || strings.Contains(err.Error(), "NK612") || strings.Contains(err.Error(), canary) {
		t.Errorf("refused connection: %v", err)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	good := aeroapi.Config{Client: http.DefaultClient, Key: func() string { return "" }, Now: time.Now}
	if s, err := aeroapi.New(good); err != nil || s.Name() != "aeroapi" {
		t.Fatal(err)
	}
	for _, address := range []string{"http://example.com", "https://u:p@example.com", "https://example.com?key=1", "ftp://127.0.0.1", "example.com", "https://", "::"} {
		c := good
		c.BaseURL = address
		if _, err := aeroapi.New(c); err == nil {
			t.Errorf("%s accepted", address)
		}
	}
	for _, c := range []aeroapi.Config{{Key: good.Key, Now: good.Now}, {Client: good.Client, Now: good.Now}, {Client: good.Client, Key: good.Key}} {
		if _, err := aeroapi.New(c); err == nil {
			t.Error("an incomplete configuration was accepted")
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	_, wire := service(t, nil)
	s, _ := source(t, wire.URL, nil)
	opened := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			opened++
		}
	}})
	for range 20 {
		if _, err := s.Fetch(ctx, query(), leg); err != nil {
			t.Fatal(err)
		}
	}
	if opened != 1 {
		t.Errorf("%d connections for 20 requests", opened)
	}
}

func BenchmarkFetch(b *testing.B) {
	_, wire := service(b, nil)
	s, _ := source(b, wire.URL, func(c *aeroapi.Config) {
		c.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	})
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Fetch(context.Background(), query(), leg); err != nil {
				b.Error(err)
			}
		}
	})
}
