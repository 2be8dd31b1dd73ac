package contracttest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"aval/domain"
	"aval/domain/canon"
)

// golden renders the outcome of a script: one line an item, in an order that never changes.
func (b *Bench) golden() []txtar.File {
	return []txtar.File{
		{Name: "events", Data: b.renderEvents()}, {Name: "postings", Data: b.renderPostings()},
		{Name: "balances", Data: b.renderBalances()}, {Name: "statuses", Data: b.renderStatuses()},
	}
}

func (b *Bench) renderEvents() (text []byte) {
	for _, e := range b.events {
		body, err := canon.ToJSON(e.Body)
		if err != nil {
			b.t.Fatalf("event %s: %v", e.Name, err)
		}
		text = fmt.Appendf(text, "%s %s %s %s %s %s\n", instant(e.at), e.kind, e.Name, e.Key, parties(e.Parties), body)
	}
	return text
}

func (b *Bench) renderPostings() (text []byte) {
	for _, p := range b.postings {
		text = fmt.Appendf(text, "%s %s %s: %s -> %s %s", instant(p.at), p.kind, p.Purpose, p.Debit, p.Credit, p.Amount)
		if p.ValueDate != "" {
			text = fmt.Appendf(text, " value %s", p.ValueDate)
		}
		if p.Reverses != nil {
			text = fmt.Appendf(text, " reverses %d/%d", p.Reverses.Index, p.Reverses.Number)
		}
		if p.Cause > 0 { // the first event speaks for itself
			text = fmt.Appendf(text, " by %s", p.event)
		}
		text = append(text, '\n')
	}
	return text
}

func (b *Bench) renderBalances() (text []byte) {
	for _, key := range sortedKeys(b.balances, compareBalances) {
		if minor := b.balances[key]; minor != 0 {
			text = fmt.Appendf(text, "%s %s\n", key.account, domain.Money{Minor: minor, Currency: key.currency})
		}
	}
	return text
}

func (b *Bench) renderStatuses() (text []byte) {
	for _, key := range sortedKeys(b.records, compareRecords) {
		r, state := b.records[key], "open"
		if r.final {
			state = "final"
		}
		text = fmt.Appendf(text, "%s %s %s %s %s\n", key.kind, key.key, r.status, state, parties(r.parties))
	}
	return text
}

func parties(ids []domain.PartyID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return "[" + strings.Join(names, ",") + "]"
}

const instantLayout = "2006-01-02T15:04:05.999Z07:00"

func instant(m domain.Millis) string { return time.UnixMilli(int64(m)).UTC().Format(instantLayout) }

// compare reports every golden part that differs, with the first line at which it does.
func compare(archive *txtar.Archive, golden []txtar.File) error {
	var all []error
	for _, g := range golden {
		stored, _ := part(archive, g.Name)
		want, got := strings.Split(string(stored), "\n"), strings.Split(string(g.Data), "\n")
		for i := range max(len(want), len(got)) {
			if w, g0 := at(want, i), at(got, i); w != g0 {
				all = append(all, fmt.Errorf("%s line %d:\n got  %s\n want %s", g.Name, i+1, g0, w))
				break
			}
		}
	}
	return errors.Join(all...)
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}
