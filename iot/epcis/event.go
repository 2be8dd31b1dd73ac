package epcis

import (
	"strings"

	"aval/domain"
)

// The event types of EPCIS 2.0. A publisher may have others, named by a URI.
const (
	ObjectEvent         = "ObjectEvent"
	AggregationEvent    = "AggregationEvent"
	AssociationEvent    = "AssociationEvent"
	TransactionEvent    = "TransactionEvent"
	TransformationEvent = "TransformationEvent"
)

// Event is one business event. Standard words are bare, URIs as they were written.
type Event struct {
	Type string `json:"type"`
	// ID is the eventID that the publisher gave, empty if it gave none; Hash the Event Hash ID of
	// CBV 2.0 section 8.9, which is the same with an error declaration and without.
	ID   string `json:"eventID,omitempty"`
	Hash string `json:"hash"`
	// Time is when it happened, Offset the local time's offset from UTC there and then.
	Time        domain.Millis `json:"eventTime"`
	Offset      string        `json:"eventTimeZoneOffset"`
	Action      string        `json:"action,omitempty"`
	Step        string        `json:"bizStep,omitempty"`
	Disposition string        `json:"disposition,omitempty"`
	ReadPoint   string        `json:"readPoint,omitempty"`
	Location    string        `json:"bizLocation,omitempty"`
	Parent      string        `json:"parentID,omitempty"`
	// EPCs are the objects observed, the children, or what a transformation made; Inputs what it used up.
	EPCs            []string    `json:"epcs,omitempty"`
	Inputs          []string    `json:"inputs,omitempty"`
	Quantities      []Quantity  `json:"quantities,omitempty"`
	InputQuantities []Quantity  `json:"inputQuantities,omitempty"`
	Transactions    []Reference `json:"bizTransactions,omitempty"`
	Sources         []Reference `json:"sources,omitempty"`
	Destinations    []Reference `json:"destinations,omitempty"`
	Sensors         []Sensor    `json:"sensors,omitempty"`
	// Declared is set if the publisher says that this event is not true.
	Declared *Declaration `json:"errorDeclaration,omitempty"`
}

// Name is what other documents call the event: its ID, or its hash if it has none.
func (e Event) Name() string {
	if e.ID != "" {
		return e.ID
	}
	return e.Hash
}

// Declaration says since when, why, and what is true instead (EPCIS 2.0, 7.4.1.3).
type Declaration struct {
	At         domain.Millis `json:"declarationTime"`
	Reason     string        `json:"reason,omitempty"`
	Corrective []string      `json:"correctiveEventIDs,omitempty"`
}

// readEvent reads what all events have, then what its type has.
func readEvent(n node, outer spaces) (Event, error) {
	o := open(n, outer)
	o.spaces = outer.with(o)
	var e Event
	e.Type = o.need("type").text
	e.ID = o.uri("eventID")
	o.need("eventTime")
	e.Time = o.instant("eventTime")
	o.instant("recordTime")
	e.Offset = o.need("eventTimeZoneOffset").text
	if !offset(e.Offset) {
		o.fail("eventTimeZoneOffset", malformed("want an offset such as +02:00, at most 14:00"))
	}
	e.Declared = o.declaration()
	o.certification()
	e.typed(o)
	if err := o.extend(); err != nil {
		return Event{}, err
	}
	e.Hash = hashOf(n, o.spaces)
	return e, nil
}

// offset says whether text is +HH:MM or -HH:MM, to 14:00.
func offset(s string) bool {
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || !digits(s[1:3]+s[4:]) {
		return false
	}
	return s[1:] <= "14:00" && s[4] < '6'
}

// typed reads what an event of its type has, and refuses what it must not lack.
func (e *Event) typed(o *object) {
	switch e.Type {
	case ObjectEvent:
		e.object(o)
	case AggregationEvent, AssociationEvent:
		e.children(o)
	case TransactionEvent:
		e.transaction(o)
	case TransformationEvent:
		e.transformation(o)
	default:
		if !absolute(e.Type) {
			o.fail("type", malformed("want an event type of EPCIS 2.0 or a URI"))
		}
		e.foreign(o)
		return
	}
	e.context(o)
}

// foreign is an event of a publisher's own type: its common fields are read, the rest is its own.
func (e *Event) foreign(o *object) {
	for _, m := range o.members {
		o.taken[m.name] = true
	}
}

func (e *Event) object(o *object) {
	e.Action = o.action()
	e.EPCs, e.Quantities = o.uris("epcList"), list(o, "quantityList", readQuantity)
	if ilmd, ok := o.get("ilmd"); ok {
		o.fail("ilmd", extensions(ilmd, o.spaces))
	}
	_, placed := find(o.members, "readPoint")
	sensors, _ := find(o.members, "sensorElementList")
	if len(e.EPCs)+len(e.Quantities) == 0 && (!placed || len(sensors.items) == 0) {
		o.fail("epcList", malformed("an ObjectEvent needs epcList, quantityList, or sensorElementList with readPoint"))
	}
}

func (e *Event) children(o *object) {
	e.Action, e.Parent = o.action(), o.uri("parentID")
	e.EPCs, e.Quantities = o.uris("childEPCs"), list(o, "childQuantityList", readQuantity)
	if e.Parent == "" && (e.Type == AssociationEvent || e.Action != "OBSERVE") {
		o.fail("parentID", malformed("is missing"))
	}
	if len(e.EPCs)+len(e.Quantities) == 0 && e.Action != "DELETE" {
		o.fail("childEPCs", malformed("childEPCs or childQuantityList is needed"))
	}
}

