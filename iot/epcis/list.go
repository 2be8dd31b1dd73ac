package epcis

import (
	"strings"
	"time"
)

// Quantity is an amount of a class of goods.
type Quantity struct {
	Class string `json:"epcClass"`
	// Amount is nil if the publisher did not say how much; in units of Unit, or pieces if that is empty.
	Amount *Decimal `json:"quantity,omitempty"`
	// Unit is a code of UN/ECE Recommendation 20.
	Unit string `json:"uom,omitempty"`
}

// Reference is an identifier with its type.
type Reference struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id"`
}

// readQuantity reads a quantityElement, which has no extensions.
func readQuantity(n node) (Quantity, error) {
	o := open(n, nil)
	o.need("epcClass")
	q := Quantity{Class: o.uri("epcClass"), Amount: o.number("quantity"), Unit: o.text("uom")}
	switch {
	case q.Amount != nil && q.Amount.Digits < 0:
		o.fail("quantity", malformed("is negative"))
	case q.Unit != "" && !unit(q.Unit):
		o.fail("uom", malformed("want a unit code of UN/ECE Recommendation 20"))
	case q.Unit != "" && q.Amount == nil:
		o.fail("quantity", malformed("is missing"))
	}
	return q, o.close()
}

// unit says whether text has the form of a unit code: two or three capital letters and digits.
func unit(s string) bool {
	return (len(s) == 2 || len(s) == 3) && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// reference makes the reader of a list whose items are {type, <name>}.
func reference(name string, types vocabulary, typed bool) func(node) (Reference, error) {
	return func(n node) (Reference, error) {
		o := open(n, nil)
		if typed {
			o.need("type")
		}
		o.need(name)
		r := Reference{Type: o.word("type", types), ID: o.uri(name)}
		return r, o.close()
	}
}

// date says whether text is a date (YYYY-MM-DD), or a date and time.
func date(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	if err != nil {
		_, err = parseTime(s)
	}
	return err == nil
}
