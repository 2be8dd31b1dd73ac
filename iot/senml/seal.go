package senml

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"aval/domain"
	"aval/domain/envelope"
)

// SealJWS signs a pack. It refuses, as OpenJWS would, what breaks a rule of the format.
func SealJWS(signer *envelope.Signer, p Pack) ([]byte, error) {
	raw, err := envelope.Seal(signer, FormatJWS, jsonPack{
		Ledger: p.Ledger, Kind: p.Kind, Subject: p.Subject, Device: p.Device, Epoch: p.Epoch, Sequence: p.Sequence,
		Previous: base64.RawURLEncoding.EncodeToString(p.Previous), At: p.At, Clock: p.Clock, Records: jsonRecordsOf(p),
	})
	if err != nil {
		return nil, fmt.Errorf("seal pack: %w", err)
	}
	again, _, err := OpenJWS(raw)
	return sealed(raw, p, again, err)
}

// SealCOSE signs a pack. It refuses, as OpenCOSE would, what breaks a rule of the format.
func SealCOSE(signer *envelope.Signer, p Pack) ([]byte, error) {
	head, err := protectedOf(signer.Key)
	if err != nil {
		return nil, err
	}
	payload, err := encoding.Marshal(cborPack{
		Ledger: p.Ledger, Kind: p.Kind, Subject: p.Subject, Device: p.Device, Epoch: p.Epoch, Sequence: p.Sequence,
		Previous: p.Previous, At: p.At, Clock: p.Clock, Records: cborRecordsOf(p),
	})
	if err != nil {
		return nil, fmt.Errorf("seal pack: %w", err)
	}
	input, err := signatureInput(head, payload)
	if err != nil {
		return nil, fmt.Errorf("seal pack: %w", err)
	}
	signature, err := signer.Sign(input)
	if err != nil {
		return nil, fmt.Errorf("seal pack: %w", err)
	}
	raw, err := encoding.Marshal(cbor.Tag{Number: 18, Content: []any{head, map[int]any{}, payload, signature}})
	if err != nil {
		return nil, fmt.Errorf("seal pack: %w", err)
	}
	again, _, err := OpenCOSE(raw)
	return sealed(raw, p, again, err)
}

// sealed gives raw only if it reads back as the pack that was meant.
func sealed(raw []byte, p, again Pack, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if len(p.Previous) == 0 {
		p.Previous = nil
	}
	if !reflect.DeepEqual(p, again) {
		return nil, domain.Refuse(domain.Malformed, "readings are not in their normal form, see NewReading")
	}
	return raw, nil
}

func protectedOf(key domain.Key) ([]byte, error) {
	kid, err := base64.RawURLEncoding.DecodeString(key.ID)
	if err != nil {
		return nil, fmt.Errorf("seal pack: key ID is not base64url")
	}
	algorithm := int64(coseEdDSA)
	if key.Algorithm == envelope.ES256 {
		algorithm = coseES256
	}
	return encoding.Marshal(protected{Algorithm: algorithm, ContentType: ContentType, KeyID: kid})
}

type jsonPack struct {
	Ledger   string              `json:"ledger"`
	Kind     domain.Kind         `json:"kind"`
	Subject  string              `json:"subject"`
	Device   string              `json:"dev"`
	Epoch    uint64              `json:"epoch"`
	Sequence uint64              `json:"seq"`
	Previous string              `json:"prev,omitempty"`
	At       domain.Millis       `json:"t"`
	Clock    domain.ClockQuality `json:"clock"`
	Records  []jsonSenML         `json:"records"`
}

type jsonSenML struct {
	BaseName string      `json:"bn,omitempty"`
	BaseTime json.Number `json:"bt,omitempty"`
	Name     string      `json:"n"`
	Unit     string      `json:"u,omitempty"`
	Value    json.Number `json:"v,omitempty"`
	Text     string      `json:"vs,omitempty"`
	Time     json.Number `json:"t,omitempty"`
}

func jsonRecordsOf(p Pack) []jsonSenML {
	records := make([]jsonSenML, len(p.Readings))
	for i, reading := range p.Readings {
		record := jsonSenML{Name: reading.Name, Unit: reading.Unit, Text: reading.Text}
		if reading.Text == "" {
			d, _ := newDecimal(reading.Value, int(reading.Scale), 0) // if not exact, sealed notices
			record.Value = json.Number(d.text())
		}
		if offset := reading.At - p.Readings[0].At; i == 0 {
			record.BaseName, record.BaseTime = p.Device+":", json.Number(seconds(reading.At).text())
		} else if offset != 0 {
			record.Time = json.Number(seconds(offset).text())
		}
		records[i] = record
	}
	return records
}

// seconds writes milliseconds as SenML does.
func seconds(m domain.Millis) decimal {
	d, _ := newDecimal(int64(m), 3, 0)
	return d
}

type cborPack struct {
	Ledger   string              `cbor:"ledger"`
	Kind     domain.Kind         `cbor:"kind"`
	Subject  string              `cbor:"subject"`
	Device   string              `cbor:"dev"`
	Epoch    uint64              `cbor:"epoch"`
	Sequence uint64              `cbor:"seq"`
	Previous []byte              `cbor:"prev,omitempty"`
	At       domain.Millis       `cbor:"t"`
	Clock    domain.ClockQuality `cbor:"clock"`
	Records  []map[int]any       `cbor:"records"`
}

func cborRecordsOf(p Pack) []map[int]any {
	records := make([]map[int]any, len(p.Readings))
	for i, reading := range p.Readings {
		record := map[int]any{0: reading.Name}
		if reading.Text != "" {
			record[3] = reading.Text
		} else {
			d, _ := newDecimal(reading.Value, int(reading.Scale), 0) // if not exact, sealed notices
			record[2] = cborDecimal(d)
		}
		if reading.Unit != "" {
			record[1] = reading.Unit
		}
		if offset := reading.At - p.Readings[0].At; i == 0 {
			record[-2], record[-3] = p.Device+":", cborDecimal(seconds(reading.At))
		} else if offset != 0 {
			record[6] = cborDecimal(seconds(offset))
		}
		records[i] = record
	}
	return records
}

func cborDecimal(d decimal) any {
	if d.scale == 0 {
		return d.digits
	}
	return cbor.Tag{Number: 4, Content: []any{-d.scale, d.digits}}
}
