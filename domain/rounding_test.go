package domain_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"aval/domain"
)

func TestRoundIsHalfUpAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		amount    string
		currency  domain.Currency
		minor     int64
		remainder string
	}{
		{"0", "EUR", 0, "0"},
		{"1.004", "EUR", 100, "0.004"},
		{"1.005", "EUR", 101, "-0.005"},
		{"1.015", "EUR", 102, "-0.005"}, // half to even would give 1.02 here and 1.00 above
		{"1.0049999999999999999", "EUR", 100, "0.0049999999999999999"},
		{"-1.004", "EUR", -100, "-0.004"},
		{"-1.005", "EUR", -101, "0.005"},
		{"-1.0049999999999999999", "EUR", -100, "-0.0049999999999999999"},
		{"0.5", "JPY", 1, "-0.5"},
		{"-0.5", "JPY", -1, "0.5"},
		{"0.4999", "JPY", 0, "0.4999"},
		{"1.2345", "BHD", 1235, "-0.0005"},
		{"1.23455", "CLF", 12346, "-0.00005"},
		{"12e2", "JPY", 1200, "0"},
		{"90071992547409.914", "EUR", domain.MaxMinor, "0.004"},
		{"-90071992547409.914", "EUR", -domain.MaxMinor, "-0.004"},
		{"1e-1000", "EUR", 0, "1e-1000"},
	} {
		amount, remainder := decimal.RequireFromString(c.amount), decimal.RequireFromString(c.remainder)
		minor, rest, err := domain.Round(amount, c.currency)
		if err != nil || minor != c.minor || !rest.Equal(remainder) {
			t.Errorf("%s %s: got %d, %s, %v, want %d, %s", c.amount, c.currency, minor, rest, err, c.minor, c.remainder)
		}
	}
}

func TestRoundRefuses(t *testing.T) {
	for _, c := range []struct {
		amount   decimal.Decimal
		currency domain.Currency
		code     domain.Code
	}{
		{decimal.RequireFromString("1"), "XXX", domain.Malformed},
		{decimal.RequireFromString("90071992547409.915"), "EUR", domain.InvalidAmount},
		{decimal.RequireFromString("-90071992547409.915"), "EUR", domain.InvalidAmount},
		{decimal.NewFromInt(math.MaxInt64), "JPY", domain.InvalidAmount},
		{decimal.NewFromInt(math.MinInt64), "JPY", domain.InvalidAmount},
		{decimal.New(1, 19), "JPY", domain.InvalidAmount}, // beyond int64
		{decimal.New(1, domain.MaxScale+1), "JPY", domain.InvalidAmount},
		{decimal.New(1, -domain.MaxScale-1), "JPY", domain.InvalidAmount},
		// Without a bound on the scale these two take gigabytes and minutes.
		{decimal.New(1, math.MaxInt32), "EUR", domain.InvalidAmount},
		{decimal.New(1, math.MinInt32), "EUR", domain.InvalidAmount},
	} {
		_, _, err := domain.Round(c.amount, c.currency)
		wantCode(t, string(c.currency), err, c.code)
	}
}

// The law of Round, in exact arithmetic: rounded + remainder is the amount, the remainder is
// at most half a unit, and half a unit goes away from zero.
func TestRoundLosesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		amount := decimal.New(rapid.Int64().Draw(r, "coefficient"), rapid.Int32Range(-24, -4).Draw(r, "exponent"))
		currency := rapid.SampledFrom([]domain.Currency{"EUR", "JPY", "BHD", "CLF"}).Draw(r, "currency")
		exponent, _ := currency.Exponent()
		minor, rest, err := domain.Round(amount, currency)
		if err != nil {
			if amount.Abs().LessThan(decimal.New(domain.MaxMinor, -exponent)) {
				r.Fatalf("%s %s refused: %v", amount, currency, err)
			}
			return
		}
		if !decimal.New(minor, -exponent).Add(rest).Equal(amount) {
			r.Fatalf("%s: %d minor units and %s do not add up", amount, minor, rest)
		}
		half := decimal.New(5, -exponent-1)
		towardsZero := rest.Sign() != 0 && rest.Sign() == amount.Sign()
		if rest.Abs().GreaterThan(half) || rest.Abs().Equal(half) && towardsZero {
			r.Fatalf("%s rounded to %d, remainder %s", amount, minor, rest)
		}
	})
}

func TestAllocate(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   int64
		weights []int64
		want    []int64
	}{
		{"one share", 7, []int64{3}, []int64{7}},
		{"even", 9, []int64{1, 1, 1}, []int64{3, 3, 3}},
		{"tie goes to the earlier share", 10, []int64{1, 1, 1}, []int64{4, 3, 3}},
		{"two left over", 11, []int64{1, 1, 1}, []int64{4, 4, 3}},
		{"largest remainder first", 10, []int64{1, 2, 4}, []int64{1, 3, 6}}, // floors 1, 2, 5; rests 3/7, 6/7, 5/7
		{"zero weight gets nothing", 10, []int64{0, 1, 0, 2}, []int64{0, 3, 0, 7}},
		{"fewer units than shares", 2, []int64{1, 1, 1}, []int64{1, 1, 0}},
		{"nothing to split", 0, []int64{1, 2}, []int64{0, 0}},
		{"large", domain.MaxMinor, []int64{math.MaxInt64, math.MaxInt64}, []int64{1 << 52, 1<<52 - 1}},
	} {
		got, err := domain.Allocate(c.total, c.weights)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		total   int64
		weights []int64
	}{
		"no weights":      {1, nil},
		"weights of zero": {1, []int64{0, 0}},
		"negative weight": {1, []int64{2, -1}},
		"negative total":  {-1, []int64{1}},
		"total too large": {domain.MaxMinor + 1, []int64{1}},
	} {
		_, err := domain.Allocate(c.total, c.weights)
		wantCode(t, name, err, domain.InvalidAmount)
	}
}

// The laws of Allocate: the shares sum to the total, each is the exact share rounded down or
// up by less than one unit, and no share of smaller weight is larger.
func TestAllocateSharesFairlyAndWhole(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.Int64Range(0, domain.MaxMinor).Draw(r, "total")
		weight := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, math.MaxInt64))
		weights := rapid.SliceOfN(weight, 1, 20).Draw(r, "weights")
		shares, err := domain.Allocate(total, weights)
		sum := new(big.Int)
		for _, w := range weights {
			sum.Add(sum, big.NewInt(w))
		}
		if (err != nil) != (sum.Sign() == 0) {
			r.Fatalf("total %d, weights %v: %v", total, weights, err)
		}
		if err != nil {
			return
		}
		left := total
		for i, share := range shares {
			left -= share
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])), sum)
			off := exact.Sub(exact, new(big.Rat).SetInt64(share))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				r.Fatalf("share %d of %v is %d, off by %s", i, weights, share, off)
			}
			for j := range i {
				if weights[j] < weights[i] && shares[j] > share || weights[j] > weights[i] && shares[j] < share {
					r.Fatalf("weights %v gave %v", weights, shares)
				}
			}
		}
		if left != 0 {
			r.Fatalf("%d minor units lost", left)
		}
	})
}
