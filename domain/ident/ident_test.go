package ident

import (
	"errors"
	"strings"
	"testing"

	"aval/domain"
)

type check func(field, text string) error

// kinds are the checks, each with numbers that are in use or stand in the standards, and with near misses.
var kinds = map[string]struct {
	check check
	valid string
	wrong []string
}{
	"LEI": {CheckLEI, "HWUPKR0MPOU8FGXBT394 5493001KJTIIGC8Y1R12 7LTWFZYICNSX8D621K86 254900OPPU84GM83MG36 213800WSGIIZCXF1P572", []string{
		"", "HWUPKR0MPOU8FGXBT395", "hwupkr0mpou8fgxbt394", "HWUPKR0MPOU8FGXBT39", "HWUPKR0MPOU8FGXBT3940", "HWUPKR0MPOU8FGXBT39A", "HWUPKR0MPOU8-GXBT394",
	}},
	"GLN": {CheckGLN, "7300010000001 4049929999992 7350053850019 9506000134352", []string{
		"", "7300010000002", "730001000000", "73000100000010", "7300010000O01", " 7300010000001", "７300010000001", "10614141000415",
	}},
	"GTIN": {CheckGTIN, "73513537 036000291452 4006381333931 10614141000415 00614141999996", []string{
		"", "73513536", "036000291453", "4006381333932", "10614141000414", "006141419999", "0061414199999", "106141411234567897", "7351353X",
	}},
	"SSCC": {CheckSSCC, "106141411234567897 340123450000000000", []string{
		"", "106141411234567898", "00106141411234567897", "10614141123456789", "1061414112345678 7", "10614141000415",
	}},
	"IBAN": {CheckIBAN, "GB82WEST12345698765432 DE89370400440532013000 NO9386011117947 FR1420041010050500013M02606 MT84MALT011000012345MTLCAST001S " +
		"CH9300762011623852957 BE68539007547034 SE4550000000058398257466 LC55HEMM000100010012001200023015 SC18SSCB11010000000000001497USD", []string{
		"", "GB82", "GB82WEST12345698765433", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "XX82WEST12345698765432", "GB82WEST1234569876543",
		"DE8937040044053201300", "DE893704004405320130000", "1289370400440532013000", "DEA9370400440532013000",
	}},
	"RF": {CheckRF, "RF18539007547034 RF471234567890 RF712348231 RF45G72UUR RF6518K5", []string{
		"", "RF18", "RF18539007547035", "RF35C4", "rf18539007547034", "RF18 5390 0754 7034", "RX18539007547034", "18539007547034", "RF18" + strings.Repeat("0", 22),
	}},
	"container": {CheckContainer, "CSQU3054383 TOLU4734787 MSKU0000006 MEDU8707688 AVLU1234660", []string{
		"", "CSQU3054384", "CSQ30543830", "CSQX3054383", "CSQU305438", "CSQU30543833", "csqu3054383", "CSQU 305438 3", "AVLU123465A",
	}},
	"BIC": {CheckBIC, "DEUTDEFF DEUTDEFF500 NEDSZAJJXXX 1234SE2A", []string{
		"", "DEUTDEF", "DEUTDEFF50", "DEUT4EFF", "deutdeff", "DEUTDEFF5000", "DEUT-EFF", "DEUTDÉFF",
	}},
}

func TestNumbersInUseAreRight(t *testing.T) {
	for name, kind := range kinds {
		for text := range strings.FieldsSeq(kind.valid) {
			if err := kind.check("id", text); err != nil {
				t.Errorf("%s %s: %v", name, text, err)
			}
		}
	}
}

func TestNearMissesAreRefusedWithoutTheirText(t *testing.T) {
	for name, kind := range kinds {
		for _, text := range kind.wrong {
			err := kind.check("payee.account", text)
			var refusal *domain.Rejection
			if !errors.As(err, &refusal) || refusal.Code != domain.Malformed || !strings.HasPrefix(refusal.Detail, "payee.account: want ") {
				t.Errorf("%s %q: %v", name, text, err)
			} else if len(text) > 3 && strings.Contains(refusal.Detail, text) {
				t.Errorf("%s %q: the refusal repeats it: %v", name, text, err)
			}
		}
	}
}

// TestCheckDigitsOutOfRangeAreRefused: 98 less a remainder is 02 to 98, and 00, 01 and 99 would divide as well.
func TestCheckDigitsOutOfRangeAreRefused(t *testing.T) {
	for _, c := range []struct{ right, alias string }{{"97", "00"}, {"98", "01"}, {"02", "99"}} {
		found := false
		for n := range 10_000 {
			text := "RF" + c.right + digits(n, 6)
			if CheckRF("id", text) != nil {
				continue
			}
			found = true
			if alias := "RF" + c.alias + digits(n, 6); CheckRF("id", alias) == nil || remainder97(alias[4:]+alias[:4]) != 1 {
				t.Errorf("%s is as right as %s", alias, text)
			}
		}
		if !found {
			t.Errorf("no reference with check digits %s", c.right)
		}
	}
}

// digits writes n with leading zeros.
func digits(n, width int) string {
	text := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		text[i], n = byte('0'+n%10), n/10
	}
	return string(text)
}

func FuzzIdentifiers(f *testing.F) {
	for _, kind := range kinds {
		for text := range strings.FieldsSeq(kind.valid) {
			f.Add(text)
		}
		for _, text := range kind.wrong {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, kind := range kinds {
			if kind.check("id", text) == nil && !all(text, alphanumeric) {
				t.Errorf("%s %q", name, text)
			}
		}
	})
}
