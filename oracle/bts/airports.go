package bts

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // zones by name on machines that have none

	"github.com/shopspring/decimal"
)

// Airport is one line of the airports table.
type Airport struct {
	IATA string
	// ICAO may be empty.
	ICAO      string
	Zone      *time.Location
	Latitude  decimal.Decimal
	Longitude decimal.Decimal
}

// Airports finds an airport by its IATA code. Read-only after ReadAirports.
type Airports map[string]Airport

// ReadAirports reads a CSV with the columns iata, icao, iana_zone, latitude, longitude, in any
// order. A line that cannot be used is an error: a missing zone would make flights unusable.
func ReadAirports(r io.Reader) (Airports, error) {
	t, err := newTable(r)
	if err != nil {
		return nil, fmt.Errorf("read airports: %w", err)
	}
	if err := t.require("iata", "icao", "iana_zone", "latitude", "longitude"); err != nil {
		return nil, fmt.Errorf("read airports: %w", err)
	}
	airports := Airports{}
	for {
		line, more, err := t.next()
		if err != nil {
			return nil, fmt.Errorf("read airports: %w", err)
		}
		if !more {
			return airports, nil
		}
		airport, err := line.airport()
		if err == nil && airports[airport.IATA].Zone != nil {
			err = fmt.Errorf("airport %s stands twice", airport.IATA)
		}
		if err != nil {
			return nil, fmt.Errorf("read airports: line %d: %w", line.row, err)
		}
		airports[airport.IATA] = airport
	}
}

// ReadAirportsFile reads the airports table in the named file.
func ReadAirportsFile(name string) (Airports, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAirports(f)
}

func (l line) airport() (Airport, error) {
	a := Airport{IATA: l.text("iata"), ICAO: l.text("icao")}
	if l.bad != nil {
		return a, l.bad
	}
	if !code(a.IATA, 3, 3) || a.ICAO != "" && !code(a.ICAO, 4, 4) {
		return a, fmt.Errorf("codes %.10q, %.10q: want 3 and 4 capitals or digits", a.IATA, a.ICAO)
	}
	var err error
	if a.Zone, err = zone(l.text("iana_zone")); err != nil {
		return a, err
	}
	if a.Latitude, err = degrees(l.text("latitude"), 90); err != nil {
		return a, err
	}
	a.Longitude, err = degrees(l.text("longitude"), 180)
	return a, err
}

// zone loads an IANA zone. The empty name and "Local" are legal in Go but name no place.
func zone(name string) (*time.Location, error) {
	if !strings.Contains(name, "/") && name != "UTC" {
		return nil, fmt.Errorf("zone %.40q: want an IANA name", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %.40q: not in the time zone database", name)
	}
	return loc, nil
}

func degrees(text string, limit int64) (decimal.Decimal, error) {
	if len(text) > 30 || strings.ContainsAny(text, "eE") {
		return decimal.Decimal{}, fmt.Errorf("degrees %.30q: want decimal text", text)
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Abs().GreaterThan(decimal.NewFromInt(limit)) {
		return d, fmt.Errorf("degrees %.30q: want -%d to %d", text, limit, limit)
	}
	return d, nil
}
