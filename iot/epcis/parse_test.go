package epcis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/iot/epcis"
)

// whole puts one event, the members after its type and times, into a document.
func whole(kind, members string) string {
	return `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"acme":"https://acme.example/ns/"}],
		"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T12:00:00Z","epcisBody":{"eventList":[` + event(kind, members) + `]}}`
}

func event(kind, members string) string {
	return `{"type":"` + kind + `","eventTime":"2026-03-01T11:00:00Z","eventTimeZoneOffset":"+01:00",` + members + `}`
}

const (
	observed = `"action":"OBSERVE","epcList":["https://id.gs1.org/00/340123450000000017"]`
	added    = `"action":"ADD","epcList":["https://id.gs1.org/01/09521141012345/21/2017"]`
)

func TestSoundVariantsAreRead(t *testing.T) {
	for name, document := range map[string]string{
		"a bare event":                    event("ObjectEvent", observed),
		"bare events":                     "[" + event("ObjectEvent", observed) + "," + event("ObjectEvent", added) + "]",
		"no events":                       "[]",
		"an extension of the document":    strings.Replace(whole("ObjectEvent", observed), `"schemaVersion"`, `"acme:batch":"7","schemaVersion"`, 1),
		"an extension by its full URI":    whole("ObjectEvent", observed+`,"https://acme.example/ns/shift":{"early":[1,true,null]}`),
		"a namespace of the event":        whole("ObjectEvent", observed+`,"@context":[{"other":"urn:example:other:"}],"other:field":"1"`),
		"a standard word by its web URI":  whole("ObjectEvent", observed+`,"bizStep":"https://ref.gs1.org/cbv/BizStep-shipping"`),
		"a standard word by its URN":      whole("ObjectEvent", observed+`,"disposition":"urn:epcglobal:cbv:disp:in_transit"`),
		"a standard word as a CURIE":      whole("ObjectEvent", observed+`,"bizStep":"cbv:BizStep-shipping"`),
		"a step of one's own":             whole("ObjectEvent", observed+`,"bizStep":"acme:weighing"`),
		"quantities without an amount":    whole("ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877"}]`),
		"sensors at a place":              whole("ObjectEvent", `"action":"OBSERVE","readPoint":{"id":"geo:52.37,4.89"},"sensorElementList":[{"sensorReport":[{"type":"gs1:Temperature","value":-0.5,"uom":"CEL"}]}]`),
		"a measure of one's own":          whole("ObjectEvent", observed+`,"sensorElementList":[{"sensorReport":[{"type":"acme:ripeness","stringValue":"firm"}]}]`),
		"an aggregation that is observed": whole("AggregationEvent", `"action":"OBSERVE","childEPCs":["urn:epc:id:sgtin:4012345.011111.9876"]`),
		"an aggregation that ends":        whole("AggregationEvent", `"action":"DELETE","parentID":"urn:epc:id:sscc:4012345.0111111111"`),
		"a transaction that ends":         whole("TransactionEvent", `"action":"DELETE","bizTransactionList":[{"bizTransaction":"urn:example:po:1"}]`),
		"half a transformation":           whole("TransformationEvent", `"transformationID":"urn:example:t:1","inputEPCList":["urn:epc:id:sgtin:4012345.011111.9876"]`),
		"an event type of one's own":      whole("acme:TastingEvent", `"verdict":"good"`),
		"certificates":                    whole("ObjectEvent", observed+`,"certificationInfo":[{"gs1:CertificationDetails":{"gs1:certificationStartDate":"2026-01-31"}},"https://acme.example/c/1"]`),
		"master data of a new object":     whole("ObjectEvent", added+`,"ilmd":{"acme:grade":"A"}`),
		"master data of an observed one":  whole("ObjectEvent", observed+`,"ilmd":{"acme:grade":"A"}`), // GS1's JSON schema allows what EPCIS 7.4.2 does not
		"the last offset":                 strings.Replace(event("ObjectEvent", observed), "+01:00", "-14:00", 1),
		"nine decimals of a second":       strings.Replace(event("ObjectEvent", observed), "11:00:00Z", "11:00:00.123456789+13:45", 1),
	} {
		if _, err := epcis.Parse([]byte(document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnsoundVariantsAreRefusedByName(t *testing.T) {
	report := func(members string) string {
		return whole("ObjectEvent", observed+`,"sensorElementList":[{"sensorReport":[{"type":"Temperature",`+members+`}]}]`)
	}
	const path = "epcisBody.eventList[0]."
	for document, want := range map[string]string{
		``:                                      "document: not JSON",
		`{}`:                                    "[0].type: is missing",
		`"text"`:                                "[0]: want an object",
		`[] []`:                                 "document: data after the document",
		`[1]`:                                   "[0]: want an object",
		`[{"type":"ObjectEvent","type":"x"}]`:   "[0].type: given twice",
		whole("ObjectEvent", observed+`,"x":1`): path + "x: unknown field, or an extension without a namespace",
		whole("ObjectEvent", observed+`,"b:x":1`):                                                                       path + `b:x: an extension of namespace "b", which is not declared`,
		whole("PackingEvent", observed):                                                                                 path + "type: want an event type of EPCIS 2.0 or a URI",
		whole("ObjectEvent", `"action":"MOVE","epcList":["urn:a:b"]`):                                                   path + "action: want ADD, OBSERVE or DELETE",
		whole("ObjectEvent", `"action":"OBSERVE","epcList":[]`):                                                         path + "epcList: an ObjectEvent needs",
		whole("ObjectEvent", `"action":"OBSERVE","epcList":["pallet 7"]`):                                               path + "epcList[0]: want a URI",
		whole("ObjectEvent", `"action":"OBSERVE","epcList":["urn:a:b","urn:a:b"]`):                                      path + "epcList[1]: given twice",
		whole("ObjectEvent", `"action":"OBSERVE","epcList":"urn:a:b"`):                                                  path + "epcList: want an array",
		whole("ObjectEvent", observed+`,"bizStep":"cbv:BizStep-transforming"`):                                          path + "bizStep: \"cbv:BizStep-transforming\" is no bizStep",
		whole("ObjectEvent", observed+`,"disposition":7`):                                                               path + "disposition: want a disposition",
		whole("ObjectEvent", observed+`,"eventID":"17"`):                                                                path + "eventID: want a URI",
		whole("ObjectEvent", observed+`,"readPoint":"urn:a:b"`):                                                         path + "readPoint: want an object",
		whole("ObjectEvent", observed+`,"readPoint":{}`):                                                                path + "readPoint.id: is missing",
		whole("ObjectEvent", observed+`,"persistentDisposition":{}`):                                                    path + "persistentDisposition.set: set or unset is needed",
		whole("ObjectEvent", observed+`,"bizTransactionList":[{"type":"order","bizTransaction":"urn:a:b"}]`):            path + `bizTransactionList[0].type: "order" is no`,
		whole("ObjectEvent", observed+`,"sourceList":[{"source":"urn:a:b"}]`):                                           path + "sourceList[0].type: is missing",
		whole("ObjectEvent", observed+`,"destinationList":[{"type":"location","destination":"urn:a:b","acme:x":1}]`):    path + "destinationList[0].acme:x: unknown field",
		whole("ObjectEvent", observed+`,"errorDeclaration":{"reason":"incorrect_data"}`):                                path + "errorDeclaration.declarationTime: is missing",
		whole("ObjectEvent", observed+`,"errorDeclaration":{"declarationTime":"2026-03-01T12:00:00Z","reason":"typo"}`): path + `errorDeclaration.reason: "typo" is no`,
		whole("ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"urn:a:b","uom":"KGM"}]`):                  path + "quantityList[0].quantity: is missing",
		whole("ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"urn:a:b","quantity":-1}]`):                path + "quantityList[0].quantity: is negative",
		whole("ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"urn:a:b","quantity":1,"uom":"kg"}]`):      path + "quantityList[0].uom: want a unit code",
		whole("AggregationEvent", `"action":"ADD","childEPCs":["urn:a:b"]`):                                             path + "parentID: is missing",
		whole("AggregationEvent", `"action":"ADD","parentID":"urn:a:b"`):                                                path + "childEPCs: childEPCs or childQuantityList is needed",
		whole("AssociationEvent", `"action":"OBSERVE","childEPCs":["urn:a:b"]`):                                         path + "parentID: is missing",
		whole("TransactionEvent", `"action":"ADD","epcList":["urn:a:b"]`):                                               path + "bizTransactionList: is missing",
		whole("TransactionEvent", `"action":"ADD","bizTransactionList":[{"bizTransaction":"urn:a:b"}]`):                 path + "epcList: epcList or quantityList is needed",
		whole("TransformationEvent", `"outputEPCList":["urn:a:b"]`):                                                     path + "inputEPCList: inputEPCList or inputQuantityList is needed",
		whole("TransformationEvent", `"action":"ADD","inputEPCList":["urn:a:b"],"outputEPCList":["urn:a:c"]`):           path + "action: unknown field",
		report(`"value":1e9`):                        path + "sensorElementList[0].sensorReport[0].value: want a number without an exponent",
		report(`"value":NaN`):                        path + "sensorElementList[0].sensorReport[0].value: not JSON: invalid character 'N'",
		report(`"value":"4.0"`):                      path + "sensorElementList[0].sensorReport[0].value: want a number",
		report(`"value":` + strings.Repeat("3", 30)): path + "sensorElementList[0].sensorReport[0].value: number of 30 digits, limit 18",
		report(`"uom":"Cel"`):                        path + "sensorElementList[0].sensorReport[0].uom: want a unit code",
		report(`"exception":"BROKEN"`):               path + `sensorElementList[0].sensorReport[0].exception: "BROKEN" is no exception`,
		report(`"time":"2026-03-01T11:00:00"`):       path + "sensorElementList[0].sensorReport[0].time: want a date and time with an offset",
		report(`"hexBinaryValue":"f"`):               path + "sensorElementList[0].sensorReport[0].hexBinaryValue: want pairs",
		whole("ObjectEvent", observed+`,"sensorElementList":[{"sensorReport":[]}]`):                          path + "sensorElementList[0].sensorReport: want at least one",
		strings.Replace(whole("ObjectEvent", observed), `"+01:00"`, `"+14:30"`, 1):                           path + "eventTimeZoneOffset: want an offset",
		strings.Replace(whole("ObjectEvent", observed), `"+01:00"`, `"01:00"`, 1):                            path + "eventTimeZoneOffset: want an offset",
		strings.Replace(whole("ObjectEvent", observed), `11:00:00Z`, `25:00:00Z`, 1):                         path + "eventTime: want a date and time",
		strings.Replace(whole("ObjectEvent", observed), `"2026-03-01T11`, `"1926-03-01T11`, 1):               path + "eventTime: want a time of the years",
		strings.Replace(whole("ObjectEvent", observed), `"schemaVersion":"2.0"`, `"schemaVersion":"1.2"`, 1): "schemaVersion: want version 2",
		strings.Replace(whole("ObjectEvent", observed), `"creationDate":"2026-03-01T12:00:00Z",`, ``, 1):     "creationDate: is missing",
		strings.Replace(whole("ObjectEvent", observed), `"eventList"`, `"events"`, 1):                        "epcisBody.eventList: is missing",
		strings.Replace(whole("ObjectEvent", observed), `"acme":"https`, `"action":"https`, 1):               "@context[1].action: redefines what EPCIS defines",
		strings.Replace(whole("ObjectEvent", observed), `"acme":"https`, `"@vocab":"https`, 1):               "@context[1].@vocab: redefines",
		whole("ObjectEvent", observed+`,"acme:x":"\ud800"`):                                                  path + "acme:x: text that is not Unicode",
	} {
		_, err := epcis.Parse([]byte(document))
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || refusal.Code != domain.Malformed || !strings.HasPrefix(refusal.Detail, want) {
			t.Errorf("%s\ngot  %v\nwant %s", document, err, want)
		}
	}
}

