package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// that is not UTF-8 are errors; those about a key name its path.
func DecodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("JSON text is not UTF-8")
	}
	walk := json.NewDecoder(bytes.NewReader(data))
	walk.UseNumber()
	if err := checkKeys(walk, reflect.TypeOf(v), "", 0); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}

// checkKeys walks one value that is to be decoded into type t (nil for a type that takes any
// keys). It refuses a key that stands twice in one object, and one that is not exactly the
// name of a field: encoding/json would take "TO" for "to", so that signers and readers could
// disagree about which of the two counts.
func checkKeys(d *json.Decoder, t reflect.Type, path string, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if _, opens := token.(json.Delim); opens && depth >= MaxDepth {
		return fmt.Errorf("%.80s: nested deeper than %d", path, MaxDepth)
	}
	switch t = target(t); token {
	case json.Delim('{'):
		return checkObject(d, t, path, depth)
	case json.Delim('['):
		var element reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			element = t.Elem()
		}
		for i := 0; d.More(); i++ {
			if err := checkKeys(d, element, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token() // the closing delimiter
	}
	return err
}

func checkObject(d *json.Decoder, t reflect.Type, path string, depth int) error {
	for seen := map[string]bool{}; d.More(); {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok {
			return fmt.Errorf("%.80s: key is not text", path)
		}
		if seen[name] {
			return fmt.Errorf("%.80s.%.80s: key given twice", path, name)
		}
		seen[name] = true
		value, known := member(t, name)
		if !known {
			return fmt.Errorf("%.80s.%.80s: unknown field", path, name)
		}
		if err := checkKeys(d, value, path+"."+name, depth+1); err != nil {
			return err
		}
	}
	_, err := d.Token() // the closing delimiter
	return err
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
