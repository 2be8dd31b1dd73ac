package epcis

import (
	"strings"

	"aval/domain"
)

// Sensor is one sensorElement: what was measured, and when.
type Sensor struct {
	// At is the instant of all reports, From and To their span; zero if it does not say.
	At      domain.Millis `json:"time,omitempty"`
	From    domain.Millis `json:"startTime,omitempty"`
	To      domain.Millis `json:"endTime,omitempty"`
	Device  string        `json:"deviceID,omitempty"`
	Reports []Report      `json:"reports"`
}

// Report is one sensorReport; numbers are nil where the sensor gave none.
type Report struct {
	// Type is a measurement type of the GS1 web vocabulary, or a URI.
	Type string        `json:"type"`
	At   domain.Millis `json:"time,omitempty"`
	// Exception is ALARM_CONDITION, ERROR_CONDITION, a URI, or empty.
	Exception string   `json:"exception,omitempty"`
	Device    string   `json:"deviceID,omitempty"`
	Value     *Decimal `json:"value,omitempty"`
	Min       *Decimal `json:"minValue,omitempty"`
	Max       *Decimal `json:"maxValue,omitempty"`
	Mean      *Decimal `json:"meanValue,omitempty"`
	// Component says of which part of a compound the value is, latitude for example.
	Component string `json:"component,omitempty"`
	Text      string `json:"stringValue,omitempty"`
	Unit      string `json:"uom,omitempty"`
}

func readSensor(n node, s spaces) (Sensor, error) {
	o := open(n, s)
	var e Sensor
	if meta, ok := o.get("sensorMetadata"); ok {
		o.fail("sensorMetadata", e.metadata(open(meta, s)))
	}
	if n := o.need("sensorReport"); len(n.items) == 0 {
		o.fail("sensorReport", malformed("want at least one"))
	}
	e.Reports = list(o, "sensorReport", func(n node) (Report, error) { return readReport(n, s) })
	return e, o.extend()
}

func (e *Sensor) metadata(o *object) error {
	e.At, e.From, e.To = o.instant("time"), o.instant("startTime"), o.instant("endTime")
	e.Device = o.uri("deviceID")
	for _, name := range []string{"deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"} {
		o.uri(name)
	}
	if e.From > e.To && e.To != 0 {
		o.fail("endTime", malformed("is before startTime"))
	}
	return o.extend()
}

func readReport(n node, s spaces) (Report, error) {
	o := open(n, s)
	o.need("type")
	r := Report{
		Type: o.word("type", measures), At: o.instant("time"), Exception: o.word("exception", alerts), Device: o.uri("deviceID"),
		Value: o.number("value"), Min: o.number("minValue"), Max: o.number("maxValue"), Mean: o.number("meanValue"),
		Component: o.word("component", components), Text: o.text("stringValue"), Unit: o.text("uom"),
	}
	for _, name := range []string{"deviceMetadata", "rawData", "dataProcessingMethod", "bizRules", "microorganism", "chemicalSubstance", "uriValue", "coordinateReferenceSystem"} {
		o.uri(name)
	}
	o.number("sDev")
	o.number("percRank")
	o.number("percValue")
	if v, ok := o.get("booleanValue"); ok && v.kind != 't' {
		o.fail("booleanValue", malformed("want true or false"))
	}
	if v := o.text("hexBinaryValue"); strings.Trim(v, "0123456789abcdefABCDEF") != "" || len(v)%2 != 0 {
		o.fail("hexBinaryValue", malformed("want pairs of hexadecimal digits"))
	}
	if r.Unit != "" && !unit(r.Unit) {
		o.fail("uom", malformed("want a unit code of UN/ECE Recommendation 20"))
	}
	return r, o.extend()
}

// The measurement types that a contract may judge.
const (
	temperatureType = "Temperature"
	humidityType    = "RelativeHumidity"
)
