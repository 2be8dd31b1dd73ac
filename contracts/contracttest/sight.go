package contracttest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Sight lists what somebody sees of a kind: for each class of record, "policy", and each event, "event
// PolicyBound", the paths of its JSON fields in order, "leg.carrier" or "tiers[].amount", over all that
// was written and told so far. What he sees nothing of is not there. Viewer "" is an auditor granted all.
func (b *Bench) Sight(kind domain.Kind, viewer domain.PartyID) map[string]string {
	b.t.Helper()
	seen := map[string]map[string]bool{}
	add := func(what string, shown any) {
		if seen[what] == nil {
			seen[what] = map[string]bool{}
		}
		b.paths(shown, seen[what])
	}
	for key, r := range b.records {
		if key.kind != kind || viewer != "" && !slices.Contains(r.parties, viewer) {
			continue
		}
		class, _, _ := strings.Cut(key.key, "/")
		shown, err := b.kinds[kind].Show(key.key, r.body, viewer)
		if err != nil {
			b.t.Fatalf("show %s to %q: %v", key.key, viewer, err)
		}
		add(class, shown)
	}
	for _, e := range b.events {
		if e.kind != kind || viewer != "" && !slices.Contains(e.Parties, viewer) {
			continue
		}
		shown, err := canon.ToJSON(e.Body)
		if err != nil {
			b.t.Fatalf("event %s: %v", e.Name, err)
		}
		add("event "+e.Name, shown)
	}
	lines := map[string]string{}
	for what, fields := range seen {
		lines[what] = strings.Join(slices.Sorted(maps.Keys(fields)), " ")
	}
	return lines
}

// paths adds the paths of the fields of a JSON-encodable value.
func (b *Bench) paths(shown any, into map[string]bool) {
	b.t.Helper()
	text, err := json.Marshal(shown)
	if err != nil {
		b.t.Fatalf("encode %T: %v", shown, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		b.t.Fatalf("decode %T: %v", shown, err)
	}
	walk("", value, into)
}

func walk(path string, value any, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			walk(strings.TrimPrefix(path+"."+name, "."), member, into)
		}
	case []any:
		for _, item := range value {
			walk(path+"[]", item, into)
		}
		if len(value) == 0 {
			into[path] = true
		}
	default:
		into[path] = true
	}
}
