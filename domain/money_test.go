package domain_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

func TestParseMoneyReadsPlainDecimals(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency domain.Currency
		minor    int64
		shown    string
	}{
		{"0", "EUR", 0, "0.00 EUR"},
		{"0.01", "EUR", 1, "0.01 EUR"},
		{"12.34", "EUR", 1234, "12.34 EUR"},
		{"12.3", "EUR", 1230, "12.30 EUR"},
		{"12", "EUR", 1200, "12.00 EUR"},
		{"007", "EUR", 700, "7.00 EUR"},
		{"-12.34", "EUR", -1234, "-12.34 EUR"},
		{"-0", "EUR", 0, "0.00 EUR"}, // there is one zero
		{"-0.00", "EUR", 0, "0.00 EUR"},
		{"500", "JPY", 500, "500 JPY"},
		{"1.234", "BHD", 1234, "1.234 BHD"},
		{"1.2345", "CLF", 12345, "1.2345 CLF"},
		{"90071992547409.91", "EUR", domain.MaxMinor, "90071992547409.91 EUR"},
		{"-90071992547409.91", "EUR", -domain.MaxMinor, "-90071992547409.91 EUR"},
		{"9007199254740991", "JPY", domain.MaxMinor, "9007199254740991 JPY"},
		{"000000000000000000000001", "JPY", 1, "1 JPY"}, // 24 bytes, the longest text
	} {
		got, err := domain.ParseMoney(c.text, c.currency)
		if err != nil || got.Minor != c.minor || got.Currency != c.currency {
			t.Errorf("%s %s: got %+v, %v, want %d", c.text, c.currency, got, err, c.minor)
		}
		if got.String() != c.shown {
			t.Errorf("%s %s: shown as %q, want %q", c.text, c.currency, got.String(), c.shown)
		}
	}
}

func TestParseMoneyRefuses(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency domain.Currency
		code     domain.Code
	}{
		{"", "EUR", domain.InvalidAmount},
		{"-", "EUR", domain.InvalidAmount},
		{".", "EUR", domain.InvalidAmount},
		{".5", "EUR", domain.InvalidAmount},
		{"5.", "EUR", domain.InvalidAmount},
		{"-.5", "EUR", domain.InvalidAmount},
		{"+5", "EUR", domain.InvalidAmount},
		{"--5", "EUR", domain.InvalidAmount},
		{"5-", "EUR", domain.InvalidAmount},
		{"1e9", "EUR", domain.InvalidAmount},
		{"1E9", "EUR", domain.InvalidAmount},
		{"1e999999999", "EUR", domain.InvalidAmount},
		{"1,000.00", "EUR", domain.InvalidAmount},
		{"1.000,00", "EUR", domain.InvalidAmount},
		{"1.0.0", "EUR", domain.InvalidAmount},
		{"1 000", "EUR", domain.InvalidAmount},
		{" 1", "EUR", domain.InvalidAmount},
		{"1\n", "EUR", domain.InvalidAmount},
		{"1_000", "EUR", domain.InvalidAmount},
		{"0x10", "EUR", domain.InvalidAmount},
		{"NaN", "EUR", domain.InvalidAmount},
		{"Inf", "EUR", domain.InvalidAmount},
		{"١٢", "EUR", domain.InvalidAmount}, // Arabic-Indic digits
		{"0.001", "EUR", domain.InvalidAmount},
		{"1.000", "EUR", domain.InvalidAmount}, // no third decimal, not even a zero
		{"1.0", "JPY", domain.InvalidAmount},
		{"1.2345", "BHD", domain.InvalidAmount},
		{"1.23456", "CLF", domain.InvalidAmount},
		{strings.Repeat("9", 30), "EUR", domain.InvalidAmount},
		{strings.Repeat("0", 24) + "1", "JPY", domain.InvalidAmount},
		{"90071992547409.92", "EUR", domain.InvalidAmount},
		{"-90071992547409.92", "EUR", domain.InvalidAmount},
		{"9999999999999999999999", "JPY", domain.InvalidAmount}, // beyond int64
		{"1", "XXX", domain.Malformed},
		{"1", "", domain.Malformed},
	} {
		_, err := domain.ParseMoney(c.text, c.currency)
		wantCode(t, c.text+" "+string(c.currency), err, c.code)
	}
}

func TestUnknownCurrencyIsShownAsSuch(t *testing.T) {
	if got := (domain.Money{Minor: 5, Currency: "XXX"}).String(); got != "? XXX" {
		t.Errorf("got %q", got)
	}
}

func TestCheckPositive(t *testing.T) {
	for _, c := range []struct {
		money domain.Money
		code  domain.Code
	}{
		{domain.Money{Minor: 1, Currency: "EUR"}, ""},
		{domain.Money{Minor: domain.MaxMinor, Currency: "EUR"}, ""},
		{domain.Money{Minor: 0, Currency: "EUR"}, domain.InvalidAmount},
		{domain.Money{Minor: -1, Currency: "EUR"}, domain.InvalidAmount},
		{domain.Money{Minor: domain.MaxMinor + 1, Currency: "EUR"}, domain.InvalidAmount},
		{domain.Money{Minor: 1, Currency: "XXX"}, domain.Malformed},
	} {
		wantCode(t, c.money.String(), c.money.CheckPositive("price"), c.code)
	}
}

