package interest

import (
	"github.com/shopspring/decimal"

	"aval/domain"
	"aval/domain/calendar"
)

// Late says what a late payment costs, in the manner of Directive 2011/7/EU: simple interest at
// a reference rate plus points, both fixed for each half-year by the rate of its first day
// (article 2(7)), from the day after the due day (article 3(1)), and a fixed sum for recovery (article 6).
type Late struct {
	Reference Table  `json:"reference"`
	Points    string `json:"points"` // percentage points above the reference; the directive asks for 8 at least
	Basis     Basis  `json:"basis"`
	// FixedFee in minor units of the debt's currency is owed once, as soon as a payment is late.
	FixedFee int64 `json:"fixedFee"`
}

// Check refuses terms that cannot be computed.
func (l Late) Check(field string) error {
	if err := l.Reference.Check(field + ".reference"); err != nil {
		return err
	}
	if _, err := Percent(field+".points", l.Points); err != nil {
		return err
	}
	if l.FixedFee < 0 || l.FixedFee > domain.MaxMinor {
		return domain.Refuse(domain.InvalidAmount, "%s.fixedFee: want 0 to %d minor units", field, int64(domain.MaxMinor))
	}
	return l.Basis.Check(field + ".basis")
}

// Accrual is the interest of one half-year, or a part of it.
type Accrual struct {
	// From is the first day that counts, Days how many do, Percent the yearly rate.
	From    domain.Date `json:"from"`
	Days    int64       `json:"days"`
	Percent string      `json:"percent"`
	Minor   int64       `json:"minor"`
}

// Due is the interest on a debt that was due on one day and is paid on another, by half-years
// that add up to it. The day of payment counts, the due day does not. Nothing if it is in time.
// A negative rate is none.
func (l Late) Due(debt domain.Money, due, paid domain.Date) (domain.Money, []Accrual, error) {
	parts, err := l.halves(due, paid)
	if err != nil || len(parts) == 0 {
		return domain.Money{Currency: debt.Currency}, nil, err
	}
	percentDays := decimal.Zero
	weights := make([]int64, len(parts))
	for i, part := range parts {
		rate, err := Percent("rate", part.Percent)
		if err != nil {
			return domain.Money{}, nil, err
		}
		weight := rate.Mul(decimal.NewFromInt(part.Days))
		percentDays, weights[i] = percentDays.Add(weight), weight.Shift(MaxDecimals).IntPart()
	}
	total, err := share(debt, percentDays, l.Basis.days())
	if err != nil || percentDays.IsZero() {
		return total, parts, err
	}
	minors, err := domain.Allocate(total.Minor, weights)
	for i := range minors {
		parts[i].Minor = minors[i]
	}
	return total, parts, err
}

// halves cuts the days after due, up to and including paid, at 1 January and 1 July.
func (l Late) halves(due, paid domain.Date) ([]Accrual, error) {
	if total, err := calendar.Days(due, paid); err != nil || total > MaxDays {
		return nil, limitDays(total, err)
	}
	first, err := calendar.AddDays(due, 1)
	if err != nil {
		return nil, err
	}
	var parts []Accrual
	for first <= paid {
		half, next, err := halfYear(first)
		if err != nil {
			return nil, err
		}
		rate, err := l.rate(half)
		if err != nil {
			return nil, err
		}
		last, err := calendar.AddDays(paid, 1)
		if err != nil {
			return nil, err
		}
		days, err := calendar.Days(first, min(next, last))
		if err != nil {
			return nil, err
		}
		parts = append(parts, Accrual{From: first, Days: days, Percent: rate})
		first = next
	}
	return parts, nil
}

func limitDays(days int64, err error) error {
	if err != nil {
		return err
	}
	return domain.Refuse(domain.LimitExceeded, "%d days late, limit %d", days, MaxDays)
}

// halfYear gives the first day of a day's half-year and of the next one.
func halfYear(day domain.Date) (first, next domain.Date, err error) {
	first = day[:4] + "-01-01"
	if day[5:7] >= "07" {
		first = day[:4] + "-07-01"
	}
	next, err = calendar.AddMonths(first, 6)
	return first, next, err
}

// rate is that of a half-year, by its first day.
func (l Late) rate(half domain.Date) (string, error) {
	reference, err := l.Reference.on(half)
	if err != nil {
		return "", err
	}
	points, err := Percent("points", l.Points)
	return decimal.Max(decimal.Zero, reference.Add(points)).String(), err
}
