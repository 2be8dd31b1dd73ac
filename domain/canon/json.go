package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// DecodeJSON decodes exactly one JSON value into v: unknown fields, duplicate keys, data
// after the value and nesting beyond MaxDepth are errors that name the field.
func DecodeJSON(data []byte, v any) error {
	if err := checkKeys(json.NewDecoder(bytes.NewReader(data)), "", 0); err != nil {
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

// checkKeys walks one value and refuses a key that stands twice in one object: signers
// and readers could otherwise disagree about which of the two counts.
func checkKeys(d *json.Decoder, path string, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("%s: nested deeper than %d", path, MaxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name := key.(string)
			if seen[name] {
				return fmt.Errorf("%s.%s: key given twice", path, name)
			}
			seen[name] = true
			if err := checkKeys(d, path+"."+name, depth+1); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := checkKeys(d, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = d.Token() // the closing delimiter
	return err
}
