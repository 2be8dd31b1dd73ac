package contracttest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"aval/domain"
)

// drawBody draws an example as it is, an example with damage, any JSON, or any bytes.
func drawBody(t *rapid.T, sample any) json.RawMessage {
	choice := rapid.IntRange(0, 9).Draw(t, "body")
	switch {
	case choice < 5 && sample != nil:
		return encode(t, sample)
	case choice < 8 && sample != nil:
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			sample = damage(t, sample)
		}
		return encode(t, sample)
	case choice == 8:
		return rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "bytes")
	}
	return encode(t, drawJSON(t, 3))
}

func encode(t *rapid.T, v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encode body: %v", err)
	}
	return text
}

// damage returns a copy of v with one member or element removed, added or replaced.
func damage(t *rapid.T, v any) any {
	if deeper := rapid.IntRange(0, 3).Draw(t, "deeper"); deeper == 0 {
		return drawLeaf(t)
	}
	switch v := v.(type) {
	case map[string]any:
		next := maps.Clone(v)
		if len(v) == 0 || rapid.IntRange(0, 7).Draw(t, "add") == 0 {
			next[rapid.String().Draw(t, "extra")] = drawLeaf(t)
			return next
		}
		key := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "member")
		if rapid.IntRange(0, 4).Draw(t, "drop") == 0 {
			delete(next, key)
		} else {
			next[key] = damage(t, v[key])
		}
		return next
	case []any:
		next := slices.Clone(v)
		if len(v) == 0 {
			return []any{drawLeaf(t)}
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "element")
		switch rapid.IntRange(0, 3).Draw(t, "edit") {
		case 0:
			return slices.Delete(next, i, i+1)
		case 1:
			return slices.Repeat(next, 1+300/len(v))
		}
		next[i] = damage(t, v[i])
		return next
	}
	return drawLeaf(t)
}

// drawLeaf draws what a sloppy or hostile client may put where a value belongs.
func drawLeaf(t *rapid.T) any {
	return rapid.SampledFrom([]any{
		nil, true, "", "alice", "bob", "nobody", "EUR", "USD", "XXX", "..", "a/b", "\x00", "é", "-1", "1e9", strings.Repeat("x", 5000),
		json.Number("0"), json.Number("1"), json.Number("-1"), json.Number("9007199254740991"), json.Number("9007199254740992"),
		json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("1.5"), json.Number("1e400"),
		[]any{}, map[string]any{}, []any{nil}, slices.Repeat([]any{"alice"}, 2000),
	}).Draw(t, "leaf")
}

func drawJSON(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 3).Draw(t, "json"); {
	case depth > 0 && kind == 0:
		object := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			object[rapid.String().Draw(t, "key")] = drawJSON(t, depth-1)
		}
		return object
	case depth > 0 && kind == 1:
		array := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			array = append(array, drawJSON(t, depth-1))
		}
		return array
	}
	return drawLeaf(t)
}

// drawObservation draws an observation that passed a codec: its identity is sound, its content is anything.
func drawObservation(t *rapid.T, kind domain.Kind, subject string) domain.Observation {
	o := domain.Observation{
		Ledger: Ledger, Kind: kind, Subject: subject, KeyID: "k", Epoch: rapid.Uint64Range(1, 3).Draw(t, "epoch"),
		Sequence: rapid.Uint64Range(1, domain.MaxMinor).Draw(t, "sequence"), Fingerprint: rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "fingerprint"),
		Previous: rapid.SliceOfN(rapid.Byte(), 0, 33).Draw(t, "previous"), ObservedAt: drawMillis(t), Holder: "d", Operator: "alice",
	}
	if rapid.Bool().Draw(t, "flight") {
		o.Holder, o.Operator, o.Family = "s", "bob", "family"
		o.Flight = &domain.FlightStatus{
			Leg: rapid.SampledFrom([]string{subject, "", "other"}).Draw(t, "leg"),
			Phase: rapid.SampledFrom([]domain.FlightPhase{
				domain.FlightPending, domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted, domain.FlightUnknown, "", "odd",
			}).Draw(t, "phase"),
			ScheduledOut: drawMillis(t), ScheduledIn: drawMillis(t), ActualOut: drawMillis(t), ActualOn: drawMillis(t), ActualIn: drawMillis(t),
			Source: "s", FetchedAt: drawMillis(t), UpdatedAt: drawMillis(t),
		}
		return o
	}
	for range rapid.IntRange(1, 4).Draw(t, "readings") {
		o.Readings = append(o.Readings, domain.Reading{
			Name: rapid.SampledFrom([]string{"temperature", "latitude", "longitude", "scan", "", "odd"}).Draw(t, "quantity"),
			Unit: rapid.SampledFrom([]string{"Cel", "lat", "lon", "", "odd"}).Draw(t, "unit"), Value: rapid.Int64().Draw(t, "value"),
			Scale: rapid.Int8().Draw(t, "scale"), Text: rapid.SampledFrom([]string{"", "A", "00340434000000000018"}).Draw(t, "text"), At: drawMillis(t),
		})
	}
	return o
}

func drawMillis(t *rapid.T) domain.Millis {
	return domain.Millis(rapid.OneOf(
		rapid.SampledFrom([]int64{0, 1, -1, 1 << 62, -1 << 63, 1<<63 - 1}), rapid.Int64Range(0, 1<<42),
	).Draw(t, "millis"))
}
