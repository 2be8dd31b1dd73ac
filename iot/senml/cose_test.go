package senml_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/senml"
)

type object = map[any]any

func head() object {
	return object{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "dev": "probe-7", "epoch": 1, "seq": 1, "t": int64(noon), "clock": "rtc"}
}

func cborPack(records ...object) object {
	h := head()
	h["records"] = records
	return h
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signed puts a payload under a message whose header is right; the signature is not.
func signed(t testing.TB, payload []byte) []byte {
	t.Helper()
	raw, err := senml.SealCOSE(signer(t, envelope.EdDSA), pack())
	if err != nil {
		t.Fatal(err)
	}
	parts := split(raw)
	parts[2] = encode(t, payload)
	return join(parts)
}

func split(raw []byte) [4]cbor.RawMessage {
	var parts []cbor.RawMessage
	if err := cbor.Unmarshal(raw[1:], &parts); err != nil {
		panic(err)
	}
	return [4]cbor.RawMessage(parts)
}

func join(parts [4]cbor.RawMessage) []byte {
	return append([]byte{0xd2, 0x84}, bytes.Join([][]byte{parts[0], parts[1], parts[2], parts[3]}, nil)...)
}

func withUnprotected(raw, header []byte) []byte {
	parts := split(raw)
	parts[1] = header
	return join(parts)
}

func fraction(exponent, mantissa int64) cbor.Tag {
	return cbor.Tag{Number: 4, Content: []int64{exponent, mantissa}}
}

func TestReadingsFromCBOR(t *testing.T) {
	const at = domain.Millis(1_276_020_076_000)
	raw := signed(t, encode(t, cborPack(
		object{-1: 10, -2: "probe-7:", -3: 1276020076, -4: "Cel", -5: fraction(1, 2), 0: "temperature", 2: fraction(-3, 125)},
		object{0: "temperature", 6: fraction(-3, 250), 2: -21, 99: 1.5, "note": nil, 7: 3},
		object{0: "scan", 3: "0034"},
	)))
	p, _, err := senml.OpenCOSE(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []domain.Reading{
		{Name: "temperature", Unit: "Cel", Value: 20_125, Scale: 3, At: at},
		{Name: "temperature", Unit: "Cel", Value: -1_000, Scale: 3, At: at + 250},
		{Name: "scan", Text: "0034", At: at},
	}
	for i := range want {
		if p.Readings[i] != want[i] {
			t.Errorf("got %+v, want %+v", p.Readings[i], want[i])
		}
	}
}

func TestCBORRefusals(t *testing.T) {
	reading := func(extra object) []byte {
		r := object{0: "temperature", 1: "Cel", 2: 1, 6: 1276020076}
		for k, v := range extra {
			r[k] = v
		}
		return encode(t, cborPack(r))
	}
	member := func(name string, v any) []byte {
		h := cborPack(object{0: "scan", 3: "x", 6: 1276020076})
		h[name] = v
		return encode(t, h)
	}
	good := reading(nil)
	cases := map[string]struct {
		payload  []byte
		sentence string
	}{
		"float":                 {reading(object{2: 4.5}), "not a float"},
		"float zero":            {reading(object{2: 0.0}), "not a float"},
		"half NaN":              {bytes.Replace(good, []byte{0x02, 0x01}, []byte{0x02, 0xf9, 0x7e, 0x00}, 1), "not a float"},
		"infinity":              {bytes.Replace(good, []byte{0x02, 0x01}, []byte{0x02, 0xf9, 0x7c, 0x00}, 1), "not a float"},
		"bignum":                {bytes.Replace(good, []byte{0x02, 0x01}, []byte{0x02, 0xc2, 0x41, 0x01}, 1), "integer or a decimal"},
		"bigfloat":              {reading(object{2: cbor.Tag{Number: 5, Content: []int64{1, 1}}}), "integer or a decimal"},
		"exponent beyond":       {reading(object{2: fraction(-19, 1)}), "within 10^18"},
		"exponent far beyond":   {reading(object{2: fraction(-1<<62, 1)}), "within 10^18"},
		"mantissa beyond":       {reading(object{2: fraction(0, 1e18)}), "within 10^18"},
		"integer beyond":        {reading(object{2: uint64(1 << 63)}), "within 10^18"},
		"fraction of three":     {reading(object{2: cbor.Tag{Number: 4, Content: []int64{1, 1, 1}}}), "decimal fraction"},
		"fraction with float":   {reading(object{2: cbor.Tag{Number: 4, Content: []any{0, 1.5}}}), "decimal fraction"},
		"null":                  {reading(object{2: nil}), "integer or a decimal"},
		"must-understand label": {reading(object{"x_": 1}), "must be understood"},
		"text label v":          {reading(object{"v": 1}), "integer form"},
		"bytes label":           {reading(object{cbor.ByteString("v"): 1}), "label"},
		"sum":                   {reading(object{5: 1}), "not supported"},
		"boolean":               {reading(object{4: true}), "not supported"},
		"version 11":            {reading(object{-1: 11}), "version 10"},
		"name of bytes":         {reading(object{0: []byte("temperature")}), "want a text"},
		"too precise":           {reading(object{2: fraction(-4, 1)}), "3 decimals"},
		"relative":              {reading(object{6: 5}), "relative"},
		"missing unit":          {encode(t, cborPack(object{0: "temperature", 2: 1, 6: 1276020076})), `unit ""`},
		"trailing bytes":        {append(bytes.Clone(good), 0), "payload"},
		"duplicate member":      {[]byte{0xa2, 0x61, 'a', 0x01, 0x61, 'a', 0x01}, "payload"},
		"duplicate label":       {bytes.Replace(encode(t, cborPack(object{98: 1, 99: 1})), []byte{0x18, 98, 1}, []byte{0x18, 99, 1}, 1), "records"},
		"indefinite":            {[]byte{0xbf, 0xff}, "payload"},
		"not UTF-8":             {member("ledger", cbor.RawMessage{0x61, 0xff}), "want a text"},
		"ledger of bytes":       {member("ledger", []byte("l")), "ledger: want a text"},
		"epoch negative":        {member("epoch", -1), "epoch: want an integer"},
		"epoch float":           {member("epoch", 1.0), "epoch: want an integer"},
		"sequence above 2^53":   {member("seq", uint64(1<<53)), "seq: want an integer"},
		"prev a text":           {member("prev", "x"), "prev: want a byte string"},
		"unknown member":        {member("x", 1), "unknown member"},
		"records a map":         {member("records", object{}), "array"},
		"record a number":       {member("records", []int{1}), "records"},
		"an array":              {[]byte{0x80}, "payload"},
		"empty":                 {nil, "payload"},
		"deep":                  {bytes.Repeat([]byte{0x81}, 100), "payload"},
		"announced length":      {[]byte{0x9a, 0xff, 0xff, 0xff, 0xff}, "payload"},
	}
	if _, _, err := (senml.COSE{}).Decode(signed(t, good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		_, _, err := senml.COSE{}.Decode(signed(t, c.payload))
		refused(t, name, err, domain.Malformed, c.sentence)
	}
}

func TestSign1Refusals(t *testing.T) {
	s := signer(t, envelope.EdDSA)
	raw, _ := senml.SealCOSE(s, pack())
	change := func(i int, item any) []byte {
		parts := split(raw)
		parts[i] = encode(t, item)
		return join(parts)
	}
	kid := bytes.Repeat([]byte{1}, 32)
	header := func(m any) []byte { return change(0, encode(t, m)) }
	for name, c := range map[string]struct {
		raw      []byte
		sentence string
	}{
		"empty":                {nil, "tagged"},
		"untagged":             {raw[1:], "tagged"},
		"other tag":            {append([]byte{0xd1}, raw[1:]...), "tagged"},
		"trailing":             {append(bytes.Clone(raw), 0), "COSE_Sign1"},
		"cut":                  {raw[:len(raw)-1], "COSE_Sign1"},
		"three items":          {append([]byte{0xd2, 0x83}, raw[2:]...), "COSE_Sign1"},
		"detached payload":     {change(2, nil), "payload"},
		"payload a text":       {change(2, "x"), "payload"},
		"payload an array":     {change(2, []int{1, 2}), "payload"},
		"header a map":         {change(0, object{1: -8}), "protected header"},
		"header empty":         {change(0, []byte{}), "protected header"},
		"unprotected an array": {change(1, []int{}), "unprotected"},
		"no algorithm":         {header(object{3: senml.ContentType, 4: kid}), "algorithm 0"},
		"unknown algorithm":    {header(object{1: -35, 3: senml.ContentType, 4: kid}), "algorithm -35"},
		"no content type":      {header(object{1: -8, 4: kid}), "content type"},
		"short key":            {header(object{1: -8, 3: senml.ContentType, 4: kid[1:]}), "32 bytes"},
		"more header":          {header(object{1: -8, 3: senml.ContentType, 4: kid, 9: 1}), "protected header"},
		"critical":             {header(object{1: -8, 2: []int{4}, 3: senml.ContentType, 4: kid}), "protected header"},
		"header not canonical": {header(cbor.RawMessage(append([]byte{0xb8, 0x03}, split(raw)[0][3:]...))), "deterministic"},
	} {
		_, _, err := senml.COSE{}.Decode(c.raw)
		refused(t, name, err, domain.Malformed, c.sentence)
	}
	_, _, err := senml.COSE{}.Decode(append([]byte{0xd2}, make([]byte, senml.MaxBytes)...))
	refused(t, "too large", err, domain.TooLarge, "limit")
	for name, raw := range map[string][]byte{"nothing": nil, "a text": []byte("hello"), "zero": {0}} {
		_, err := senml.Sniff(raw)
		refused(t, name, err, domain.Malformed, "")
	}
}

// Goal: a COSE implementation that nobody here wrote accepts what we sign, and we accept what
// it signs.
func TestAgreesWithAnotherImplementation(t *testing.T) {
	for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
		s := signer(t, algorithm)
		raw, _ := senml.SealCOSE(s, pack())
		var message cose.Sign1Message
		if err := message.UnmarshalCBOR(raw); err != nil {
			t.Fatal(err)
		}
		number, public := cose.AlgorithmEdDSA, any(ed25519.PublicKey(s.Key.Public))
		if algorithm == envelope.ES256 {
			key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), s.Key.Public)
			if err != nil {
				t.Fatal(err)
			}
			number, public = cose.AlgorithmES256, key
		}
		verifier, err := cose.NewVerifier(number, public)
		if err != nil {
			t.Fatal(err)
		}
		if err := message.Verify(nil, verifier); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	theirs(t)
}

func theirs(t *testing.T) {
	t.Helper()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	key := domain.Key{Algorithm: envelope.EdDSA, Public: public}
	message := cose.NewSign1Message()
	message.Headers.Protected = cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA, cose.HeaderLabelContentType: senml.ContentType,
		cose.HeaderLabelKeyID: bytes.Repeat([]byte{1}, 32),
	}
	message.Payload = encode(t, cborPack(object{0: "scan", 3: "x", 6: 1276020076}))
	by, err := cose.NewSigner(cose.AlgorithmEdDSA, private)
	if err != nil {
		t.Fatal(err)
	}
	if err := message.Sign(rand.Reader, nil, by); err != nil {
		t.Fatal(err)
	}
	raw, err := message.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	_, shell, err := senml.COSE{}.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	key.ID = shell.KeyID
	if err := envelope.Verify(key, shell); err != nil {
		t.Error(err)
	}
}

func TestReencodedPayloadDoesNotVerify(t *testing.T) {
	s := signer(t, envelope.EdDSA)
	raw, _ := senml.SealCOSE(s, pack())
	var payload []byte
	if err := cbor.Unmarshal(split(raw)[2], &payload); err != nil {
		t.Fatal(err)
	}
	longer := append([]byte{0xb8, 10}, payload[1:]...) // the same map, its length in two bytes
	_, shell, err := senml.COSE{}.Decode(signed(t, longer))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "re-encoded", envelope.Verify(s.Key, shell), domain.BadSignature, "")
}
