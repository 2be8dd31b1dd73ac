package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"aval/domain"
)

// schedule is a watch's phases, parsed. A phase lasts from its beginning to that of the next
// one, the last one for ever. "@every" counts from the beginning of its phase and includes it, so
// that a restart does not move the polls; a five-field schedule is read in UTC.
type schedule []phase

type phase struct {
	from domain.Millis
	cron cron.Schedule
}

// schedules keeps what was parsed: thousands of watches share a handful of texts.
type schedules map[string]cron.Schedule

// parse reads phases. The order given does not matter; of two with one beginning the later counts.
func (s schedules) parse(phases []domain.WatchPhase) (schedule, error) {
	if len(phases) > MaxPhases {
		return nil, fmt.Errorf("watch has %d phases, limit %d", len(phases), MaxPhases)
	}
	var all schedule
	for _, p := range phases {
		c, err := s.one(p.Schedule)
		if err != nil {
			return nil, err
		}
		all = append(all, phase{p.From, c})
	}
	slices.SortStableFunc(all, func(a, b phase) int { return cmp.Compare(a.from, b.from) })
	return all, nil
}

func (s schedules) one(text string) (cron.Schedule, error) {
	if c, ok := s[text]; ok {
		return c, nil
	}
	// The parser panics on a time zone without a blank after it, and a zone has no use here.
	if len(text) > MaxScheduleBytes || strings.Contains(text, "TZ=") {
		return nil, fmt.Errorf("schedule %.40q: want at most %d bytes and no time zone", text, MaxScheduleBytes)
	}
	c, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("schedule %.40q cannot be read", text)
	}
	if len(s) < MaxSchedules {
		s[text] = c
	}
	return c, nil
}

// first is the first poll of a watch that is new at now: at once if a phase runs already,
// since nobody knows when the last poll was.
func (s schedule) first(now domain.Millis) domain.Millis {
	if len(s) == 0 || s[0].from > now {
		return s.after(now)
	}
	return now
}

// after is the earliest poll later than t, zero if there is none.
func (s schedule) after(t domain.Millis) domain.Millis {
	for i, p := range s {
		due := p.after(t)
		if i+1 < len(s) && (due == 0 || due >= s[i+1].from) {
			continue
		}
		return due
	}
	return 0
}

func (p phase) after(t domain.Millis) domain.Millis {
	if every, ok := p.cron.(cron.ConstantDelaySchedule); ok {
		if t < p.from {
			return p.from
		}
		step := domain.Millis(every.Delay.Milliseconds())
		return p.from + ((t-p.from)/step+1)*step
	}
	next := p.cron.Next(time.UnixMilli(int64(max(t, p.from-1))).UTC())
	if next.IsZero() {
		return 0 // not within five years
	}
	return domain.Millis(next.UnixMilli())
}

// interval is the time from the poll after t to the one after that; zero if there are no two.
func (s schedule) interval(t domain.Millis) domain.Millis {
	first := s.after(t)
	return max(0, s.after(first)-first)
}
