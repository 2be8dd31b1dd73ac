package domain

import "time"

// Date is a calendar day, ISO 8601 extended form, "2026-11-24", of the years 1970 to 9999.
// Days of the ledger begin at midnight UTC. Empty means "not set".
type Date string

const dateLayout = "2006-01-02"

// Check refuses text that is not exactly one day in that form.
func (d Date) Check(field string) error {
	if _, err := d.days(); err != nil {
		return Refuse(Malformed, "%s %.20q: want a day like 2026-11-24, from 1970 on", field, string(d))
	}
	return nil
}

// Day is the day in which an instant lies. Empty for an instant that no Date can name.
func Day(m Millis) Date {
	t := time.UnixMilli(int64(m)).UTC()
	if t.Year() < 1970 || t.Year() > 9999 {
		return ""
	}
	return Date(t.Format(dateLayout))
}

// days counts from 1970-01-01.
func (d Date) days() (int64, error) {
	t, err := time.Parse(dateLayout, string(d))
	if err == nil && (t.Format(dateLayout) != string(d) || t.Unix() < 0) {
		err = Refuse(Malformed, "not a day from 1970 on")
	}
	return t.Unix() / 86_400, err
}

// CheckValue refuses a value date that is no day, or too far from the day of booking. Empty is that day itself.
func (d Date) CheckValue(now Millis) error {
	if d == "" {
		return nil
	}
	if err := d.Check("valueDate"); err != nil {
		return err
	}
	value, _ := d.days()
	booked, err := Day(now).days()
	if err != nil || value < booked-MaxValueDaysBack || value > booked+MaxValueDaysAhead {
		return Refuse(LimitExceeded, "valueDate %s: want at most %d days before and %d after the day of booking", d, MaxValueDaysBack, MaxValueDaysAhead)
	}
	return nil
}
