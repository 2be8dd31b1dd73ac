package gateway_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"aval/domain"
	"aval/fixtures/telemetry"
	"aval/iot/gateway"
)

func TestReadTelemetry(t *testing.T) {
	text := "# generated\n" + gateway.TelemetryHeader + "\n" +
		"2026-03-02T12:00:00Z,4.9,53.5511,-9.9937001,,\n" +
		"2026-03-02T12:00:30.250Z,,,,\"00340,12\",door=open seal=MSK-4471\n"
	got, err := gateway.ReadTelemetry(strings.NewReader(text))
	const at, later = domain.Millis(1_772_452_800_000), domain.Millis(1_772_452_830_250)
	want := []gateway.Sample{
		{At: at, Readings: []domain.Reading{
			{Name: "temperature", Unit: "Cel", Value: 4900, Scale: 3, At: at},
			{Name: "latitude", Unit: "lat", Value: 535511000, Scale: 7, At: at},
			{Name: "longitude", Unit: "lon", Value: -99937001, Scale: 7, At: at}}},
		{At: later, Readings: []domain.Reading{
			{Name: "scan", Text: "00340,12", At: later}, {Name: "door", Text: "open", At: later}, {Name: "seal", Text: "MSK-4471", At: later}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadTelemetryRefuses(t *testing.T) {
	good := "2026-03-02T12:00:00Z,4.9,,,,"
	for name, c := range map[string]struct{ lines, sentence string }{
		"no header":        {"", "header"},
		"other header":     {"time,temp\n", "header"},
		"few cells":        {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,4.9\n", "line 2"},
		"no time":          {gateway.TelemetryHeader + "\n,4.9,,,,\n", "line 2: time"},
		"local time":       {gateway.TelemetryHeader + "\n2026-03-02T12:00:00+01:00,4.9,,,,\n", "line 2: time"},
		"microseconds":     {gateway.TelemetryHeader + "\n2026-03-02T12:00:00.000001Z,4.9,,,,\n", "line 2: time"},
		"not later":        {gateway.TelemetryHeader + "\n" + good + "\n" + good + "\n", "line 3: time is not after"},
		"half a position":  {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,4.9,53.5,,,\n", "belong together"},
		"nothing":          {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,,,,,\n", "no reading"},
		"not a number":     {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,NaN,,,,\n", "not a number"},
		"too precise":      {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,4.90001,,,,\n", "3 decimals"},
		"unknown flag":     {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,,,,,window=open\n", `flag "window"`},
		"flag without":     {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,,,,,door\n", "door=TEXT"},
		"flag twice":       {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,,,,,door=open door=shut\n", "door=TEXT"},
		"two spaces":       {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,,,,,door=open  seal=x\n", `flag ""`},
		"a quote too many": {gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,\"4.9,,,,\n", "line"},
		"too long":         {strings.Repeat("#\n", gateway.MaxTelemetryBytes/2+1), "more than"},
	} {
		if _, err := gateway.ReadTelemetry(strings.NewReader(c.lines)); err == nil || !strings.Contains(err.Error(), c.sentence) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Goal: the trip is what its comments say.
func TestColdChainTrip(t *testing.T) {
	samples, err := gateway.ReadTelemetry(strings.NewReader(telemetry.ColdChain()))
	if err != nil || len(samples) != 165 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	const start, interval = domain.Millis(1_772_431_200_000), domain.Millis(600_000) // 2026-03-02T06:00:00Z
	var above []domain.Millis
	var scans []domain.Reading
	highest := int64(0)
	for i, s := range samples {
		if s.At != start+domain.Millis(i)*interval || s.Readings[0].Name != "temperature" || s.Readings[1].Name != "latitude" {
			t.Fatalf("sample %d: %+v", i, s)
		}
		if s.Readings[0].Value > 8000 {
			above = append(above, s.At)
		}
		highest = max(highest, s.Readings[0].Value)
		for _, r := range s.Readings {
			if r.Name == "scan" {
				scans = append(scans, r)
			}
		}
	}
	if len(above) != 6 || above[0] != start+42*interval || above[5] != start+47*interval || highest != 11_600 {
		t.Errorf("above 8 degrees at %v, highest %d", above, highest)
	}
	if len(scans) != 2 || scans[0].At != start+3*interval || scans[1].At != start+160*interval || scans[0].Text != scans[1].Text {
		t.Errorf("scans %+v", scans)
	}
}

func FuzzReadTelemetry(f *testing.F) {
	f.Add(gateway.TelemetryHeader + "\n2026-03-02T12:00:00Z,4.9,53.5,9.9,x,door=open\n")
	f.Fuzz(func(t *testing.T, text string) {
		samples, err := gateway.ReadTelemetry(strings.NewReader(text))
		for i, s := range samples {
			if len(s.Readings) == 0 || i > 0 && s.At <= samples[i-1].At {
				t.Fatal(fmt.Sprint("bad sample ", s, err))
			}
		}
	})
}
