package domain_test

import (
	"testing"

	"aval/domain"
)

// The decimals of ISO 4217 list one, checked for each currency that does not have two and
// for some that do, among them MGA and MRU, whose subunit is a fifth.
func TestExponentFollowsISO4217(t *testing.T) {
	for exponent, codes := range map[int32][]domain.Currency{
		0: {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"},
		2: {"EUR", "USD", "GBP", "CHF", "MGA", "MRU", "HUF", "TWD", "XCD", "XCG", "SLE", "VED", "ZWG"},
		3: {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"},
		4: {"CLF", "UYW"},
	} {
		for _, code := range codes {
			if got, err := code.Exponent(); err != nil || got != exponent {
				t.Errorf("%s: got %d, %v, want %d", code, got, err, exponent)
			}
		}
	}
}

func TestExponentRefusesWhatNobodyIsPaidIn(t *testing.T) {
	for _, code := range []domain.Currency{
		"", "eur", "EUR ", "EU", "EURO", "€",
		"XAU", "XAG", "XDR", "XTS", "XXX", // metals, drawing rights, test, none
		"DEM", "HRK", "BGN", "ANG", "SLL", "ZWL", // withdrawn
		"BTC",
	} {
		_, err := code.Exponent()
		wantCode(t, string(code), err, domain.Malformed)
	}
}

// The count guards against an entry lost or doubled in an edit of the table.
func TestCurrencyTableIsWhole(t *testing.T) {
	counts := map[int32]int{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				if exponent, err := domain.Currency([]rune{a, b, c}).Exponent(); err == nil {
					counts[exponent]++
				}
			}
		}
	}
	for exponent, want := range map[int32]int{0: 16, 2: 132, 3: 7, 4: 2} {
		if counts[exponent] != want {
			t.Errorf("%d currencies with %d decimals, want %d", counts[exponent], exponent, want)
		}
	}
}
