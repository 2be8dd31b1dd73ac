package epcis

import (
	"strconv"

	"aval/domain/ident"
)

// exceptions lists what event i says and cannot be.
func (e Event) exceptions(i int) []Exception {
	var all []Exception
	base := "event[" + strconv.Itoa(i) + "]."
	note := func(rule, path, text string) { all = append(all, Exception{rule, base + path, text}) }
	check := func(path string, uris ...string) {
		for n, uri := range uris {
			at := path
			if len(uris) > 1 {
				at += step(n)
			}
			if key, ok := parseKey(uri); ok {
				if err := key.sound(); err != nil {
					note("GS1-CHECK", at, "identifier with a wrong check digit")
				}
			} else if urn(uri) {
				note("GS1-URN", at, "EPC URI whose parts have not the lengths of its scheme")
			}
		}
	}
	check("epcs", e.EPCs...)
	check("inputs", e.Inputs...)
	check("parentID", e.Parent)
	check("readPoint", e.ReadPoint)
	check("bizLocation", e.Location)
	for s, sensor := range e.Sensors {
		for r, report := range sensor.Reports {
			path := "sensorElementList" + step(s) + ".sensorReport" + step(r)
			if rule, text := report.fault(); rule != "" {
				note(rule, path, text)
			}
		}
	}
	return all
}

// sound refuses a key whose check digit is wrong. Keys without one are sound.
func (k Key) sound() error {
	switch k.AI {
	case "00":
		return ident.CheckSSCC("sscc", k.Value)
	case "01":
		return ident.CheckGTIN("gtin", k.Value)
	case "414", "417":
		return ident.CheckGLN("gln", k.Value)
	}
	return nil
}

// fault names what is wrong with the unit or the numbers of a temperature or a humidity.
func (r Report) fault() (rule, text string) {
	for _, d := range []*Decimal{r.Value, r.Min, r.Max, r.Mean} {
		if d == nil {
			continue
		}
		if _, ok := d.celsius(r.Unit); r.Type == temperatureType && !ok {
			return "UNECE-UNIT", "a temperature in another unit than CEL, FAH and KEL, or out of range"
		}
		if _, ok := d.percent(r.Unit); r.Type == humidityType && !ok {
			return "UNECE-UNIT", "a relative humidity in another unit than P1 and C62, or out of range"
		}
	}
	if r.Type == temperatureType && r.Min != nil && r.Max != nil {
		least, _ := r.Min.celsius(r.Unit)
		greatest, _ := r.Max.celsius(r.Unit)
		if least > greatest {
			return "EPCIS-MINMAX", "minValue above maxValue"
		}
	}
	return "", ""
}

func urn(uri string) bool {
	return len(uri) > 8 && uri[:8] == "urn:epc:"
}
