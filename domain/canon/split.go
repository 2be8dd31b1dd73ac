package canon

import (
	"bytes"
	"errors"
)

// Member is one member of a map: its name, and its value still encoded.
type Member struct {
	Name  []byte
	Value []byte
}

// Join gives the map of some members in canonical order: the inverse of Split. It fails with
// ErrNotCanonical for what Split would not give.
func Join(members []Member) ([]byte, error) {
	var w Writer
	w.Map(len(members))
	for _, m := range members {
		w.Text(string(m.Name))
		w.Item(m.Value)
	}
	joined, err := w.Finish()
	if err != nil {
		return nil, err
	}
	_, err = Split(nil, joined)
	return joined, err
}

// Split appends the members of the map in data to members, without decoding their values. It
// fails with ErrNotCanonical unless data is one map whose keys are texts in canonical order
// and whose values hold nothing but what canon carries. Names and values share their bytes with data.
func Split(members []Member, data []byte) ([]Member, error) {
	major, n, rest, err := head(data)
	if err != nil || major != majorMap || n > MaxElements {
		return members, errors.Join(ErrNotCanonical, err)
	}
	var last []byte
	for range n {
		kind, size, text, err := head(rest)
		if err != nil || kind != majorText {
			return members, errors.Join(ErrNotCanonical, err)
		}
		value, err := skipPlain(rest, 1)
		if err != nil {
			return members, errors.Join(ErrNotCanonical, err)
		}
		key := rest[:len(rest)-len(value)]
		if bytes.Compare(key, last) <= 0 {
			return members, ErrNotCanonical
		}
		last = key
		if rest, err = skipPlain(value, 1); err != nil {
			return members, errors.Join(ErrNotCanonical, err)
		}
		members = append(members, Member{text[:size], value[:len(value)-len(rest)]})
	}
	if len(rest) > 0 {
		return members, ErrNotCanonical
	}
	return members, nil
}
