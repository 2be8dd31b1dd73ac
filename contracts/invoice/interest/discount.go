package interest

import (
	"github.com/shopspring/decimal"

	"aval/domain"
	"aval/domain/calendar"
)

// MaxSteps bounds the steps of a cliff.
const MaxSteps = 12

// Discount says what paying before the due day is worth. Exactly one of its two shapes is set.
type Discount struct {
	// Percent per year and Basis make a sliding scale: each day before the due day is worth the same.
	Percent string `json:"percent,omitempty"`
	Basis   Basis  `json:"basis,omitempty"`
	// Steps make a cliff: "2 % within 10 days, 1 % within 20, net in 30".
	Steps []Step `json:"steps,omitempty"`
}

// Step is a flat rate for payment within some days of approval.
type Step struct {
	WithinDays int64  `json:"withinDays"`
	Percent    string `json:"percent"`
}

// Check refuses a discount of both shapes or none, out of order, rising, negative, or above 100 percent.
func (d Discount) Check(field string) error {
	if (d.Percent == "") == (len(d.Steps) == 0) || len(d.Steps) > MaxSteps {
		return domain.Refuse(domain.InvalidTerms, "%s: want either percent and basis, or 1 to %d steps", field, MaxSteps)
	}
	if d.Percent != "" {
		if err := fraction(field+".percent", d.Percent); err != nil {
			return err
		}
		return d.Basis.Check(field + ".basis")
	}
	for i, step := range d.Steps {
		if err := fraction(field+".steps", step.Percent); err != nil {
			return err
		}
		if step.WithinDays < 0 || step.WithinDays > MaxDays || i > 0 && step.WithinDays <= d.Steps[i-1].WithinDays {
			return domain.Refuse(domain.InvalidTerms, "%s.steps: want days in order, 0 to %d", field, MaxDays)
		}
		if i > 0 && !cheaper(step.Percent, d.Steps[i-1].Percent) {
			return domain.Refuse(domain.InvalidTerms, "%s.steps: a later payment must not be worth more", field)
		}
	}
	return nil
}

func fraction(field, percent string) error {
	rate, err := Percent(field, percent)
	if err == nil && (rate.IsNegative() || rate.GreaterThan(decimal.NewFromInt(100))) {
		err = domain.Refuse(domain.InvalidTerms, "%s: want 0 to 100", field)
	}
	return err
}

func cheaper(later, sooner string) bool {
	a, err1 := Percent("percent", later)
	b, err2 := Percent("percent", sooner)
	return err1 == nil && err2 == nil && a.LessThanOrEqual(b)
}

// On is the discount on an amount that was approved and is due on those days, if it is paid on
// a day between. At or after the due day there is none; it is never more than the amount.
func (d Discount) On(amount domain.Money, approved, due, paid domain.Date) (domain.Money, error) {
	none := domain.Money{Currency: amount.Currency}
	early, err := calendar.Days(paid, due)
	if err != nil || early <= 0 {
		return none, err
	}
	if d.Percent != "" {
		minor, err := Simple(amount, d.Percent, early, d.Basis)
		minor.Minor = min(minor.Minor, amount.Minor)
		return minor, err
	}
	since, err := calendar.Days(approved, paid)
	if err != nil {
		return none, err
	}
	for _, step := range d.Steps {
		if since <= step.WithinDays {
			return Flat(amount, step.Percent)
		}
	}
	return none, nil
}

// Flat is a percentage of an amount, rounded once.
func Flat(amount domain.Money, percent string) (domain.Money, error) {
	rate, err := Percent("percent", percent)
	if err != nil {
		return domain.Money{}, err
	}
	return share(amount, rate, 1)
}
