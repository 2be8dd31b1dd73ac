package calendar_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/calendar"
	"aval/domain/canon"
)

// of states what Go's zone database says of a place, as the maker of terms would.
func of(t testing.TB, zone string, from, to int) calendar.Calendar {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Skipf("no zone %s here: %v", zone, err)
	}
	at := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
	_, offset := at.Zone()
	c := calendar.Calendar{Name: zone, OffsetMinutes: int64(offset / 60), Through: domain.Date(time.Date(to, 12, 30, 0, 0, 0, 0, time.UTC).Format("2006-01-02"))}
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.Year() > to {
			return c
		}
		at = end
		_, offset := at.Zone()
		c.Changes = append(c.Changes, calendar.Change{At: domain.Millis(at.UnixMilli()), OffsetMinutes: int64(offset / 60)})
	}
}

// amsterdam has the bank holidays of 2026 and 2027 that fall on weekdays, by TARGET.
func amsterdam(t testing.TB) calendar.Calendar {
	c := of(t, "Europe/Amsterdam", 2026, 2027)
	c.Weekend = []int64{6, 7}
	c.Holidays = []domain.Date{"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2027-01-01", "2027-03-26", "2027-03-29"}
	return c
}

func instant(t testing.TB, text string) domain.Millis {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return domain.Millis(at.UnixMilli())
}

func TestLocalMidnightFollowsTheClockOfThePlace(t *testing.T) {
	for _, c := range []struct {
		zone string
		day  domain.Date
		open string
	}{
		{"Europe/Amsterdam", "2026-03-29", "2026-03-28T23:00:00Z"},  // the clock goes forward that night
		{"Europe/Amsterdam", "2026-03-30", "2026-03-29T22:00:00Z"},  // so that this day began 23 h later
		{"Europe/Amsterdam", "2026-10-25", "2026-10-24T22:00:00Z"},  // and back in autumn
		{"Europe/Amsterdam", "2026-10-26", "2026-10-25T23:00:00Z"},  // 25 h later
		{"Asia/Kolkata", "2026-06-01", "2026-05-31T18:30:00Z"},      // half an hour
		{"Asia/Beirut", "2021-03-28", "2021-03-27T22:00:00Z"},       // midnight itself is skipped: 00:00 is 01:00
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // the same, behind UTC
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // back at midnight: 23:00 comes twice, the day begins once
		{"America/Los_Angeles", "2026-07-04", "2026-07-04T07:00:00Z"},
	} {
		cal := of(t, c.zone, 2015, 2027)
		if err := cal.Check(); err != nil {
			t.Fatalf("%s: %v", c.zone, err)
		}
		at, err := cal.Open(c.day)
		if err != nil || at != instant(t, c.open) {
			t.Errorf("%s opens in %s at %s (%v), want %s", c.day, c.zone, time.UnixMilli(int64(at)).UTC(), err, c.open)
		}
		if got := cal.Day(at); got != c.day {
			t.Errorf("%s: the day that opens at %s is %s, want %s", c.zone, c.open, got, c.day)
		}
		if got := cal.Day(at - 1); got >= c.day {
			t.Errorf("%s: the instant before %s opens lies in %s", c.zone, c.day, got)
		}
	}
}

func TestMonthsAndDays(t *testing.T) {
	for _, c := range []struct {
		from         domain.Date
		days, months int64
		want         domain.Date
	}{
		{"2026-01-31", 30, 0, "2026-03-02"}, // 30 days are not a month
		{"2026-01-31", 0, 1, "2026-02-28"},
		{"2028-01-31", 0, 1, "2028-02-29"},
		{"2028-01-31", 30, 0, "2028-03-01"},
		{"2026-03-31", 0, -1, "2026-02-28"},
		{"2026-11-30", 0, 3, "2027-02-28"},
		{"2026-12-31", 1, 0, "2027-01-01"},
		{"2026-01-15", 0, -1, "2025-12-15"},
	} {
		got, err := calendar.AddDays(c.from, c.days)
		if c.months != 0 {
			got, err = calendar.AddMonths(c.from, c.months)
		}
		if err != nil || got != c.want {
			t.Errorf("%s and %d days, %d months is %s (%v), want %s", c.from, c.days, c.months, got, err, c.want)
		}
	}
	if n, err := calendar.Days("2026-01-31", "2026-03-01"); n != 29 || err != nil {
		t.Errorf("days from 31 January to 1 March: %d, %v", n, err)
	}
}

