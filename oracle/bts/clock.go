package bts

import (
	"fmt"
	"slices"
	"time"
)

// reach is how far from an instant a change of clocks counts as near. It covers a flight and a delay.
const reach = 36 * time.Hour

// instants gives the instants at which clocks in the zone show minutes (0 to 1440) past the
// midnight that begins date: none in the gap of spring, two in the repeated hour of autumn,
// the earlier first. date is any instant whose UTC date is meant.
func instants(date time.Time, minutes int, zone *time.Location) []time.Time {
	wall := time.Date(date.Year(), date.Month(), date.Day(), 0, minutes, 0, 0, time.UTC)
	var found []time.Time
	for _, shift := range []time.Duration{-reach, 0, reach} {
		_, offset := wall.Add(shift).In(zone).Zone()
		instant := wall.Add(-time.Duration(offset) * time.Second)
		_, there := instant.In(zone).Zone()
		if there == offset && !slices.ContainsFunc(found, instant.Equal) {
			found = append(found, instant)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// off is by how many minutes clocks in the zone differ at t from the time of day given, from
// -719 to 720: 60 means that they show an hour more.
func off(t time.Time, minutes int, zone *time.Location) int {
	local := t.In(zone)
	difference := (local.Hour()*60 + local.Minute() - minutes) % 1440
	switch {
	case difference > 720:
		return difference - 1440
	case difference <= -720:
		return difference + 1440
	}
	return difference
}

// changesNear says whether clocks in the zone are changed within reach of t.
func changesNear(t time.Time, zone *time.Location) bool {
	_, before := t.Add(-reach).In(zone).Zone()
	_, after := t.Add(reach).In(zone).Zone()
	return before != after
}

// plan is the schedule of one row as it is printed.
type plan struct {
	date               time.Time // midnight UTC of the local date
	out                int       // minutes past midnight at the origin
	elapsed            int       // minutes, zero if not given
	in                 int       // minutes past midnight at the destination
	inKnown            bool
	fromZone, destZone *time.Location
}

// resolve gives the scheduled instants. adjusted says that the clock-change rule was used.
func (p plan) resolve() (out, in time.Time, adjusted bool, err error) {
	outs := instants(p.date, p.out, p.fromZone)
	if len(outs) == 0 {
		return out, in, false, fmt.Errorf("scheduled departure %s does not exist in %s: clocks skip it", hhmm(p.out), p.fromZone)
	}
	if p.elapsed == 0 {
		in = firstAfter(outs[0], p.in, p.destZone)
		if in.IsZero() {
			return out, in, false, fmt.Errorf("scheduled arrival %s does not exist in %s: clocks skip it", hhmm(p.in), p.destZone)
		}
		return outs[0], in, false, nil
	}
	elapsed := time.Duration(p.elapsed) * time.Minute
	for _, out := range outs {
		if in := out.Add(elapsed); !p.inKnown || off(in, p.in, p.destZone) == 0 {
			return out, in, false, nil
		}
	}
	out, in = outs[0], outs[0].Add(elapsed)
	gap := off(in, p.in, p.destZone)
	believed := in.Add(-time.Duration(gap) * time.Minute)
	near := changesNear(out, p.fromZone) || changesNear(in, p.destZone)
	if (gap == 60 || gap == -60) && near && believed.After(out) && off(believed, p.in, p.destZone) == 0 {
		return out, believed, true, nil
	}
	return out, in, false, fmt.Errorf("scheduled arrival %s contradicts departure and elapsed time by %d minutes", hhmm(p.in), gap)
}

// firstAfter is the first instant after t at which clocks in the zone show that time; zero if
// none does within a day.
func firstAfter(t time.Time, minutes int, zone *time.Location) time.Time {
	local := t.In(zone)
	date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	for day := -1; day <= 1; day++ {
		for _, instant := range instants(date.AddDate(0, 0, day), minutes, zone) {
			if instant.After(t) {
				return instant
			}
		}
	}
	return time.Time{}
}

func hhmm(minutes int) string { return fmt.Sprintf("%02d%02d", minutes/60, minutes%60) }

// confirm checks a recorded clock time against the instant that the delay gives.
func (l *line) confirm(column string, t time.Time, zone *time.Location) (adjusted bool) {
	minutes, known := l.clock(column)
	if !known {
		return false
	}
	switch difference := off(t, minutes, zone); difference {
	case 0:
		return false
	case 60, -60:
		if changesNear(t, zone) {
			return true
		}
		fallthrough
	default:
		l.fail("%s %s contradicts schedule and delay by %d minutes", column, hhmm(minutes), difference)
		return false
	}
}
