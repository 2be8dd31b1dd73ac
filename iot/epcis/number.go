package epcis

import (
	"strconv"
	"strings"
)

// maxDigits bounds the digits of a number, before and after the point together.
const maxDigits = 18

// Decimal is an exact number, Digits x 10^-Scale, as its text gave it.
type Decimal struct {
	Digits int64
	Scale  int
}

// parseNumber reads a JSON number that is a plain decimal: no exponent, at most 18 digits.
func parseNumber(n node) (Decimal, error) {
	if n.kind != '0' {
		return Decimal{}, malformed("want a number")
	}
	return parseDecimal(n.text)
}

func parseDecimal(text string) (Decimal, error) {
	body, negative := strings.CutPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(body, ".")
	switch {
	case strings.ContainsAny(text, "eE"):
		return Decimal{}, malformed("want a number without an exponent")
	case !digits(whole) || dotted && !digits(fraction):
		return Decimal{}, malformed("want a number")
	case len(whole)+len(fraction) > maxDigits:
		return Decimal{}, refusef("number of %d digits, limit %d", len(whole)+len(fraction), maxDigits)
	}
	d, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Decimal{}, malformed("want a number")
	}
	if negative {
		d = -d
	}
	return Decimal{d, len(fraction)}, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// String is the shortest text of the number: no zeros that say nothing.
func (d Decimal) String() string {
	sign, n, scale := "", d.Digits, d.Scale
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if n < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatInt(n, 10)
	if scale == 0 {
		return sign + s
	}
	for len(s) <= scale {
		s = "0" + s
	}
	return sign + s[:len(s)-scale] + "." + s[len(s)-scale:]
}

// maxMeasure bounds what is converted, so that every step fits 63 bits.
const maxMeasure = 1_000_000_000

// at gives the number times factor/divisor at a scale, rounded half away from zero; false if it is out of range.
func (d Decimal) at(scale int, factor, divisor int64) (int64, bool) {
	n := d.Digits
	for s := d.Scale; s > scale+6; s-- { // what is left is below a millionth of the last digit
		n /= 10
	}
	kept := min(d.Scale, scale+6)
	for ; kept < scale; kept++ {
		if n > maxMeasure*1000 || n < -maxMeasure*1000 {
			return 0, false
		}
		n *= 10
	}
	if n > maxMeasure*1_000_000 || n < -maxMeasure*1_000_000 {
		return 0, false
	}
	for ; kept > scale; kept-- {
		divisor *= 10
	}
	n *= factor
	if n < 0 {
		return -((-n + divisor/2) / divisor), true
	}
	return (n + divisor/2) / divisor, true
}

// celsius gives a temperature in thousandths of a degree Celsius. Units are those of UN/ECE
// Recommendation 20: CEL, FAH, KEL. False for any other, or out of range.
func (d Decimal) celsius(unit string) (int64, bool) {
	switch unit {
	case "CEL":
		return d.at(3, 1, 1)
	case "KEL":
		kelvin, ok := d.at(3, 1, 1)
		return kelvin - 273_150, ok
	case "FAH":
		above, ok := d.minus(32).at(3, 5, 9)
		return above, ok
	}
	return 0, false
}

// minus takes a whole number away; out of range it stays out of range.
func (d Decimal) minus(whole int64) Decimal {
	for range d.Scale {
		whole *= 10
	}
	d.Digits -= whole
	return d
}

// percent gives a relative humidity in thousandths of a percent. P1 is percent, C62 a share of one.
func (d Decimal) percent(unit string) (int64, bool) {
	switch unit {
	case "P1":
		return d.at(3, 1, 1)
	case "C62":
		return d.at(3, 100, 1)
	}
	return 0, false
}