// Overflow is a refusal, never a wrap: each pair here wraps in int64 arithmetic or comes close.
func TestArithmeticRefusesBeyondMaxMinor(t *testing.T) {
	edges := []int64{
		math.MinInt64, math.MinInt64 + 1, -domain.MaxMinor - 1, -domain.MaxMinor, -1, 0, 1,
		domain.MaxMinor, domain.MaxMinor + 1, math.MaxInt64 - 1, math.MaxInt64, 1 << 32, -(1 << 32),
	}
	for _, a := range edges {
		for _, b := range edges {
			checkArithmetic(t, a, b)
		}
	}
}

func TestArithmeticAgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		checkArithmetic(r, rapid.Int64().Draw(r, "a"), rapid.Int64().Draw(r, "b"))
	})
}

// checkArithmetic compares each operation with math/big: the exact result, or a refusal if
// that lies outside -MaxMinor..MaxMinor.
func checkArithmetic(t rapid.TB, a, b int64) {
	t.Helper()
	x, y := domain.Money{Minor: a, Currency: "EUR"}, domain.Money{Minor: b, Currency: "EUR"}
	bigA, bigB := big.NewInt(a), big.NewInt(b)
	for _, c := range []struct {
		name string
		want *big.Int
		call func() (int64, error)
	}{
		{"AddMinor", new(big.Int).Add(bigA, bigB), func() (int64, error) { return domain.AddMinor(a, b) }},
		{"MulMinor", new(big.Int).Mul(bigA, bigB), func() (int64, error) { return domain.MulMinor(a, b) }},
		{"Add", new(big.Int).Add(bigA, bigB), func() (int64, error) { m, err := x.Add(y); return m.Minor, err }},
		{"Sub", new(big.Int).Sub(bigA, bigB), func() (int64, error) { m, err := x.Sub(y); return m.Minor, err }},
	} {
		got, err := c.call()
		fits := c.want.CmpAbs(big.NewInt(domain.MaxMinor)) <= 0
		if c.name == "Sub" && b == math.MinInt64 {
			fits = false // the one subtrahend without a negation is refused, whatever the result
		}
		if fits && (err != nil || c.want.Cmp(big.NewInt(got)) != 0) {
			t.Errorf("%s(%d, %d) = %d, %v, want %s", c.name, a, b, got, err, c.want)
		}
		if !fits && err == nil {
			t.Errorf("%s(%d, %d) = %d, want a refusal", c.name, a, b, got)
		}
	}
}

func TestSubUndoesAdd(t *testing.T) {
	half := rapid.Int64Range(-domain.MaxMinor/2, domain.MaxMinor/2)
	rapid.Check(t, func(r *rapid.T) {
		a := domain.Money{Minor: half.Draw(r, "a"), Currency: "EUR"}
		b := domain.Money{Minor: half.Draw(r, "b"), Currency: "EUR"}
		sum, err := a.Add(b)
		if err != nil {
			r.Fatal(err)
		}
		if back, err := sum.Sub(b); err != nil || back != a {
			r.Fatalf("(%v + %v) - %v = %v, %v", a, b, b, back, err)
		}
	})
}

func TestTwoCurrenciesDoNotAdd(t *testing.T) {
	euro, yen := domain.Money{Minor: 1, Currency: "EUR"}, domain.Money{Minor: 1, Currency: "JPY"}
	_, err := euro.Add(yen)
	wantCode(t, "add", err, domain.CurrencyMismatch)
	_, err = euro.Sub(yen)
	wantCode(t, "sub", err, domain.CurrencyMismatch)
}

// What String shows, ParseMoney reads back.
func TestMoneyTextComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := domain.Money{
			Minor:    rapid.Int64Range(-domain.MaxMinor, domain.MaxMinor).Draw(r, "minor"),
			Currency: rapid.SampledFrom([]domain.Currency{"EUR", "JPY", "BHD", "CLF"}).Draw(r, "currency"),
		}
		text, _, _ := strings.Cut(m.String(), " ")
		if back, err := domain.ParseMoney(text, m.Currency); err != nil || back != m {
			r.Fatalf("%v came back as %v, %v", m, back, err)
		}
	})
}

func FuzzParseMoney(f *testing.F) {
	for _, text := range []string{"12.34", "-0", "1e9", "1,000.00", "NaN"} {
		f.Add(text, "EUR")
	}
	f.Add("1", "JPY")
	f.Fuzz(func(t *testing.T, text, currency string) {
		m, err := domain.ParseMoney(text, domain.Currency(currency))
		if err != nil {
			return
		}
		if m.Minor > domain.MaxMinor || m.Minor < -domain.MaxMinor {
			t.Fatalf("%q read as %d", text, m.Minor)
		}
		shown, _, _ := strings.Cut(m.String(), " ")
		if again, err := domain.ParseMoney(shown, m.Currency); err != nil || again != m {
			t.Fatalf("%q read as %v, shown as %q, read again as %v, %v", text, m, shown, again, err)
		}
	})
}
