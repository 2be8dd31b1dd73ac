package flightdelay

import (
	"strings"
	"time"

	"aval/domain"
)

// maxInstant is the end of the year 9999: no instant in a command lies beyond.
const maxInstant domain.Millis = 253_402_300_799_999

// Local time runs from 12 hours behind UTC to 14 hours ahead.
const (
	farthestBehind = 12 * time.Hour
	farthestAhead  = 14 * time.Hour
)

// Leg is one flight of the operating carrier with its scheduled gate times, as a buyer or an
// insurer states it. Whoever states it resolves codeshares and time zones.
type Leg struct {
	// Carrier is the operating carrier's code, 2 or 3 letters or digits.
	Carrier string `json:"carrier"`
	// Number is 1 to 4 digits and perhaps a suffix letter; leading zeros do not count.
	Number string `json:"number"`
	// Origin and Destination are airport codes of 3 or 4 letters or digits.
	Origin      string `json:"origin"`
	Destination string `json:"destination"`
	// Date is the local date at the origin of the scheduled departure, "2015-01-31".
	Date         string        `json:"date"`
	ScheduledOut domain.Millis `json:"scheduledOut"`
	ScheduledIn  domain.Millis `json:"scheduledIn"`
}

// Key is the leg's name for ever. The leg must be in normal form.
func (l Leg) Key() string {
	return domain.LegKey(l.Carrier, l.Number, l.Origin, l.Destination, l.Date)
}

func (l Leg) frozen() bool { return l.ScheduledIn != 0 }

// normal gives the one spelling of a leg, so that LH0400, lh400 and LH400 are the same risk.
func (l Leg) normal() (Leg, error) {
	l.Carrier, l.Origin, l.Destination = strings.ToUpper(l.Carrier), strings.ToUpper(l.Origin), strings.ToUpper(l.Destination)
	if !code(l.Carrier, 2, 3) || strings.Trim(l.Carrier, "0123456789") == "" {
		return l, domain.Refuse(domain.Malformed, "carrier %.10q: want 2 or 3 letters or digits", l.Carrier)
	}
	number, err := normalNumber(l.Number)
	if err != nil {
		return l, err
	}
	l.Number = number
	if !code(l.Origin, 3, 4) || !code(l.Destination, 3, 4) || l.Origin == l.Destination {
		return l, domain.Refuse(domain.Malformed, "origin %.10q, destination %.10q: want two airport codes of 3 or 4", l.Origin, l.Destination)
	}
	return l, l.checkTimes()
}

func normalNumber(text string) (string, error) {
	number := strings.ToUpper(text)
	digits := strings.TrimRight(number, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	suffix := number[len(digits):]
	digits = strings.TrimLeft(digits, "0")
	if len(text) > 8 || len(suffix) > 1 || digits == "" || len(digits) > 4 || strings.Trim(digits, "0123456789") != "" {
		return "", domain.Refuse(domain.Malformed, "number %.10q: want 1 to 4 digits and perhaps one letter", text)
	}
	return digits + suffix, nil
}

func code(text string, low, high int) bool {
	return len(text) >= low && len(text) <= high && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// checkTimes holds the scheduled instants against each other and against the local date. The
// zone is not known here, so the date may be off by as much as zones differ.
func (l Leg) checkTimes() error {
	day, err := time.Parse(time.DateOnly, l.Date)
	if err != nil || day.Format(time.DateOnly) != l.Date {
		return domain.Refuse(domain.Malformed, "date %.12q: want YYYY-MM-DD", l.Date)
	}
	first := day.Add(-farthestAhead).UnixMilli()
	end := day.Add(24*time.Hour + farthestBehind).UnixMilli()
	if out := int64(l.ScheduledOut); out <= 0 || out < first || out >= end || l.ScheduledOut > maxInstant {
		return domain.Refuse(domain.Malformed, "scheduledOut %d is on no clock the date %s", out, l.Date)
	}
	if l.ScheduledIn <= l.ScheduledOut || l.ScheduledIn > l.ScheduledOut+minutes(MaxBlockMinutes) {
		return domain.Refuse(domain.Malformed, "scheduledIn: want after scheduledOut, at most %d minutes", MaxBlockMinutes)
	}
	return nil
}

// near says whether both instants of two schedules lie within a tolerance.
func (l Leg) near(m Leg, tolerance domain.Millis) bool {
	return distance(l.ScheduledOut, m.ScheduledOut) <= tolerance && distance(l.ScheduledIn, m.ScheduledIn) <= tolerance
}

func distance(a, b domain.Millis) domain.Millis { return max(a-b, b-a) }

func (l Leg) query() *domain.FlightQuery {
	return &domain.FlightQuery{
		Carrier: l.Carrier, Number: l.Number, Origin: l.Origin, Destination: l.Destination,
		ScheduledOut: l.ScheduledOut, ScheduledIn: l.ScheduledIn,
	}
}
