package ledger

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// maxPath bounds a path in bytes: its length is one byte of what a field commits to.
const maxPath = 255

// fieldPath is a path taken apart; its order is that of the fields of a view.
type fieldPath struct {
	// class is 0 for the header, 1 command, 2 sender, 3 events, 4 postings, 5 balances, 6 the rest, 7 private values.
	class, number int
	// inside says that it leads to a member of an event's body.
	inside bool
	member string
}

func parsePath(text string) (p fieldPath, err error) {
	switch text {
	case headerPath:
		return fieldPath{}, nil
	case commandPath:
		return fieldPath{class: 1}, nil
	case senderPath:
		return fieldPath{class: 2}, nil
	case restPath:
		return fieldPath{class: 6}, nil
	}
	kind, number, _ := strings.Cut(text, "/")
	switch kind + "/" {
	case eventsPath:
		p.class = 3
		number, p.member, p.inside = strings.Cut(number, "/")
	case postingsPath:
		p.class = 4
	case balancesPath:
		p.class = 5
	case privatePath:
		p.class = 7
	}
	p.number, err = strconv.Atoi(number)
	if err != nil || p.class == 0 || p.number < 0 || strconv.Itoa(p.number) != number {
		return p, fmt.Errorf("field %.80q: no such path", text)
	}
	return p, nil
}

// compare orders an event before its members, and those as canonical CBOR does: shorter names first.
func (p fieldPath) compare(q fieldPath) int {
	return cmp.Or(p.class-q.class, p.number-q.number, p.size()-q.size(), strings.Compare(p.member, q.member))
}

func (p fieldPath) size() int {
	if !p.inside {
		return -1
	}
	return len(p.member)
}

// disclosureOf reads the fields of a view as far as they are shown.
func disclosureOf(fields []committed) (Disclosure, error) {
	if fields[0].Path == entryPath {
		return readEntry(fields)
	}
	if fields[0].Path != headerPath {
		return Disclosure{}, errors.New("fields: the header is not shown")
	}
	r := reading{last: fieldPath{class: -1}, most: len(fields)}
	for _, f := range fields {
		if f.hidden() {
			r.Hidden++
			continue
		}
		if err := r.add(f); err != nil {
			return r.Disclosure, err
		}
	}
	return r.Disclosure, r.endEvent()
}

// readEntry reads view 0.
func readEntry(fields []committed) (Disclosure, error) {
	var e entry
	if len(fields) != 1 {
		return Disclosure{}, errors.New("fields: more than the entry")
	}
	if err := canon.Unmarshal(fields[0].Value, &e); err != nil {
		return Disclosure{}, fmt.Errorf("field %s: %w", entryPath, err)
	}
	d := e.audit()
	d.Fields = []Field{{entryPath, fields[0].Value}}
	return d, nil
}

// reading puts a disclosure together, field by field.
type reading struct {
	Disclosure
	last fieldPath
	// most is how many fields there are: more than the events of any honest view.
	most int
	// event says that the last of Events is still being read; members are those of its body, unless that came whole.
	event   bool
	whole   bool
	members []canon.Member
}

func (r *reading) add(f committed) error {
	p, err := parsePath(f.Path)
	if err != nil {
		return err
	}
	if p.compare(r.last) <= 0 || p.number >= r.most {
		return fmt.Errorf("field %.80q: not in its place", f.Path)
	}
	if p.class != r.last.class || p.number != r.last.number {
		if err := r.endEvent(); err != nil {
			return err
		}
	}
	r.last = p
	r.Fields = append(r.Fields, Field{f.Path, f.Value})
	if err := r.value(p, f.Value); err != nil {
		return fmt.Errorf("field %.80q: %w", f.Path, err)
	}
	return nil
}

func (r *reading) value(p fieldPath, value []byte) error {
	switch p.class {
	case 0:
		var v headerValue
		err := canon.Unmarshal(value, &v)
		if err == nil && v.Viewer == "" {
			err = errors.New("names no viewer")
		}
		r.Viewer, r.Index, r.Sequence, r.BookedAt, r.Code = v.Viewer, v.Index, v.Sequence, v.BookedAt, v.Code
		return err
	case 1:
		var v commandValue
		err := canon.Unmarshal(value, &v)
		r.Kind, r.Contract, r.Name = v.Kind, v.Contract, v.Name
		return err
	case 2:
		var v senderValue
		err := canon.Unmarshal(value, &v)
		r.ID, r.Detail, r.Fingerprint = v.ID, v.Detail, v.Fingerprint
		return err
	case 3:
		return r.eventField(p, value)
	case 4:
		return appendDecoded(&r.Postings, value)
	case 6:
		r.Hidden++
		return checkRest(value)
	case 7:
		return appendDecoded(&r.Private, value)
	}
	return appendDecoded(&r.Balances, value)
}

// checkRest refuses anything but a hash.
func checkRest(value []byte) error {
	var sum []byte
	err := canon.Unmarshal(value, &sum)
	if err == nil && len(sum) != sha256.Size {
		err = errors.New("is no hash")
	}
	return err
}

func appendDecoded[T any](to *[]T, value []byte) error {
	var v T
	err := canon.Unmarshal(value, &v)
	*to = append(*to, v)
	return err
}

// eventField reads the name and key of an event, or a member of its body.
func (r *reading) eventField(p fieldPath, value []byte) error {
	for len(r.Events) <= p.number {
		r.Events = append(r.Events, domain.Event{})
	}
	event := &r.Events[p.number]
	event.Parties, r.event = []domain.PartyID{r.Viewer}, true // who else sees it is not the viewer's to know
	if p.inside {
		r.members = append(r.members, canon.Member{Name: []byte(p.member), Value: value})
		return nil
	}
	var v eventValue
	err := canon.Unmarshal(value, &v)
	event.Name, event.Key, event.Body = v.Name, v.Key, v.Body
	r.whole = len(v.Body) > 0
	return err
}

// endEvent gives the event its body: the members shown, in their order, are a canonical map.
func (r *reading) endEvent() error {
	if !r.event {
		return nil
	}
	if r.whole && len(r.members) > 0 {
		return errors.New("fields: an event has its body twice")
	}
	var err error
	if !r.whole {
		r.Events[len(r.Events)-1].Body, err = canon.Join(r.members)
	}
	r.event, r.whole, r.members = false, false, nil
	return err
}
