package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// ToJSON renders canonical bytes for a reader: maps become objects in key order, byte
// strings become base64. It is a view, never an input to a hash.
func ToJSON(data []byte) (json.RawMessage, error) {
	var v any
	if err := Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// DecodeJSON decodes exactly one JSON value into v: unknown fields, names that differ from
// a field's in case, duplicate keys, data after the value, nesting beyond MaxDepth and text
// that is not UTF-8 are errors; those about a key name its path. After an error v may hold a
// part of the value.
func DecodeJSON(data []byte, v any) error {
	if readJSON(data, v) {
		return nil
	}
	return explainJSON(data, v)
}

// explainJSON decodes as DecodeJSON does, by the decoder of the standard library and in
// several passes: it says what is wrong, and is the rule that readJSON is tested against.
func explainJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("JSON text is not UTF-8")
	}
	if !json.Valid(data) {
		var whole json.RawMessage
		return json.Unmarshal(data, &whole) // says where the text goes wrong
	}
	w := walk{data: data}
	if err := w.value(reflect.TypeOf(v), "", 0); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var misfit *json.UnmarshalTypeError
	if errors.As(err, &misfit) { // in the words of the document, not of Go
		return fmt.Errorf(".%s: %s does not fit, want %s", misfit.Field, misfit.Value, misfit.Type.Kind())
	}
	return err
}

// walk goes once over a valid JSON text, before encoding/json decodes it.
type walk struct {
	data []byte
	at   int
}

// value walks one value that is to be decoded into type t (nil for a type that takes any
// keys). It refuses a key that stands twice in one object, and one that is not exactly the
// name of a field: encoding/json would take "TO" for "to", so that signers and readers could
// disagree about which of the two counts.
func (w *walk) value(t reflect.Type, path string, depth int) error {
	opens := w.peek()
	if (opens == '{' || opens == '[') && depth >= MaxDepth {
		return fmt.Errorf("%.80s: nested deeper than %d", path, MaxDepth)
	}
	switch opens {
	case '{':
		return w.object(target(t), path, depth)
	case '[':
		return w.array(target(t), path, depth)
	case '"':
		w.text()
	default: // a number, true, false or null
		for w.at < len(w.data) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(w.data[w.at])) {
			w.at++
		}
	}
	return nil
}

// peek skips white space and gives the byte that comes then; a valid text has one where it is asked for.
func (w *walk) peek() byte {
	for w.data[w.at] <= ' ' {
		w.at++
	}
	return w.data[w.at]
}

// text passes a string and gives its bytes between the quotes, escapes as they stand.
func (w *walk) text() []byte {
	w.at++
	from := w.at
	for ; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.data[from : w.at-1]
}

// more passes the opening bracket and says whether a member follows; if not, it passes the closing one too.
func (w *walk) more(closing byte) bool {
	w.at++ // the opening bracket
	if w.peek() != closing {
		return true
	}
	w.at++
	return false
}

func (w *walk) array(t reflect.Type, path string, depth int) error {
	var element reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		element = t.Elem()
	}
	if !w.more(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := w.value(element, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
			return err
		}
		if w.peek() == ']' {
			w.at++
			return nil
		}
		w.at++ // the comma
		w.peek()
	}
}

func (w *walk) object(t reflect.Type, path string, depth int) error {
	if !w.more('}') {
		return nil
	}
	for seen := map[string]bool{}; ; {
		name, err := w.key()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%.80s.%.80s: key given twice", path, name)
		}
		seen[name] = true
		value, known := member(t, name)
		if !known {
			return fmt.Errorf("%.80s.%.80s: unknown field", path, name)
		}
		w.peek()
		w.at++ // the colon
		if err := w.value(value, path+"."+name, depth+1); err != nil {
			return err
		}
		if w.peek() == '}' {
			w.at++
			return nil
		}
		w.at++ // the comma
		w.peek()
	}
}

// key passes a key and gives it as encoding/json reads it.
func (w *walk) key() (string, error) {
	raw := w.text()
	if !bytes.ContainsRune(raw, '\\') {
		return string(raw), nil
	}
	var name string
	err := json.Unmarshal(w.data[w.at-len(raw)-2:w.at], &name)
	return name, err
}

// target is the type whose members a value's keys name, nil if the type reads JSON by itself
// or holds any value.
func target(t reflect.Type) reflect.Type {
	for t != nil {
		switch {
		case t.Kind() == reflect.Pointer && !t.Implements(unmarshaler):
			t = t.Elem()
		case t.Kind() == reflect.Interface, t.Implements(unmarshaler), reflect.PointerTo(t).Implements(unmarshaler):
			return nil
		default:
			return t
		}
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// member is the type of the member called name, and whether type t has one.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	if t == nil || t.Kind() != reflect.Struct {
		if t != nil && t.Kind() == reflect.Map {
			return t.Elem(), true
		}
		return nil, true // encoding/json judges whether the value fits
	}
	for i := range t.NumField() {
		field := t.Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case tag == "-": // never read
		case field.Anonymous && tag == "":
			if embedded := target(field.Type); embedded != nil && embedded.Kind() == reflect.Struct {
				if found, ok := member(embedded, name); ok {
					return found, true
				}
			}
		case tag == name, tag == "" && field.Name == name:
			return field.Type, field.IsExported()
		}
	}
	return nil, false
}
