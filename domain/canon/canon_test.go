package canon_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"aval/domain"
	"aval/domain/canon"
)

// vectors reads testdata/NAME: a line is hexadecimal bytes and a text, a '#' begins a comment.
func vectors(t testing.TB, name string) map[string]string {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		bytes, text, _ := strings.Cut(line, " ")
		found[bytes] = strings.TrimSpace(text)
	}
	return found
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

// The examples of RFC 8949 appendix A that canon allows decode, show as the JSON beside
// them, and encode to the same bytes.
func TestGoldenVectorsComeBack(t *testing.T) {
	for text, want := range vectors(t, "golden.txt") {
		data := unhex(t, text)
		var v any
		if err := canon.Unmarshal(data, &v); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := canon.Marshal(v)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s: encoded as %x, %v", text, again, err)
		}
		if shown, err := canon.ToJSON(data); err != nil || string(shown) != want {
			t.Errorf("%s: shown as %s, %v, want %s", text, shown, err, want)
		}
	}
}

// Each line of refused.txt breaks one rule. The bytes are refused bare, and again inside an
// array, a map and the any field of a struct.
func TestNonCanonicalBytesAreRefused(t *testing.T) {
	for text, why := range vectors(t, "refused.txt") {
		data := unhex(t, text)
		var v any
		refused(t, why, data, &v)
		refused(t, why+", in an array", append([]byte{0x81}, data...), &v)
		refused(t, why+", in a map", append([]byte{0xa1, 0x61, 'a'}, data...), &v)
		var s struct {
			Any any `json:"any"`
		}
		refused(t, why+", in a struct", append([]byte{0xa1, 0x63, 'a', 'n', 'y'}, data...), &s)
		var list []any
		refused(t, why+", in a slice", append([]byte{0x81}, data...), &list)
		if _, err := canon.ToJSON(data); !errors.Is(err, canon.ErrNotCanonical) {
			t.Errorf("%s: ToJSON gave %v", why, err)
		}
	}
}

func refused(t *testing.T, why string, data []byte, v any) {
	t.Helper()
	if err := canon.Unmarshal(data, v); !errors.Is(err, canon.ErrNotCanonical) {
		t.Errorf("%s: %x gave %v, want ErrNotCanonical", why, data, err)
	}
}

// Bytes may be canonical, and still not what Marshal gives for the type asked for.
func TestTypedDecodingIsExact(t *testing.T) {
	money := func(s string) func(*testing.T) ([]byte, any) {
		return func(t *testing.T) ([]byte, any) { return unhex(t, s), new(domain.Money) }
	}
	for name, make := range map[string]func(*testing.T) ([]byte, any){
		"unknown field":        money("a3" + "6161" + "00" + "656d696e6f72" + "01" + "6863757272656e6379" + "60"),
		"missing field":        money("a1" + "656d696e6f72" + "01"),
		"name in another case": money("a2" + "654d696e6f72" + "01" + "6863757272656e6379" + "60"),
		"fields out of order":  money("a2" + "6863757272656e6379" + "60" + "656d696e6f72" + "01"),
		"field given twice":    money("a3" + "656d696e6f72" + "01" + "656d696e6f72" + "02" + "6863757272656e6379" + "60"),
		"null for a struct":    money("f6"),
		"array for a struct":   money("820160"),
		"null for a number":    money("a2" + "656d696e6f72" + "f6" + "6863757272656e6379" + "60"),
		"float for a number":   money("a2" + "656d696e6f72" + "f93c00" + "6863757272656e6379" + "60"),
		"bytes for text":       money("a2" + "656d696e6f72" + "01" + "6863757272656e6379" + "40"),
		"beyond int64":         money("a2" + "656d696e6f72" + "1b8000000000000000" + "6863757272656e6379" + "60"),
		"empty though omitted": func(t *testing.T) ([]byte, any) { return unhex(t, "a1"+"6161"+"60"), new(omitted) },
	} {
		data, v := make(t)
		refused(t, name, data, v)
	}
}

type omitted struct {
	A string `json:"a,omitempty"`
}

func TestUnmarshalRefusesWhatIsNoPointer(t *testing.T) {
	for _, v := range []any{nil, domain.Money{}, (*domain.Money)(nil)} {
		if err := canon.Unmarshal([]byte{0}, v); err == nil {
			t.Errorf("%T: no error", v)
		}
	}
}

func TestMarshalIsDeterministic(t *testing.T) {
	want := unhex(t, "a56162"+"02"+"6163"+"03"+"626161"+"01"+"626162"+"04"+"63616161"+"05")
	for range 50 { // map order differs from run to run
		got, err := canon.Marshal(map[string]int{"aa": 1, "b": 2, "c": 3, "ab": 4, "aaa": 5})
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, %v, want %x", got, err, want)
		}
	}
}

func TestPackageCommentExample(t *testing.T) {
	got, err := canon.Marshal(domain.Money{Minor: 500, Currency: "EUR"})
	if want := "a2656d696e6f721901f46863757272656e637963455552"; err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v, want %s", got, err, want)
	}
}

