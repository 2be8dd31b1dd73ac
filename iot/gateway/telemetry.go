package gateway

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"aval/domain"
	"aval/iot/senml"
)

// Limits of a telemetry file.
const (
	MaxTelemetryBytes = 16 << 20
	MaxSamples        = 100_000
)

// TelemetryHeader is the first line, after comments, of a telemetry file.
const TelemetryHeader = "time,temperature,latitude,longitude,scan,flags"

// Sample is one line of a telemetry file.
type Sample struct {
	At       domain.Millis
	Readings []domain.Reading
}

// ReadTelemetry reads a recorded trip strictly. The format is CSV (RFC 4180) in UTF-8, lines
// beginning with '#' being comments, then TelemetryHeader, then one line for each instant:
//
//	time         RFC 3339 in UTC ("Z"), at most milliseconds, later than the line before
//	temperature  degrees Celsius, at most 3 decimals
//	latitude     degrees, at most 7 decimals; with longitude or not at all
//	longitude    degrees, at most 7 decimals
//	scan         a scanned code
//	flags        words seal=TEXT, door=TEXT, tamper=TEXT or power=TEXT, one space between
//
// Empty cells say nothing; a line must say something. Errors name the line.
func ReadTelemetry(r io.Reader) ([]Sample, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxTelemetryBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read telemetry: %w", err)
	}
	if len(data) > MaxTelemetryBytes {
		return nil, fmt.Errorf("read telemetry: more than %d bytes", MaxTelemetryBytes)
	}
	lines := csv.NewReader(bytes.NewReader(data))
	lines.Comment, lines.FieldsPerRecord = '#', strings.Count(TelemetryHeader, ",")+1
	header, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("read telemetry: header: %w", err)
	}
	if strings.Join(header, ",") != TelemetryHeader {
		return nil, fmt.Errorf("read telemetry: header is not %q", TelemetryHeader)
	}
	return readSamples(lines)
}

func readSamples(lines *csv.Reader) ([]Sample, error) {
	var samples []Sample
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read telemetry: %w", err) // names the line
		}
		line, _ := lines.FieldPos(0)
		sample, err := readSample(cells)
		if err == nil && len(samples) > 0 && sample.At <= samples[len(samples)-1].At {
			err = errors.New("time is not after the line before")
		}
		if err == nil && len(samples) == MaxSamples {
			err = fmt.Errorf("more than %d samples", MaxSamples)
		}
		if err != nil {
			return nil, fmt.Errorf("read telemetry: line %d: %w", line, err)
		}
		samples = append(samples, sample)
	}
}

func readSample(cells []string) (Sample, error) {
	at, err := readTime(cells[0])
	if err != nil {
		return Sample{}, err
	}
	if (cells[2] == "") != (cells[3] == "") {
		return Sample{}, errors.New("latitude and longitude belong together")
	}
	pairs := [][2]string{{"temperature", cells[1]}, {"latitude", cells[2]}, {"longitude", cells[3]}, {"scan", cells[4]}}
	flags, err := readFlags(cells[5])
	if err != nil {
		return Sample{}, err
	}
	sample := Sample{At: at}
	for _, pair := range append(pairs, flags...) {
		if pair[1] == "" {
			continue
		}
		reading, err := senml.NewReading(pair[0], pair[1], at)
		if err != nil {
			return Sample{}, err
		}
		sample.Readings = append(sample.Readings, reading)
	}
	if len(sample.Readings) == 0 {
		return Sample{}, errors.New("no reading")
	}
	return sample, nil
}

func readTime(cell string) (domain.Millis, error) {
	t, err := time.Parse(time.RFC3339Nano, cell)
	if err != nil || !strings.HasSuffix(cell, "Z") || t.Nanosecond()%int(time.Millisecond) != 0 {
		return 0, fmt.Errorf("time %.40q: want RFC 3339 in UTC with at most milliseconds", cell)
	}
	return domain.Millis(t.UnixMilli()), nil
}

func readFlags(cell string) ([][2]string, error) {
	if cell == "" {
		return nil, nil
	}
	var flags [][2]string
	seen := map[string]bool{}
	for word := range strings.SplitSeq(cell, " ") {
		name, text, _ := strings.Cut(word, "=")
		switch name {
		case "seal", "door", "tamper", "power":
		default:
			return nil, fmt.Errorf("flag %.40q is unknown", name)
		}
		if text == "" || seen[name] {
			return nil, fmt.Errorf("flag %s: want one %s=TEXT", name, name)
		}
		seen[name] = true
		flags = append(flags, [2]string{name, text})
	}
	return flags, nil
}
