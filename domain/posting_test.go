package domain_test

import (
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/canon"
)

// changed is a payment of acme to bolt with one thing about it changed.
func changed(change func(*domain.Posting)) domain.Effects {
	fx := posting(domain.PartyAccount("acme"), domain.PartyAccount("bolt"), 1)
	change(&fx.Postings[0])
	return fx
}

// now is 2026-11-24, shortly before midnight UTC.
const now domain.Millis = 1_795_564_799_999

func TestCauseValueDateAndReversalAreChecked(t *testing.T) {
	date := func(d domain.Date) domain.Effects { return changed(func(p *domain.Posting) { p.ValueDate = d }) }
	cause := func(n int) domain.Effects { return changed(func(p *domain.Posting) { p.Cause = n }) }
	reverses := func(index uint64, number int) domain.Effects {
		return changed(func(p *domain.Posting) { p.Reverses = &domain.PostingRef{Index: index, Number: number} })
	}
	second := cause(1)
	second.Events = append(second.Events, because)
	alone := cause(0)
	alone.Events = []domain.Event{{Name: "Paid", Key: "agreement/A-1", Parties: []domain.PartyID{"acme"}}}
	for name, c := range map[string]struct {
		fx   domain.Effects
		code domain.Code
	}{
		"the first event":             {cause(0), ""},
		"the second event":            {second, ""},
		"no such event":               {cause(1), domain.Malformed},
		"an event before the first":   {cause(-1), domain.Malformed},
		"an event without the payee":  {alone, domain.NotPermitted},
		"value on the day":            {date("2026-11-24"), ""},
		"value a year before":         {date("2025-11-23"), ""},
		"value a year after":          {date("2027-11-25"), ""},
		"value too long before":       {date("2025-11-22"), domain.LimitExceeded},
		"value too far ahead":         {date("2027-11-26"), domain.LimitExceeded},
		"value on no day":             {date("2026-02-29"), domain.Malformed},
		"the first place":             {reverses(0, 0), ""},
		"the last place":              {reverses(domain.MaxMinor, domain.MaxPostings-1), ""},
		"an entry beyond exact JSON":  {reverses(domain.MaxMinor+1, 0), domain.Malformed},
		"a number before the first":   {reverses(1, -1), domain.Malformed},
		"a number beyond any command": {reverses(1, domain.MaxPostings), domain.Malformed},
	} {
		wantCode(t, name, c.fx.Check(kind, domain.Input{Sender: "acme", Now: now}), c.code)
	}
}

func TestDates(t *testing.T) {
	for _, d := range []domain.Date{"1970-01-01", "2000-02-29", "2026-11-24", "9999-12-31"} {
		wantCode(t, string(d), d.Check("day"), "")
	}
	for _, d := range []domain.Date{
		"", "2026-1-24", "2026-11-4", "26-11-24", "20261124", "2026-11-24T00:00:00Z", " 2026-11-24", "2026-11-24 ", "2026/11/24", "2026-W48-2",
		"2026-13-01", "2026-00-10", "2026-04-31", "2025-02-29", "1900-02-29", "1969-12-31", "0000-01-01", "10000-01-01", "+2026-11-24", "2026-11-2\u0664",
	} {
		wantCode(t, string(d), d.Check("day"), domain.Malformed)
	}
}

func TestDayOfAnInstant(t *testing.T) {
	for at, want := range map[domain.Millis]domain.Date{
		0: "1970-01-01", now: "2026-11-24", now + 1: "2026-11-25", -1: "", 253_402_300_799_999: "9999-12-31", 253_402_300_800_000: "",
	} {
		if got := domain.Day(at); got != want {
			t.Errorf("day of %d is %q, want %q", int64(at), got, want)
		}
	}
}

// A posting of the plainest kind costs no byte for what it does not say.
func TestPlainPostingStaysSmall(t *testing.T) {
	body, err := canon.Marshal(posting(domain.PartyAccount("acme"), domain.PartyAccount("bolt"), 100).Postings[0])
	if err != nil || len(body) != 81 {
		t.Fatalf("%d bytes: %v", len(body), err)
	}
}

func FuzzDate(f *testing.F) {
	f.Add("2026-11-24")
	f.Add("2026-02-30")
	f.Fuzz(func(t *testing.T, text string) {
		if domain.Date(text).Check("day") == nil && len(text) != 10 {
			t.Fatalf("%q passes", text)
		}
	})
}

// Every day that an instant can have passes, and days sort as instants do.
func TestDaysSortAsTime(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := domain.Millis(rapid.Int64Range(0, 253_402_300_799_999).Draw(r, "a"))
		b := domain.Millis(rapid.Int64Range(int64(a), 253_402_300_799_999).Draw(r, "b"))
		if err := domain.Day(a).Check("day"); err != nil || domain.Day(a) > domain.Day(b) {
			r.Fatalf("%s, %s: %v", domain.Day(a), domain.Day(b), err)
		}
	})
}
