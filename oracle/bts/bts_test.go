package bts_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aval/domain"
	"aval/fixtures/flights"
	"aval/oracle/bts"
)

func airports(t testing.TB) bts.Airports {
	t.Helper()
	f, err := flights.FS.Open(flights.Airports)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := bts.ReadAirports(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func recorded(t testing.TB) []byte {
	t.Helper()
	data, err := flights.FS.ReadFile(flights.OnTime)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func at(t testing.TB, text string) domain.Millis {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return domain.Millis(instant.UnixMilli())
}

const header = "YEAR,MONTH,DAY,AIRLINE,FLIGHT_NUMBER,TAIL_NUMBER,ORIGIN_AIRPORT,DESTINATION_AIRPORT,SCHEDULED_DEPARTURE,DEPARTURE_TIME," +
	"DEPARTURE_DELAY,TAXI_OUT,SCHEDULED_TIME,TAXI_IN,SCHEDULED_ARRIVAL,ARRIVAL_TIME,ARRIVAL_DELAY,DIVERTED,CANCELLED\n"

func read(t testing.TB, text string) bts.Result {
	t.Helper()
	result, err := bts.Read(strings.NewReader(text), airports(t))
	if err != nil {
		t.Fatal(err)
	}
	if result.Rows != len(result.Flights)+len(result.Unusable) {
		t.Fatalf("%d rows, but %d usable and %d not", result.Rows, len(result.Flights), len(result.Unusable))
	}
	return result
}

// one reads a file of one row that must be usable.
func one(t *testing.T, header, row string) bts.Flight {
	t.Helper()
	result := read(t, header+row+"\n")
	if len(result.Flights) != 1 {
		t.Fatalf("row is unusable: %v", result.Unusable)
	}
	return result.Flights[0]
}

func TestRecordedDayIsWhollyUsable(t *testing.T) {
	result := read(t, string(recorded(t)))
	var cancelled, diverted, late60, late120 int
	for _, f := range result.Flights {
		cancelled += count(f.Cancelled)
		diverted += count(f.Diverted)
		late60 += count(f.ArrivalDelayKnown && f.ArrivalDelay >= 60)
		late120 += count(f.ArrivalDelayKnown && f.ArrivalDelay >= 120)
		if f.ArrivalDelayKnown != (f.ActualIn != 0) || f.ArrivalDelayKnown && f.ActualIn-f.ScheduledIn != domain.Millis(f.ArrivalDelay)*60_000 {
			t.Errorf("line %d: actual arrival and delay disagree", f.Row)
		}
	}
	got := [6]int{len(result.Flights), len(result.Unusable), cancelled, diverted, late60, late120}
	if want := [6]int{287, 0, 1, 1, 25, 6}; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(result.Adjusted) != 0 {
		t.Errorf("adjusted: %v", result.Adjusted)
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestScheduledTimesAreUTC(t *testing.T) {
	for name, c := range map[string]struct{ row, out, in, actualIn string }{
		"date line, arrives on the date before": {
			"2015,1,1,UA,200,,GUM,HNL,0710,0801,51,13,430,13,1820,1916,56,0,0",
			"2014-12-31T21:10:00Z", "2015-01-01T04:20:00Z", "2015-01-01T05:16:00Z"},
		"date line, overnight the other way": {
			"2015,1,1,UA,201,,HNL,GUM,1450,1611,81,13,470,5,1840,1943,63,0,0",
			"2015-01-02T00:50:00Z", "2015-01-02T08:40:00Z", "2015-01-02T09:43:00Z"},
		"date line without elapsed time": {
			"2015,1,1,UA,200,,GUM,HNL,0710,,,,,,1820,1916,56,0,0",
			"2014-12-31T21:10:00Z", "2015-01-01T04:20:00Z", "2015-01-01T05:16:00Z"},
		"2400 is the end of the day": {
			"2015,1,2,NK,1,,BOS,LAX,2400,,,,360,,300,0300,0,0,0",
			"2015-01-03T05:00:00Z", "2015-01-03T11:00:00Z", "2015-01-03T11:00:00Z"},
		"0000 is its beginning": {
			"2015,1,2,NK,1,,BOS,LAX,0,,,,360,,300,0300,0,0,0",
			"2015-01-02T05:00:00Z", "2015-01-02T11:00:00Z", "2015-01-02T11:00:00Z"},
		"short clock, decimal zero, NA": {
			"2015,1,2,NK,1,NA,BOS,LAX,5,NA,NA,NA,360.0,NA,305,2400,1255.0,0,0",
			"2015-01-02T05:05:00Z", "2015-01-02T11:05:00Z", "2015-01-03T08:00:00Z"},
		"delayed for more than a day": {
			"2015,1,2,NK,1,,BOS,LAX,1200,,,,360,,1500,1639,1539,0,0",
			"2015-01-02T17:00:00Z", "2015-01-02T23:00:00Z", "2015-01-04T00:39:00Z"},
		"clocks go forward on the way": {
			"2015,3,8,NK,1,,LAX,BOS,0030,,,,330,,1000,1000,0,0,0",
			"2015-03-08T08:30:00Z", "2015-03-08T14:00:00Z", "2015-03-08T14:00:00Z"},
		"a gap elsewhere is an hour like any other here": {
			"2015,3,8,NK,1,,PHX,LAX,0230,,,,80,,0350,0350,0,0,0",
			"2015-03-08T09:30:00Z", "2015-03-08T10:50:00Z", "2015-03-08T10:50:00Z"},
		"repeated hour, first pass": {
			"2015,11,1,NK,1,,BOS,LAX,0130,,,,390,,0400,0400,0,0,0",
			"2015-11-01T05:30:00Z", "2015-11-01T12:00:00Z", "2015-11-01T12:00:00Z"},
		"repeated hour, second pass": {
			"2015,11,1,NK,1,,BOS,LAX,0130,,,,390,,0500,0500,0,0,0",
			"2015-11-01T06:30:00Z", "2015-11-01T13:00:00Z", "2015-11-01T13:00:00Z"},
		"repeated hour, both passes fit": {
			"2015,11,1,NK,1,,BOS,JFK,0100,,,,50,,0150,0150,0,0,0",
			"2015-11-01T05:00:00Z", "2015-11-01T05:50:00Z", "2015-11-01T05:50:00Z"},
		"repeated hour, no elapsed time": {
			"2015,11,1,NK,1,,BOS,LAX,0130,,,,,,0500,0500,0,0,0",
			"2015-11-01T05:30:00Z", "2015-11-01T13:00:00Z", "2015-11-01T13:00:00Z"},
	} {
		f := one(t, header, c.row)
		if f.ScheduledOut != at(t, c.out) || f.ScheduledIn != at(t, c.in) || f.ActualIn != at(t, c.actualIn) {
			t.Errorf("%s: out %v, in %v, actual %v", name, utc(f.ScheduledOut), utc(f.ScheduledIn), utc(f.ActualIn))
		}
	}
}

func utc(m domain.Millis) string { return time.UnixMilli(int64(m)).UTC().Format(time.RFC3339) }

func TestHourOfClockChangeIsAdjustedAndReported(t *testing.T) {
	// The elapsed time was worked out as if Boston had not changed its clocks.
	result := read(t, header+"2015,3,8,NK,1,,LAX,BOS,0030,,,,390,,1000,1030,30,0,0\n")
	if len(result.Flights) != 1 || len(result.Adjusted) != 1 || result.Adjusted[0].Row != 2 {
		t.Fatalf("got %+v", result)
	}
	if f := result.Flights[0]; f.ScheduledIn != at(t, "2015-03-08T14:00:00Z") {
		t.Errorf("scheduled in %s", utc(f.ScheduledIn))
	}
}

func TestUnusableRowsAreReported(t *testing.T) {
	good := "2015,1,2,NK,1,N1,BOS,LAX,0800,0805,5,10,360,4,1100,1110,10,0,0"
	for name, c := range map[string]struct{ old, new, reason string }{
		"unknown airport":      {"BOS", "XXX", "two known airports"},
		"same airport":         {"BOS", "LAX", "two known airports"},
		"hour 25":              {"0800", "2500", "SCHEDULED_DEPARTURE"},
		"after 2400":           {"0800", "2401", "SCHEDULED_DEPARTURE"},
		"minute 60":            {"0800", "0860", "not a time of day"},
		"no departure":         {"0800", "", "SCHEDULED_DEPARTURE is empty"},
		"no arrival":           {"360,4,1100", ",4,", "both empty"},
		"day 31 of February":   {"2015,1,2", "2015,2,31", "no day 31"},
		"year of long ago":     {"2015,", "1915,", "YEAR"},
		"no date":              {"2015,1,2", ",,", "YEAR is empty"},
		"carrier":              {"NK", "nk", "AIRLINE"},
		"number":               {"NK,1,", "NK,AB1,", "FLIGHT_NUMBER"},
		"fraction of a minute": {",10,0,0", ",10.5,0,0", "ARRIVAL_DELAY"},
		"words for a delay":    {",10,0,0", ",late,0,0", "ARRIVAL_DELAY"},
		"delay of weeks":       {",10,0,0", ",10081,0,0", "ARRIVAL_DELAY"},
		"cancelled twice over": {",0,0", ",0,2", "CANCELLED"},
		"cancelled, diverted":  {",0,0", ",1,1", "at once"},
		"cancelled, arrived":   {",0,0", ",0,1", "cancelled, and yet"},
		"schedule contradicts": {"1100", "1101", "contradicts departure and elapsed"},
		"no clock change near": {"360", "420", "by 60 minutes"},
		"arrival contradicts":  {"1110", "1111", "ARRIVAL_TIME 1111 contradicts"},
		"hour off, no change":  {"1110", "1210", "ARRIVAL_TIME 1210 contradicts"},
		"departed differently": {"0805", "0806", "DEPARTURE_TIME"},
		"arrives before out":   {"0800,0805,5,10,360,4,1100,1110,10", "0800,1430,390,10,360,4,1100,1110,10", "not after"},
		"elapsed zero":         {"360", "0", "SCHEDULED_TIME"},
		"too few cells":        {",0,0", ",0", "not a CSV row"},
		"quote":                {"N1", `N"1`, "not a CSV row"},
		"gap of spring":        {"2015,1,2,NK,1,N1,BOS,LAX,0800,0805,5", "2015,3,8,NK,1,N1,BOS,LAX,0230,,", "does not exist"},
	} {
		row := strings.Replace(good, c.old, c.new, 1)
		result := read(t, header+row+"\n"+strings.Replace(good, "NK,1,", "NK,2,", 1)+"\n")
		if len(result.Unusable) != 1 || result.Unusable[0].Row != 2 || !strings.Contains(result.Unusable[0].Reason, c.reason) {
			t.Errorf("%s: got %+v", name, result.Unusable)
		}
		if len(result.Flights) != 1 || result.Flights[0].Row != 3 {
			t.Errorf("%s: the good row after it was lost", name)
		}
	}
}

func TestSecondRowOfALegIsUnusable(t *testing.T) {
	row := "2015,1,2,NK,1,,BOS,LAX,0800,,,,360,,1100,,10,0,0\n"
	result := read(t, header+row+strings.Replace(row, "NK,1,", "NK,001,", 1))
	if len(result.Flights) != 1 || len(result.Unusable) != 1 || !strings.Contains(result.Unusable[0].Reason, "line 2") {
		t.Errorf("got %+v", result)
	}
}

func TestFlightsWithoutArrival(t *testing.T) {
	diverted := one(t, header, "2015,1,2,NK,1,,BOS,LAX,0800,0805,5,10,360,4,1100,1500,,1,0")
	if diverted.ActualIn != 0 || diverted.ActualOn != 0 || diverted.ArrivalDelayKnown || diverted.ActualOut == 0 || !diverted.Diverted {
		t.Errorf("diverted: %+v", diverted)
	}
	returned := one(t, header, "2015,1,2,NK,1,,BOS,LAX,0800,0805,5,,360,,1100,,,0,1")
	if returned.ActualOut-returned.ScheduledOut != 5*60_000 || returned.ActualIn != 0 || !returned.Cancelled {
		t.Errorf("left the gate and came back: %+v", returned)
	}
	early := one(t, header, "2015,1,2,NK,0098A,,BOS,LAX,0800,0754,-6,10,360,4,1100,1006,-54,0,0")
	if early.ArrivalDelay != -54 || early.Number != "98A" || early.Leg() != "NK-98A-BOS-LAX-2015-01-02" {
		t.Errorf("early: %+v", early)
	}
	if early.ActualIn-early.ActualOn != 4*60_000 || early.ActualOff-early.ActualOut != 10*60_000 {
		t.Errorf("runway times: %+v", early)
	}
}

func TestColumnsInAnyOrderWithExtras(t *testing.T) {
	shuffled := "\ufeffCANCELLED,note,DIVERTED,ARRIVAL_DELAY,SCHEDULED_ARRIVAL,SCHEDULED_DEPARTURE,DESTINATION_AIRPORT,ORIGIN_AIRPORT,FLIGHT_NUMBER,AIRLINE,DAY,MONTH,YEAR\n"
	f := one(t, shuffled, `0,"a, b",0,12,1100,800,LAX,BOS,7,NK,2,1,2015`)
	if f.Leg() != "NK-7-BOS-LAX-2015-01-02" || f.ArrivalDelay != 12 || f.ScheduledIn-f.ScheduledOut != 6*3_600_000 {
		t.Errorf("got %+v", f)
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no columns known": "a,b\n1,2\n", "column twice": "YEAR," + header, "one missing": strings.Replace(header, "ARRIVAL_DELAY", "X", 1),
		"endless line": header + strings.Repeat("9", bts.MaxLineBytes+2),
	} {
		if _, err := bts.Read(strings.NewReader(text), airports(t)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := bts.Read(io.MultiReader(strings.NewReader(header), errorReader{}), airports(t)); err == nil {
		t.Error("a failing disk went unnoticed")
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReadFileByExtension(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.csv.gz")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(recorded(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{plain: recorded(t), packed: z.Bytes()} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if result, err := bts.ReadFile(name, airports(t)); err != nil || len(result.Flights) != 287 {
			t.Errorf("%s: %d flights, %v", name, len(result.Flights), err)
		}
	}
	if err := os.WriteFile(packed, z.Bytes()[:z.Len()/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bts.ReadFile(packed, airports(t)); err == nil {
		t.Error("half a file was read without an error")
	}
}

func TestAirportsRefuses(t *testing.T) {
	const head = "iata,icao,iana_zone,latitude,longitude\n"
	for name, text := range map[string]string{
		"no zone": head + "BOS,KBOS,,1,1\n", "local": head + "BOS,KBOS,Local,1,1\n", "no such zone": head + "BOS,KBOS,Mars/Olympus,1,1\n",
		"twice": head + "BOS,KBOS,UTC,1,1\nBOS,KBOS,UTC,1,1\n", "latitude": head + "BOS,KBOS,UTC,91,1\n", "longitude": head + "BOS,KBOS,UTC,1,-181\n",
		"exponent": head + "BOS,KBOS,UTC,1e9,1\n", "code": head + "bos,KBOS,UTC,1,1\n", "column": "iata\nBOS\n", "short": head + "BOS,KBOS\n",
	} {
		if _, err := bts.ReadAirports(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	all := airports(f)
	lines := strings.SplitAfterN(string(recorded(f)), "\n", 12)
	f.Add([]byte(strings.Join(lines[:11], "")))
	f.Add([]byte(header + "2015,11,1,NK,1,,BOS,LAX,0130,,,,390,,0400,0400,0,0,0\n"))
	f.Add([]byte(hflightsHeader + "2011,1,1,6,1400,1500,AA,428,N576AA,60,40,-10,0,IAH,DFW,224,7,13,0,,0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := bts.Read(bytes.NewReader(data), all)
		if err != nil {
			return
		}
		if result.Rows != len(result.Flights)+len(result.Unusable) {
			t.Fatal("a row was lost")
		}
		for _, flight := range result.Flights {
			if flight.ScheduledIn <= flight.ScheduledOut || domain.CheckID("leg", flight.Leg()) != nil {
				t.Fatalf("accepted %+v", flight)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data, all := recorded(b), airports(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := bts.Read(bytes.NewReader(data), all); err != nil {
			b.Fatal(err)
		}
	}
}
