package oracle_test

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/fixtures/flights"
	"aval/ledger"
	"aval/oracle"
	"aval/oracle/aeroapi"
	"aval/oracle/bts"
	"aval/oracle/flightserver"
)

const apiKey = "key-of-the-day"

// outcome is what the file says of a flight, read here from its raw columns: cancelled,
// diverted, or the minutes of delay.
type outcome string

func outcomes(t testing.TB) map[string]outcome {
	t.Helper()
	f, err := flights.FS.Open(flights.OnTime)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	all := map[string]outcome{}
	for _, row := range rows[1:] {
		cell := func(name string) string { return row[column[name]] }
		leg := domain.LegKey(cell("AIRLINE"), cell("FLIGHT_NUMBER"), cell("ORIGIN_AIRPORT"), cell("DESTINATION_AIRPORT"), "2015-01-02")
		switch {
		case cell("CANCELLED") == "1":
			all[leg] = "cancelled"
		case cell("DIVERTED") == "1":
			all[leg] = "diverted"
		default:
			all[leg] = outcome(cell("ARRIVAL_DELAY"))
		}
	}
	return all
}

func recorded(t testing.TB) ([]bts.Flight, bts.Airports) {
	t.Helper()
	table, err := flights.FS.Open(flights.Airports)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	airports, err := bts.ReadAirports(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := flights.FS.Open(flights.OnTime)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	result, err := bts.Read(rows, airports)
	if err != nil {
		t.Fatal(err)
	}
	return result.Flights, airports
}

// day is the recorded day on a clock, served over HTTP on loopback, and a ledger that closes a watch
// on a landing and on a cancellation or diversion fetched six hours after the schedule.
type day struct {
	*oracle.Runner
	t      testing.TB
	clock  atomic.Int64
	wire   *httptest.Server
	signer *envelope.Signer

	mu      sync.Mutex
	open    map[string]ledger.WatchView
	settled map[string]domain.FlightStatus
	early   int // cancellations and diversions that came before they count
}

func (d *day) now() time.Time { return time.UnixMilli(d.clock.Load()).UTC() }

func (d *day) list() (all []ledger.WatchView) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.open {
		all = append(all, v)
	}
	return all
}

func (d *day) submit(_ context.Context, _ string, raw []byte) error {
	o, shell, err := envelope.ObservationCodec{}.Decode(raw)
	if err != nil {
		return err
	}
	if err := envelope.Verify(d.signer.Key, shell); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	view, ok := d.open[o.Subject]
	if !ok {
		return domain.Refuse(domain.NoWatch, "nobody waits")
	}
	f, q := *o.Flight, view.Watch.Query
	if f.Phase == domain.FlightPending || f.FetchedAt < f.ActualIn || f.FetchedAt > domain.Millis(d.clock.Load()) {
		d.t.Errorf("%s: %s fetched at %d, in at %d", o.Subject, f.Phase, f.FetchedAt, f.ActualIn)
	}
	switch {
	case f.Phase == domain.FlightLanded:
	case f.Phase == domain.FlightCancelled && f.FetchedAt >= q.ScheduledOut+6*hour:
	case f.Phase == domain.FlightDiverted && f.FetchedAt >= q.ScheduledIn+6*hour:
	case f.Final():
		d.early++
		return nil
	default:
		return nil
	}
	d.settled[o.Subject] = f
	delete(d.open, o.Subject)
	return nil
}

