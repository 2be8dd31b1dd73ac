package domain

import (
	"math"
	"math/bits"
	"strings"

	"github.com/shopspring/decimal"
)

// Money is an amount in integer minor units of one ISO 4217 currency.
type Money struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// ParseMoney reads plain decimal text ("12.34") with at most the currency's decimals. No
// exponents, signs other than a leading '-', grouping, or spaces.
func ParseMoney(text string, c Currency) (Money, error) {
	exponent, err := c.Exponent()
	if err != nil {
		return Money{}, err
	}
	digits := strings.TrimPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if whole == "" || len(text) > 24 || (dotted && fraction == "") || strings.Trim(whole+fraction, "0123456789") != "" {
		return Money{}, Refuse(InvalidAmount, "amount %.30q: want plain decimal digits", text)
	}
	if len(fraction) > int(exponent) {
		return Money{}, Refuse(InvalidAmount, "amount %.30q: %s has %d decimals", text, c, exponent)
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return Money{}, Refuse(InvalidAmount, "amount %.30q: %v", text, err)
	}
	minor, _, err := Round(d, c)
	return Money{Minor: minor, Currency: c}, err
}

// String gives the amount as decimal text and the currency, "12.34 EUR".
func (m Money) String() string {
	exponent, err := m.Currency.Exponent()
	if err != nil {
		return "? " + string(m.Currency)
	}
	return decimal.New(m.Minor, -exponent).StringFixed(exponent) + " " + string(m.Currency)
}

// CheckPositive refuses an amount that is not above zero and at most MaxMinor, or whose currency is unknown.
func (m Money) CheckPositive(field string) error {
	if _, err := m.Currency.Exponent(); err != nil {
		return err
	}
	if m.Minor <= 0 || m.Minor > MaxMinor {
		return Refuse(InvalidAmount, "%s: %d minor units, want 1 to %d", field, m.Minor, int64(MaxMinor))
	}
	return nil
}

// Add gives m + n. CurrencyMismatch for two currencies, InvalidAmount beyond MaxMinor: an overflow never wraps.
func (m Money) Add(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, Refuse(CurrencyMismatch, "%s and %s", m.Currency, n.Currency)
	}
	sum, err := AddMinor(m.Minor, n.Minor)
	return Money{Minor: sum, Currency: m.Currency}, err
}

// Sub gives m - n under the rules of Add.
func (m Money) Sub(n Money) (Money, error) {
	if n.Minor == math.MinInt64 { // has no negation
		return Money{}, Refuse(InvalidAmount, "%d is beyond %d minor units", n.Minor, int64(MaxMinor))
	}
	return m.Add(Money{Minor: -n.Minor, Currency: n.Currency})
}

// AddMinor adds minor units and refuses a result outside -MaxMinor..MaxMinor.
func AddMinor(a, b int64) (int64, error) {
	sum := a + b
	if (b > 0 && sum < a) || (b < 0 && sum > a) || sum > MaxMinor || sum < -MaxMinor {
		return 0, Refuse(InvalidAmount, "%d + %d is beyond %d minor units", a, b, int64(MaxMinor))
	}
	return sum, nil
}

// MulMinor multiplies minor units by a count and refuses a result outside -MaxMinor..MaxMinor.
func MulMinor(minor, count int64) (int64, error) {
	high, low := bits.Mul64(magnitude(minor), magnitude(count))
	if high != 0 || low > MaxMinor {
		return 0, Refuse(InvalidAmount, "%d x %d is beyond %d minor units", minor, count, int64(MaxMinor))
	}
	if (minor < 0) != (count < 0) {
		return -int64(low), nil
	}
	return int64(low), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-n) // also right for the smallest int64: its negation has the same bits
	}
	return uint64(n)
}
