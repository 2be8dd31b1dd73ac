package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aval/domain"
	"aval/ledger"
)

// Step is one event of a trail, with the entry that holds it.
type Step struct {
	Index   uint64          `json:"index"`
	At      domain.Millis   `json:"at"`
	Record  domain.RecordID `json:"record"`
	Command string          `json:"command"`
	Event   string          `json:"event"`
	// Hashes are those that the event names, of documents, terms, evidence and bank messages: "documentSha256=...".
	Hashes []string `json:"hashes,omitempty"`
	// Money is what the entry moved, for the first of its events.
	Money []string `json:"money,omitempty"`
	// Receipt is where the entry's receipt is to be had, or the file that it was saved to.
	Receipt string `json:"receipt"`
}

func (s Step) cells() []string {
	return []string{
		count(int64(s.Index)), s.At.String(), string(s.Record), s.Command, s.Event, strings.Join(s.Money, "; "), strings.Join(s.Hashes, " "), s.Receipt,
	}
}

func (s Step) details() []string { return append(slices.Clone(s.Money), s.Hashes...) }

// Told is what the ledger tells of one record: its entries, and its fields as they are now.
type Told struct {
	Record  domain.RecordID
	Entries []ledger.EntryView
	Fields  json.RawMessage
}

// Trail lists everything that happened to some records, in order of the log. receipt says where an entry's receipt is.
func Trail(party domain.PartyID, asOf domain.Date, all []Told, receipt func(index uint64) string) Sheet {
	s := Sheet{Report: "trail", Party: party, AsOf: asOf, Rows: []Row{}, Totals: []Total{}, head: []column{
		{name: "index", number: true}, {name: "at"}, {name: "record"}, {name: "command"}, {name: "event"}, {name: "money", hidden: true}, {name: "hashes", hidden: true}, {name: "receipt", hidden: true},
	}}
	var steps []Step
	for _, told := range all {
		for _, e := range told.Entries {
			steps = append(steps, stepsOf(told.Record, e, receipt)...)
		}
		if n := len(told.Entries); n > 0 && len(hashes(told.Fields)) > 0 {
			last := told.Entries[n-1]
			steps = append(steps, Step{Index: last.Index, At: last.BookedAt, Record: told.Record, Event: "(as it stands)", Hashes: hashes(told.Fields), Receipt: receipt(last.Index)})
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.Index, b.Index) })
	for _, step := range steps {
		s.Rows = append(s.Rows, step)
	}
	return s
}

// stepsOf are the events of an entry that belong to a record, and the money of those with it.
func stepsOf(record domain.RecordID, e ledger.EntryView, receipt func(uint64) string) (steps []Step) {
	for _, event := range e.Events {
		if event.Record != record {
			continue
		}
		step := Step{Index: e.Index, At: e.BookedAt, Record: record, Command: e.Name, Event: event.Name, Hashes: hashes(event.Body), Receipt: receipt(e.Index)}
		if len(steps) == 0 {
			for _, p := range e.Postings {
				if p.Cause.Record == record {
					step.Money = append(step.Money, fmt.Sprintf("%s %s from %s to %s", p.Purpose, p.Amount, p.Debit, p.Credit))
				}
			}
		}
		steps = append(steps, step)
	}
	return steps
}

// hashes finds the members of a JSON value, at any depth, whose names say that they are hashes or end-to-end IDs.
func hashes(text []byte) []string {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return nil
	}
	found := map[string]bool{}
	walk("", value, found)
	return slices.Sorted(maps.Keys(found))
}

// walk looks into a value that stands under a name. A plain "hash" is told apart by that name: "payment.hash", "heard.hash".
func walk(under string, value any, found map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			walk(under, each, found)
		}
	case map[string]any:
		for name, each := range v {
			text, isText := each.(string)
			if !isText {
				walk(name, each, found)
				continue
			}
			lower := strings.ToLower(name)
			if name == "hash" && under != "" {
				name = under + ".hash"
			}
			if text != "" && (strings.HasSuffix(lower, "sha256") || strings.HasSuffix(lower, "hash") || lower == "evidence" || lower == "endtoendid") {
				found[name+"="+text] = true
			}
		}
	}
}