func (e *Event) transaction(o *object) {
	e.Action, e.Parent = o.action(), o.uri("parentID")
	e.EPCs, e.Quantities = o.uris("epcList"), list(o, "quantityList", readQuantity)
	_, listed := find(o.members, "epcList")
	if !listed && len(e.Quantities) == 0 && e.Action != "DELETE" {
		o.fail("epcList", malformed("epcList or quantityList is needed"))
	}
	if n := o.need("bizTransactionList"); len(n.items) == 0 {
		o.fail("bizTransactionList", malformed("want at least one"))
	}
}

func (e *Event) transformation(o *object) {
	e.Inputs, e.InputQuantities = o.uris("inputEPCList"), list(o, "inputQuantityList", readQuantity)
	e.EPCs, e.Quantities = o.uris("outputEPCList"), list(o, "outputQuantityList", readQuantity)
	used, made := len(e.Inputs)+len(e.InputQuantities), len(e.EPCs)+len(e.Quantities)
	switch id := o.uri("transformationID"); {
	case used == 0 && made == 0, id == "" && used == 0:
		o.fail("inputEPCList", malformed("inputEPCList or inputQuantityList is needed"))
	case id == "" && made == 0:
		o.fail("outputEPCList", malformed("outputEPCList or outputQuantityList is needed"))
	}
	if ilmd, ok := o.get("ilmd"); ok {
		o.fail("ilmd", extensions(ilmd, o.spaces))
	}
}

// context reads what the five types share: why, where, and how it was measured.
func (e *Event) context(o *object) {
	e.Step, e.Disposition = o.word("bizStep", bizSteps), o.word("disposition", dispositions)
	o.persistent()
	e.ReadPoint, e.Location = o.place("readPoint"), o.place("bizLocation")
	e.Transactions = list(o, "bizTransactionList", reference("bizTransaction", transactionTypes, false))
	e.Sources = list(o, "sourceList", reference("source", partyTypes, true))
	e.Destinations = list(o, "destinationList", reference("destination", partyTypes, true))
	e.Sensors = list(o, "sensorElementList", func(n node) (Sensor, error) { return readSensor(n, o.spaces) })
}

func (o *object) action() string {
	action := o.need("action").text
	if action != "ADD" && action != "OBSERVE" && action != "DELETE" {
		o.fail("action", malformed("want ADD, OBSERVE or DELETE"))
	}
	return action
}

// extensions refuses an object that holds a name of no namespace.
func extensions(n node, s spaces) error { return open(n, s).extend() }

func find(members []member, name string) (node, bool) {
	for _, m := range members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

func (o *object) declaration() *Declaration {
	n, ok := o.get("errorDeclaration")
	if !ok {
		return nil
	}
	inner := open(n, o.spaces)
	inner.need("declarationTime")
	d := Declaration{At: inner.instant("declarationTime"), Reason: inner.word("reason", errorReasons), Corrective: inner.uris("correctiveEventIDs")}
	o.fail("errorDeclaration", inner.extend())
	return &d
}

func (o *object) place(name string) string {
	n, ok := o.get(name)
	if !ok {
		return ""
	}
	inner := open(n, o.spaces)
	inner.need("id")
	id := inner.uri("id")
	o.fail(name, inner.extend())
	return id
}

// persistent checks what an event says of an object for good.
func (o *object) persistent() {
	n, ok := o.get("persistentDisposition")
	if !ok {
		return
	}
	inner := open(n, o.spaces)
	set, unset := list(inner, "set", dispositions.read), list(inner, "unset", dispositions.read)
	if len(set)+len(unset) == 0 {
		inner.fail("set", malformed("set or unset is needed"))
	}
	o.fail("persistentDisposition", inner.close())
}

// certification checks references to certificates: URIs, or details in the words of the GS1 web vocabulary.
func (o *object) certification() {
	n, ok := o.get("certificationInfo")
	if !ok {
		return
	}
	if n.kind != '[' {
		o.fail("certificationInfo", o.certificate(n))
		return
	}
	for i, item := range n.items {
		if err := o.certificate(item); err != nil {
			o.fail("certificationInfo", under(step(i), err))
		}
	}
}

func (o *object) certificate(n node) error {
	if n.kind == '"' && absolute(n.text) {
		return nil
	}
	if n.kind != '{' {
		return malformed("want a URI or an object")
	}
	return certified(n, o.spaces)
}

// certified walks details: every name has a namespace, every date is one.
func certified(n node, s spaces) error {
	for _, m := range n.members {
		_, local, _ := strings.Cut(m.name, ":")
		err := s.extension(m.name)
		switch {
		case m.name == "type" || m.name == "id" || strings.HasPrefix(m.name, "@"):
			err = nil
		case err != nil:
		case m.value.kind == '{':
			err = certified(m.value, s)
		case strings.HasSuffix(local, "Date") && !date(m.value.text):
			err = malformed("want a date")
		case strings.HasSuffix(local, "URI") && !absolute(m.value.text):
			err = malformed("want a URI")
		}
		if err != nil {
			return under("."+m.name, err)
		}
	}
	return nil
}