func TestLimitsAreRefusedByName(t *testing.T) {
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for want, document := range map[string]string{
		"too-large: document: 524289 bytes, limit 524288":        strings.Repeat(" ", epcis.MaxBytes+1),
		"limit-exceeded: document: more events than 500":         "[" + many(501, event("ObjectEvent", observed)) + "]",
		"limit-exceeded: acme:x[5000]: more than 5000 items":     `{"acme:x":[` + many(5001, "1") + "]}",
		"limit-exceeded: acme:x: text of 8193 bytes, limit 8192": `{"acme:x":"` + strings.Repeat("x", 8193) + `"}`,
		"malformed: document: not UTF-8":                         "[\"\xff\"]",
	} {
		if _, err := epcis.Parse([]byte(document)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	if _, err := epcis.Parse([]byte(deep)); err == nil || !strings.HasSuffix(err.Error(), "nested deeper than 32") {
		t.Errorf("got %v, want a limit of depth", err)
	}
	wide := "[" + many(20, "["+many(4000, "1")+"]") + "]"
	if _, err := epcis.Parse([]byte(wide)); err == nil || !strings.Contains(err.Error(), "more than 50000 values") {
		t.Errorf("got %v, want a limit of values", err)
	}
}

func TestWhatCannotBeIsAnException(t *testing.T) {
	document := whole("ObjectEvent", `"action":"OBSERVE","epcList":["https://id.gs1.org/00/340123450000000018","urn:epc:id:sscc:4012345.1"],
		"readPoint":{"id":"https://id.gs1.org/414/4012345000252"},"bizLocation":{"id":"https://id.gs1.org/414/4012345000253"},
		"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4,"uom":"KGM"},{"type":"Temperature","minValue":5,"maxValue":4,"uom":"CEL"}]}]`)
	d, err := epcis.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range d.Exceptions {
		got = append(got, e.Rule+" "+e.Path)
	}
	want := []string{
		"GS1-CHECK event[0].epcs[0]", "GS1-URN event[0].epcs[1]", "GS1-CHECK event[0].bizLocation",
		"UNECE-UNIT event[0].sensorElementList[0].sensorReport[0]", "EPCIS-MINMAX event[0].sensorElementList[0].sensorReport[1]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	readings, err := d.Readings()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readings {
		if r.Name != domain.QuantityEvent && r.Name != domain.QuantityFault {
			t.Errorf("%s counts, though what it is about cannot be", fmt.Sprint(r))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole("ObjectEvent", observed+`,"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4.5,"uom":"FAH"}]}]`)))
	f.Add([]byte(whole("AggregationEvent", `"action":"ADD","parentID":"urn:epc:id:sscc:4012345.0111111111","childEPCs":["urn:epc:id:bic:CSQU3054383"]`)))
	f.Add([]byte(whole("ObjectEvent", observed+`,"errorDeclaration":{"declarationTime":"2026-03-01T12:00:00Z","correctiveEventIDs":["urn:a:b"]}`)))
	f.Add([]byte(`[{"type":"urn:x:y","eventTime":"2026-03-01T11:00:00Z","eventTimeZoneOffset":"+01:00"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := epcis.Parse(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v is no refusal", err)
		}
		if err != nil {
			return
		}
		if _, err := d.Readings(); err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v is no refusal", err)
		}
		again, err := epcis.Parse(raw)
		if err != nil || fmt.Sprint(again) == "" || len(again.Events) != len(d.Events) {
			t.Fatal("the same bytes read otherwise")
		}
	})
}
