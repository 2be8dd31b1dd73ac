// Package demo is the demonstration: a cold-chain delivery, a shipment whose sensor falls
// silent, and a day of real flights, on one sealed ledger in one process, with every part
// real: HTTP, MQTT, SQLite, signatures, proofs. Only time is virtual.
package demo

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aval/domain"
	fixture "aval/fixtures/flights"
	"aval/iot/senml"
	"aval/ledger"
	"aval/oracle/bts"
	"aval/oracle/flightserver"
)

// Options are what a user may choose. Flights, Airports and Date go together; without them
// the embedded extract is used.
type Options struct {
	// Data is the folder to keep the node and the parties' keys in, new or empty; without it a
	// temporary one is used and removed.
	Data                    string
	Flights, Airports, Date string
	// Progress is told what happens.
	Progress io.Writer
}

// fixtureDate is the day of the embedded extract.
const fixtureDate = "2015-01-02"

// maxFlightFile bounds a flight file, unpacked.
const maxFlightFile = 1 << 30

// Run runs the demonstration and gives its summary. Whether all is as it should be is for Summary.Fault to say.
func Run(ctx context.Context, o Options) (Summary, error) {
	began := time.Now()
	var s Summary
	d, server, c, err := prepare(o)
	if err != nil {
		return s, err
	}
	base, remove, err := baseFolder(o.Data)
	if err != nil {
		return s, err
	}
	defer remove()
	dir := filepath.Join(base, nodeFolder)
	if err := play(ctx, dir, d, server, c, o.Progress, &s); err != nil {
		return s, err
	}
	err = inspect(dir, o.Progress, &s)
	s.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	return s, err
}

// prepare reads the flights and puts them behind a flight server with a virtual clock.
func prepare(o Options) (*day, *flightserver.Server, *clock, error) {
	flights, airports, date, err := input(o)
	if err != nil {
		return nil, nil, nil, err
	}
	zones, err := bts.ReadAirports(bytes.NewReader(airports))
	if err != nil {
		return nil, nil, nil, err
	}
	read, err := bts.Read(bytes.NewReader(flights), zones)
	if err != nil {
		return nil, nil, nil, err
	}
	rows, err := expect(bytes.NewReader(flights), date)
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := dayOf(date, read, rows)
	if err != nil {
		return nil, nil, nil, err
	}
	c := &clock{}
	return d, flightserver.New(read.Flights, zones, c.Now, flightserver.Options{}), c, nil
}

// input gives the files' contents and the date.
func input(o Options) (flights, airports []byte, date string, err error) {
	if o.Flights == "" && o.Airports == "" && o.Date == "" {
		flights, err = fixture.FS.ReadFile(fixture.OnTime)
		if err != nil {
			return nil, nil, "", err
		}
		airports, err = fixture.FS.ReadFile(fixture.Airports)
		return flights, airports, fixtureDate, err
	}
	if o.Flights == "" || o.Airports == "" || o.Date == "" {
		return nil, nil, "", errors.New("--flights, --airports and --date go together")
	}
	if _, err := time.Parse(time.DateOnly, o.Date); err != nil {
		return nil, nil, "", fmt.Errorf("--date %.20q: want YYYY-MM-DD", o.Date)
	}
	if flights, err = readFile(o.Flights); err != nil {
		return nil, nil, "", err
	}
	airports, err = readFile(o.Airports)
	return flights, airports, o.Date, err
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFlightFile+1))
	if err == nil && len(data) > maxFlightFile {
		err = fmt.Errorf("%s: larger than the limit of %d bytes", path, maxFlightFile)
	}
	return data, err
}

// dayOf picks the flights of a date and the latest of them for the crowd.
func dayOf(date string, read bts.Result, rows []row) (*day, error) {
	d := &day{date: date, expected: map[string]row{}}
	for _, f := range read.Flights {
		if f.Date == date {
			d.flights = append(d.flights, f)
		}
	}
	lines := map[int]bool{}
	for _, r := range read.Unusable {
		lines[r.Row] = true
	}
	for _, r := range rows {
		if lines[r.line] {
			d.unusable++
			continue
		}
		d.expected[r.flight] = r
		if d.crowd.flight == "" || r.delay > d.crowd.delay {
			d.crowd = r
		}
	}
	if len(d.flights) == 0 {
		return nil, fmt.Errorf("no usable flight on %s in the file", date)
	}
	if len(d.expected) != len(d.flights) {
		return nil, fmt.Errorf("%s: %d flights, but %d different ones in the rows", date, len(d.flights), len(d.expected))
	}
	return d, nil
}

