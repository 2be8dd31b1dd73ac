package oracle

import (
	"strings"
	"testing"
	"time"

	"aval/domain"
)

func at(t testing.TB, text string) domain.Millis {
	t.Helper()
	if text == "" {
		return 0
	}
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return millis(instant)
}

func TestPollsFollowThePhases(t *testing.T) {
	p := func(from, schedule string) domain.WatchPhase {
		return domain.WatchPhase{From: at(t, from), Schedule: schedule}
	}
	const day = "2015-01-02T"
	steps := []domain.WatchPhase{p(day+"06:00:00Z", "@every 1h"), p(day+"08:30:00Z", "@every 15m")}
	for name, c := range map[string]struct {
		phases []domain.WatchPhase
		after  string
		want   string
	}{
		"before the first phase":         {steps, day + "01:00:00Z", day + "06:00:00Z"},
		"a moment before it":             {steps, day + "05:59:59Z", day + "06:00:00Z"},
		"at its beginning":               {steps, day + "06:00:00Z", day + "07:00:00Z"},
		"late polls do not drift":        {steps, day + "06:10:00Z", day + "07:00:00Z"},
		"next phase comes first":         {steps, day + "08:00:00Z", day + "08:30:00Z"},
		"in the next phase":              {steps, day + "08:30:00Z", day + "08:45:00Z"},
		"after a long pause":             {steps, "2015-01-05T00:01:00Z", "2015-01-05T00:15:00Z"},
		"given in another order":         {[]domain.WatchPhase{steps[1], steps[0]}, day + "08:00:00Z", day + "08:30:00Z"},
		"two that begin together":        {[]domain.WatchPhase{steps[0], p(day+"06:00:00Z", "@every 5m")}, day + "06:00:00Z", day + "06:05:00Z"},
		"five fields, UTC":               {[]domain.WatchPhase{p(day+"06:07:00Z", "*/15 * * * *")}, day + "00:00:00Z", day + "06:15:00Z"},
		"five fields at the beginning":   {[]domain.WatchPhase{p(day+"06:15:00Z", "*/15 * * * *")}, day + "00:00:00Z", day + "06:15:00Z"},
		"five fields, strictly later":    {[]domain.WatchPhase{p(day+"06:15:00Z", "*/15 * * * *")}, day + "06:15:00Z", day + "06:30:00Z"},
		"five fields, none in the phase": {[]domain.WatchPhase{p(day+"06:07:00Z", "0 5 * * *"), steps[1]}, day + "06:08:00Z", day + "08:30:00Z"},
		"never":                          {[]domain.WatchPhase{p(day+"06:07:00Z", "0 0 30 2 *")}, day + "06:08:00Z", ""},
		"no phases":                      {nil, day + "06:08:00Z", ""},
	} {
		s, err := schedules{}.parse(c.phases)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.after(at(t, c.after)); got != at(t, c.want) {
			t.Errorf("%s: got %v, want %s", name, time.UnixMilli(int64(got)).UTC(), c.want)
		}
	}
}

func TestFirstPoll(t *testing.T) {
	s, err := schedules{}.parse([]domain.WatchPhase{{From: 1_000_000, Schedule: "@every 1h"}})
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[domain.Millis]domain.Millis{1: 1_000_000, 1_000_000: 1_000_000, 1_000_001: 1_000_001, 9_000_000: 9_000_000} {
		if got := s.first(now); got != want {
			t.Errorf("new at %d: first poll at %d, want %d", now, got, want)
		}
	}
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]domain.Millis{"@every 15m": 900_000, "*/15 * * * *": 900_000, "@hourly": 3_600_000, "0 0 30 2 *": 0} {
		s, err := schedules{}.parse([]domain.WatchPhase{{From: 1, Schedule: text}})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.interval(5_000_000); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "every 15m", "@every", "@every soon", "* * * *", "* * * * * *", "60 * * * *", "*/0 * * * *", "TZ=0", "CRON_TZ=", "TZ=UTC * * * * *",
		"@every 1m" + strings.Repeat(" ", MaxScheduleBytes),
	} {
		if _, err := (schedules{}).one(text); err == nil {
			t.Errorf("%q accepted", text)
		}
	}
	if _, err := (schedules{}).parse(make([]domain.WatchPhase, MaxPhases+1)); err == nil {
		t.Error("too many phases accepted")
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("@every 15m", int64(1_420_000_000_000), int64(1_420_000_000_001))
	f.Add("*/5 0-3 1,2 * mon", int64(0), int64(1))
	f.Add("TZ=", int64(0), int64(1))
	f.Fuzz(func(t *testing.T, text string, from, after int64) {
		const limit = 4_102_444_800_000 // 2100
		if from < 0 || after < 0 || from > limit || after > limit {
			return
		}
		s, err := schedules{}.parse([]domain.WatchPhase{{From: domain.Millis(from), Schedule: text}})
		if err != nil {
			return
		}
		if due := s.after(domain.Millis(after)); due != 0 && (due <= domain.Millis(after) || due < domain.Millis(from)) {
			t.Fatalf("after %d, from %d: %d", after, from, due)
		}
	})
}
