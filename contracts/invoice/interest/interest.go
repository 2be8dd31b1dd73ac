// Package interest is the arithmetic of money over time: simple interest by day count, dated
// tables of reference rates, late-payment interest fixed per half-year with its fixed fee, and
// discounts for early payment. Every amount is rounded once, at the end, by domain.Round; where
// it is itemised, the items are shares of the rounded sum by largest remainder.
//
//	interest.Simple(domain.Money{11_500_000, "EUR"}, "6", 31, interest.Act360) // 594.17 EUR
//	interest.Simple(domain.Money{11_500_000, "EUR"}, "6", 31, interest.Act365) // 586.03 EUR
package interest

import (
	"strings"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// Limits of the arithmetic.
const (
	// MaxDays bounds the days of one accrual: 40 years.
	MaxDays = 14_610
	// MaxPercent bounds every rate, either way.
	MaxPercent = 1000
	// MaxDecimals bounds the decimals of a rate.
	MaxDecimals = 6
)

// Basis is how a year is counted. The days are always the actual ones (ISO 20022 codes A004 and A005).
type Basis string

// The bases.
const (
	Act360 Basis = "ACT/360"
	Act365 Basis = "ACT/365" // fixed: also in leap years
)

// Check refuses a word that is none of them.
func (b Basis) Check(field string) error {
	if b != Act360 && b != Act365 {
		return domain.Refuse(domain.InvalidTerms, "%s %.20q: want ACT/360 or ACT/365", field, string(b))
	}
	return nil
}

func (b Basis) days() int64 {
	if b == Act360 {
		return 360
	}
	return 365
}

// Percent reads a rate in percent, plain decimal text of at most MaxDecimals decimals and MaxPercent either way.
func Percent(field, text string) (decimal.Decimal, error) {
	digits := strings.TrimPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if whole == "" || len(text) > 16 || len(fraction) > MaxDecimals || dotted && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return decimal.Zero, domain.Refuse(domain.InvalidTerms, "%s %.20q: want plain decimal text, at most %d decimals", field, text, MaxDecimals)
	}
	rate, err := decimal.NewFromString(text)
	if err != nil || rate.Abs().GreaterThan(decimal.NewFromInt(MaxPercent)) {
		return decimal.Zero, domain.Refuse(domain.InvalidTerms, "%s %.20q: want at most %d", field, text, MaxPercent)
	}
	return rate, nil
}

// Simple is principal x percent x days / year, not below zero for a positive principal and rate.
func Simple(principal domain.Money, percent string, days int64, basis Basis) (domain.Money, error) {
	rate, err := Percent("percent", percent)
	if err != nil {
		return domain.Money{}, err
	}
	if err := basis.Check("basis"); err != nil {
		return domain.Money{}, err
	}
	if days < 0 || days > MaxDays {
		return domain.Money{}, domain.Refuse(domain.LimitExceeded, "interest over %d days: want 0 to %d", days, MaxDays)
	}
	return share(principal, rate.Mul(decimal.NewFromInt(days)), basis.days())
}

// share is amount x percent / divisor, rounded once. The quotient has 30 decimals: a rate of 6
// decimals and a divisor of at most 365 keep the exact value further than that from every half
// which it is not equal to, so that the rounding is that of the exact value.
func share(amount domain.Money, percent decimal.Decimal, divisor int64) (domain.Money, error) {
	exponent, err := amount.Currency.Exponent()
	if err != nil {
		return domain.Money{}, err
	}
	exact := decimal.New(amount.Minor, -exponent).Mul(percent).Shift(-2).DivRound(decimal.NewFromInt(divisor), 30)
	minor, _, err := domain.Round(exact, amount.Currency)
	return domain.Money{Minor: minor, Currency: amount.Currency}, err
}
