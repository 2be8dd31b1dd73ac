package canon

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// form is how JSON becomes a Go value of some type.
type form int

const (
	foreign  form = iota // by encoding/json: what is rare here, or reads JSON by itself
	verbatim             // json.RawMessage
	text
	integer
	unsigned
	truth
	list
	object
	pointer
)

// plan is the form of one type and of those inside it. It is made once and then only read.
type plan struct {
	form    form
	t       reflect.Type
	element *plan // of a list or pointer
	fields  []field
}

// field is one member of an object.
type field struct {
	name  string
	index int
	plan  *plan
}

// maxFields bounds the fields of an object: one bit each says which of them a text has named.
const maxFields = 64

// plans remembers the plan of each type. It changes nothing but time: a type has one plan.
var plans = &sync.Map{}

func planOf(t reflect.Type) *plan {
	if known, ok := plans.Load(t); ok {
		return known.(*plan)
	}
	made := newPlan(t, map[reflect.Type]*plan{})
	plans.Store(t, made)
	return made
}

// newPlan makes a type's plan. Those being made are known by their type, so that a type may hold itself.
func newPlan(t reflect.Type, making map[reflect.Type]*plan) *plan {
	if known, ok := making[t]; ok {
		return known
	}
	p := &plan{form: formOf(t), t: t}
	making[t] = p
	switch p.form {
	case list, pointer:
		p.element = newPlan(t.Elem(), making)
	case object:
		p.fields = fieldsOf(t, making)
		if p.fields == nil {
			p.form = foreign
		}
	}
	return p
}

var textUnmarshaler = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()

func formOf(t reflect.Type) form {
	if t == reflect.TypeFor[json.RawMessage]() {
		return verbatim
	}
	for _, i := range []reflect.Type{unmarshaler, textUnmarshaler} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return foreign
		}
	}
	switch t.Kind() {
	case reflect.String:
		if t != reflect.TypeFor[json.Number]() {
			return text
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned
	case reflect.Bool:
		return truth
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // bytes are base64
			return list
		}
	case reflect.Struct:
		return object
	case reflect.Pointer:
		return pointer
	}
	return foreign
}

// fieldsOf gives the members that member finds in the type, nil for one with embedded
// fields, fields of one name, or options that change how a field is read.
func fieldsOf(t reflect.Type, making map[reflect.Type]*plan) []field {
	fields := make([]field, 0, t.NumField())
	names := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || strings.Contains(options, "string") {
			return nil
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if names[name] || len(fields) == maxFields {
			return nil
		}
		names[name] = true
		fields = append(fields, field{name, i, newPlan(f.Type, making)})
	}
	return fields
}

// pointed gives what v points to.
func pointed(v any) (reflect.Value, bool) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return p, false
	}
	return p.Elem(), true
}

// read decodes the value that comes next into v.
func (p *plan) read(r *reader, v reflect.Value, depth int) bool {
	opens := r.peek()
	if opens == 'n' && p.form > verbatim {
		if p.form == list || p.form == pointer {
			v.SetZero()
		}
		return r.word("null") // which leaves other values as they are
	}
	switch p.form {
	case verbatim:
		span, ok := r.skip(depth)
		v.SetBytes(bytes.Clone(span))
		return ok
	case text:
		return opens == '"' && readText(r, v)
	case integer, unsigned:
		return p.readNumber(r, v)
	case truth:
		v.SetBool(opens == 't')
		return r.word("true") || r.word("false")
	case list:
		return opens == '[' && p.readList(r, v, depth)
	case object:
		return opens == '{' && p.readObject(r, v, depth)
	case pointer:
		if v.IsNil() {
			v.Set(reflect.New(p.element.t))
		}
		return p.element.read(r, v.Elem(), depth)
	}
	return p.readForeign(r, v, depth)
}

func readText(r *reader, v reflect.Value) bool {
	from := r.at
	raw, escaped, ok := r.text()
	if !escaped {
		v.SetString(string(raw))
		return ok
	}
	text, ok := unescape(r.data[from:r.at])
	v.SetString(text)
	return ok
}

func (p *plan) readNumber(r *reader, v reflect.Value) bool {
	from := r.at
	if !r.number() {
		return false
	}
	digits := string(r.data[from:r.at]) // with a point or an exponent it is no integer
	if p.form == integer {
		n, err := strconv.ParseInt(digits, 10, p.t.Bits())
		v.SetInt(n)
		return err == nil
	}
	n, err := strconv.ParseUint(digits, 10, p.t.Bits())
	v.SetUint(n)
	return err == nil
}

func (p *plan) readList(r *reader, v reflect.Value, depth int) bool {
	n := 0
	ok := r.members(']', depth, func(i int) bool {
		if i >= v.Cap() {
			v.Grow(1)
		}
		if i >= v.Len() {
			v.SetLen(i + 1)
		}
		n = i + 1
		return p.element.read(r, v.Index(i), depth+1)
	})
	if n == 0 {
		v.Set(reflect.MakeSlice(p.t, 0, 0))
	}
	v.SetLen(n)
	return ok
}

func (p *plan) readObject(r *reader, v reflect.Value, depth int) bool {
	seen, next := uint64(0), 0
	return r.members('}', depth, func(int) bool {
		name, ok := r.name()
		if !ok {
			return false
		}
		i := p.find(name, next)
		if i < 0 || seen&(1<<i) != 0 {
			return false
		}
		seen |= 1 << i
		next = i + 1
		f := &p.fields[i]
		return f.plan.read(r, v.Field(f.index), depth+1)
	})
}

// find gives the place of the field called name, or -1. Most texts name fields in order, so it begins at next.
func (p *plan) find(name []byte, next int) int {
	if next < len(p.fields) && p.fields[next].name == string(name) {
		return next
	}
	for i := range p.fields {
		if p.fields[i].name == string(name) {
			return i
		}
	}
	return -1
}

// readForeign lets encoding/json decode a value, after the checks that it does not make.
func (p *plan) readForeign(r *reader, v reflect.Value, depth int) bool {
	span, ok := r.skip(depth)
	if !ok {
		return false
	}
	w := walk{data: span}
	if w.value(p.t, "", depth) != nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(span))
	d.DisallowUnknownFields()
	return d.Decode(v.Addr().Interface()) == nil
}
