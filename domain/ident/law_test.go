package ident

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// checked are the kinds with check digits.
var checked = []string{"LEI", "GLN", "GTIN", "SSCC", "IBAN", "RF", "container"}

// drawNumber draws a right number: digits of an example are changed at random, and the check digits made to fit.
func drawNumber(t *rapid.T) (kind, text string) {
	kind = rapid.SampledFrom(checked).Draw(t, "kind")
	base := []byte(rapid.SampledFrom(strings.Fields(kinds[kind].valid)).Draw(t, "base"))
	at, width := len(base)-1, 1
	switch kind {
	case "LEI":
		at, width = 18, 2
	case "IBAN", "RF":
		at, width = 2, 2
	}
	for i, c := range base {
		if digit(c) && (i < at || i >= at+width) {
			base[i] = rapid.ByteRange('0', '9').Draw(t, "digit")
		}
	}
	for n := range 100 {
		copy(base[at:at+width], digits(n, width))
		if kinds[kind].check("id", string(base)) == nil {
			return kind, string(base)
		}
	}
	t.Fatalf("%s %s: no check digits fit", kind, base)
	return "", ""
}

// aliased says whether ISO 6346 writes this number's remainder of ten as 0, so that it and one with remainder 0 agree.
func aliased(kind, right, wrong string) bool {
	return kind == "container" && (weighed(right[:10])%11 == 10 || weighed(wrong[:10])%11 == 10)
}

func TestOneWrongDigitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, text := drawNumber(t)
		at := rapid.IntRange(0, len(text)-1).Filter(func(i int) bool { return digit(text[i]) }).Draw(t, "at")
		other := rapid.ByteRange('0', '9').Filter(func(c byte) bool { return c != text[at] }).Draw(t, "other")
		wrong := text[:at] + string(other) + text[at+1:]
		if !aliased(kind, text, wrong) && kinds[kind].check("id", wrong) == nil {
			t.Fatalf("%s %s passes for %s", kind, wrong, text)
		}
	})
}

func TestTwoNeighboursSwappedAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, text := drawNumber(t)
		swaps := func(i int) bool { return digit(text[i]) && digit(text[i+1]) && text[i] != text[i+1] }
		var places []int
		for i := range len(text) - 1 {
			if swaps(i) {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			return
		}
		at := rapid.SampledFrom(places).Draw(t, "at")
		wrong := text[:at] + string(text[at+1]) + string(text[at]) + text[at+2:]
		five := text[at]-text[at+1] == 5 || text[at+1]-text[at] == 5
		gs1 := kind == "GLN" || kind == "GTIN" || kind == "SSCC" // mod 10 cannot see digits that differ by five
		if five && gs1 || aliased(kind, text, wrong) {
			return
		}
		if kinds[kind].check("id", wrong) == nil {
			t.Fatalf("%s %s passes for %s", kind, wrong, text)
		}
	})
}
