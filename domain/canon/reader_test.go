package canon_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/canon"
)

// shapes has a field of every form that the reader knows, and of those it leaves to encoding/json.
type shapes struct {
	Text    string            `json:"text"`
	Small   int8              `json:"small"`
	Wide    int64             `json:"wide"`
	Count   uint16            `json:"count"`
	Big     uint64            `json:"big"`
	Flag    bool              `json:"flag"`
	List    []domain.Money    `json:"list"`
	Lists   [][]string        `json:"lists"`
	Inner   *domain.Money     `json:"inner"`
	Twice   **int             `json:"twice"`
	Self    *shapes           `json:"self,omitempty"`
	Raw     json.RawMessage   `json:"raw"`
	Raws    []json.RawMessage `json:"raws"`
	RawAt   *json.RawMessage  `json:"rawAt"`
	Bytes   []byte            `json:"bytes"`
	Fixed   [2]domain.Money   `json:"fixed"`
	ByName  map[string]inside `json:"byName"`
	Any     any               `json:"any"`
	Number  json.Number       `json:"number"`
	Float   float64           `json:"float"`
	At      time.Time         `json:"at"`
	Quoted  quoted            `json:"quoted"`
	Nested  form              `json:"nested"`
	Plain   string
	Ignored string `json:"-"`
	hidden  string
}

type quoted struct {
	N int `json:"n,string"`
}

var _ = shapes{}.hidden // a field that JSON cannot reach

