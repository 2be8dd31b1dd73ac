package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/domain"
	"aval/domain/calendar"
)

func calendarCommand() *cobra.Command {
	var p printer
	var from, through, holidays string
	var weekend []int64
	c := &cobra.Command{
		Use: "calendar ZONE", Short: "State local time and holidays as data, for the terms of an agreement", Args: cobra.ExactArgs(1),
		Long: `State the local time of a zone such as Europe/Amsterdam, with every change of its clock, and its holidays,
as the JSON that terms hold. Ledgers look up no zone: what both sides sign counts. The changes come from this machine's zone
database, the holidays from a FILE ("-" for standard input) of one day a line, with # for comments. Read it before you sign it.`,
		Example: "  aval calendar Europe/Amsterdam --from 2026-01-01 --through 2027-12-31 --holidays holidays.txt --json > calendar.json",
		RunE: func(c *cobra.Command, args []string) error {
			cal, err := statedCalendar(args[0], domain.Date(from), domain.Date(through))
			if err != nil {
				return err
			}
			cal.Weekend = weekend
			if cal.Holidays, err = readHolidays(holidays); err != nil {
				return err
			}
			if err := cal.Check(); err != nil {
				return err
			}
			return p.print(c, cal, func(w io.Writer) { writeCalendar(w, cal) })
		},
	}
	c.Flags().StringVar(&from, "from", "", "first day for which it is stated (required)")
	c.Flags().StringVar(&through, "through", "", "last day for which it is stated (required)")
	c.Flags().StringVar(&holidays, "holidays", "", "file of holidays")
	c.Flags().Int64SliceVar(&weekend, "weekend", []int64{6, 7}, "days of every week that are no business days, 1 is Monday")
	_ = c.MarkFlagRequired("from")
	_ = c.MarkFlagRequired("through")
	p.flag(c)
	return c
}

// statedCalendar takes a zone's offsets over a span from the machine's zone database.
func statedCalendar(zone string, from, through domain.Date) (calendar.Calendar, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return calendar.Calendar{}, err
	}
	at, err := time.ParseInLocation(time.DateOnly, string(from), location)
	if err != nil {
		return calendar.Calendar{}, fmt.Errorf("--from: %w", err)
	}
	last, err := time.ParseInLocation(time.DateOnly, string(through), location)
	if err != nil || last.Before(at) {
		return calendar.Calendar{}, fmt.Errorf("--through %s: want a day after --from", through)
	}
	_, offset := at.Zone()
	cal := calendar.Calendar{Name: zone, OffsetMinutes: int64(offset / 60), Through: through}
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || !end.Before(last.AddDate(0, 0, 1)) {
			return cal, nil
		}
		if len(cal.Changes) == calendar.MaxChanges {
			return cal, fmt.Errorf("more than %d changes of the clock: state a shorter span", calendar.MaxChanges)
		}
		_, offset := end.Zone()
		cal.Changes = append(cal.Changes, calendar.Change{At: domain.Millis(end.UnixMilli()), OffsetMinutes: int64(offset / 60)})
		at = end
	}
}

func readHolidays(path string) ([]domain.Date, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readFile(path, 1<<16)
	if err != nil {
		return nil, err
	}
	var days []domain.Date
	for line := range strings.Lines(string(text)) {
		day, _, _ := strings.Cut(line, "#")
		if day = strings.TrimSpace(day); day != "" {
			days = append(days, domain.Date(day))
		}
	}
	slices.Sort(days)
	return slices.Compact(days), nil
}

func writeCalendar(w io.Writer, cal calendar.Calendar) {
	fmt.Fprintf(w, "%s through %s: %d minutes ahead of UTC\n", cal.Name, cal.Through, cal.OffsetMinutes)
	for _, change := range cal.Changes {
		fmt.Fprintf(w, "  from %s on: %d\n", millisText(change.At), change.OffsetMinutes)
	}
	fmt.Fprintf(w, "%d holidays beside the days %v of every week\n--json prints it for the terms\n", len(cal.Holidays), cal.Weekend)
}
