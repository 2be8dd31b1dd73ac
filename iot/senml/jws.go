package senml

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
)

// OpenJWS reads a pack. It checks form, not signature: see envelope.Verify.
func OpenJWS(raw []byte) (Pack, domain.Signed, error) {
	if len(raw) > MaxBytes {
		return Pack{}, domain.Signed{}, domain.Refuse(domain.TooLarge, "%d bytes, limit %d", len(raw), MaxBytes)
	}
	shell, payload, err := envelope.Open(FormatJWS, raw)
	if err != nil {
		return Pack{}, domain.Signed{}, err
	}
	p, err := parseJSON(payload)
	if err != nil {
		return Pack{}, domain.Signed{}, err
	}
	return p, shell, nil
}

func parseJSON(payload []byte) (Pack, error) {
	if !utf8.Valid(payload) {
		return Pack{}, domain.Refuse(domain.Malformed, "payload is not UTF-8")
	}
	// A map, not a struct: encoding/json matches struct fields without regard to case.
	var members map[string]json.RawMessage
	if err := canon.DecodeJSON(payload, &members); err != nil {
		return Pack{}, domain.Refuse(domain.Malformed, "payload: %.160v", err)
	}
	if err := checkFields(members); err != nil {
		return Pack{}, err
	}
	r := jsonReader{}
	p := Pack{
		Ledger: r.text("ledger", members["ledger"]), Kind: domain.Kind(r.text("kind", members["kind"])),
		Subject: r.text("subject", members["subject"]), Device: r.text("dev", members["dev"]),
		Epoch: r.integer("epoch", members["epoch"]), Sequence: r.integer("seq", members["seq"]),
		Previous: r.bytes("prev", members["prev"]), At: domain.Millis(r.integer("t", members["t"])),
		Clock: domain.ClockQuality(r.text("clock", members["clock"])),
	}
	if r.err != nil {
		return Pack{}, r.err
	}
	if err := p.check(); err != nil {
		return Pack{}, err
	}
	records, err := jsonRecords(members["records"])
	if err != nil {
		return Pack{}, err
	}
	return p.with(records)
}

func jsonRecords(raw json.RawMessage) ([]record, error) {
	var objects []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &objects); err != nil || objects == nil || len(objects) > MaxRecords {
		return nil, domain.Refuse(domain.Malformed, "records: want an array of at most %d objects", MaxRecords)
	}
	records := make([]record, len(objects))
	for i, m := range objects {
		var err error
		if records[i], err = jsonRecord(m); err != nil {
			return nil, within(i, err)
		}
	}
	return records, nil
}

func jsonRecord(m map[string]json.RawMessage) (record, error) {
	for _, label := range slices.Sorted(maps.Keys(m)) { // sorted: the same refusal for the same bytes
		if err := checkLabel(label); err != nil {
			return record{}, err
		}
	}
	r := jsonReader{}
	rec := record{
		baseName: r.optionalText("bn", m), baseTime: r.optionalNumber("bt", m), baseUnit: r.optionalText("bu", m),
		baseValue: r.optionalNumber("bv", m), version: r.optionalNumber("bver", m), name: r.optionalText("n", m),
		unit: r.optionalText("u", m), value: r.optionalNumber("v", m), text: r.optionalText("vs", m), time: r.optionalNumber("t", m),
	}
	return rec, r.err
}

// checkLabel refuses labels that a reader must understand and this one does not.
func checkLabel(label string) error {
	switch {
	case label == "s", label == "bs", label == "vb", label == "vd":
		return domain.Refuse(domain.Malformed, "label %q is not supported", label)
	case strings.HasSuffix(label, "_"):
		return domain.Refuse(domain.Malformed, "label %.40q must be understood and is not", label)
	}
	return nil
}

// jsonReader reads members and keeps the first refusal.
type jsonReader struct{ err error }

func (r *jsonReader) refuse(field, want string) {
	if r.err == nil {
		r.err = domain.Refuse(domain.Malformed, "%s: want %s", field, want)
	}
}

func (r *jsonReader) text(field string, raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || strings.ContainsRune(s, utf8.RuneError) {
		r.refuse(field, "a text")
	}
	return s
}

// integer reads an integer from 0 to 2^53-1 that is written as one.
func (r *jsonReader) integer(field string, raw json.RawMessage) uint64 {
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || n > domain.MaxMinor || strconv.FormatUint(n, 10) != string(raw) {
		r.refuse(field, "an integer from 0 to 2^53-1")
	}
	return n
}

func (r *jsonReader) bytes(field string, raw json.RawMessage) []byte {
	if raw == nil {
		return nil
	}
	text := r.text(field, raw)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		r.refuse(field, "base64url without padding")
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

func (r *jsonReader) optionalText(label string, m map[string]json.RawMessage) *string {
	raw, ok := m[label]
	if !ok {
		return nil
	}
	s := r.text(label, raw)
	return &s
}

func (r *jsonReader) optionalNumber(label string, m map[string]json.RawMessage) *decimal {
	raw, ok := m[label]
	if !ok {
		return nil
	}
	d, ok := parseDecimal(string(raw))
	if !ok {
		r.refuse(label, "a number of at most 18 digits within 10^18")
	}
	return &d
}
