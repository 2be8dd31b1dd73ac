package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/ident"
)

// Tracking is what a list of DCSA events says.
type Tracking struct {
	Events     []TrackingEvent `json:"events"`
	Exceptions []Exception     `json:"exceptions,omitempty"`
}

// TrackingEvent is one event of DCSA Track and Trace 3.0. Codes are DCSA's.
type TrackingEvent struct {
	ID string `json:"eventID"`
	// Retracted withdraws this event and every earlier one of the same ID.
	Retracted bool `json:"isRetracted,omitempty"`
	// Updated is the publisher's time of this version; a later one replaces an earlier one.
	Updated domain.Millis `json:"eventUpdatedDateTime,omitempty"`
	At      domain.Millis `json:"eventDateTime,omitempty"`
	// Type is SHIPMENT, TRANSPORT, EQUIPMENT, IOT or REEFER, Code what happened, such as ARRI or RSEA;
	// Classifier ACT for what happened, PLN, EST or REQ for what did not.
	Type       string `json:"eventTypeCode,omitempty"`
	Code       string `json:"eventCode,omitempty"`
	Classifier string `json:"eventClassifierCode,omitempty"`
	// Place is a UN/LOCODE, Container an equipment reference (ISO 6346).
	Place     string          `json:"UNLocationCode,omitempty"`
	Latitude  string          `json:"latitude,omitempty"`
	Longitude string          `json:"longitude,omitempty"`
	Container string          `json:"equipmentReference,omitempty"`
	Seals     []ContainerSeal `json:"seals,omitempty"`
	// Signal is what a device on the container noticed: DRO, DRC or LOC.
	Signal string `json:"iotEventCode,omitempty"`
	// Measured is the temperature of a reefer in Unit, CEL or FAH; nil if it gave none.
	Measured *Decimal `json:"temperatureValue,omitempty"`
	Unit     string   `json:"temperatureUnit,omitempty"`
	// Digest is over the whole content, members in order of name.
	Digest string `json:"digest"`
}

// ContainerSeal is one seal of a container.
type ContainerSeal struct {
	Number string `json:"number"`
	// Source is who affixed it: CAR, SHI, PHY, VET, CUS, or empty.
	Source string `json:"source,omitempty"`
}

// ParseDCSA reads {"events": [...]} or a bare array, strictly. Errors are *domain.Rejection.
func ParseDCSA(raw []byte) (Tracking, error) {
	t, err := parseTracking(raw)
	if err != nil {
		return Tracking{}, rejection("document", err)
	}
	return t, nil
}

func parseTracking(raw []byte) (Tracking, error) {
	n, err := parseJSON(raw)
	if err != nil {
		return Tracking{}, err
	}
	o := &object{members: []member{{"events", n}}, taken: map[string]bool{}}
	if n.kind == '{' {
		o = open(n, nil)
		o.get("feedbackElements")
	}
	if all := o.need("events"); len(all.items) > MaxEvents {
		o.fail("events", tooMany("more events than "+decimalText(MaxEvents)))
	}
	var t Tracking
	t.Events = list(o, "events", readTracking)
	for i, e := range t.Events {
		t.Exceptions = append(t.Exceptions, e.exceptions(i)...)
	}
	return t, o.close()
}

func readTracking(n node) (TrackingEvent, error) {
	o := open(n, nil)
	var e TrackingEvent
	o.need("eventID")
	e.ID = o.text("eventID")
	if len(e.ID) > maxEventID {
		o.fail("eventID", tooMany("more than "+decimalText(maxEventID)+" bytes"))
	}
	e.Retracted = o.flag("isRetracted")
	e.Updated, e.At = o.instant("eventUpdatedDateTime"), o.instant("eventDateTime")
	e.location(o)
	e.classify(o)
	e.equipment(o)
	e.measured(o)
	for _, name := range []string{"eventRouting", "shipmentLocationType", "documentReferences", "documentReferenceReplacements",
		"shipmentReferences", "shipmentReferenceReplacements", "shipmentDetails", "transportDetails"} {
		o.get(name)
	}
	sum := sha256.Sum256([]byte(sorted(n)))
	e.Digest = "sha-256;" + hex.EncodeToString(sum[:])
	return e, o.close()
}

// maxEventID is the standard's limit for an eventID.
const maxEventID = 500

func (o *object) flag(name string) bool {
	n, ok := o.get(name)
	if ok && n.kind != 't' {
		o.fail(name, malformed("want true or false"))
	}
	return n.text == "true"
}

// inner reads the members of an object of which only some matter.
func (o *object) inner(name string, read func(*object)) {
	n, ok := o.get(name)
	if !ok {
		return
	}
	i := open(n, nil)
	read(i)
	o.fail(name, i.err)
}

