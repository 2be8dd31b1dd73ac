package canon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

type form struct {
	embedded
	Name    string            `json:"name"`
	Plain   int               // its name is the Go name
	Inner   *domain.Money     `json:"inner"`
	List    []domain.Money    `json:"list"`
	Fixed   [2]domain.Money   `json:"fixed"`
	ByName  map[string]inside `json:"byName"`
	Raw     json.RawMessage   `json:"raw"`
	Any     any               `json:"any"`
	Ignored string            `json:"-"`
}

type embedded struct {
	ID     string `json:"id"`
	hidden int
}

var _ = embedded{}.hidden // a field that JSON cannot reach

type inside struct {
	X int `json:"x"`
}

func TestDecodeJSONAccepts(t *testing.T) {
	for _, text := range []string{
		`{}`, `null`, ` {"name":"a"} `, `{"id":"1","Plain":2}`,
		`{"inner":{"minor":1,"currency":"EUR"}}`, `{"inner":null}`,
		`{"list":[{"minor":1},{"minor":2}],"fixed":[{"minor":1}]}`,
		`{"byName":{"a":{"x":1},"A":{"x":2}}}`, // names of a map are data: case matters
		`{"raw":{"anything":{"goes":1},"Anything":2}}`, `{"any":{"a":1,"A":[1,{"b":2}]}}`,
		`{"any":123456789012345678901234567890}`,
		`{"name":"\u00fc \ud83d\ude00 <&>"}`,
		`{"any":` + strings.Repeat("[", canon.MaxDepth-1) + strings.Repeat("]", canon.MaxDepth-1) + `}`,
	} {
		var f form
		if err := canon.DecodeJSON([]byte(text), &f); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for text, says := range map[string]string{
		``: "unexpected end", ` `: "unexpected end", `{`: "unexpected end", `{"name"`: "unexpected end", `{"name":`: "unexpected end", `{"name":"a"`: "unexpected end", `[`: "unexpected end",
		`{}{}`: "after top-level value", `{} x`: "after top-level value", `{},`: "after top-level value", `null null`: "after top-level value",
		`{"name":"a","name":"b"}`:                 ".name: key given twice",
		`{"name":"a","\u006eame":"b"}`:            ".name: key given twice", // the same key, escaped
		`{"inner":{"minor":1,"minor":1}}`:         ".inner.minor: key given twice",
		`{"list":[{},{"minor":1,"minor":2}]}`:     ".list[1].minor: key given twice",
		`{"raw":{"a":[{"b":1,"b":2}]}}`:           ".raw.a[0].b: key given twice",
		`{"any":{"a":1,"a":1}}`:                   ".any.a: key given twice",
		`{"byName":{"k":{},"k":{}}}`:              ".byName.k: key given twice",
		`{"Name":"a"}`:                            ".Name: unknown field",
		`{"name":"a","NAME":"b"}`:                 ".NAME: unknown field",
		`{"inner":{"Minor":1}}`:                   ".inner.Minor: unknown field",
		`{"fixed":[{"MINOR":1}]}`:                 ".fixed[0].MINOR: unknown field",
		`{"byName":{"k":{"X":1}}}`:                ".byName.k.X: unknown field",
		"{\"\u212aey\":1}":                        "unknown field", // Kelvin sign, folds to k
		`{"ID":"1"}`:                              ".ID: unknown field",
		`{"plain":1}`:                             ".plain: unknown field",
		`{"-":"a"}`:                               ".-: unknown field",
		`{"Ignored":"a"}`:                         ".Ignored: unknown field",
		`{"hidden":1}`:                            "unknown field",
		`{"embedded":{}}`:                         "unknown field",
		`{"extra":1}`:                             ".extra: unknown field",
		`{"name":1}`:                              "name",
		`{"inner":{"minor":1.0}}`:                 "minor",
		`{"inner":{"minor":1e2}}`:                 "minor",
		`{"inner":{"minor":"1"}}`:                 "minor",
		`{"inner":{"minor":9223372036854775808}}`: "minor",
		`[]`:                  "array",
		`"a"`:                 "string",
		`{1:2}`:               "invalid",
		`{"name":"a",}`:       "invalid",
		`{"list":[{},]}`:      "invalid",
		`{"list":[{} {}]}`:    "invalid",
		`{"name" "a"}`:        "invalid",
		`{'name':"a"}`:        "invalid",
		`{"any":NaN}`:         "invalid",
		`{"any":01}`:          "invalid",
		`{"any":+1}`:          "invalid",
		`{} // comment`:       "after top-level value",
		"\ufeff{}":            "invalid",
		"{\"name\":\"a\nb\"}": "invalid",
		"{\"name\":\"\xff\"}": "UTF-8",
		"{\"\xc3\":1}":        "UTF-8",
		`{"any":` + strings.Repeat("[", canon.MaxDepth) + strings.Repeat("]", canon.MaxDepth) + `}`:       "nested deeper",
		`{"any":` + strings.Repeat(`{"a":`, canon.MaxDepth) + `1` + strings.Repeat("}", canon.MaxDepth+1): "nested deeper",
		strings.Repeat("[", 1<<20): "max depth",
	} {
		var f form
		err := canon.DecodeJSON([]byte(text), &f)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: got %v, want an error that says %q", text, err, says)
		}
	}
}

// An error about a key must stay short, however long the key.
func TestDecodeJSONErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("k", 1<<16)
	err := canon.DecodeJSON([]byte(`{"any":{"`+long+`":{"a":1,"a":2}}}`), &form{})
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestToJSON(t *testing.T) {
	data, err := canon.Marshal(payment())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"amount":{"currency":"EUR","minor":25000},"credit":"party/holder-1",` +
		`"debit":"escrow/flightdelay/1/policy/P-000001","purpose":"payout"}`
	if got, err := canon.ToJSON(data); err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for name, data := range map[string][]byte{"empty": nil, "float": {0xf9, 0, 0}, "trailing": {0, 0}} {
		if _, err := canon.ToJSON(data); !errors.Is(err, canon.ErrNotCanonical) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzDecodeJSON compares DecodeJSON with the plain decoder of the standard library: what it
// takes, that takes too, with the same result, and no object in it names a key twice.
func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"name":"a","name":"b"}`, `{"inner":{"minor":1}}`, `{"Name":1}`, `{"any":[{"a":1},{"a":2,"a":3}]}`,
		`{"byName":{"k":{"x":1}}} `, `{"raw":[1,2.5,1e400]}`, `[[[[`, `{"any":"\ud800"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var strict, plain form
		if canon.DecodeJSON(text, &strict) != nil {
			return
		}
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatalf("%q: DecodeJSON takes what json.Unmarshal refuses: %v", text, err)
		}
		a, errA := json.Marshal(strict)
		b, errB := json.Marshal(plain)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("%q: %s (%v), plain %s (%v)", text, a, errA, b, errB)
		}
		checkKeysOnce(t, json.NewDecoder(bytes.NewReader(text)))
	})
}

// checkKeysOnce re-reads accepted text with a stack of its own.
func checkKeysOnce(t *testing.T, d *json.Decoder) {
	type level struct {
		keys map[string]bool // nil for an array
		name bool            // whether the next string is a name
	}
	stack := []level{{}}
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		top := &stack[len(stack)-1]
		if top.keys != nil && top.name {
			if name, ok := token.(string); ok {
				if top.keys[name] {
					t.Fatalf("key %q given twice", name)
				}
				top.keys[name], top.name = true, false
				continue
			}
		}
		top.name = true
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}, name: true})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}
