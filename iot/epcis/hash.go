package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// hashOf gives the Event Hash ID of CBV 2.0, section 8.9: the SHA-256 of a text that all ways of
// writing one event have in common. The fields come in the order below, lists are sorted, times are in
// UTC to the millisecond, words and keys of GS1 in their web form, numbers without idle zeros;
// then come master data and extensions, sorted, under the full names of their namespaces. The event's own
// ID, its record time, its error declaration and references to certificates do not count.
func hashOf(event node, s spaces) string {
	sum := sha256.Sum256([]byte(canonical(event, s)))
	return "ni:///sha-256;" + hex.EncodeToString(sum[:]) + "?ver=CBV2.0"
}

func canonical(event node, s spaces) string {
	w := writer{spaces: s}
	out := "eventType=" + kindOf(event)
	for _, f := range eventFields() {
		out += w.field(event, f)
	}
	var own []string
	for _, m := range event.members {
		if strings.Contains(m.name, ":") {
			own = append(own, w.extension(m.name, m.value)...)
		}
	}
	slices.Sort(own)
	return out + strings.Join(own, "")
}

// field is a place in the canonical order: a value, a list whose items have a name of their own, or an object.
type field struct {
	name string
	item string
	// inner are the fields of an object, or of the items of a list.
	inner []field
	words vocabulary
}

// eventFields are those of all event types, in canonical order.
func eventFields() []field {
	quantity := values("epcClass", "quantity", "uom")
	place := values("id")
	return []field{
		{name: "eventTime"}, {name: "eventTimeZoneOffset"},
		{name: "epcList", item: "epc"}, {name: "parentID"}, {name: "inputEPCList", item: "epc"}, {name: "childEPCs", item: "epc"},
		{name: "quantityList", item: "quantityElement", inner: quantity},
		{name: "childQuantityList", item: "quantityElement", inner: quantity},
		{name: "inputQuantityList", item: "quantityElement", inner: quantity},
		{name: "outputEPCList", item: "epc"},
		{name: "outputQuantityList", item: "quantityElement", inner: quantity},
		{name: "action"}, {name: "transformationID"},
		{name: "bizStep", words: bizSteps}, {name: "disposition", words: dispositions},
		{name: "persistentDisposition", inner: []field{
			{name: "set", item: "set", words: dispositions}, {name: "unset", item: "unset", words: dispositions},
		}},
		{name: "readPoint", inner: place}, {name: "bizLocation", inner: place},
		{name: "bizTransactionList", item: "bizTransaction", inner: []field{{name: "bizTransaction"}, {name: "type", words: transactionTypes}}},
		{name: "sourceList", item: "source", inner: []field{{name: "source"}, {name: "type", words: partyTypes}}},
		{name: "destinationList", item: "destination", inner: []field{{name: "destination"}, {name: "type", words: partyTypes}}},
		{name: "sensorElementList", item: "sensorElement", inner: []field{
			{name: "sensorMetadata", inner: values("time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules")},
			{name: "sensorReport", item: "sensorReport", inner: reportFields()},
		}},
		{name: "ilmd", inner: []field{}},
	}
}

func reportFields() []field {
	all := []field{{name: "type", words: measures}, {name: "exception", words: alerts}}
	all = append(all, values("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time", "microorganism", "chemicalSubstance", "value")...)
	all = append(all, field{name: "component", words: components})
	return append(all, values("stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue", "maxValue", "meanValue",
		"sDev", "percRank", "percValue", "uom", "coordinateReferenceSystem")...)
}

func values(names ...string) []field {
	var all []field
	for _, name := range names {
		all = append(all, field{name: name})
	}
	return all
}

// writer writes parts of the canonical text.
type writer struct{ spaces spaces }

// field writes one field of an object, nothing if it is absent or empty.
func (w writer) field(of node, f field) string {
	n, ok := find(of.members, f.name)
	switch {
	case !ok:
		return ""
	case f.item != "":
		var items []string
		for _, item := range n.items {
			items = append(items, w.item(item, f))
		}
		if len(items) == 0 {
			return ""
		}
		slices.Sort(items)
		if f.item == f.name { // repeated without a list around it
			return strings.Join(items, "")
		}
		return f.name + strings.Join(items, "")
	case f.inner != nil:
		return f.name + w.members(n, f.inner)
	}
	return f.name + "=" + w.value(f, n)
}

func (w writer) item(n node, f field) string {
	if f.inner == nil {
		return f.item + "=" + w.value(f, n)
	}
	own := ""
	if _, valued := find(n.members, f.item); valued { // {bizTransaction, type} is a value with its type
		own = f.inner[0].name + "=" + w.value(f.inner[0], mustFind(n, f.item))
		return own + w.members(n, f.inner[1:])
	}
	return f.item + w.members(n, f.inner)
}

func mustFind(n node, name string) node {
	found, _ := find(n.members, name)
	return found
}

// members writes an object's fields, and its extensions sorted behind them.
func (w writer) members(n node, fields []field) string {
	out := ""
	for _, f := range fields {
		out += w.field(n, f)
	}
	var own []string
	for _, m := range n.members {
		if strings.Contains(m.name, ":") {
			own = append(own, w.extension(m.name, m.value)...)
		}
	}
	slices.Sort(own)
	return out + strings.Join(own, "")
}

// extension writes a publisher's own field, once for each item if it is an array.
func (w writer) extension(name string, n node) []string {
	name = w.spaces.expand(name)
	switch n.kind {
	case '[':
		var all []string
		for _, item := range n.items {
			all = append(all, w.extension(name, item)...)
		}
		return all
	case '{':
		var inner []string
		for _, m := range n.members {
			inner = append(inner, w.extension(m.name, m.value)...)
		}
		slices.Sort(inner)
		return []string{name + strings.Join(inner, "")}
	}
	return []string{name + "=" + w.value(field{}, n)}
}

// value writes one value in its canonical form.
func (w writer) value(f field, n node) string {
	text := strings.TrimSpace(n.text)
	switch {
	case f.words.words != "":
		if word, own := f.words.bare(text); own {
			return f.words.web + word
		}
	case strings.HasSuffix(strings.ToLower(f.name), "time"):
		if at, err := parseTime(text); err == nil {
			return utc(at)
		}
	}
	if d, err := parseDecimal(strings.TrimPrefix(text, "+")); err == nil {
		return d.String()
	}
	if key, ok := parseKey(text); ok {
		return key.URI()
	}
	if prefix, local, found := strings.Cut(text, ":"); found && !strings.HasPrefix(local, "//") {
		if base := w.spaces[prefix]; strings.HasPrefix(base, "https://ref.gs1.org/") || strings.HasPrefix(base, "https://gs1.org/") {
			return base + local
		}
	}
	return text
}
