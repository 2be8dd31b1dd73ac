package epcis_test

import (
	"errors"
	"strings"
	"testing"

	"aval/domain"
	"aval/iot/epcis"
)

// tracked is one DCSA event at 11:00 on 1 March 2026.
func tracked(classification, members string) string {
	return `{"events":[{"eventID":"e-1","eventDateTime":"2026-03-01T11:00:00Z","eventUpdatedDateTime":"2026-03-01T11:05:00Z",
		"eventLocation":{"UNLocationCode":"NLAMS"},"eventClassification":{` + classification + `}` + members + `}]}`
}

func equipment(classifier, code, more string) string {
	return tracked(`"eventTypeCode":"EQUIPMENT","eventClassifierCode":"`+classifier+`","equipmentEventTypeCode":"`+code+`"`,
		`,"equipmentDetails":{"equipmentReference":"CSQU3054383","ISOEquipmentCode":"45R1"`+more+`}`)
}

func TestTrackingEventsBecomeReadings(t *testing.T) {
	reefer := func(classifier, code, parameters string) string {
		return tracked(`"eventTypeCode":"REEFER","eventClassifierCode":"`+classifier+`","reeferEventTypeCode":"`+code+`"`,
			`,"equipmentDetails":{"equipmentReference":"CSQU3054383"},"reeferDetails":{"setpointParameters":{"temperatureValue":-18,"temperatureUnit":"CEL"},"measuredParameters":{`+parameters+`}}`)
	}
	signal := func(code string) string {
		return strings.Replace(tracked(`"eventTypeCode":"IOT","eventClassifierCode":"ACT","iotEventTypeCode":"DETC"`, `,"iotDetails":{"iotEventCode":"`+code+`"}`),
			`"NLAMS"`, `"NLAMS","geoCoordinate":{"latitude":"48.85855","longitude":"2.294492036"}`, 1)
	}
	const goods = "goods 0 CSQU3054383"
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"a vessel arrives":      {tracked(`"eventTypeCode":"TRANSPORT","eventClassifierCode":"ACT","transportEventTypeCode":"ARRI"`, ``), []string{"move 0 NLAMS arrived"}},
		"a vessel may arrive":   {tracked(`"eventTypeCode":"TRANSPORT","eventClassifierCode":"EST","transportEventTypeCode":"ARRI"`, ``), nil},
		"a box is to go":        {equipment("PLN", "GTOT", ""), nil},
		"a box is asked for":    {equipment("REQ", "PICK", ""), nil},
		"a box comes in":        {equipment("ACT", "GTIN", `,"seals":[{"number":"A1","source":"SHI","type":"BLT"}]`), []string{goods, "move 0 CSQU3054383 NLAMS arrived", "seal 0 A1 NLAMS intact SHI"}},
		"customs seal it again": {equipment("ACT", "RSEA", `,"seals":[{"number":"NL-7","source":"CUS"}]`), []string{goods, "seal 0 NL-7 NLAMS affixed CUS"}},
		"a seal is gone":        {equipment("ACT", "RMVD", `,"seals":[{"number":"A1"}]`), []string{goods, "seal 0 A1 NLAMS removed"}},
		"a door opens":          {signal("DRO"), []string{"door 0 NLAMS opened"}},
		"a door closes":         {signal("DRC"), []string{"door 0 NLAMS closed"}},
		"a position":            {signal("LOC"), []string{"latitude 0 488585500e-7 lat", "longitude 0 22944920e-7 lon"}},
		"a reefer measures":     {reefer("ACT", "MEAS", `"temperatureValue":-0.4,"temperatureUnit":"FAH"`), []string{goods, "temperature 0 -18000e-3 Cel"}},
		"a reefer says nothing": {reefer("ACT", "MEAS", `"humidityPercentage":80`), []string{goods, "fault 0 NO_VALUE"}},
		"a reefer is adjusted":  {reefer("ACT", "ADJU", `"temperatureValue":4,"temperatureUnit":"CEL"`), []string{goods}},
		"a wrong container":     {strings.Replace(equipment("ACT", "GTIN", ""), "CSQU3054383", "CSQU3054384", 1), []string{"move 0 CSQU3054384 NLAMS arrived"}},
		"it was not so":         {`[{"eventID":"e-1","isRetracted":true,"eventUpdatedDateTime":"2026-03-01T11:09:00Z"}]`, []string{"withdrawal 9 e-1 retracted"}},
	} {
		d, err := epcis.ParseDCSA([]byte(c.document))
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

func TestUnsoundTrackingEventsAreRefusedByName(t *testing.T) {
	for document, want := range map[string]string{
		`{}`:                                    "events: is missing",
		`{"events":{}}`:                         "events: want an array",
		`{"events":[],"x":1}`:                   "x: unknown field",
		`[{}]`:                                  "events[0].eventID: is missing",
		`[{"eventID":"1"}]`:                     "events[0].eventClassification: is missing",
		`[{"eventID":"1","isRetracted":"yes"}]`: "events[0].isRetracted: want true or false",
		`[{"eventID":"` + strings.Repeat("e", 501) + `","isRetracted":true}]`:                           "events[0].eventID: more than 500 bytes",
		strings.Replace(equipment("ACT", "GTIN", ""), `"eventDateTime":"2026-03-01T11:00:00Z",`, ``, 1): "events[0].eventDateTime: is missing",
		equipment("NOW", "GTIN", ""):                                           `events[0].eventClassification.eventClassifierCode: "NOW" is none of ACT EST PLN REQ`,
		equipment("ACT", "TOSS", ""):                                           `events[0].eventClassification.equipmentEventTypeCode: "TOSS" is none of`,
		equipment("ACT", "GTIN", `,"seals":[{"source":"CUS"}]`):                "events[0].equipmentDetails.seals[0].number: is missing",
		equipment("ACT", "GTIN", `,"seals":[{"number":"1","source":"ME"}]`):    `events[0].equipmentDetails.seals[0].source: "ME" is none of`,
		tracked(`"eventTypeCode":"EQUIPMENT","eventClassifierCode":"ACT"`, ``): "events[0].eventClassification.equipmentEventTypeCode: is missing",
		tracked(`"eventTypeCode":"TRANSPORT","eventClassifierCode":"ACT","transportEventTypeCode":"ARRI","iotEventTypeCode":"DETC"`, ``):                                                         "events[0].eventClassification.iotEventTypeCode: does not belong to an event of type TRANSPORT",
		tracked(`"eventTypeCode":"TRANSPORT","eventClassifierCode":"ACT","transportEventTypeCode":"ARRI"`, `,"x":1`):                                                                             "events[0].x: unknown field",
		strings.Replace(equipment("ACT", "GTIN", ""), "NLAMS", "Amsterdam", 1):                                                                                                                   "events[0].eventLocation.UNLocationCode: want a UN/LOCODE",
		tracked(`"eventTypeCode":"REEFER","eventClassifierCode":"ACT","reeferEventTypeCode":"MEAS"`, `,"reeferDetails":{"measuredParameters":{"temperatureValue":1e9,"temperatureUnit":"CEL"}}`): "events[0].reeferDetails.measuredParameters.temperatureValue: want a number without an exponent",
		tracked(`"eventTypeCode":"REEFER","eventClassifierCode":"ACT","reeferEventTypeCode":"MEAS"`, `,"reeferDetails":{"measuredParameters":{"temperatureValue":1}}`):                           "events[0].reeferDetails.measuredParameters.temperatureUnit: is missing",
	} {
		_, err := epcis.ParseDCSA([]byte(document))
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Detail, want) {
			t.Errorf("%s\ngot  %v\nwant %s", document, err, want)
		}
	}
}

func TestAContentHasOneDigest(t *testing.T) {
	digest := func(document string) string {
		d, err := epcis.ParseDCSA([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		return d.Events[0].Digest
	}
	a := digest(`[{"eventID":"e","isRetracted":true,"eventRouting":{"a":[1,"x",null,true]}}]`)
	if b := digest(`[{"eventRouting":{"a":[1,"\u0078",null,true]},"isRetracted":true,"eventID":"e"}]`); a != b {
		t.Error("the order of members changes the digest")
	}
	if b := digest(`[{"eventID":"e","isRetracted":true,"eventRouting":{"a":["x",1,null,true]}}]`); a == b {
		t.Error("the order of a list does not change the digest")
	}
}

func FuzzParseDCSA(f *testing.F) {
	f.Add([]byte(equipment("ACT", "RSEA", `,"seals":[{"number":"NL-7","source":"CUS"}]`)))
	f.Add([]byte(`[{"eventID":"e-1","isRetracted":true}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := epcis.ParseDCSA(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v is no refusal", err)
		}
		if err == nil {
			if _, err := d.Readings(); err != nil && !errors.As(err, &refusal) {
				t.Fatalf("%v is no refusal", err)
			}
		}
	})
}