var shapeTexts = []string{
	`{"text":"a","small":-128,"wide":9223372036854775807,"count":65535,"big":18446744073709551615,"flag":true}`,
	`{"small":128}`, `{"small":-129}`, `{"count":65536}`, `{"count":-1}`, `{"count":-0}`, `{"wide":-0}`, `{"wide":1.0}`, `{"wide":1e2}`, `{"wide":01}`,
	`{"wide":9223372036854775808}`, `{"big":18446744073709551616}`, `{"wide":-}`, `{"wide":1.}`, `{"wide":1e}`, `{"wide":1e+}`, `{"wide":"1"}`, `{"wide":.5}`,
	`{"text":null,"small":null,"flag":null,"list":null,"inner":null,"raw":null,"raws":[null],"rawAt":null,"bytes":null,"at":null,"self":null}`,
	`{"text":"\u00fc\ud83d\ude00\ud83d x\n\/\\"}`, `{"text":"\x"}`, `{"text":"\u12g4"}`, `{"text":"\u12"}`, `{"text":"\`, `{"text":"a`, `{"text":1}`, "{\"text\":\"\t\"}", "{\"text\":\"\x7f\u2028\"}",
	`{"list":[]}`, `{"list":[{"minor":1,"currency":"EUR"},null,{}]}`, `{"list":[{"minor":1}{}]}`, `{"list":[{},]}`, `{"list":{}}`, `{"lists":[["a",null],[],null]}`,
	`{"inner":{"minor":5}}`, `{"inner":[]}`, `{"twice":5}`, `{"twice":null}`, `{"self":{"self":{"self":{"text":"deep"}}}}`,
	`{"raw":{"a":[1,2.5e-3,{"b":null}]},"raws":[1,"x",{}],"rawAt":[ 1 ]}`, `{"raw":{"a":1,"a":2}}`, `{"raw":{"a":1,"\u0061":2}}`, `{"raw":[1,]}`, `{"raw":tru}`, `{"raw":}`,
	`{"raw":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"i":2}}`, `{"raw":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}}`,
	`{"bytes":"AQID"}`, `{"bytes":"AQI"}`, `{"bytes":[1,2]}`, `{"fixed":[{"minor":1},{"minor":2},{"Minor":3}]}`, `{"fixed":[{"minor":1}]}`,
	`{"byName":{"k":{"x":1},"K":{"x":2}}}`, `{"byName":{"k":{"X":1}}}`, `{"any":{"a":[1,"x",null]}}`, `{"number":1.50}`, `{"number":"2"}`, `{"number":"x"}`,
	`{"float":1e400}`, `{"float":1.5}`, `{"at":"2025-01-01T00:00:00Z"}`, `{"at":1}`, `{"quoted":{"n":"5"}}`, `{"quoted":{"n":5}}`, `{"nested":{"id":"x","list":[{"minor":1}]}}`, `{"nested":{"ID":"x"}}`,
	`{"Plain":"x"}`, `{"plain":"x"}`, `{"Ignored":"x"}`, `{"-":"x"}`, `{"hidden":"x"}`, `{"TEXT":"x"}`, `{"text":"a","text":"b"}`, `{"text":"a","t\u0065xt":"b"}`, `{"t\u0065xt":"b"}`,
	`null`, `[]`, `1`, `"a"`, ``, ` `, `{`, `{}`, ` { } `, `{}{}`, "{}\x00", `{}x`, `{"text"}`, `{"text":}`, `{"text" : "a" , "wide" : 1 }`, `{,}`, `{"text":"a",}`, `{1:2}`, "\ufeff{}",
	"{\"text\":\"\xff\"}", "{\v}", `{"flag":1}`, `{"flag":truely}`, `{"flag":True}`, `{"raw":nul}`, `{"raw":nulll}`,
}

// same compares the two ways of DecodeJSON on one text and type.
func same[T any](t *testing.T, text []byte) (taken bool) {
	t.Helper()
	var read, explained T
	taken, err := canon.ReadJSON(text, &read), canon.ExplainJSON(text, &explained)
	if taken != (err == nil) {
		t.Fatalf("%T %q: read is %t, the standard library says %v", read, text, taken, err)
	}
	if taken && !reflect.DeepEqual(read, explained) {
		t.Fatalf("%T %q: read as %+v, the standard library as %+v", read, text, read, explained)
	}
	return taken
}

func deep(depth int) []string {
	return []string{
		`{"raw":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`, `{"any":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`,
		strings.Repeat(`{"self":`, depth) + "{}" + strings.Repeat("}", depth), `{"nested":{"any":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}}`,
	}
}

func TestReadJSONIsTheStandardLibrary(t *testing.T) {
	taken := 0
	for _, text := range shapeTexts {
		if same[shapes](t, []byte(text)) {
			taken++
		}
		same[form](t, []byte(text))
		same[map[string]any](t, []byte(text))
		same[[]string](t, []byte(text))
		same[any](t, []byte(text))
	}
	if taken < 20 {
		t.Fatalf("only %d texts were taken: the rest compares little", taken)
	}
	for depth, want := range map[int]bool{canon.MaxDepth - 1: true, canon.MaxDepth: false, canon.MaxDepth + 1: false} {
		for _, text := range deep(depth) {
			if same[shapes](t, []byte(text)) != want {
				t.Errorf("depth %d: %s", depth, text)
			}
		}
	}
}

// What stands in v already is kept or replaced as the standard library does.
func TestReadJSONOverDefaults(t *testing.T) {
	for _, text := range []string{`{}`, `{"list":[{"minor":7}]}`, `{"list":[]}`, `{"list":null}`, `{"inner":{"currency":"EUR"}}`, `{"inner":null}`, `{"text":null}`, `{"list":[{},{},{}]}`} {
		fresh := func() shapes {
			return shapes{Text: "a", List: []domain.Money{{Minor: 1, Currency: "EUR"}, {Minor: 2}}, Inner: &domain.Money{Minor: 3}}
		}
		read, explained := fresh(), fresh()
		if ok, err := canon.ReadJSON([]byte(text), &read), canon.ExplainJSON([]byte(text), &explained); !ok || err != nil || !reflect.DeepEqual(read, explained) {
			t.Errorf("%s: %+v, the standard library %+v, %v", text, read, explained, err)
		}
	}
}

func TestReadJSONNeedsAPointer(t *testing.T) {
	for _, v := range []any{nil, shapes{}, (*shapes)(nil)} {
		if canon.DecodeJSON([]byte(`{}`), v) == nil {
			t.Errorf("decoded into %T", v)
		}
	}
}

// FuzzReadJSON compares the one pass that decodes with the passes that explain.
func FuzzReadJSON(f *testing.F) {
	for _, text := range append(shapeTexts, deep(canon.MaxDepth)...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		same[shapes](t, text)
		same[domain.Command](t, text)
		same[any](t, text)
	})
}
