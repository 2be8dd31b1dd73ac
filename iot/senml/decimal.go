package senml

import (
	"strconv"
	"strings"
)

// maxDigits bounds the digits of a number, maxExponent its power of ten either way.
const (
	maxDigits   = 18
	maxExponent = 18
)

// decimal is an exact number, digits x 10^-scale, with 0 <= scale <= maxExponent.
type decimal struct {
	digits int64
	scale  int
}

// parseDecimal reads a number in the grammar of JSON (RFC 8259 section 6).
func parseDecimal(text string) (decimal, bool) {
	body, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, hasExponent := cutExponent(body)
	whole, fraction, hasFraction := strings.Cut(mantissa, ".")
	leadingZero := len(whole) > 1 && whole[0] == '0'
	if !allDigits(whole) || leadingZero || hasFraction && !allDigits(fraction) || len(whole)+len(fraction) > maxDigits {
		return decimal{}, false
	}
	power := 0
	if hasExponent {
		unsigned := strings.TrimPrefix(strings.TrimPrefix(exponent, "+"), "-")
		if !allDigits(unsigned) || len(unsigned) > 3 || len(exponent)-len(unsigned) > 1 {
			return decimal{}, false
		}
		power, _ = strconv.Atoi(exponent) // at most three digits
	}
	digits, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return decimal{}, false
	}
	if negative {
		digits = -digits
	}
	return newDecimal(digits, len(fraction)-power, power)
}

// newDecimal brings digits x 10^-scale to its shortest form. Power is the exponent as
// written, which alone may already be beyond the limit.
func newDecimal(digits int64, scale, power int) (decimal, bool) {
	if power > maxExponent || power < -maxExponent {
		return decimal{}, false
	}
	if digits == 0 {
		return decimal{}, true
	}
	for scale > 0 && digits%10 == 0 {
		digits, scale = digits/10, scale-1
	}
	for ; scale < 0; scale++ {
		if digits > limit64/10 || digits < -limit64/10 {
			return decimal{}, false
		}
		digits *= 10
	}
	return decimal{digits, scale}, scale <= maxExponent
}

// limit64 keeps every number and every sum of two well inside 64 bits.
const limit64 int64 = 1 << 61

// at gives the digits at a scale, exactly or not at all.
func (d decimal) at(scale int) (int64, bool) {
	digits := d.digits
	for s := d.scale; s > scale; s-- {
		if digits%10 != 0 {
			return 0, false
		}
		digits /= 10
	}
	for s := d.scale; s < scale; s++ {
		if digits > limit64/10 || digits < -limit64/10 {
			return 0, false
		}
		digits *= 10
	}
	return digits, true
}

func (d decimal) plus(e decimal) (decimal, bool) {
	scale := max(d.scale, e.scale)
	a, okA := d.at(scale)
	b, okB := e.at(scale)
	if !okA || !okB || a > limit64 || a < -limit64 || b > limit64 || b < -limit64 {
		return decimal{}, false
	}
	return newDecimal(a+b, scale, 0)
}

// text is the shortest JSON number of the same value.
func (d decimal) text() string {
	sign, digits := "", d.digits
	if digits < 0 {
		sign, digits = "-", -digits
	}
	s := strconv.FormatInt(digits, 10)
	if d.scale == 0 {
		return sign + s
	}
	for len(s) <= d.scale {
		s = "0" + s
	}
	return sign + s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
