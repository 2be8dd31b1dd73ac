package calendar

import (
	"time"

	"aval/domain"
)

const (
	dayMillis = 24 * 60 * 60 * 1000
	layout    = "2006-01-02"
)

// Day is the local day of an instant. Empty for one that no domain.Date can name.
func (c Calendar) Day(at domain.Millis) domain.Date {
	if at < -MaxOffsetMinutes*60_000 || at > 1<<50 {
		return ""
	}
	return domain.Day(at + c.offset(at))
}

// offset is what the local clock is ahead of UTC at an instant.
func (c Calendar) offset(at domain.Millis) domain.Millis {
	minutes := c.OffsetMinutes
	for _, change := range c.Changes {
		if change.At > at {
			break
		}
		minutes = change.OffsetMinutes
	}
	return domain.Millis(minutes) * 60_000
}

// Open is the first instant of a local day: its midnight; where the clock skips midnight, the
// instant of the change; where midnight comes twice, the first.
func (c Calendar) Open(day domain.Date) (domain.Millis, error) {
	t, err := parse(day)
	if err != nil {
		return 0, err
	}
	midnight := domain.Millis(t.UnixMilli())
	at := midnight - domain.Millis(c.OffsetMinutes)*60_000
	for _, change := range c.Changes {
		if at < change.At { // by the clock before this change, the day has begun
			return at, nil
		}
		at = max(change.At, midnight-domain.Millis(change.OffsetMinutes)*60_000)
	}
	return at, nil
}

// Close is the first instant after a local day: what comes before it is in time.
func (c Calendar) Close(day domain.Date) (domain.Millis, error) {
	next, err := AddDays(day, 1)
	if err != nil {
		return 0, err
	}
	return c.Open(next)
}

// AddDays is the day n days after, or before if n is negative, without regard to business.
func AddDays(day domain.Date, n int64) (domain.Date, error) {
	t, err := parse(day)
	if err != nil {
		return "", err
	}
	if n > MaxDays || n < -MaxDays {
		return "", domain.Refuse(domain.LimitExceeded, "%d days, limit %d either way", n, MaxDays)
	}
	return format(t.AddDate(0, 0, int(n)))
}

// AddMonths is the day n months later of the same number, or the last of that month if it has
// no such day: a month from 31 January is 28 or 29 February. Two steps may differ from one.
func AddMonths(day domain.Date, n int64) (domain.Date, error) {
	t, err := parse(day)
	if err != nil {
		return "", err
	}
	if n > MaxMonths || n < -MaxMonths {
		return "", domain.Refuse(domain.LimitExceeded, "%d months, limit %d either way", n, MaxMonths)
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return format(first.AddDate(0, 0, min(t.Day(), last)-1))
}

// Days counts from one day to another; negative if the other is earlier.
func Days(from, to domain.Date) (int64, error) {
	a, err := parse(from)
	if err != nil {
		return 0, err
	}
	b, err := parse(to)
	return (b.Unix() - a.Unix()) / 86_400, err
}

func parse(day domain.Date) (time.Time, error) {
	if err := day.Check("day"); err != nil {
		return time.Time{}, err
	}
	return time.Parse(layout, string(day))
}

func format(t time.Time) (domain.Date, error) {
	if t.Year() < 1970 || t.Year() > 9999 {
		return "", domain.Refuse(domain.InvalidTerms, "a day outside of the years 1970 to 9999")
	}
	return domain.Date(t.Format(layout)), nil
}
