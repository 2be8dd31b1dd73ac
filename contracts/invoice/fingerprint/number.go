package fingerprint

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"aval/domain"
)

// MaxNumber bounds an invoice number, in bytes before and after it is normalised.
const MaxNumber = 256

// Normalise gives the form in which invoice numbers are compared: compatibility forms are
// unified (NFKC, so also full-width digits and NFC against NFD), letters folded, every kind of space
// and invisible character dropped, every kind of dash made the same. Leading zeros stay: to many
// sellers they tell numbers apart. Malformed for what is empty then, too long, or no text.
func Normalise(number string) (string, error) {
	if len(number) > MaxNumber || !utf8.ValidString(number) {
		return "", domain.Refuse(domain.Malformed, "number: want text of at most %d bytes", MaxNumber)
	}
	fold := cases.Fold()
	for range 3 { // a second round settles what folding decomposed; the third proves it
		next := norm.NFKC.String(fold.String(norm.NFKC.String(strings.Map(plain, number))))
		if next == number {
			break
		}
		number = next
	}
	number = strings.Map(plain, number)
	if number == "" || len(number) > MaxNumber || strings.ContainsFunc(number, unicode.IsControl) {
		return "", domain.Refuse(domain.Malformed, "number: want 1 to %d bytes of text that shows", MaxNumber)
	}
	return number, nil
}

// plain drops what does not show and unifies dashes, and the letters that folding does not.
func plain(r rune) rune {
	switch {
	case unicode.IsSpace(r), unicode.Is(unicode.Z, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		return -1
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	case r >= 0xab70 && r <= 0xabbf: // cases.Fold turns small Cherokee letters into large ones and back
		return r - 0xab70 + 0x13a0
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 8
	}
	return r
}

// Loose is a normalised number without its leading zeros: two that agree in it alone are
// suspicious, not the same. "0" stays for a number of nothing but zeros.
func Loose(normalised string) string {
	if loose := strings.TrimLeft(normalised, "0"); loose != "" {
		return loose
	}
	return "0"
}
