package ident

// CheckLEI refuses text that is no Legal Entity Identifier: 18 letters or digits and two check digits
// (ISO 17442-1:2020, MOD 97-10 of ISO/IEC 7064).
func CheckLEI(field, text string) error {
	if len(text) != 20 || !checked97(text[:18], text[18:]) {
		return refuse(field, "an LEI, 20 letters and digits with right check digits")
	}
	return nil
}

// CheckRF refuses text that is no creditor reference: "RF", two check digits, and 1 to 21 letters or
// digits (ISO 11649:2009). Leading zeros are part of it.
func CheckRF(field, text string) error {
	if len(text) < 5 || len(text) > 25 || text[:2] != "RF" || !checked97(text[4:]+text[:2], text[2:4]) {
		return refuse(field, "a creditor reference, RF and up to 23 letters and digits with right check digits")
	}
	return nil
}

// checked97 says whether two digits are those that MOD 97-10 gives a text: 98 less the remainder, so 02 to 98.
// That 00, 01 and 99 leave the right remainder too makes no second spelling of a number.
func checked97(text, check string) bool {
	if !all(text, alphanumeric) || !all(check, digit) || check < "02" || check > "98" {
		return false
	}
	return remainder97(text+check) == 1
}

// remainder97 reads letters as 10 to 35 and divides the decimal number that results by 97.
func remainder97(text string) int {
	rest := 0
	for i := range len(text) {
		if c := text[i]; digit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest
}