func newDay(t testing.TB, plan flightserver.Plan) *day {
	t.Helper()
	all, airports := recorded(t)
	d := &day{t: t, open: map[string]ledger.WatchView{}, settled: map[string]domain.FlightStatus{}}
	d.clock.Store(int64(morning - 24*hour))
	server := flightserver.New(all, airports, d.now, flightserver.Options{APIKey: apiKey, Faults: plan})
	d.wire = httptest.NewServer(server)
	t.Cleanup(d.wire.Close)
	for _, f := range all {
		d.open[f.Leg()] = ledger.WatchView{Kind: "flightdelay/1", Watch: domain.Watch{
			Subject: f.Leg(), Until: f.ScheduledIn + 72*hour,
			Query: &domain.FlightQuery{
				Carrier: f.Carrier, Number: f.Number, Origin: f.Origin, Destination: f.Destination,
				ScheduledOut: f.ScheduledOut, ScheduledIn: f.ScheduledIn,
			},
			Phases: []domain.WatchPhase{
				{From: f.ScheduledOut - 24*hour, Schedule: "@every 12h"}, {From: f.ScheduledOut - 2*hour, Schedule: "@every 1h"},
				{From: f.ScheduledIn + 15*minute, Schedule: "*/15 * * * *"}, {From: f.ScheduledIn + 6*hour, Schedule: "@every 1h"},
			},
		}}
	}
	source, err := aeroapi.New(aeroapi.Config{
		BaseURL: d.wire.URL + "/aeroapi", Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
		Key: func() string { return apiKey }, Now: d.now, Wait: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.signer, err = envelope.NewSigner(envelope.EdDSA, rand.Reader); err != nil {
		t.Fatal(err)
	}
	d.Runner, err = oracle.New(oracle.Config{
		Ledger: origin, Epoch: 1, Signer: d.signer, Source: source, Watches: d.list, Submit: d.submit, Now: d.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pass lets the days go by until there is nothing more to poll.
func (d *day) pass() {
	d.Refresh()
	for {
		next, any := d.Next()
		if !any {
			return
		}
		d.clock.Store(max(d.clock.Load(), next.UnixMilli()))
		if _, err := d.Poll(context.Background(), d.now()); err != nil {
			d.t.Fatal(err)
		}
		d.Refresh()
	}
}

func TestEveryFlightOfTheDayReachesItsTrueEnd(t *testing.T) {
	storm, err := flightserver.ParsePlan("429-hint=7,500=11,truncated=13,error-body=17,429=19,repeated-cursor=23,unlisted-status=29,401=101")
	if err != nil {
		t.Fatal(err)
	}
	for name, plan := range map[string]flightserver.Plan{"fair weather": nil, "storm": storm} {
		d := newDay(t, plan)
		d.pass()
		for leg, want := range outcomes(t) {
			f, ok := d.settled[leg]
			got := outcome(f.Phase)
			if f.Phase == domain.FlightLanded {
				got = outcome(strconv.Itoa(int((f.ActualIn - f.ScheduledIn) / 60_000)))
			}
			if !ok || got != want {
				t.Errorf("%s, %s: ended as %q, the record says %s", name, leg, got, want)
			}
		}
		stats := d.Stats()
		if len(d.settled) != 287 || d.early == 0 || stats.Refused != 0 || stats.Polls < 287 {
			t.Errorf("%s: %d settled, %d early, %+v", name, len(d.settled), d.early, stats)
		}
		d.wire.Close()
	}
}

// BenchmarkPolls measures polls over HTTP on loopback, with decoding, at noon of the recorded day.
func BenchmarkPolls(b *testing.B) {
	d := newDay(b, nil)
	d.clock.Store(int64(morning + 4*hour))
	polls := uint64(0)
	for b.Loop() {
		d.Refresh()
		for range 4 { // an hour, a quarter at a time
			d.clock.Add(int64(15 * minute))
			stats, err := d.Poll(context.Background(), d.now())
			if err != nil {
				b.Fatal(err)
			}
			polls += stats.Polls
		}
		if len(d.list()) < 50 {
			b.StopTimer()
			d = newDay(b, nil)
			d.clock.Store(int64(morning + 4*hour))
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(polls)/b.Elapsed().Seconds(), "polls/s")
}

// BenchmarkAgenda measures scheduling alone: 20,000 watches, a source that answers at once.
func BenchmarkAgenda(b *testing.B) {
	s := newStage(b, nil)
	for i := range 20_000 {
		name := fmt.Sprintf("L%d", i)
		s.watches = append(s.watches, ledger.WatchView{Kind: "flightdelay/1", Watch: domain.Watch{
			Subject: name, Until: 1 << 50, Query: &domain.FlightQuery{Number: name},
			Phases: []domain.WatchPhase{{From: morning + domain.Millis(i)*1000, Schedule: "@every 6h"}},
		}})
		s.upstream.script[name] = []answer{pending()}
	}
	s.Refresh()
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			s.Refresh()
		}
	})
	b.Run("poll", func(b *testing.B) {
		polls := uint64(0)
		for b.Loop() {
			next, _ := s.Next()
			s.clock.Store(next.UnixMilli())
			stats, err := s.Poll(context.Background(), next)
			if err != nil {
				b.Fatal(err)
			}
			polls += stats.Polls
		}
		b.ReportMetric(float64(polls)/b.Elapsed().Seconds(), "polls/s")
	})
}