func TestDueDayOnAHoliday(t *testing.T) {
	cal := amsterdam(t)
	for _, c := range []struct {
		day        domain.Date
		convention calendar.Convention
		want       domain.Date
	}{
		{"2026-04-03", calendar.Following, "2026-04-07"}, // Good Friday to the Tuesday after Easter
		{"2026-04-03", calendar.Preceding, "2026-04-02"},
		{"2026-04-03", calendar.Unadjusted, "2026-04-03"},
		{"2026-05-30", calendar.Following, "2026-06-01"}, // a Saturday at the end of May
		{"2026-05-30", calendar.ModifiedFollowing, "2026-05-29"},
		{"2026-04-07", calendar.ModifiedFollowing, "2026-04-07"},
	} {
		if got, err := cal.Roll(c.day, c.convention); err != nil || got != c.want {
			t.Errorf("%s by %q is %s (%v), want %s", c.day, c.convention, got, err, c.want)
		}
	}
	for n, want := range map[int64]domain.Date{0: "2026-04-07", 1: "2026-04-07", 2: "2026-04-08", -1: "2026-04-02"} {
		if got, err := cal.AddBusinessDays("2026-04-03", n); err != nil || got != want {
			t.Errorf("%d business days from Good Friday is %s (%v), want %s", n, got, err, want)
		}
	}
}

