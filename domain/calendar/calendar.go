// Package calendar counts local days, business days and months by what signed terms say. A
// Calendar is data: changes of the clock and holidays stand in it by name of the instant or the
// day, so that two nodes, or one node after ten years, never judge by two editions of a zone
// database. The zero Calendar is UTC, and every day of it is a business day.
//
//	c := calendar.Calendar{OffsetMinutes: 60, Weekend: []int64{6, 7}, Holidays: []domain.Date{"2026-12-25"}, Through: "2027-12-31"}
//	day, err := c.AddBusinessDays("2026-12-24", 1) // 2026-12-28, a Monday
//	at, err := c.Close(day)                        // the local midnight that ends it
package calendar

import (
	"slices"
	"time"

	"aval/domain"
)

// Limits of a calendar, so that terms stay small and a walk over days ends.
const (
	// MaxChanges bounds the changes of the clock: two a year for 32 years.
	MaxChanges = 64
	// MaxHolidays bounds the holidays: 16 a year for 16 years.
	MaxHolidays = 256
	// MaxDays bounds every count of days, and the longest run of days that are no business days.
	MaxDays = 4000
	// MaxMonths bounds every count of months.
	MaxMonths = 1200
	// MaxOffsetMinutes bounds how far a local clock is from UTC: 18 h, as in ISO 8601 practice.
	MaxOffsetMinutes = 18 * 60
	// MaxNameLength bounds the name, in bytes.
	MaxNameLength = 64
)

// Calendar is local time and business days of one place.
type Calendar struct {
	// Name is for people, "Europe/Amsterdam, TARGET". Nothing is looked up by it.
	Name string `json:"name,omitempty"`
	// OffsetMinutes is what the local clock is ahead of UTC before the first change; negative is behind.
	OffsetMinutes int64 `json:"offsetMinutes,omitempty"`
	// Changes are the instants at which the local clock is set, in order of At.
	Changes []Change `json:"changes,omitempty"`
	// Weekend are the days of every week that are no business days: 1 is Monday, 7 Sunday (ISO 8601).
	Weekend []int64 `json:"weekend,omitempty"`
	// Holidays are further days that are no business days, in order.
	Holidays []domain.Date `json:"holidays,omitempty"`
	// Through is the last day for which changes and holidays are stated. After it the last offset
	// stands and only the weekend counts; who makes terms refuses those that reach beyond it. Empty
	// is for ever, for a calendar that has neither.
	Through domain.Date `json:"through,omitempty"`
}

// Change sets the local clock from an instant on.
type Change struct {
	At            domain.Millis `json:"at"`
	OffsetMinutes int64         `json:"offsetMinutes"`
}

// Check refuses a calendar beyond a limit, out of order, or with changes or holidays and no last day: InvalidTerms.
func (c Calendar) Check() error {
	if len(c.Changes) > MaxChanges || len(c.Holidays) > MaxHolidays || len(c.Weekend) > 6 || len(c.Name) > MaxNameLength {
		return invalid("want at most %d changes, %d holidays, 6 days of weekend, a name of %d bytes", MaxChanges, MaxHolidays, MaxNameLength)
	}
	if err := c.checkClock(); err != nil {
		return err
	}
	for i, day := range c.Weekend {
		if day < 1 || day > 7 || i > 0 && day <= c.Weekend[i-1] {
			return invalid("weekend: want days from 1, Monday, to 7, each once and in order")
		}
	}
	for i, day := range c.Holidays {
		if err := day.Check("calendar.holidays"); err != nil {
			return err
		}
		if i > 0 && day <= c.Holidays[i-1] {
			return invalid("holidays: want each once and in order")
		}
	}
	return c.checkThrough()
}

func (c Calendar) checkClock() error {
	if !plausible(c.OffsetMinutes) {
		return invalid("offsetMinutes %d: want at most %d either way", c.OffsetMinutes, MaxOffsetMinutes)
	}
	for i, change := range c.Changes {
		if !plausible(change.OffsetMinutes) {
			return invalid("changes: offsetMinutes %d: want at most %d either way", change.OffsetMinutes, MaxOffsetMinutes)
		}
		// Two changes within two days could cross each other's midnight.
		if domain.Day(change.At) == "" || i > 0 && change.At < c.Changes[i-1].At+2*dayMillis {
			return invalid("changes: want instants in order, two days apart at least")
		}
	}
	return nil
}

func (c Calendar) checkThrough() error {
	if c.Through == "" {
		if len(c.Changes) > 0 || len(c.Holidays) > 0 {
			return invalid("through: say up to which day changes and holidays are stated")
		}
		return nil
	}
	if err := c.Through.Check("calendar.through"); err != nil {
		return err
	}
	if n := len(c.Holidays); n > 0 && c.Holidays[n-1] > c.Through {
		return invalid("through: a holiday lies after it")
	}
	return nil
}

func plausible(minutes int64) bool {
	return minutes >= -MaxOffsetMinutes && minutes <= MaxOffsetMinutes
}

func invalid(format string, args ...any) error {
	return domain.Refuse(domain.InvalidTerms, "calendar: "+format, args...)
}

// Covers says whether changes and holidays are stated for that day.
func (c Calendar) Covers(day domain.Date) bool { return c.Through == "" || day <= c.Through }

// IsBusinessDay says whether the day is neither weekend nor holiday. False for what is no day.
func (c Calendar) IsBusinessDay(day domain.Date) bool {
	t, err := parse(day)
	if err != nil {
		return false
	}
	_, holiday := slices.BinarySearch(c.Holidays, day)
	return !holiday && !slices.Contains(c.Weekend, isoWeekday(t))
}

// isoWeekday is 1 for Monday to 7 for Sunday.
func isoWeekday(t time.Time) int64 { return int64((t.Weekday()+6)%7) + 1 }
