package epcis

import (
	"strings"

	"aval/domain"
)

// Document is what a capture document says.
type Document struct {
	// CreatedAt is when its sender made it; zero for bare events.
	CreatedAt  domain.Millis `json:"createdAt,omitempty"`
	Events     []Event       `json:"events"`
	Exceptions []Exception   `json:"exceptions,omitempty"`
}

// Parse reads an EPCISDocument, a bare event or a bare array of events, strictly. Errors are *domain.Rejection
// and name the field by its path, such as epcisBody.eventList[2].action. Pure; safe for concurrent use.
func Parse(raw []byte) (Document, error) {
	d, err := parse(raw)
	if err != nil {
		return Document{}, rejection("document", err)
	}
	return d, nil
}

func parse(raw []byte) (Document, error) {
	n, err := parseJSON(raw)
	if err != nil {
		return Document{}, err
	}
	var d Document
	switch {
	case n.kind == '[':
		err = d.events(n, standardSpaces())
	case n.kind == '{' && kindOf(n) == "EPCISDocument":
		err = d.whole(n)
	default:
		err = d.events(node{kind: '[', items: []node{n}}, standardSpaces())
	}
	return d, err
}

func kindOf(n node) string {
	for _, m := range n.members {
		if m.name == "type" || m.name == "isA" {
			return m.value.text
		}
	}
	return ""
}

// whole reads an EPCISDocument (EPCIS 2.0, 9.5).
func (d *Document) whole(n node) error {
	o := open(n, standardSpaces())
	o.get("type")
	o.need("@context")
	s := o.spaces.with(o)
	o.spaces = s
	o.text("id")
	o.text("instanceIdentifier")
	o.text("sender")
	o.text("receiver")
	o.need("schemaVersion")
	if v := o.text("schemaVersion"); v != "2" && !strings.HasPrefix(v, "2.") || strings.Trim(v, "0123456789.") != "" {
		o.fail("schemaVersion", malformed("want version 2"))
	}
	o.need("creationDate")
	d.CreatedAt = o.instant("creationDate")
	if header, ok := o.get("epcisHeader"); ok && header.kind != '{' {
		o.fail("epcisHeader", malformed("want an object"))
	}
	body := o.need("epcisBody")
	if err := o.extend(); err != nil {
		return err
	}
	return under(".epcisBody", d.body(body, s))
}

func (d *Document) body(n node, s spaces) error {
	o := open(n, s)
	one, single := o.get("event")
	all, many := o.get("eventList")
	switch {
	case single == many:
		o.fail("eventList", malformed("is missing"))
	case single:
		all = node{kind: '[', items: []node{one}}
	case all.kind != '[':
		o.fail("eventList", malformed("want an array"))
	}
	if err := o.extend(); err != nil {
		return err
	}
	return under(".eventList", d.events(all, s))
}

func (d *Document) events(n node, s spaces) error {
	if len(n.items) > MaxEvents {
		return tooMany("more events than " + decimalText(MaxEvents))
	}
	for i, item := range n.items {
		e, err := readEvent(item, s)
		if err != nil {
			return under(step(i), err)
		}
		d.Events = append(d.Events, e)
		d.Exceptions = append(d.Exceptions, e.exceptions(i)...)
	}
	return nil
}

func decimalText(n int) string { return Decimal{Digits: int64(n)}.String() }
