package epcis

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/ident"
)

// MaxReadings bounds the readings of one document: what a contract takes in one message.
const MaxReadings = 1_000

// Readings are the facts of the document that a contract can judge, see package domain for
// their quantities. Each event begins with its name and the digest of its content. A document with more
// than MaxReadings is refused.
func (d Document) Readings() ([]domain.Reading, error) {
	var all []domain.Reading
	for i, e := range d.Events {
		all = append(all, e.readings()...)
		if len(all) > MaxReadings {
			return nil, domain.Refuse(domain.LimitExceeded, "event[%d]: more than %d readings in one document", i, MaxReadings)
		}
	}
	return all, nil
}

func (e Event) readings() []domain.Reading {
	if e.Declared != nil {
		return e.withdrawal()
	}
	all := []domain.Reading{{Name: domain.QuantityEvent, Text: e.Hash, At: e.Time}}
	place, direction := e.place(), direction(e.Step)
	for _, code := range e.goods() {
		all = append(all, domain.Reading{Name: domain.QuantityGoods, Text: code, At: e.Time})
		if place != "" {
			all = append(all, domain.Reading{Name: domain.QuantityScan, Text: code, At: e.Time, Place: place, State: direction})
		}
	}
	all = append(all, position(e.ReadPoint, e.Time)...)
	all = append(all, e.conditions()...)
	for i := range all {
		all[i].Event = e.Name()
	}
	return all
}

// withdrawal is what is left of an event that its publisher declares untrue.
func (e Event) withdrawal() []domain.Reading {
	all := []domain.Reading{{Name: domain.QuantityWithdrawal, Text: e.Name(), At: e.Declared.At, State: e.Declared.Reason}}
	for _, id := range e.Declared.Corrective {
		all = append(all, domain.Reading{Name: domain.QuantityCorrection, Event: e.Name(), Text: id, At: e.Declared.At})
	}
	return all
}

// goods are the logistic units and containers that the event is about, each once, sorted. Identifiers
// with a wrong check digit are not among them.
func (e Event) goods() []string {
	var codes []string
	for _, uri := range append(slices.Clone(e.EPCs), e.Parent) {
		if number, found := strings.CutPrefix(uri, "urn:epc:id:bic:"); found && ident.CheckContainer("container", number) == nil {
			codes = append(codes, number)
		}
		if key, ok := parseKey(uri); ok && key.AI == "00" && key.sound() == nil {
			codes = append(codes, key.Value)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// place is the GLN where the event was seen: its read point, else where the goods are since.
func (e Event) place() string {
	for _, uri := range []string{e.ReadPoint, e.Location} {
		if key, ok := parseKey(uri); ok && key.AI == "414" && key.sound() == nil {
			return key.Value
		}
	}
	return ""
}

// direction says which way goods move in a business step, empty if in neither.
func direction(step string) string {
	switch step {
	case "arriving", "receiving", "accepting", "unloading", "storing", "stocking":
		return domain.StateArrived
	case "departing", "shipping", "loading", "picking", "staging_outbound", "consigning":
		return domain.StateDeparted
	}
	return ""
}

// position reads a read point that is a geo URI (RFC 5870): geo:latitude,longitude in WGS 84.
func position(uri string, at domain.Millis) []domain.Reading {
	rest, found := strings.CutPrefix(uri, "geo:")
	rest, _, extra := strings.Cut(rest, ";")
	latitude, longitude, pair := strings.Cut(rest, ",")
	if !found || extra || !pair {
		return nil
	}
	return coordinates(latitude, longitude, at)
}

// coordinates makes the two readings of a position, none if the numbers are no place on earth.
func coordinates(latitude, longitude string, at domain.Millis) []domain.Reading {
	a, errA := parseDecimal(latitude)
	b, errB := parseDecimal(longitude)
	lat, okA := a.at(7, 1, 1)
	lon, okB := b.at(7, 1, 1)
	if errA != nil || errB != nil || !okA || !okB || lat < -90e7 || lat > 90e7 || lon < -180e7 || lon > 180e7 {
		return nil
	}
	return []domain.Reading{
		{Name: domain.QuantityLatitude, Unit: "lat", Value: lat, Scale: 7, At: at},
		{Name: domain.QuantityLongitude, Unit: "lon", Value: lon, Scale: 7, At: at},
	}
}

// conditions are the temperatures. Several probes that differ at one instant give the least and the greatest.
func (e Event) conditions() []domain.Reading {
	var all []domain.Reading
	values := map[domain.Millis][]int64{}
	for _, sensor := range e.Sensors {
		for _, report := range sensor.Reports {
			if report.Type != temperatureType || report.Component != "" {
				continue
			}
			from, at := e.span(sensor, report)
			milli, readings := report.temperature(from, at)
			if readings == nil {
				values[at] = append(values[at], milli)
			}
			all = append(all, readings...)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(values)) {
		least, greatest := slices.Min(values[at]), slices.Max(values[at])
		if least == greatest {
			all = append(all, celsius(domain.QuantityTemperature, least, 0, at))
			continue
		}
		all = append(all, celsius(domain.QuantityTemperatureMin, least, 0, at), celsius(domain.QuantityTemperatureMax, greatest, 0, at))
	}
	slices.SortStableFunc(all, func(a, b domain.Reading) int { return cmp.Compare(a.At, b.At) })
	return all
}

// span is when a report was measured: its own time, else that of its element, else the event's.
func (e Event) span(s Sensor, r Report) (from, at domain.Millis) {
	switch {
	case r.At != 0:
		return 0, r.At
	case s.At != 0:
		return 0, s.At
	case s.To != 0:
		return s.From, s.To
	}
	return 0, e.Time
}

// temperature gives the value of a report, or the readings that stand for it if it has no single one: its
// bounds, or the reason why there is none. A value beside an error condition is not believed.
func (r Report) temperature(from, at domain.Millis) (milli int64, readings []domain.Reading) {
	fault := func(why string) (int64, []domain.Reading) {
		return 0, []domain.Reading{{Name: domain.QuantityFault, Text: why, At: at}}
	}
	if rule, _ := r.fault(); rule != "" {
		return fault(rule)
	}
	if r.Exception == "ERROR_CONDITION" {
		return fault(r.Exception)
	}
	if r.Value != nil && from == 0 && r.Min == nil && r.Max == nil {
		milli, _ = r.Value.celsius(r.Unit)
		return milli, nil
	}
	for _, bound := range []struct {
		name string
		of   *Decimal
	}{{domain.QuantityTemperature, r.Value}, {domain.QuantityTemperatureMin, r.Min}, {domain.QuantityTemperatureMax, r.Max}} {
		if bound.of != nil {
			milli, _ := bound.of.celsius(r.Unit)
			readings = append(readings, celsius(bound.name, milli, from, at))
		}
	}
	if readings == nil {
		return fault("NO_VALUE")
	}
	return 0, readings
}

func celsius(name string, milli int64, from, at domain.Millis) domain.Reading {
	return domain.Reading{Name: name, Unit: "Cel", Value: milli, Scale: 3, From: from, At: at}
}
