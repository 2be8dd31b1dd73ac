package ident

import "slices"

// CheckGLN refuses text that is no Global Location Number: 13 digits, the last of them the check
// digit (GS1 General Specifications, 3.4 and 7.9.1).
func CheckGLN(field, text string) error {
	return checkGS1(field, text, "a GLN, 13 digits with a right check digit", 13)
}

// CheckGTIN refuses text that is no Global Trade Item Number: 8, 12, 13 or 14 digits, the last of them the
// check digit (GS1 General Specifications, 3.3 and 7.9.1).
func CheckGTIN(field, text string) error {
	return checkGS1(field, text, "a GTIN, 8, 12, 13 or 14 digits with a right check digit", 8, 12, 13, 14)
}

// CheckSSCC refuses text that is no Serial Shipping Container Code: 18 digits, the last of them the check
// digit (GS1 General Specifications, 3.2 and 7.9.1).
func CheckSSCC(field, text string) error {
	return checkGS1(field, text, "an SSCC, 18 digits with a right check digit", 18)
}

// checkGS1 weighs digits by 1 and 3 in turn, the last by 1; ten must divide the sum.
func checkGS1(field, text, want string, lengths ...int) error {
	sum := 0
	for i := range len(text) {
		sum += int(text[i]-'0') * (1 + (len(text)-1-i)%2*2)
	}
	if !slices.Contains(lengths, len(text)) || !all(text, digit) || sum%10 != 0 {
		return refuse(field, want)
	}
	return nil
}
