// Package canon is the only encoder of bytes that Aval hashes or signs.
//
// The format is deterministic CBOR, RFC 8949 section 4.2.1: shortest integers and
// lengths, definite lengths only, map keys unique and in bytewise order of their
// encoding. On top of that canon refuses what has no business in a ledger: floating
// point numbers, tags, simple values other than false, true and null, and text that is
// not UTF-8. Marshal and Unmarshal refuse them alike, so what one gives the other takes.
//
// Struct fields are named by their json tag, so one definition serves the canonical
// bytes and the JSON that a person reads:
//
//	b, err := canon.Marshal(domain.Money{Minor: 500, Currency: "EUR"})
//	// a2 65 6d696e6f72 19 01f4 68 63757272656e6379 63 455552
//
// Unmarshal accepts exactly the bytes that Marshal would have produced for the same
// value; everything else is ErrNotCanonical. All functions are safe for concurrent use.
package canon

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// Limits of one encoded value. A value beyond them is refused, never truncated.
const (
	// MaxBytes bounds one canonical value: a command of 1 MiB with the results of 1,000 items, and room.
	MaxBytes = 8 << 20
	// MaxDepth bounds nesting.
	MaxDepth = 16
	// MaxElements bounds one array or map.
	MaxElements = 1 << 16
)

// ErrNotCanonical reports bytes that are not the one encoding of any value.
var ErrNotCanonical = errors.New("not canonical CBOR")

var (
	encoding = must(cbor.EncOptions{
		Sort: cbor.SortBytewiseLexical, IndefLength: cbor.IndefLengthForbidden,
		NilContainers: cbor.NilContainerAsNull, TagsMd: cbor.TagsForbidden,
	}.EncMode())
	decoding = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
		TagsMd: cbor.TagsForbidden, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels: MaxDepth, MaxArrayElements: MaxElements, MaxMapPairs: MaxElements,
		UTF8: cbor.UTF8RejectInvalid, IntDec: cbor.IntDecConvertSignedOrFail,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options above are constants
	}
	return mode
}

// Marshal returns the one canonical encoding of v. It fails for a value that holds a
// float, a tag, text that is not UTF-8, a channel, a function, or more than the limits allow.
func Marshal(v any) ([]byte, error) {
	b, err := encoding.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode canonical: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("encode canonical: %d bytes, limit %d", len(b), MaxBytes)
	}
	if err := checkPlain(b); err != nil {
		return nil, fmt.Errorf("encode canonical: %w", err)
	}
	return b, nil
}

// Decode decodes what Marshal made and nobody else can have touched: state in the memory of this
// process. It is half the work of Unmarshal, which is for everything else.
func Decode(data []byte, v any) error { return decoding.Unmarshal(data, v) }

// Unmarshal decodes data into v and refuses, with ErrNotCanonical, any data that is not
// exactly what Marshal gives back for the decoded value. Unknown fields are refused.
func Unmarshal(data []byte, v any) error {
	if len(data) > MaxBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrNotCanonical, len(data), MaxBytes)
	}
	if err := decoding.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	again, err := Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("%w: another encoding of the same value", ErrNotCanonical)
	}
	return nil
}
