package canon_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"aval/domain"
	"aval/domain/canon"
)

// law is what holds for any bytes and any target type: decoding fails with ErrNotCanonical,
// or encoding gives the same bytes back.
func law[T any](t *testing.T, data []byte) bool {
	var v T
	err := canon.Unmarshal(data, &v)
	if err != nil {
		if !errors.Is(err, canon.ErrNotCanonical) {
			t.Fatalf("%T: %x: %v is not ErrNotCanonical", v, data, err)
		}
		return false
	}
	again, err := canon.Marshal(v)
	if err != nil || !bytes.Equal(again, data) {
		t.Fatalf("%T: %x came back as %x, %v", v, data, again, err)
	}
	return true
}

func seed(f *testing.F, values ...any) {
	for text := range vectors(f, "golden.txt") {
		f.Add(unhex(f, text))
	}
	for text := range vectors(f, "refused.txt") {
		if data, err := hex.DecodeString(text); err == nil {
			f.Add(data)
		}
	}
	for _, v := range values {
		data, err := canon.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzUnmarshalAny(f *testing.F) {
	seed(f, observation(), payment())
	core := must(cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if !law[any](t, data) {
			return
		}
		if err := core.Wellformed(data); err != nil {
			t.Fatalf("%x: accepted, and not well-formed: %v", data, err)
		}
		if _, err := canon.ToJSON(data); err != nil {
			t.Fatalf("%x: accepted, and not shown: %v", data, err)
		}
	})
}

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// What a struct accepts, a generic reader accepts too, unless a number is beyond int64.
func FuzzUnmarshalTyped(f *testing.F) {
	seed(f, payment().Amount, payment(), observation(), flight(), observation().Readings[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		typed := law[domain.Money](t, data)
		typed = law[domain.Posting](t, data) || typed
		typed = law[domain.Reading](t, data) || typed
		law[domain.Observation](t, data)
		if typed && !law[any](t, data) {
			t.Fatalf("%x: accepted for a struct, refused for any", data)
		}
	})
}

// FuzzMarshal starts from values: what Marshal takes, Unmarshal gives back.
func FuzzMarshal(f *testing.F) {
	f.Add("temperature", int64(41), []byte{1}, true)
	f.Add("\xff", int64(-1), []byte(nil), false)
	f.Fuzz(func(t *testing.T, text string, number int64, raw []byte, flag bool) {
		v := map[string]any{text: []any{number, raw, flag, nil}, "k" + text: map[string]any{"text": text}}
		data, err := canon.Marshal(v)
		if err == nil && !law[any](t, data) {
			t.Fatalf("%x: encoded, and refused when decoding", data)
		}
	})
}
