package interest

import (
	"github.com/shopspring/decimal"

	"aval/domain"
)

// MaxRates bounds a table: two a year for 64 years.
const MaxRates = 128

// Rate is a rate in percent from a day on.
type Rate struct {
	From    domain.Date `json:"from"`
	Percent string      `json:"percent"`
}

// Table lists what a rate was and is, in order of From.
type Table []Rate

// Check refuses an empty table, one beyond MaxRates, or out of order.
func (t Table) Check(field string) error {
	if len(t) == 0 || len(t) > MaxRates {
		return domain.Refuse(domain.InvalidTerms, "%s: %d rates, want 1 to %d", field, len(t), MaxRates)
	}
	for i, rate := range t {
		if err := rate.From.Check(field); err != nil {
			return err
		}
		if _, err := Percent(field, rate.Percent); err != nil {
			return err
		}
		if i > 0 && rate.From <= t[i-1].From {
			return domain.Refuse(domain.InvalidTerms, "%s: want rates in order of their days", field)
		}
	}
	return nil
}

// on is the rate in force on a day, and before the first day the first one.
func (t Table) on(day domain.Date) (decimal.Decimal, error) {
	if len(t) == 0 {
		return decimal.Zero, domain.Refuse(domain.InvalidTerms, "table of rates: empty")
	}
	rate := t[0]
	for _, r := range t {
		if r.From <= day {
			rate = r
		}
	}
	return Percent("rate", rate.Percent)
}
