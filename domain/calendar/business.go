package calendar

import "aval/domain"

// Convention says what becomes of a due day that is no business day (the names are those of ISDA's 2006 Definitions, section 4.12).
type Convention string

// The conventions; empty is Unadjusted.
const (
	Unadjusted Convention = ""
	// Following is the next business day.
	Following Convention = "following"
	// ModifiedFollowing is the next one, or the one before if the next lies in another month.
	ModifiedFollowing Convention = "modifiedFollowing"
	// Preceding is the business day before.
	Preceding Convention = "preceding"
)

// Check refuses a word that is none of them.
func (v Convention) Check(field string) error {
	switch v {
	case Unadjusted, Following, ModifiedFollowing, Preceding:
		return nil
	}
	return domain.Refuse(domain.InvalidTerms, "%s %.20q: want following, modifiedFollowing, preceding, or nothing", field, string(v))
}

// Roll moves a day that is no business day by the convention, and leaves any other.
func (c Calendar) Roll(day domain.Date, v Convention) (domain.Date, error) {
	if err := v.Check("convention"); err != nil {
		return "", err
	}
	if v == Unadjusted {
		return day, day.Check("day")
	}
	if v == Preceding {
		return c.nearest(day, -1)
	}
	next, err := c.nearest(day, 1)
	if err == nil && v == ModifiedFollowing && next[:7] != day[:7] {
		return c.nearest(day, -1)
	}
	return next, err
}

// AddBusinessDays is the nth business day after a day, or before it if n is negative. Zero is
// the day itself, or the next business day.
func (c Calendar) AddBusinessDays(day domain.Date, n int64) (domain.Date, error) {
	step := int64(1)
	if n < 0 {
		step, n = -1, -n
	}
	if n > MaxDays || n < 0 {
		return "", domain.Refuse(domain.LimitExceeded, "more than %d business days", MaxDays)
	}
	if n == 0 {
		return c.nearest(day, step)
	}
	for range n {
		next, err := AddDays(day, step)
		if err == nil {
			next, err = c.nearest(next, step)
		}
		if err != nil {
			return "", err
		}
		day = next
	}
	return day, nil
}

// nearest is the day itself if it is a business day, else the first on that side.
func (c Calendar) nearest(day domain.Date, step int64) (domain.Date, error) {
	for range MaxDays {
		if c.IsBusinessDay(day) {
			return day, nil
		}
		next, err := AddDays(day, step)
		if err != nil {
			return "", err
		}
		day = next
	}
	return "", invalid("no business day within %d days", MaxDays)
}
