package ident

import (
	"strconv"
	"strings"
)

// ibanLengths gives the length of an IBAN by country (ISO 13616-2, registry of 2024).
var ibanLengths = listLengths()

func listLengths() map[string]int {
	lengths := map[string]int{}
	for entry := range strings.FieldsSeq(
		"AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 " +
			"ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 " +
			"LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 " +
			"PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
	) {
		lengths[entry[:2]], _ = strconv.Atoi(entry[2:])
	}
	return lengths
}

// CheckIBAN refuses text that is no International Bank Account Number: a country of the registry, two
// check digits, and a national part of that country's length (ISO 13616-1:2020).
func CheckIBAN(field, text string) error {
	if len(text) < 5 || ibanLengths[text[:2]] != len(text) || !checked97(text[4:]+text[:2], text[2:4]) {
		return refuse(field, "an IBAN, of the length of its country, with right check digits")
	}
	return nil
}

// CheckBIC refuses text that has not the shape of a Business Identifier Code: 4 letters or digits, a country of two
// letters, 2 letters or digits and, for a branch, 3 more (ISO 9362:2022). A BIC has no check digit.
func CheckBIC(field, text string) error {
	if len(text) != 8 && len(text) != 11 || !all(text, alphanumeric) || !all(text[4:6], upper) {
		return refuse(field, "a BIC, 8 or 11 letters and digits with a country in fifth place")
	}
	return nil
}
