package epcis_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/epcis"
)

type countingReader byte

func (r *countingReader) Read(p []byte) (int, error) {
	for i := range p {
		*r++
		p[i] = byte(*r)
	}
	return len(p), nil
}

func signer(t testing.TB) *envelope.Signer {
	s, err := envelope.NewSigner(envelope.EdDSA, new(countingReader))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func capture(document string) epcis.Capture {
	return epcis.Capture{
		Ledger: "aval.example/trade", Kind: "invoice/1", Subject: "S-1", Epoch: 7, Sequence: 1, At: 1772362800000, Clock: domain.ClockNTP,
		Document: []byte(document),
	}
}

func TestACaptureKeepsItsDocumentByteForByte(t *testing.T) {
	document := "\n " + event("ObjectEvent", observed+`,"acme:x":"<ü>\u2028&"`) + "\t\n"
	document = strings.Replace(document, `"acme:x"`, `"https://acme.example/x"`, 1)
	raw, err := epcis.Seal(signer(t), capture(document))
	if err != nil {
		t.Fatal(err)
	}
	c, shell, err := epcis.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	if want := capture(document); !bytes.Equal(c.Document, want.Document) || c.DocumentSHA256() != want.DocumentSHA256() {
		t.Errorf("the document came back as %q", c.Document)
	}
	if err := envelope.Verify(signer(t).Key, shell); err != nil {
		t.Error(err)
	}
	o, _, err := epcis.JWS{}.Decode(raw)
	if err != nil || o.Subject != "S-1" || o.Epoch != 7 || len(o.Readings) != 2 || o.Readings[1].Text != "340123450000000017" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestACaptureOfTrackingEvents(t *testing.T) {
	c := capture(equipment("ACT", "GTIN", ""))
	c.DCSA = true
	raw, err := epcis.Seal(signer(t), c)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := epcis.Open(raw); err != nil || !again.DCSA || !reflect.DeepEqual(again.Document, c.Document) {
		t.Errorf("got %+v, %v", again, err)
	}
}

func TestUnsoundCapturesAreRefusedByName(t *testing.T) {
	for want, payload := range map[string]any{
		"malformed: capture: want one document, epcis or dcsa":       map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "ntp"},
		"malformed: ledger: 0 bytes, want 1 to 256":                  map[string]any{"ledger": "", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "ntp", "epcis": "[]"},
		"malformed: capture: .document: unknown field":               map[string]any{"document": "[]"},
		"malformed: prev: want base64url without padding":            map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "ntp", "epcis": "[]", "prev": "=="},
		"malformed: prev: 0 bytes at seq 2, want none at 1 and 32":   map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 2, "t": 1, "clock": "ntp", "epcis": "[]"},
		"malformed: [0].type: is missing":                            map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "ntp", "epcis": "{}"},
		"malformed: events[0].eventID: is missing":                   map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "ntp", "dcsa": "[{}]"},
		`malformed: clock "sundial": want unset, rtc, ntp or gnss`:   map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 1, "seq": 1, "t": 1, "clock": "sundial", "epcis": "[]"},
		"malformed: epoch 0, sequence 1: want 1 to 9007199254740991": map[string]any{"ledger": "l", "kind": "invoice/1", "subject": "S-1", "epoch": 0, "seq": 1, "t": 1, "clock": "ntp", "epcis": "[]"},
	} {
		raw, err := envelope.Seal(signer(t), epcis.Format, payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := (epcis.JWS{}).Decode(raw); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	raw, err := epcis.Seal(signer(f), capture(event("ObjectEvent", observed)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, _, err := epcis.JWS{}.Decode(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%v is no refusal", err)
		}
		if err == nil && (o.Sequence == 0 || len(o.Fingerprint) != 32 || len(o.Readings) > epcis.MaxReadings) {
			t.Fatalf("decoded to %+v", o)
		}
	})
}

// The example of docs/formats.md is one.
func TestTheDocumentedCaptureIsRead(t *testing.T) {
	text, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Captures\n")
	_, rest, _ := strings.Cut(section, "```json\n")
	payload, _, _ := strings.Cut(rest, "```")
	raw, err := envelope.Seal(signer(t), epcis.Format, json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	if o, _, err := (epcis.JWS{}).Decode(raw); err != nil || len(o.Readings) != 2 {
		t.Errorf("got %+v, %v", o.Readings, err)
	}
}
