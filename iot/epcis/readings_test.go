package epcis_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aval/domain"
	"aval/iot/epcis"
)

// line writes a reading on one line, instants as minutes from 11:00 on 1 March 2026.
func line(r domain.Reading) string {
	const start = 1772362800000
	parts := []string{r.Name, fmt.Sprint(int64(r.At-start) / 60000)}
	if r.From != 0 {
		parts = append(parts, fmt.Sprint("from ", int64(r.From-start)/60000))
	}
	if r.Unit != "" {
		parts = append(parts, fmt.Sprint(r.Value, "e-", r.Scale, " ", r.Unit))
	}
	for _, s := range []string{r.Text, r.Place, r.State, r.By} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func lines(t *testing.T, readings []domain.Reading, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range readings {
		if r.Name != domain.QuantityEvent {
			all = append(all, line(r))
		}
	}
	return all
}

func sensed(reports string) string {
	return event("ObjectEvent", observed+`,"sensorElementList":[`+reports+`]`)
}

func TestEventsBecomeReadings(t *testing.T) {
	const goods = "goods 0 340123450000000017"
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"a scan at a GLN": {
			event("ObjectEvent", observed+`,"bizStep":"arriving","readPoint":{"id":"urn:epc:id:sgln:4012345.00025.0"}`),
			[]string{goods, "scan 0 340123450000000017 4012345000252 arrived"},
		},
		"a scan of a set": {
			event("AggregationEvent", `"action":"OBSERVE","parentID":"urn:epc:id:sscc:4012345.0000000333","childEPCs":["https://id.gs1.org/00/340123450000000017","urn:epc:id:sgtin:4012345.011111.1"],"bizStep":"departing","bizLocation":{"id":"https://example.org/some/414/4012345000252?lang=en"}`),
			[]string{"goods 0 040123450000003338", "scan 0 040123450000003338 4012345000252 departed", goods, "scan 0 340123450000000017 4012345000252 departed"},
		},
		"a container": {
			event("ObjectEvent", `"action":"OBSERVE","epcList":["urn:epc:id:bic:CSQU3054383"]`),
			[]string{"goods 0 CSQU3054383"},
		},
		"a position": {
			event("ObjectEvent", observed+`,"readPoint":{"id":"geo:52.3702160,-4.8951680"}`),
			[]string{goods, "latitude 0 523702160e-7 lat", "longitude 0 -48951680e-7 lon"},
		},
		"Celsius at the event's time": {sensed(`{"sensorReport":[{"type":"Temperature","value":4,"uom":"CEL"}]}`), []string{goods, "temperature 0 4000e-3 Cel"}},
		"Fahrenheit":                  {sensed(`{"sensorReport":[{"type":"Temperature","value":39.2,"uom":"FAH"}]}`), []string{goods, "temperature 0 4000e-3 Cel"}},
		"Fahrenheit below zero":       {sensed(`{"sensorReport":[{"type":"Temperature","value":-0.4,"uom":"FAH"}]}`), []string{goods, "temperature 0 -18000e-3 Cel"}},
		"Kelvin":                      {sensed(`{"sensorReport":[{"type":"gs1:Temperature","value":255.15,"uom":"KEL"}]}`), []string{goods, "temperature 0 -18000e-3 Cel"}},
		"the report's time before the element's": {
			sensed(`{"sensorMetadata":{"time":"2026-03-01T11:30:00Z"},"sensorReport":[{"type":"Temperature","value":4,"uom":"CEL","time":"2026-03-01T11:20:00Z"},{"type":"Temperature","value":5,"uom":"CEL"}]}`),
			[]string{goods, "temperature 20 4000e-3 Cel", "temperature 30 5000e-3 Cel"},
		},
		"bounds over a span": {
			sensed(`{"sensorMetadata":{"startTime":"2026-03-01T11:10:00Z","endTime":"2026-03-01T12:10:00Z"},"sensorReport":[{"type":"Temperature","minValue":2.4,"maxValue":8.1,"meanValue":5,"uom":"CEL"}]}`),
			[]string{goods, "temperature-min 70 from 10 2400e-3 Cel", "temperature-max 70 from 10 8100e-3 Cel"},
		},
		"an error is not zero degrees": {
			sensed(`{"sensorReport":[{"type":"Temperature","exception":"ERROR_CONDITION","uom":"CEL"}]}`), []string{goods, "fault 0 ERROR_CONDITION"},
		},
		"a value beside an error is not believed": {
			sensed(`{"sensorReport":[{"type":"Temperature","exception":"gs1:ERROR_CONDITION","value":0,"uom":"CEL"}]}`), []string{goods, "fault 0 ERROR_CONDITION"},
		},
		"an alarm keeps its value": {
			sensed(`{"sensorReport":[{"type":"Temperature","exception":"ALARM_CONDITION","value":9.5,"uom":"CEL"}]}`), []string{goods, "temperature 0 9500e-3 Cel"},
		},
		"a mean alone says too little": {sensed(`{"sensorReport":[{"type":"Temperature","meanValue":5,"uom":"CEL"}]}`), []string{goods, "fault 0 NO_VALUE"}},
		"two probes at one instant": {
			sensed(`{"sensorReport":[{"type":"Temperature","value":4,"uom":"CEL"},{"type":"Temperature","value":4.5,"uom":"CEL"},{"type":"RelativeHumidity","value":80,"uom":"P1"}]}`),
			[]string{goods, "temperature-min 0 4000e-3 Cel", "temperature-max 0 4500e-3 Cel"},
		},
		"an error declared": {
			event("ObjectEvent", observed+`,"eventID":"urn:uuid:1","errorDeclaration":{"declarationTime":"2026-03-01T11:45:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:uuid:2"]}`),
			[]string{"withdrawal 45 urn:uuid:1 incorrect_data", "correction 45 urn:uuid:2"},
		},
	} {
		d, err := epcis.Parse([]byte(c.document))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		readings, err := d.Readings()
		if got := lines(t, readings, err); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

func TestOneDocumentHasBoundedReadings(t *testing.T) {
	var reports []string
	for i := range 1000 {
		reports = append(reports, fmt.Sprintf(`{"type":"Temperature","value":4,"uom":"CEL","time":"2026-03-01T11:00:%02d.%03dZ"}`, i/100, i%100))
	}
	d, err := epcis.Parse([]byte(sensed(`{"sensorReport":[` + strings.Join(reports, ",") + `]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Readings(); err == nil || err.Error() != "limit-exceeded: event[0]: more than 1000 readings in one document" {
		t.Errorf("got %v", err)
	}
}

// The hash does not depend on the way in which an event is written, and on nothing that is not part of it.
func TestHashIsThatOfTheEventAndNotOfItsText(t *testing.T) {
	plain := event("ObjectEvent", `"action":"OBSERVE","epcList":["urn:epc:id:sscc:4012345.0000000333","urn:epc:id:sscc:4012345.0000000111"],"bizStep":"departing",
		"readPoint":{"id":"urn:epc:id:sgln:4012345.00011.987"},"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4.50,"uom":"CEL"}]}]`)
	same := map[string]string{
		"order of lists and members": event("ObjectEvent", `"readPoint":{"id":"https://id.example.org/414/4012345000115/254/987"},"bizStep":"https://ref.gs1.org/cbv/BizStep-departing",
			"epcList":["https://id.gs1.org/00/040123450000001112?a=b","urn:epc:id:sscc:4012345.0000000333"],"action":"OBSERVE","sensorElementList":[{"sensorReport":[{"uom":"CEL","value":4.5,"type":"gs1:Temperature"}]}]`),
		"another offset of the same instant": strings.Replace(plain, "2026-03-01T11:00:00Z", "2026-03-01T12:00:00.000+01:00", 1),
		"ID, record time, error declaration": strings.Replace(plain, `"action"`, `"eventID":"urn:uuid:1","recordTime":"2026-03-01T13:00:00Z","errorDeclaration":{"declarationTime":"2026-03-01T12:00:00Z"},"action"`, 1),
	}
	hash := func(document string) string {
		d, err := epcis.Parse([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		return d.Events[0].Hash
	}
	want := hash(plain)
	for name, document := range same {
		if got := hash(document); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, other := range []string{
		strings.Replace(plain, "4.50", "4.51", 1), strings.Replace(plain, "departing", "arriving", 1),
		strings.Replace(plain, "+01:00", "+02:00", 1), strings.Replace(plain, `"action"`, `"https://x.example/y":"1","action"`, 1),
	} {
		if hash(other) == want {
			t.Errorf("the same hash for %s", other)
		}
	}
}

// The second example that GS1's authors of the algorithm publish with its Event Hash ID.
func TestHashOfThePublishedExample(t *testing.T) {
	published := map[string]any{
		"type": "ObjectEvent", "eventTime": "2020-04-01T15:00:00+01:00", "eventTimeZoneOffset": "+01:00", "action": "OBSERVE",
		"epcList": []string{"urn:epc:id:sgtin:4012345.011111.9876"}, "bizStep": "inspecting", "readPoint": map[string]string{"id": "urn:epc:id:sgln:4012345.00005.0"},
		"sensorElementList": []any{map[string]any{
			"sensorMetadata": map[string]string{"deviceID": "urn:epc:id:giai:4000001.111", "deviceMetadata": "https://id.gs1.org/8004/4000001111"},
			"sensorReport": []any{
				map[string]any{"type": "Temperature", "value": json.Number("26"), "sDev": json.Number("0.1"), "uom": "CEL"},
				map[string]any{"type": "AbsoluteHumidity", "value": json.Number("12.1"), "uom": "A93"},
				map[string]any{"type": "Dimensionless", "microorganism": "https://www.ncbi.nlm.nih.gov/taxonomy/1126011", "value": json.Number("0.05"), "uom": "C35"},
				map[string]any{"type": "Dimensionless", "chemicalSubstance": "https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N", "value": json.Number("0.18"), "uom": "C35"},
			},
		}},
	}
	raw, err := json.Marshal(published)
	if err != nil {
		t.Fatal(err)
	}
	d, err := epcis.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Events[0].Hash, "ni:///sha-256;49b13037c36e84ad9307c531671b00e901318c3957e4b1151f816ec49eb668da?ver=CBV2.0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
