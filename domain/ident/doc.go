// Package ident checks the identifiers of trade and of payments by their form and check digits:
// LEI, GLN, GTIN, SSCC, IBAN, RF creditor references, container numbers, and the shape of a BIC.
//
// All are taken in their electronic form: upper-case letters and digits, without spaces or hyphens.
// A refusal is domain.Malformed; it names the field and the standard and never repeats the text.
// A right check digit says that a number was copied well, not that it was ever issued.
//
// The functions are pure and safe for concurrent use.
package ident

import "aval/domain"

// refuse names what a field is not.
func refuse(field, want string) error {
	return domain.Refuse(domain.Malformed, "%s: want %s", field, want)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

// all says whether every byte of a text is of a class.
func all(text string, class func(byte) bool) bool {
	for i := range len(text) {
		if !class(text[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool { return digit(c) || upper(c) }
