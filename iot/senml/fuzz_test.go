package senml_test

import (
	"errors"
	"reflect"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/senml"
)

// fuzzCodec holds the laws of a decoder: no panic, only rejections, the same answer twice, and
// what it accepts can be sealed again into the same readings.
func fuzzCodec(f *testing.F, name string) {
	c := forms()[name]
	s := signer(f, envelope.EdDSA)
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, shell, err := c.codec.Decode(raw)
		again, shellAgain, errAgain := c.codec.Decode(raw)
		if !reflect.DeepEqual(o, again) || !reflect.DeepEqual(shell, shellAgain) || !reflect.DeepEqual(err, errAgain) {
			t.Fatal("two answers for the same bytes")
		}
		var refusal *domain.Rejection
		if err != nil {
			if !errors.As(err, &refusal) || !reflect.DeepEqual(o, domain.Observation{}) {
				t.Fatalf("not a clean rejection: %v", err)
			}
			return
		}
		p, _, _ := c.open(raw)
		if _, err := c.seal(s, p); err != nil && len(raw) < senml.MaxBytes/2 {
			t.Fatalf("accepted a pack that cannot be sealed: %v", err)
		}
	})
}

func FuzzJWS(f *testing.F) {
	raw, _ := senml.SealJWS(signer(f, envelope.EdDSA), pack())
	f.Add(raw)
	f.Add(jws(f, withRecords(`{"bn":"probe-7/","bt":1.276020076001e+09,"bu":"Cel","bver":10,"n":"temperature","v":-2.01e1,"x":[]}`)))
	f.Add([]byte("e30.e30."))
	fuzzCodec(f, "jws")
}

func FuzzCOSE(f *testing.F) {
	raw, _ := senml.SealCOSE(signer(f, envelope.ES256), pack())
	f.Add(raw)
	f.Add(signed(f, encode(f, cborPack(object{-3: fraction(-3, 1276020076001), -5: 1, 0: "temperature", 1: "Cel", 2: fraction(1, 1)}))))
	f.Add([]byte{0xd2, 0x84, 0x40, 0xa0, 0x40, 0x40})
	fuzzCodec(f, "cose")
}

// FuzzPayload reaches the record rules without the cost of base64 and headers.
func FuzzPayload(f *testing.F) {
	f.Add([]byte(withRecords(`{"n":"temperature","u":"Cel","v":1.5,"t":1276020076}`)))
	f.Add(encode(f, cborPack(object{0: "scan", 3: "x", 6: 1276020076})))
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, raw := range [][]byte{unsigned(t, string(payload)), signed(t, payload)} {
			c, err := senml.Sniff(raw)
			if err != nil {
				t.Fatal(err)
			}
			o, _, err := c.Decode(raw)
			var refusal *domain.Rejection
			if err != nil && !errors.As(err, &refusal) {
				t.Fatalf("not a rejection: %v", err)
			}
			if err == nil && (len(o.Readings) == 0 || len(o.Fingerprint) != 32) {
				t.Fatal("accepted without readings or fingerprint")
			}
		}
	})
}
