package senml

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"aval/domain"
)

// cborReader reads items strictly by their major type and keeps the first refusal.
type cborReader struct{ err error }

func (r *cborReader) refuse(field, want string) {
	if r.err == nil {
		r.err = domain.Refuse(domain.Malformed, "%s: want %s", field, want)
	}
}

// major is the major type of an item (RFC 8949 section 3.1), -1 for none.
func major(raw cbor.RawMessage) int {
	if len(raw) == 0 {
		return -1
	}
	return int(raw[0] >> 5)
}

func (r *cborReader) text(field string, raw cbor.RawMessage) string {
	var s string
	if major(raw) != 3 || decoding.Unmarshal(raw, &s) != nil {
		r.refuse(field, "a text")
	}
	return s
}

func (r *cborReader) bytes(field string, raw cbor.RawMessage) []byte {
	var b []byte
	if major(raw) != 2 || decoding.Unmarshal(raw, &b) != nil {
		r.refuse(field, "a byte string")
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

func (r *cborReader) count(field string, raw cbor.RawMessage) uint64 {
	var n uint64
	if major(raw) != 0 || decoding.Unmarshal(raw, &n) != nil || n > domain.MaxMinor {
		r.refuse(field, "an integer from 0 to 2^53-1")
	}
	return n
}

func (r *cborReader) optionalText(label int64, m map[any]cbor.RawMessage) *string {
	raw, ok := m[label]
	if !ok {
		return nil
	}
	s := r.text(fmt.Sprintf("label %d", label), raw)
	return &s
}

func (r *cborReader) optionalNumber(label int64, m map[any]cbor.RawMessage) *decimal {
	raw, ok := m[label]
	if !ok {
		return nil
	}
	d, ok := cborNumber(raw)
	if !ok {
		r.refuse(fmt.Sprintf("label %d", label), "an integer or a decimal fraction (tag 4) within 10^18, not a float")
	}
	return &d
}

// decimalTag is the one-byte encoding of CBOR tag 4, decimal fraction: [exponent, mantissa].
const decimalTag = 0xc4

func cborNumber(raw cbor.RawMessage) (decimal, bool) {
	if len(raw) > 0 && raw[0] == decimalTag {
		return decimalFraction(raw[1:])
	}
	n, ok := cborInteger(raw)
	if !ok {
		return decimal{}, false
	}
	return newDecimal(n, 0, 0)
}

func decimalFraction(raw cbor.RawMessage) (decimal, bool) {
	var parts []cbor.RawMessage
	if major(raw) != 4 || decoding.Unmarshal(raw, &parts) != nil || len(parts) != 2 {
		return decimal{}, false
	}
	exponent, okE := cborInteger(parts[0])
	mantissa, okM := cborInteger(parts[1])
	if !okE || !okM || exponent > maxExponent || exponent < -maxExponent {
		return decimal{}, false
	}
	return newDecimal(mantissa, int(-exponent), int(exponent))
}

// cborInteger reads an integer of at most maxDigits digits.
func cborInteger(raw cbor.RawMessage) (int64, bool) {
	const limit = int64(1e18)
	var n int64
	if m := major(raw); m != 0 && m != 1 || decoding.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	return n, n > -limit && n < limit
}
