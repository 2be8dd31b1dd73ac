package domain

import (
	"slices"

	"github.com/shopspring/decimal"
)

// Round is the one rounding of Aval: half up (away from zero) at the currency's exponent.
// It returns the minor units and the exact remainder, amount - rounded, in major units,
// so that nobody loses a fraction silently. Round once, at the end of a computation.
func Round(amount decimal.Decimal, c Currency) (minor int64, remainder decimal.Decimal, err error) {
	exponent, err := c.Exponent()
	if err != nil {
		return 0, decimal.Zero, err
	}
	if scale := amount.Exponent(); scale > MaxScale || scale < -MaxScale {
		return 0, decimal.Zero, Refuse(InvalidAmount, "amount scaled by 10^%d, limit %d", scale, MaxScale)
	}
	rounded := amount.Round(exponent)
	units := rounded.Shift(exponent).BigInt()
	if !units.IsInt64() || units.Int64() > MaxMinor || units.Int64() < -MaxMinor {
		return 0, decimal.Zero, Refuse(InvalidAmount, "amount beyond %d minor units of %s", int64(MaxMinor), c)
	}
	return units.Int64(), amount.Sub(rounded), nil
}

// Allocate splits total minor units by weights without losing one: each share gets its
// floor, then the largest remainders get one more each, earlier shares first on a tie.
// Total must not be negative; weights must be non-negative with a positive sum.
func Allocate(total int64, weights []int64) ([]int64, error) {
	sum := decimal.Zero
	for _, w := range weights {
		if w < 0 {
			return nil, Refuse(InvalidAmount, "weight %d is negative", w)
		}
		sum = sum.Add(decimal.NewFromInt(w))
	}
	if total < 0 || total > MaxMinor || !sum.IsPositive() {
		return nil, Refuse(InvalidAmount, "cannot split %d over weights that sum to %s", total, sum)
	}
	shares, rests, order := make([]int64, len(weights)), make([]decimal.Decimal, len(weights)), make([]int, len(weights))
	left := total
	for i, w := range weights {
		quotient, rest := decimal.NewFromInt(total).Mul(decimal.NewFromInt(w)).QuoRem(sum, 0)
		shares[i], rests[i], order[i] = quotient.IntPart(), rest, i
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return rests[b].Cmp(rests[a]) })
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares, nil
}