func TestCalendarsRefused(t *testing.T) {
	good := calendar.Calendar{Through: "2030-12-31"}
	for name, change := range map[string]func(*calendar.Calendar){
		"offset":            func(c *calendar.Calendar) { c.OffsetMinutes = 1081 },
		"offset of change":  func(c *calendar.Calendar) { c.Changes = []calendar.Change{{At: 1, OffsetMinutes: -1081}} },
		"changes in order":  func(c *calendar.Calendar) { c.Changes = []calendar.Change{{At: 1 << 40}, {At: 1}} },
		"changes too close": func(c *calendar.Calendar) { c.Changes = []calendar.Change{{At: 1}, {At: 100_000_000}} },
		"change in time":    func(c *calendar.Calendar) { c.Changes = []calendar.Change{{At: 1 << 60}} },
		"too many changes":  func(c *calendar.Calendar) { c.Changes = make([]calendar.Change, 65) },
		"weekend":           func(c *calendar.Calendar) { c.Weekend = []int64{0} },
		"weekend twice":     func(c *calendar.Calendar) { c.Weekend = []int64{6, 6} },
		"whole week":        func(c *calendar.Calendar) { c.Weekend = []int64{1, 2, 3, 4, 5, 6, 7} },
		"holiday":           func(c *calendar.Calendar) { c.Holidays = []domain.Date{"2026-02-30"} },
		"holidays in order": func(c *calendar.Calendar) { c.Holidays = []domain.Date{"2026-02-02", "2026-02-01"} },
		"holiday too late":  func(c *calendar.Calendar) { c.Holidays = []domain.Date{"2031-01-01"} },
		"no end":            func(c *calendar.Calendar) { c.Through, c.Holidays = "", []domain.Date{"2026-01-01"} },
		"end":               func(c *calendar.Calendar) { c.Through = "soon" },
		"name":              func(c *calendar.Calendar) { c.Name = string(make([]byte, 65)) },
	} {
		c := good
		change(&c)
		var refusal *domain.Rejection
		if err := c.Check(); !errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (calendar.Calendar{}).Check(); err != nil || good.Check() != nil {
		t.Errorf("the zero calendar: %v", err)
	}
}

// The zone database is an oracle for the arithmetic, here and nowhere else.
func TestLocalDaysAgreeWithTheZoneDatabase(t *testing.T) {
	for _, zone := range []string{"Europe/Amsterdam", "America/New_York", "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		cal := of(t, zone, 2015, 2027)
		loc, _ := time.LoadLocation(zone)
		rapid.Check(t, func(t *rapid.T) {
			at := rapid.Int64Range(1_420_200_000_000, 1_830_000_000_000).Draw(t, "at")
			if got, want := cal.Day(domain.Millis(at)), time.UnixMilli(at).In(loc).Format("2006-01-02"); string(got) != want {
				t.Fatalf("%s at %d: %s, want %s", zone, at, got, want)
			}
		})
	}
}

func TestLawsOfDays(t *testing.T) {
	cal := amsterdam(t)
	rapid.Check(t, func(t *rapid.T) {
		start := domain.Millis(rapid.Int64Range(1_767_300_000_000, 1_828_000_000_000).Draw(t, "at"))
		day := cal.Day(start)
		opens, err1 := cal.Open(day)
		closes, err2 := cal.Close(day)
		if err1 != nil || err2 != nil || start < opens || start >= closes {
			t.Fatalf("%d is not within its day %s, %d to %d (%v, %v)", start, day, opens, closes, err1, err2)
		}
		n := rapid.Int64Range(-400, 400).Draw(t, "days")
		there, _ := calendar.AddDays(day, n)
		if back, err := calendar.Days(day, there); err != nil || back != n {
			t.Fatalf("%s to %s: %d days (%v), want %d", day, there, back, err, n)
		}
		for _, v := range []calendar.Convention{calendar.Following, calendar.ModifiedFollowing, calendar.Preceding} {
			rolled, err := cal.Roll(day, v)
			if err != nil || !cal.IsBusinessDay(rolled) {
				t.Fatalf("%s rolled by %s to %s: %v", day, v, rolled, err)
			}
		}
		k := rapid.Int64Range(1, 40).Draw(t, "business days")
		last, err := cal.AddBusinessDays(day, k)
		if err != nil || !cal.IsBusinessDay(last) {
			t.Fatalf("%d business days after %s: %s, %v", k, day, last, err)
		}
		counted := int64(0)
		for d := day; d < last; {
			if d, _ = calendar.AddDays(d, 1); cal.IsBusinessDay(d) {
				counted++
			}
		}
		if counted != k {
			t.Fatalf("between %s and %s lie %d business days, want %d", day, last, counted, k)
		}
	})
}

func FuzzCalendar(f *testing.F) {
	text, _ := json.Marshal(amsterdam(f))
	f.Add(text, "2026-04-03", int64(1), int64(1_767_300_000_000))
	f.Add([]byte(`{"changes":[{"at":-1,"offsetMinutes":9}]}`), "9999-12-31", int64(-1<<63), int64(-1<<63))
	f.Fuzz(func(t *testing.T, text []byte, day string, n, at int64) {
		var c calendar.Calendar
		if canon.DecodeJSON(text, &c) != nil || c.Check() != nil {
			return
		}
		d := domain.Date(day)
		_ = c.Day(domain.Millis(at))
		_, _ = calendar.AddDays(d, n)
		_, _ = calendar.AddMonths(d, n)
		if opens, err := c.Open(d); err == nil && c.Day(opens) < d {
			t.Fatalf("%s opens at %d, which lies in %s", d, opens, c.Day(opens))
		}
		next, err := c.AddBusinessDays(d, n%60)
		if err == nil && !c.IsBusinessDay(next) {
			t.Fatalf("%s and %d business days is %s", d, n%60, next)
		}
	})
}