func (o *object) code(name string, codes string) string {
	s := o.text(name)
	if known := strings.Fields(codes); s != "" && !slices.Contains(known, s) {
		o.fail(name, refusef("%.20q is none of %s", s, strings.Join(known, " ")))
	}
	return s
}

func (e *TrackingEvent) location(o *object) {
	o.inner("eventLocation", func(l *object) {
		e.Place = l.text("UNLocationCode")
		if e.Place != "" && (len(e.Place) != 5 || strings.Trim(e.Place, "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789") != "") {
			l.fail("UNLocationCode", malformed("want a UN/LOCODE"))
		}
		l.inner("geoCoordinate", func(g *object) { e.Latitude, e.Longitude = g.text("latitude"), g.text("longitude") })
	})
}

// classify reads what kind of event it is. A retracted one need not say.
func (e *TrackingEvent) classify(o *object) {
	if _, there := find(o.members, "eventClassification"); !there {
		if !e.Retracted {
			o.fail("eventClassification", malformed("is missing"))
		}
		return
	}
	if !e.Retracted {
		o.need("eventDateTime")
	}
	o.inner("eventClassification", func(c *object) {
		c.need("eventTypeCode")
		c.need("eventClassifierCode")
		e.Type = c.code("eventTypeCode", "SHIPMENT TRANSPORT EQUIPMENT IOT REEFER")
		e.Classifier = c.code("eventClassifierCode", "ACT EST PLN REQ")
		for _, kind := range eventCodes() {
			code := c.code(kind.field, kind.codes)
			switch {
			case kind.of == e.Type && code == "":
				c.fail(kind.field, malformed("is missing"))
			case kind.of == e.Type:
				e.Code = code
			case code != "":
				c.fail(kind.field, refusef("does not belong to an event of type %.12s", e.Type))
			}
		}
		if err := c.close(); err != nil {
			c.err = err
		}
	})
}

// eventCodes are the codes of each event type.
func eventCodes() []struct{ of, field, codes string } {
	return []struct{ of, field, codes string }{
		{"SHIPMENT", "shipmentEventTypeCode", `AMCF AMCN AMDC AMPR AMRE APPR CACF CADC CARE CMPL CONF DECL DRFT HOLD ISSU PENA PENM
			PENU PSAM PSDL RECE REJE RELS REQS SUAM SUBM SUDL SURR UPCF UPCN UPDC UPDT UPRE VOID`},
		{"TRANSPORT", "transportEventTypeCode", "ARRI DEPA"},
		{"EQUIPMENT", "equipmentEventTypeCode", "AVDO AVPU CROS CUSI CUSR CUSS DISC DROP GTIN GTOT INSP LOAD PICK RMVD RSEA STRP STUF"},
		{"IOT", "iotEventTypeCode", "DETC"},
		{"REEFER", "reeferEventTypeCode", "MEAS ADJU"},
	}
}

func (e *TrackingEvent) equipment(o *object) {
	o.inner("equipmentDetails", func(d *object) {
		e.Container = d.text("equipmentReference")
		e.Seals = list(d, "seals", func(n node) (ContainerSeal, error) {
			s := open(n, nil)
			s.need("number")
			s.code("type", "KLP BLT WIR")
			seal := ContainerSeal{Number: s.text("number"), Source: s.code("source", "CAR SHI PHY VET CUS")}
			if len(seal.Number) > 15 {
				s.fail("number", tooMany("more than 15 bytes"))
			}
			return seal, s.close()
		})
	})
	o.inner("iotDetails", func(d *object) { e.Signal = d.code("iotEventCode", "DRO DRC LOC") })
}

func (e *TrackingEvent) measured(o *object) {
	o.inner("reeferDetails", func(d *object) {
		d.get("setpointParameters")
		d.inner("measuredParameters", func(m *object) {
			e.Measured, e.Unit = m.number("temperatureValue"), m.code("temperatureUnit", "CEL FAH")
			if e.Measured != nil && e.Unit == "" {
				m.fail("temperatureUnit", malformed("is missing"))
			}
		})
	})
}

func (e TrackingEvent) exceptions(i int) []Exception {
	if e.Container == "" || ident.CheckContainer("equipmentReference", e.Container) == nil {
		return nil
	}
	return []Exception{{"ISO-6346", "events" + step(i) + ".equipmentDetails.equipmentReference", "container number with a wrong check digit"}}
}

// sorted writes a value with the members of its objects in order of name: the same for the same content.
func sorted(n node) string {
	switch n.kind {
	case '{':
		members := slices.Clone(n.members)
		slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
		parts := make([]string, len(members))
		for i, m := range members {
			parts[i] = quoted(m.name) + ":" + sorted(m.value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = sorted(item)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case '"':
		return quoted(n.text)
	case 'n':
		return "null"
	}
	return n.text
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts always encode
	}
	return string(b)
}
