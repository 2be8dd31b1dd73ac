package senml

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"aval/domain"
)

// record is one SenML record as it stands in a pack, nil where a field is absent.
type record struct {
	baseName, baseUnit, name, unit, text *string
	baseTime, baseValue, value, time     *decimal
	version                              *decimal
}

// quantity is a kind of reading: a number in one unit at one scale, or a text.
type quantity struct {
	unit  string
	scale int8
	// limit bounds the digits at that scale on either side of zero.
	limit int64
}

// quantityOf looks a quantity up; unit is empty for texts.
func quantityOf(name string) (quantity, bool) {
	switch name {
	case "temperature":
		return quantity{unit: "Cel", scale: 3, limit: 1e9}, true
	case "humidity":
		return quantity{unit: "%RH", scale: 3, limit: 1e9}, true
	case "latitude":
		return quantity{unit: "lat", scale: 7, limit: 90e7}, true
	case "longitude":
		return quantity{unit: "lon", scale: 7, limit: 180e7}, true
	case "scan", "seal", "door", "tamper", "power":
		return quantity{}, true
	}
	return quantity{}, false
}

// NewReading makes the reading of a quantity from a number as JSON writes one, or from a text.
func NewReading(name, text string, at domain.Millis) (domain.Reading, error) {
	q, known := quantityOf(name)
	if !known {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "quantity %.40q is unknown", name)
	}
	if at < MinReadingTime || at > MaxTime {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s: instant %d ms out of range", name, at)
	}
	if q.unit == "" {
		return textReading(name, text, at)
	}
	d, ok := parseDecimal(text)
	if !ok {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s: %.40q is not a number within the limits", name, text)
	}
	return numberReading(name, q, q.unit, d, at)
}

func numberReading(name string, q quantity, unit string, d decimal, at domain.Millis) (domain.Reading, error) {
	if q.unit == "" {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s has a number, want a text (vs)", name)
	}
	if unit != q.unit {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s in unit %.20q, want %q", name, unit, q.unit)
	}
	digits, exact := d.at(int(q.scale))
	if !exact {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s has more than %d decimals or is too large", name, q.scale)
	}
	if digits > q.limit || digits < -q.limit {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s is out of range", name)
	}
	return domain.Reading{Name: name, Unit: unit, Value: digits, Scale: q.scale, At: at}, nil
}

func textReading(name, text string, at domain.Millis) (domain.Reading, error) {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if text == "" || len(text) > MaxTextBytes || strings.ContainsFunc(text, odd) {
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s: want 1 to %d bytes of printable text", name, MaxTextBytes)
	}
	return domain.Reading{Name: name, Text: text, At: at}, nil
}

// resolver carries the base fields from record to record (RFC 8428 section 4.1: a base field
// holds until the next record that has the same one).
type resolver struct {
	device              string
	baseName, baseUnit  string
	baseTime, baseValue decimal
	instants            map[domain.Millis]bool
	seen                map[identity]bool
}

type identity struct {
	name string
	at   domain.Millis
}

// resolve turns records into readings. It reads its input and never changes it.
func resolve(device string, records []record) ([]domain.Reading, error) {
	if len(records) == 0 || len(records) > MaxRecords {
		return nil, domain.Refuse(domain.LimitExceeded, "records: %d, want 1 to %d", len(records), MaxRecords)
	}
	r := resolver{device: device, instants: map[domain.Millis]bool{}, seen: map[identity]bool{}}
	readings := make([]domain.Reading, 0, len(records))
	for i, rec := range records {
		reading, err := r.next(rec)
		if err != nil {
			return nil, within(i, err)
		}
		readings = append(readings, reading)
	}
	return readings, nil
}

// within says in which record a refusal arose.
func within(i int, err error) error {
	if refusal, ok := err.(*domain.Rejection); ok {
		return domain.Refuse(refusal.Code, "records[%d]: %s", i, refusal.Detail)
	}
	return err
}

func (r *resolver) next(rec record) (domain.Reading, error) {
	var none domain.Reading
	if rec.version != nil && *rec.version != (decimal{digits: 10}) {
		return none, domain.Refuse(domain.Malformed, "bver: want version 10")
	}
	r.rebase(rec)
	name, q, err := r.quantity(rec)
	if err != nil {
		return none, err
	}
	at, err := r.instant(rec)
	if err != nil {
		return none, err
	}
	reading, err := r.reading(rec, name, q, at)
	if err != nil {
		return none, err
	}
	return reading, r.admit(reading)
}

func (r *resolver) rebase(rec record) {
	set(&r.baseName, rec.baseName)
	set(&r.baseUnit, rec.baseUnit)
	set(&r.baseTime, rec.baseTime)
	set(&r.baseValue, rec.baseValue)
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// quantity resolves the name. A device that signs for itself cannot report under another's name.
func (r *resolver) quantity(rec record) (string, quantity, error) {
	name := r.baseName
	if rec.name != nil {
		name += *rec.name
	}
	if own, found := strings.CutPrefix(name, r.device); found && own != "" && (own[0] == ':' || own[0] == '/') {
		name = own[1:]
	}
	q, known := quantityOf(name)
	if !known {
		return "", q, domain.Refuse(domain.Malformed, "name %.80q: want a quantity, alone or after the device's name", name)
	}
	return name, q, nil
}

func (r *resolver) instant(rec record) (domain.Millis, error) {
	seconds := r.baseTime
	if rec.time != nil {
		sum, ok := seconds.plus(*rec.time)
		if !ok {
			return 0, domain.Refuse(domain.Malformed, "t: out of range")
		}
		seconds = sum
	}
	millis, exact := seconds.at(3)
	if !exact {
		return 0, domain.Refuse(domain.Malformed, "t: want whole milliseconds within range")
	}
	at := domain.Millis(millis)
	if at < MinReadingTime {
		return 0, domain.Refuse(domain.Malformed, "t: relative time, want at least 2^28 s")
	}
	if at > MaxTime {
		return 0, domain.Refuse(domain.Malformed, "t: after the year 9999")
	}
	return at, nil
}

func (r *resolver) reading(rec record, name string, q quantity, at domain.Millis) (domain.Reading, error) {
	switch {
	case rec.value != nil && rec.text != nil:
		return domain.Reading{}, domain.Refuse(domain.Malformed, "%s has both v and vs", name)
	case rec.text != nil:
		if q.unit != "" || rec.unit != nil {
			return domain.Reading{}, domain.Refuse(domain.Malformed, "%s: a text belongs to a text quantity and has no unit", name)
		}
		return textReading(name, *rec.text, at)
	case rec.value != nil:
		unit := r.baseUnit
		set(&unit, rec.unit)
		sum, ok := r.baseValue.plus(*rec.value)
		if !ok {
			return domain.Reading{}, domain.Refuse(domain.Malformed, "%s: value out of range", name)
		}
		return numberReading(name, q, unit, sum, at)
	}
	return domain.Reading{}, domain.Refuse(domain.Malformed, "%s has neither v nor vs", name)
}

// admit refuses a second reading of one quantity at one instant, and too many instants.
func (r *resolver) admit(reading domain.Reading) error {
	id := identity{reading.Name, reading.At}
	if r.seen[id] {
		return domain.Refuse(domain.Malformed, "%s given twice for one instant", reading.Name)
	}
	r.seen[id], r.instants[reading.At] = true, true
	if len(r.instants) > MaxInstants {
		return domain.Refuse(domain.LimitExceeded, "more than %d instants", MaxInstants)
	}
	return nil
}