func TestMarshalRefuses(t *testing.T) {
	type rate struct {
		Rate float64 `json:"rate"`
	}
	type loose struct {
		Any any `json:"any"`
	}
	for name, v := range map[string]any{
		"float":                 1.5,
		"float that is whole":   1.0,
		"float32":               float32(1),
		"NaN":                   math.NaN(),
		"infinity":              math.Inf(1),
		"float field":           rate{1},
		"float field of zero":   rate{},
		"float in any":          loose{1.5},
		"float in a slice":      []float64{0},
		"float in []any":        []any{1, "a", 1.5},
		"float in a map":        map[string]any{"a": map[string]any{"b": 1.5}},
		"float as a key":        map[float64]int{1: 1},
		"float behind pointer":  &loose{&rate{1}},
		"tag":                   cbor.Tag{Number: 0, Content: "2015-01-01T00:00:00Z"},
		"raw tag":               cbor.RawTag{Number: 1, Content: []byte{0}},
		"raw float":             loose{cbor.RawMessage{0xf9, 0x3c, 0x00}},
		"raw indefinite length": loose{cbor.RawMessage{0x9f, 0xff}},
		"raw cut short":         loose{cbor.RawMessage{0x62, 'a'}},
		"simple value":          cbor.SimpleValue(0),
		"undefined":             cbor.SimpleValue(23),
		"text that is no UTF-8": "\xff",
		"surrogate":             "\xed\xa0\x80",
		"key that is no UTF-8":  map[string]int{"\xff": 1},
		"channel":               make(chan int),
		"function":              func() {},
		"too deep":              nested(canon.MaxDepth + 1),
		"too many elements":     make([]int, canon.MaxElements+1),
		"too many pairs":        pairs(canon.MaxElements + 1),
		"too large":             make([]byte, canon.MaxBytes),
	} {
		if got, err := canon.Marshal(v); err == nil {
			t.Errorf("%s: encoded as %.40x", name, got)
		}
	}
}

func nested(depth int) any {
	var v any = 1
	for range depth {
		v = []any{v}
	}
	return v
}

func pairs(n int) map[int]bool {
	m := make(map[int]bool, n)
	for i := range n {
		m[i] = true
	}
	return m
}

// The largest values allowed pass both ways.
func TestLimitsAreReached(t *testing.T) {
	for name, v := range map[string]any{
		"depth":    nested(canon.MaxDepth),
		"elements": make([]bool, canon.MaxElements),
		"pairs":    pairs(canon.MaxElements),
		"bytes":    make([]byte, canon.MaxBytes-5), // the head takes 5
	} {
		data, err := canon.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := canon.Unmarshal(data, back.Interface()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnmarshalRefusesTooManyBytes(t *testing.T) {
	data := make([]byte, canon.MaxBytes+1)
	copy(data, []byte{0x5a, 0x00, 0x3f, 0xff, 0xfc}) // a byte string of exactly that size
	var v []byte
	refused(t, "too large", data, &v)
}

// A short message must not make the decoder reserve what its head promises.
func TestHugeLengthCostsNothing(t *testing.T) {
	for name, text := range map[string]string{
		"bytes": "5b7fffffffffffffff", "text": "7b7fffffffffffffff", "array": "9b7fffffffffffffff", "map": "bb7fffffffffffffff",
		"bytes beyond int64": "5bffffffffffffffff", "array beyond int64": "9bffffffffffffffff",
		"largest array allowed, empty": "9a00010000",
	} {
		data := unhex(t, text)
		var before, after runtime.MemStats
		var v any
		runtime.ReadMemStats(&before)
		err := canon.Unmarshal(data, &v)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 64<<10 {
			t.Errorf("%s: %d bytes allocated for %d received", name, allocated, len(data))
		}
		if !errors.Is(err, canon.ErrNotCanonical) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func observation() domain.Observation {
	return domain.Observation{
		Ledger: "ledger.example/trade", Kind: "invoice/1", Subject: "S-2015-0001", KeyID: strings.Repeat("k", 43), Epoch: 7, Sequence: 1234,
		Previous: bytes.Repeat([]byte{1}, 32), Fingerprint: bytes.Repeat([]byte{2}, 32),
		ObservedAt: 1_420_070_400_000, ClockQuality: domain.ClockGNSS, Holder: "sensor-17", Operator: "carrier",
		Readings: []domain.Reading{
			{Name: "temperature", Unit: "Cel", Value: 41, Scale: 1, At: 1_420_070_400_000},
			{Name: "latitude", Unit: "lat", Value: 611_744_000, Scale: 7, At: 1_420_070_400_000},
			{Name: "longitude", Unit: "lon", Value: -1_499_963_000, Scale: 7, At: 1_420_070_400_000},
			{Name: "scan", Text: "00340123450000000018", At: 1_420_070_400_000},
		},
	}
}

func flight() domain.Observation {
	o := observation()
	o.Kind, o.Subject, o.Readings = "flightdelay/1", "AS-98-ANC-SEA-2015-01-01", nil
	o.Flight = &domain.FlightStatus{Leg: o.Subject, Phase: domain.FlightLanded, ActualIn: 1_420_070_400_000, RawSHA256: []byte{3}, Source: "bts"}
	return o
}

func payment() domain.Posting {
	return domain.Posting{
		Debit: domain.EscrowAccount("flightdelay/1", "policy/P-000001"), Credit: domain.PartyAccount("holder-1"),
		Amount: domain.Money{Minor: 25_000, Currency: "EUR"}, Purpose: "payout",
	}
}

func TestDomainValuesComeBack(t *testing.T) {
	for _, want := range []any{observation(), flight(), domain.Observation{}, payment(), domain.Posting{}, observation().Readings[1]} {
		data, err := canon.Marshal(want)
		if err != nil {
			t.Errorf("%T: %v", want, err)
			continue
		}
		back := reflect.New(reflect.TypeOf(want))
		if err := canon.Unmarshal(data, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), want) {
			t.Errorf("%T: got %+v, %v, want %+v", want, back.Elem(), err, want)
		}
	}
}
