package ident

import "strings"

// CheckContainer refuses text that is no container number: three letters of the owner, U, J or Z, six
// digits and the check digit (ISO 6346:2022, annex A). A remainder of ten is written 0.
func CheckContainer(field, text string) error {
	if len(text) != 11 || !all(text[:4], upper) || !strings.Contains("UJZ", text[3:4]) || !all(text[4:], digit) ||
		weighed(text[:10])%11%10 != int(text[10]-'0') {
		return refuse(field, "a container number, 4 letters and 7 digits with a right check digit")
	}
	return nil
}

// weighed adds the value of each character times a power of two. Letters count from ten on, leaving out 11, 22 and 33.
func weighed(text string) int {
	sum := 0
	for i := range len(text) {
		value := int(text[i] - '0')
		if upper(text[i]) {
			n := int(text[i] - 'A')
			value = 10 + n + (n+9)/10
		}
		sum += value << i
	}
	return sum
}
