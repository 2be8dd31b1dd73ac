package senml_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"crypto/elliptic"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/senml"
)

var update = flag.Bool("update", false, "rewrite the golden vectors")

// counting is deterministic "randomness", so that keys and vectors are the same on each run.
type counting byte

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		*c++
		p[i] = byte(*c)
	}
	return len(p), nil
}

func signer(t testing.TB, algorithm string) *envelope.Signer {
	t.Helper()
	var c counting
	s, err := envelope.NewSigner(algorithm, &c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const noon = domain.Millis(1_772_452_800_000) // 2026-03-02T12:00:00Z

func pack() senml.Pack {
	return senml.Pack{
		Ledger: "ledger.example/test", Kind: "invoice/1", Subject: "S-1", Device: "probe-7", Epoch: 3, Sequence: 2,
		Previous: bytes.Repeat([]byte{7}, 32), At: noon + 60_001, Clock: domain.ClockGNSS,
		Readings: []domain.Reading{
			{Name: "temperature", Unit: "Cel", Value: 4875, Scale: 3, At: noon},
			{Name: "temperature", Unit: "Cel", Value: -20000, Scale: 3, At: noon + 30_250},
			{Name: "humidity", Unit: "%RH", Value: 55500, Scale: 3, At: noon + 30_250},
			{Name: "latitude", Unit: "lat", Value: 535511000, Scale: 7, At: noon + 60_000},
			{Name: "longitude", Unit: "lon", Value: -99937001, Scale: 7, At: noon + 60_000},
			{Name: "scan", Text: "00340123450000000018", At: noon + 60_000},
		},
	}
}

type form struct {
	codec domain.Codec
	seal  func(*envelope.Signer, senml.Pack) ([]byte, error)
	open  func([]byte) (senml.Pack, domain.Signed, error)
}

func forms() map[string]form {
	return map[string]form{
		"jws":  {senml.JWS{}, senml.SealJWS, senml.OpenJWS},
		"cose": {senml.COSE{}, senml.SealCOSE, senml.OpenCOSE},
	}
}

func refused(t *testing.T, name string, err error, code domain.Code, sentence string) {
	t.Helper()
	var refusal *domain.Rejection
	if !errors.As(err, &refusal) || refusal.Code != code || !strings.Contains(refusal.Detail, sentence) {
		t.Errorf("%s: got %v, want %s with %q", name, err, code, sentence)
	}
}

func TestSignedPackComesBackAndVerifies(t *testing.T) {
	for name, f := range forms() {
		for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
			s := signer(t, algorithm)
			raw, err := f.seal(s, pack())
			if err != nil {
				t.Fatal(name, err)
			}
			again, shell, err := f.open(raw)
			if err != nil || !reflect.DeepEqual(again, pack()) {
				t.Errorf("%s: got %+v, %v", name, again, err)
			}
			if err := envelope.Verify(s.Key, shell); err != nil {
				t.Errorf("%s %s: %v", name, algorithm, err)
			}
			sniffed, err := senml.Sniff(raw)
			if err != nil || sniffed.Format() != f.codec.Format() {
				t.Errorf("%s: sniffed %v, %v", name, sniffed, err)
			}
			o, _, err := f.codec.Decode(raw)
			if err != nil || o.KeyID != s.Key.ID || o.Holder != "probe-7" || !bytes.Equal(o.Fingerprint, envelope.Fingerprint(shell)) ||
				o.ObservedAt != noon+60_001 || o.ClockQuality != domain.ClockGNSS || len(o.Readings) != 6 || o.Subject != "S-1" {
				t.Errorf("%s: got %+v, %v", name, o, err)
			}
		}
	}
}

// Goal: the bytes on the wire never change by accident. Both algorithms are deterministic.
func TestGoldenVectors(t *testing.T) {
	for name, f := range forms() {
		for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
			raw, err := f.seal(signer(t, algorithm), pack())
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			if name == "cose" {
				text = hex.EncodeToString(raw)
			}
			path := filepath.Join("testdata", "pack."+name+"."+strings.ToLower(algorithm))
			if *update {
				if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if text+"\n" != string(want) {
				t.Errorf("%s: got %s", path, text)
			}
		}
	}
}

func TestSealRefusesWhatOpenRefuses(t *testing.T) {
	at := func(n int) domain.Reading {
		return domain.Reading{Name: "temperature", Unit: "Cel", Value: 1000, Scale: 3, At: noon + domain.Millis(n)*1000}
	}
	many := func(n int) (readings []domain.Reading) {
		for i := range n {
			readings = append(readings, at(i))
		}
		return readings
	}
	cases := map[string]struct {
		change   func(*senml.Pack)
		code     domain.Code
		sentence string
	}{
		"no ledger":       {func(p *senml.Pack) { p.Ledger = "" }, domain.Malformed, "ledger"},
		"long ledger":     {func(p *senml.Pack) { p.Ledger = strings.Repeat("l", 257) }, domain.Malformed, "ledger"},
		"bad kind":        {func(p *senml.Pack) { p.Kind = "invoice" }, domain.Malformed, "kind"},
		"bad subject":     {func(p *senml.Pack) { p.Subject = "a/b" }, domain.Malformed, "subject"},
		"bad device":      {func(p *senml.Pack) { p.Device = "Probe" }, domain.Malformed, "dev"},
		"long device":     {func(p *senml.Pack) { p.Device = strings.Repeat("d", 49) }, domain.Malformed, "dev"},
		"epoch zero":      {func(p *senml.Pack) { p.Epoch = 0 }, domain.Malformed, "epoch"},
		"sequence zero":   {func(p *senml.Pack) { p.Sequence, p.Previous = 0, nil }, domain.Malformed, "sequence"},
		"sequence huge":   {func(p *senml.Pack) { p.Sequence = domain.MaxMinor + 1 }, domain.Malformed, "seq"},
		"first with prev": {func(p *senml.Pack) { p.Sequence = 1 }, domain.Malformed, "prev"},
		"later without":   {func(p *senml.Pack) { p.Previous = nil }, domain.Malformed, "prev"},
		"short prev":      {func(p *senml.Pack) { p.Previous = p.Previous[:31] }, domain.Malformed, "prev"},
		"no clock":        {func(p *senml.Pack) { p.Clock = "" }, domain.Malformed, "clock"},
		"after 9999":      {func(p *senml.Pack) { p.At = senml.MaxTime + 1 }, domain.Malformed, "t:"},
		"no readings":     {func(p *senml.Pack) { p.Readings = nil }, domain.LimitExceeded, "want 1 to"},
		"61 instants":     {func(p *senml.Pack) { p.Readings = many(61) }, domain.LimitExceeded, "60 instants"},
		"same instant":    {func(p *senml.Pack) { p.Readings = append(many(2), at(1)) }, domain.Malformed, "twice"},
		"relative time": {func(p *senml.Pack) {
			p.Readings = []domain.Reading{{Name: "scan", Text: "x", At: senml.MinReadingTime - 1}}
		}, domain.Malformed, "relative"},
		"other scale":       {func(p *senml.Pack) { p.Readings[0].Scale = 2 }, domain.Malformed, "normal form"},
		"negative scale":    {func(p *senml.Pack) { p.Readings[0].Scale = -128 }, domain.Malformed, ""},
		"huge scale":        {func(p *senml.Pack) { p.Readings[0].Scale = 127 }, domain.Malformed, ""},
		"other unit":        {func(p *senml.Pack) { p.Readings[0].Unit = "K" }, domain.Malformed, "unit"},
		"unknown quantity":  {func(p *senml.Pack) { p.Readings[0].Name = "pressure" }, domain.Malformed, "quantity"},
		"latitude beyond":   {func(p *senml.Pack) { p.Readings[3].Value = 900000001 }, domain.Malformed, "range"},
		"control character": {func(p *senml.Pack) { p.Readings[5].Text = "a\x1db" }, domain.Malformed, "printable"},
		"long text":         {func(p *senml.Pack) { p.Readings[5].Text = strings.Repeat("x", 129) }, domain.Malformed, "128"},
	}
	for name, c := range cases {
		for kind, f := range forms() {
			p := pack()
			c.change(&p)
			_, err := f.seal(signer(t, envelope.EdDSA), p)
			refused(t, name+" "+kind, err, c.code, c.sentence)
		}
	}
	p := pack()
	for name, change := range map[string]func(){
		"60 instants": func() { p.Readings = many(60) },
		"first":       func() { p.Sequence, p.Previous = 1, nil },
		"edges": func() {
			p.Readings = []domain.Reading{
				{Name: "latitude", Unit: "lat", Value: -900000000, Scale: 7, At: senml.MinReadingTime},
				{Name: "longitude", Unit: "lon", Value: 1800000000, Scale: 7, At: senml.MaxTime},
				{Name: "scan", Text: strings.Repeat("x", 128), At: noon},
			}
		},
	} {
		change()
		for kind, f := range forms() {
			if _, err := f.seal(signer(t, envelope.EdDSA), p); err != nil {
				t.Errorf("%s %s: %v", name, kind, err)
			}
		}
	}
}

// jws signs any JSON text as a pack.
func jws(t testing.TB, payload string) []byte {
	t.Helper()
	raw, err := envelope.Seal(signer(t, envelope.EdDSA), senml.FormatJWS, json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// unsigned puts any bytes, valid JSON or not, in the place of the payload.
func unsigned(t testing.TB, payload string) []byte {
	t.Helper()
	parts := bytes.Split(jws(t, "{}"), []byte("."))
	parts[1] = []byte(base64.RawURLEncoding.EncodeToString([]byte(payload)))
	return bytes.Join(parts, []byte("."))
}

const headJSON = `"ledger":"l","kind":"invoice/1","subject":"S-1","dev":"probe-7","epoch":1,"seq":1,"t":1772452800000,"clock":"rtc"`

func withRecords(records string) string { return `{` + headJSON + `,"records":[` + records + `]}` }

func TestReadingsFromJSON(t *testing.T) {
	temperature := func(value int64, at domain.Millis) domain.Reading {
		return domain.Reading{Name: "temperature", Unit: "Cel", Value: value, Scale: 3, At: at}
	}
	const day = domain.Millis(1_276_020_076_000)
	cases := map[string]struct {
		records string
		want    []domain.Reading
	}{
		// RFC 8428 section 5.1.1, with a name and unit that are ours.
		"single": {`{"n":"probe-7:temperature","u":"Cel","v":23.1,"t":1.276020076e9}`, []domain.Reading{temperature(23_100, day)}},
		// Section 5.1.3: base time, offsets, base unit, several quantities.
		"multiple": {
			`{"bn":"probe-7/","bt":1.276020076001e+09,"bu":"Cel","bver":10,"n":"temperature","v":20.1},
			 {"n":"temperature","t":-5,"v":1.2e0},{"n":"temperature","t":-4.5,"v":130e-2},{"n":"humidity","u":"%RH","v":20}`,
			[]domain.Reading{temperature(20_100, day+1), temperature(1_200, day-4999), temperature(1_300, day-4499),
				{Name: "humidity", Unit: "%RH", Value: 20_000, Scale: 3, At: day + 1}},
		},
		// Section 4.1: a base holds until the next record with the same base field.
		"base value and a new base": {
			`{"bt":1276020076,"bu":"Cel","bv":20,"n":"temperature","v":0.125},{"n":"temperature","t":1,"v":-0.5},{"bv":-10,"n":"temperature","t":2,"v":0}`,
			[]domain.Reading{temperature(20_125, day), temperature(19_500, day+1000), temperature(-10_000, day+2000)},
		},
		"text under a base unit": {`{"bt":1276020076,"bu":"Cel","n":"scan","vs":"003401"}`, []domain.Reading{{Name: "scan", Text: "003401", At: day}}},
		"unknown label":          {`{"n":"door","vs":"open","t":1276020076,"ut":5,"note":{"a":[1.5]}}`, []domain.Reading{{Name: "door", Text: "open", At: day}}},
		"minus zero":             {`{"n":"temperature","u":"Cel","v":-0.0,"t":1276020076}`, []domain.Reading{temperature(0, day)}},
		"position": {`{"bt":1276020076,"n":"latitude","u":"lat","v":24.30621},{"n":"longitude","u":"lon","v":60.0796512}`, []domain.Reading{
			{Name: "latitude", Unit: "lat", Value: 243062100, Scale: 7, At: day}, {Name: "longitude", Unit: "lon", Value: 600796512, Scale: 7, At: day}}},
		// A clock that lost its date is data: the contract judges it.
		"year 1980 and 2046": {`{"bu":"Cel","n":"temperature","v":1,"t":315964800},{"n":"temperature","v":1,"t":2398377600}`,
			[]domain.Reading{temperature(1000, 315_964_800_000), temperature(1000, 2_398_377_600_000)}},
		"sentinel": {`{"n":"temperature","u":"Cel","v":327.67,"t":1276020076}`, []domain.Reading{temperature(327_670, day)}},
	}
	for name, c := range cases {
		raw := jws(t, withRecords(c.records))
		before := bytes.Clone(raw)
		p, _, err := senml.OpenJWS(raw)
		if err != nil || !reflect.DeepEqual(p.Readings, c.want) {
			t.Errorf("%s: got %+v, %v", name, p.Readings, err)
		}
		again, _, _ := senml.OpenJWS(raw)
		if !bytes.Equal(raw, before) || !reflect.DeepEqual(p, again) {
			t.Errorf("%s: decoding changed its input or its mind", name)
		}
	}
}

func TestJSONRefusals(t *testing.T) {
	record := func(extra string) string {
		return withRecords(`{"n":"temperature","u":"Cel","t":1276020076,` + extra + `}`)
	}
	cases := map[string]struct{ payload, sentence string }{
		"must-understand label":   {record(`"v":1,"x_":1`), `"x_" must be understood`},
		"version 11":              {record(`"v":1,"bver":11`), "version 10"},
		"sum":                     {record(`"v":1,"s":1`), "not supported"},
		"base sum":                {record(`"v":1,"bs":1`), "not supported"},
		"boolean":                 {record(`"vb":true`), "not supported"},
		"data":                    {record(`"vd":"AA"`), "not supported"},
		"no value":                {record(`"ut":1`), "neither"},
		"both values":             {record(`"v":1,"vs":"x"`), "both"},
		"value null":              {record(`"v":null`), "want a number"},
		"value text":              {record(`"v":"1"`), "want a number"},
		"too precise":             {record(`"v":4.8751`), "3 decimals"},
		"exponent beyond":         {record(`"v":1e19`), "want a number"},
		"exponent far beyond":     {record(`"v":1e400`), "want a number"},
		"negative exponent":       {record(`"v":1e-19`), "want a number"},
		"zero with exponent":      {record(`"v":0e400`), "want a number"},
		"too many digits":         {record(`"v":1.0000000000000000001`), "want a number"},
		"beyond the range":        {record(`"v":1000001`), "out of range"},
		"beyond 64 bits at scale": {record(`"v":999999999999999999`), "too large"},
		"sum beyond":              {record(`"bv":9e17,"v":0.000000000000001`), "out of range"},
		"duplicate label":         {record(`"v":1,"v":1`), "given twice"},
		"missing unit":            {withRecords(`{"n":"temperature","v":1,"t":1276020076}`), `unit ""`},
		"Fahrenheit":              {withRecords(`{"n":"temperature","u":"F","v":40,"t":1276020076}`), `unit "F"`},
		"unit of another":         {withRecords(`{"n":"temperature","u":"%RH","v":40,"t":1276020076}`), `unit "%RH"`},
		"text with unit":          {withRecords(`{"n":"scan","u":"Cel","vs":"x","t":1276020076}`), "no unit"},
		"text for a number":       {withRecords(`{"n":"temperature","vs":"x","t":1276020076}`), "no unit"},
		"number for a text":       {withRecords(`{"n":"scan","v":1,"t":1276020076}`), "want a text"},
		"replaced character":      {withRecords(`{"n":"scan","vs":"\ud800","t":1276020076}`), "want a text"},
		"other device's name":     {withRecords(`{"n":"probe-8:temperature","u":"Cel","v":1,"t":1276020076}`), "device's name"},
		"name without separator":  {withRecords(`{"n":"probe-7temperature","u":"Cel","v":1,"t":1276020076}`), "device's name"},
		"no name":                 {withRecords(`{"u":"Cel","v":1,"t":1276020076}`), "want a quantity"},
		"no time":                 {withRecords(`{"n":"temperature","u":"Cel","v":1}`), "relative"},
		"relative time":           {withRecords(`{"n":"temperature","u":"Cel","v":1,"t":268435455}`), "relative"},
		"negative time":           {withRecords(`{"n":"temperature","u":"Cel","v":1,"t":-1}`), "relative"},
		"milliseconds as seconds": {withRecords(`{"n":"temperature","u":"Cel","v":1,"t":1276020076000}`), "9999"},
		"microseconds":            {withRecords(`{"n":"temperature","u":"Cel","v":1,"t":1276020076.0001}`), "milliseconds"},
		"same instant twice":      {withRecords(`{"bt":1276020076,"bu":"Cel","n":"temperature","v":1},{"n":"temperature","v":2,"t":0}`), "records[1]: temperature given twice"},
		"same instant, two names": {withRecords(`{"bt":1276020076,"bu":"Cel","n":"temperature","v":1},{"n":"probe-7:temperature","v":2}`), "given twice"},
		"empty text":              {withRecords(`{"n":"scan","vs":"","t":1276020076}`), "1 to 128"},
		"record not an object":    {withRecords(`1`), "objects"},
		"record null":             {withRecords(`null`), "want a quantity"},
		"records null":            {`{` + headJSON + `,"records":null}`, "array"},
		"records an object":       {`{` + headJSON + `,"records":{}}`, "array"},
		"unknown member":          {`{` + headJSON + `,"records":[],"x":1}`, "unknown member"},
		"other case":              {strings.Replace(withRecords(``), `"ledger"`, `"Ledger"`, 1), "ledger is missing"},
		"missing member":          {`{"ledger":"l"}`, "kind is missing"},
		"duplicate member":        {`{"ledger":"l",` + headJSON + `,"records":[]}`, "given twice"},
		"epoch as decimal":        {strings.Replace(withRecords(``), `"epoch":1`, `"epoch":1.0`, 1), "epoch: want an integer"},
		"sequence above 2^53":     {strings.Replace(withRecords(``), `"seq":1`, `"seq":9007199254740992`, 1), "seq: want an integer"},
		"negative t":              {strings.Replace(withRecords(``), `"t":1772452800000`, `"t":-1`, 1), "t: want an integer"},
		"prev padded":             {strings.Replace(withRecords(``), `"seq":1`, `"seq":2,"prev":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="`, 1), "prev: want base64url"},
		"an array":                {`[]`, "payload"},
		"null":                    {`null`, "missing"},
	}
	for name, c := range cases {
		_, _, err := senml.JWS{}.Decode(jws(t, c.payload))
		refused(t, name, err, domain.Malformed, c.sentence)
	}
	for name, payload := range map[string]string{
		"NaN": record(`"v":NaN`), "trailing": withRecords(``) + `{}`, "not UTF-8": withRecords(`{"n":"scan","vs":"` + "\xff" + `","t":1276020076}`),
		"empty": "", "deep": strings.Repeat("[", 100), "leading zero": record(`"v":01`), "plus": record(`"v":+1`),
	} {
		_, _, err := senml.JWS{}.Decode(unsigned(t, payload))
		refused(t, name, err, domain.Malformed, "")
	}
	_, _, err := senml.JWS{}.Decode(make([]byte, senml.MaxBytes+1))
	refused(t, "too large", err, domain.TooLarge, "limit")
	wrong, _ := envelope.Seal(signer(t, envelope.EdDSA), "other", json.RawMessage(withRecords(``)))
	_, _, err = senml.JWS{}.Decode(wrong)
	refused(t, "other typ", err, domain.Malformed, "typ")
	tooMany := `{"n":"scan","vs":"x"}` + strings.Repeat(`,{"n":"scan","vs":"x"}`, senml.MaxRecords)
	_, _, err = senml.JWS{}.Decode(jws(t, withRecords(tooMany)))
	refused(t, "records beyond", err, domain.Malformed, "512")
}

func TestDecimalTextIsReadExactly(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "4.875": 4875, "0.001": 1, "-0.001": -1, "1e0": 1000, "1E-3": 1, "12.5e1": 125_000, "0.0000045e6": 4500,
		"100000.000000000000": 100_000_000, "1e5": 100_000_000, "1000000": 1e9, "-1000000": -1e9,
	} {
		r, err := senml.NewReading("temperature", text, noon)
		if err != nil || r.Value != want || r.Scale != 3 {
			t.Errorf("%s: got %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{
		"", "-", ".", "1.", ".1", "01", "-01", "+1", "1e", "1e+", "1e1.5", "1e+-1", "--1", "0x1", "1_000", " 1", "1 ", "Inf", "nan", "1e9999", "1,5", "٣",
	} {
		_, err := senml.NewReading("temperature", text, noon)
		refused(t, text, err, domain.Malformed, "not a number")
	}
}

func TestAlteredEnvelopeIsTheSameMessage(t *testing.T) {
	s := signer(t, envelope.ES256)
	for name, f := range forms() {
		raw, _ := f.seal(s, pack())
		o, shell, _ := f.codec.Decode(raw)
		twin := highS(t, shell.Signature)
		var other []byte
		if name == "jws" {
			other = append(bytes.Clone(shell.Input), '.')
			other = append(other, base64.RawURLEncoding.EncodeToString(twin)...)
		} else {
			other = bytes.Replace(raw, shell.Signature, twin, 1)
		}
		p, shell2, err := f.codec.Decode(other)
		if err != nil || envelope.Verify(s.Key, shell2) != nil || bytes.Equal(other, raw) {
			t.Fatalf("%s: the high-s twin should be another valid signature: %v", name, err)
		}
		if !bytes.Equal(p.Fingerprint, o.Fingerprint) {
			t.Errorf("%s: the twin has another fingerprint", name)
		}
	}
	raw, _ := senml.SealCOSE(s, pack())
	o, _, _ := senml.COSE{}.Decode(raw)
	altered := withUnprotected(raw, []byte{0xa1, 0x18, 0x63, 0x01}) // {99: 1}
	p, shell, err := senml.COSE{}.Decode(altered)
	if err != nil || !bytes.Equal(p.Fingerprint, o.Fingerprint) || envelope.Verify(s.Key, shell) != nil {
		t.Errorf("another unprotected header: %v", err)
	}
}

func highS(t *testing.T, signature []byte) []byte {
	t.Helper()
	twin := bytes.Clone(signature)
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(twin[32:])
	return twin
}

func ExamplePack() {
	p := senml.Pack{
		Ledger: "ledger.example/main", Kind: "invoice/1", Subject: "S-1", Device: "probe-7", Epoch: 1, Sequence: 1,
		At: noon, Clock: domain.ClockNTP,
	}
	reading, _ := senml.NewReading("temperature", "4.9", noon)
	p.Readings = append(p.Readings, reading)
	var c counting
	device, _ := envelope.NewSigner(envelope.EdDSA, &c)
	raw, _ := senml.SealCOSE(device, p)
	o, shell, _ := senml.COSE{}.Decode(raw)
	fmt.Println(o.Readings[0].Value, envelope.Verify(device.Key, shell))
	// Output: 4900 <nil>
}