// baseFolder gives the folder to work in, and what removes it.
func baseFolder(data string) (string, func(), error) {
	if data != "" {
		if files, err := os.ReadDir(data); err == nil && len(files) > 0 {
			return "", nil, fmt.Errorf("--data %s: want a new or empty folder", data)
		}
		return data, func() {}, os.MkdirAll(data, 0o700)
	}
	dir, err := os.MkdirTemp("", "aval-demo-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// play runs the story on a new node and stops it.
func play(ctx context.Context, dir string, d *day, server *flightserver.Server, c *clock, progress io.Writer, s *Summary) error {
	// Two days and the length of the trip before the first departure, so that cover is bought in time.
	first := slices.MinFunc(d.flights, func(a, b bts.Flight) int { return int(a.ScheduledOut - b.ScheduledOut) })
	begin := time.UnixMilli(int64(first.ScheduledOut)).Add(-72 * time.Hour).Truncate(time.Hour)
	w, stop, err := start(ctx, dir, begin, server, c, progress)
	if err != nil {
		return err
	}
	s.Enclave = w.node.Folder.Platform.Name()
	err = w.story(ctx, d, s)
	if err == nil {
		err = w.saveKeys(filepath.Join(filepath.Dir(dir), keysFolder))
	}
	s.Receipts = ReceiptsResult{Issued: int(w.issued.Load()), Verified: int(w.verified.Load())}
	if why := w.refused.Load(); why != nil {
		err = errors.Join(err, errors.New("a receipt does not verify: "+*why))
	}
	s.SumsZero = true
	for _, sum := range w.node.Engine.Sums() { //tidy:ordered any sum but zero counts
		s.SumsZero = s.SumsZero && sum == 0
	}
	return errors.Join(err, stop())
}

func (w *world) story(ctx context.Context, d *day, s *Summary) error {
	warm, err := newSensor("sensor-f3a1", warmShipment, senml.FormatJWS)
	if err != nil {
		return err
	}
	muted, err := newSensor("sensor-b7c2", mutedShipment, senml.FormatCOSE)
	if err != nil {
		return err
	}
	w.say("0. a ledger is founded; %d parties, two sensors and a flight data source are registered", holders+6)
	if err := w.enrol(ctx, []*sensor{warm, muted}); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return w.deliver(ctx, warm, muted, s) },
		func() error { return w.payOut(ctx, s) },
		func() error { return w.insure(ctx, d) },
		func() error { return w.settle(ctx, s) },
		func() error { return w.count(ctx, d, s) },
		func() error { return w.collect(ctx, supplier, buyer, carrier) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// collect lets parties verify the receipt of every entry that their event stream shows them.
func (w *world) collect(ctx context.Context, parties ...domain.PartyID) error {
	for _, id := range parties {
		p := w.parties[id]
		var indexes []uint64
		err := w.follow(ctx, p, func(e ledger.EntryView) error {
			indexes = append(indexes, e.Index)
			return nil
		})
		if err != nil {
			return err
		}
		if err := parallel(ctx, len(indexes), func(ctx context.Context, i int) error { return p.receipt(ctx, indexes[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// inspect looks at what the stopped node left on disk.
func inspect(dir string, progress io.Writer, s *Summary) error {
	fmt.Fprintln(progress, "4. the node is stopped; its files are verified and searched")
	report, err := verifyFolder(dir)
	if err != nil {
		return err
	}
	s.LedgerClean, s.Entries = true, report.Entries
	canaries, err := amountCanaries(warmPayable, mutedPayable)
	if err != nil {
		return err
	}
	canaries = append(canaries, textCanaries(string(member), string(bank), string(supplier), string(buyer), string(carrier), string(insurer),
		"reisende-", "RE-2026-", "sendung-47", "sensor-f3a1", agreementID, orderID, "7070001001019", "370700010000047117", "police-", "gruppe-", dayProduct, crowdProduct)...)
	found, err := searchCanaries(dir, canaries)
	s.CanariesFound = len(found)
	for _, f := range found {
		fmt.Fprintln(progress, "   in clear:", f)
	}
	return err
}
