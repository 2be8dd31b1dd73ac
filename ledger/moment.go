package ledger

import (
	"strconv"
	"strings"
	"time"

	"aval/domain"
)

// Moment names a place in the log: by an index, by an instant, or by a day, which begins at
// midnight UTC. The zero Moment is not set.
type Moment struct {
	index uint64
	at    domain.Millis
	form  momentForm
}

type momentForm byte

const (
	unset momentForm = iota
	byIndex
	byInstant
	byDay
)

const dayMillis domain.Millis = 24 * 60 * 60 * 1000

// AtIndex names the entry at an index.
func AtIndex(index uint64) Moment { return Moment{index: index, form: byIndex} }

// AtInstant names an instant.
func AtInstant(at domain.Millis) Moment { return Moment{at: at, form: byInstant} }

// ParseMoment reads a log index ("120"), a day ("2026-11-24") or an instant of RFC 3339
// ("2026-11-24T10:00:00Z"). Empty text is the zero Moment, all else Malformed.
func ParseMoment(field, text string) (Moment, error) {
	if text == "" {
		return Moment{}, nil
	}
	if strings.Trim(text, "0123456789") == "" {
		index, err := strconv.ParseUint(text, 10, 64)
		if err == nil && index <= domain.MaxMinor && strconv.FormatUint(index, 10) == text {
			return AtIndex(index), nil
		}
	} else if at, err := time.Parse(time.DateOnly, text); err == nil && at.Unix() >= 0 {
		return Moment{at: domain.Millis(at.UnixMilli()), form: byDay}, nil
	} else if at, err := time.Parse(time.RFC3339, text); err == nil && at.Unix() >= 0 {
		return AtInstant(domain.Millis(at.UnixMilli())), nil
	}
	return Moment{}, domain.Refuse(domain.Malformed, "%s: want an index, a day like 2026-11-24, or an instant like 2026-11-24T10:00:00Z", field)
}

// first is where a period begins that begins at the moment, or ends that ends before it. At most the size of the log.
func (b books) first(m Moment, unset uint64) (uint64, error) {
	switch m.form {
	case byIndex:
		return min(m.index, b.head.Size), nil
	case byInstant, byDay:
		return b.indexAt(m.at)
	}
	return unset, nil
}

// through is the size of the log as of the moment: with its entry, its instant, the whole of
// its day. TooEarly for an index that is not booked yet, since the answer would change.
func (b books) through(m Moment) (uint64, error) {
	switch m.form {
	case byIndex:
		if m.index >= b.head.Size {
			return 0, domain.Refuse(domain.TooEarly, "asOf: index %d is not booked yet", m.index)
		}
		return m.index + 1, nil
	case byInstant:
		return b.indexAt(m.at + 1)
	case byDay:
		return b.indexAt(m.at + dayMillis)
	}
	return b.head.Size, nil
}
