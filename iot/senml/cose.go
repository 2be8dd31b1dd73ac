package senml

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"aval/domain"
	"aval/domain/envelope"
)

// ContentType stands in the protected header of a COSE_Sign1 (label 3).
const ContentType = "application/aval-senml+cbor"

// sign1Tag is the one-byte encoding of CBOR tag 18, COSE_Sign1.
const sign1Tag = 0xd2

// The COSE algorithm numbers (RFC 9053 section 2).
const (
	coseEdDSA = -8
	coseES256 = -7
)

var (
	decoding = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, UTF8: cbor.UTF8RejectInvalid,
		MaxNestedLevels: 8, MaxArrayElements: MaxRecords, MaxMapPairs: 32, IntDec: cbor.IntDecConvertSignedOrFail,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode())
	encoding = must(cbor.CoreDetEncOptions().EncMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options above are constants
	}
	return mode
}

// sign1 is the array of RFC 9052 section 4.2, its items still encoded.
type sign1 struct {
	_                                          struct{} `cbor:",toarray"`
	Protected, Unprotected, Payload, Signature cbor.RawMessage
}

// protected is the protected header, nothing more and nothing less.
type protected struct {
	Algorithm   int64  `cbor:"1,keyasint"`
	ContentType string `cbor:"3,keyasint"`
	KeyID       []byte `cbor:"4,keyasint"`
}

// OpenCOSE reads a pack. It checks form, not signature: see envelope.Verify.
func OpenCOSE(raw []byte) (Pack, domain.Signed, error) {
	shell, payload, err := openSign1(raw)
	if err != nil {
		return Pack{}, domain.Signed{}, err
	}
	p, err := parseCBOR(payload)
	if err != nil {
		return Pack{}, domain.Signed{}, err
	}
	return p, shell, nil
}

func openSign1(raw []byte) (domain.Signed, []byte, error) {
	var message sign1
	var none domain.Signed
	if len(raw) > MaxBytes {
		return none, nil, domain.Refuse(domain.TooLarge, "%d bytes, limit %d", len(raw), MaxBytes)
	}
	if len(raw) == 0 || raw[0] != sign1Tag {
		return none, nil, domain.Refuse(domain.Malformed, "not a tagged COSE_Sign1")
	}
	if err := decoding.Unmarshal(raw[1:], &message); err != nil {
		return none, nil, domain.Refuse(domain.Malformed, "COSE_Sign1: %.120v", err)
	}
	if major(message.Unprotected) != 5 {
		return none, nil, domain.Refuse(domain.Malformed, "COSE_Sign1: unprotected header is not a map")
	}
	r := cborReader{}
	head, payload := r.bytes("protected header", message.Protected), r.bytes("payload", message.Payload)
	signature := r.bytes("signature", message.Signature)
	if r.err != nil {
		return none, nil, r.err
	}
	shell, err := openProtected(head)
	if err != nil {
		return none, nil, err
	}
	shell.Signature = signature
	shell.Input, err = signatureInput(head, payload)
	return shell, payload, err
}

// openProtected reads algorithm and key, and refuses any bytes but the one encoding of them.
func openProtected(head []byte) (domain.Signed, error) {
	var h protected
	if err := decoding.Unmarshal(head, &h); err != nil {
		return domain.Signed{}, domain.Refuse(domain.Malformed, "protected header: %.120v", err)
	}
	algorithm := ""
	switch h.Algorithm {
	case coseEdDSA:
		algorithm = envelope.EdDSA
	case coseES256:
		algorithm = envelope.ES256
	default:
		return domain.Signed{}, domain.Refuse(domain.Malformed, "protected header: algorithm %d, want -8 or -7", h.Algorithm)
	}
	if h.ContentType != ContentType || len(h.KeyID) != 32 {
		return domain.Signed{}, domain.Refuse(domain.Malformed, "protected header: want content type %q and a key ID of 32 bytes", ContentType)
	}
	again, err := encoding.Marshal(h)
	if err != nil || !bytes.Equal(again, head) {
		return domain.Signed{}, domain.Refuse(domain.Malformed, "protected header: not the deterministic encoding")
	}
	return domain.Signed{KeyID: base64.RawURLEncoding.EncodeToString(h.KeyID), Algorithm: algorithm}, nil
}

// signatureInput is the Sig_structure of RFC 9052 section 4.4 with empty external_aad.
func signatureInput(head, payload []byte) ([]byte, error) {
	return encoding.Marshal([]any{"Signature1", head, []byte{}, payload})
}

func parseCBOR(payload []byte) (Pack, error) {
	var members map[string]cbor.RawMessage
	if err := decoding.Unmarshal(payload, &members); err != nil {
		return Pack{}, domain.Refuse(domain.Malformed, "payload: %.160v", err)
	}
	if err := checkFields(members); err != nil {
		return Pack{}, err
	}
	r := cborReader{}
	p := Pack{
		Ledger: r.text("ledger", members["ledger"]), Kind: domain.Kind(r.text("kind", members["kind"])),
		Subject: r.text("subject", members["subject"]), Device: r.text("dev", members["dev"]),
		Epoch: r.count("epoch", members["epoch"]), Sequence: r.count("seq", members["seq"]),
		At: domain.Millis(r.count("t", members["t"])), Clock: domain.ClockQuality(r.text("clock", members["clock"])),
	}
	if prev, ok := members["prev"]; ok {
		p.Previous = r.bytes("prev", prev)
	}
	if r.err != nil {
		return Pack{}, r.err
	}
	if err := p.check(); err != nil {
		return Pack{}, err
	}
	records, err := cborRecords(members["records"])
	if err != nil {
		return Pack{}, err
	}
	return p.with(records)
}

func cborRecords(raw cbor.RawMessage) ([]record, error) {
	var maps []map[any]cbor.RawMessage
	if major(raw) != 4 {
		return nil, domain.Refuse(domain.Malformed, "records: want an array of at most %d maps", MaxRecords)
	}
	if err := decoding.Unmarshal(raw, &maps); err != nil {
		return nil, domain.Refuse(domain.Malformed, "records: %.160v", err)
	}
	records := make([]record, len(maps))
	for i, m := range maps {
		var err error
		if records[i], err = cborRecord(m); err != nil {
			return nil, within(i, err)
		}
	}
	return records, nil
}

// cborRecord reads one record by the integer labels of RFC 8428 table 4.
func cborRecord(m map[any]cbor.RawMessage) (record, error) {
	var texts []string
	for label := range m {
		switch l := label.(type) {
		case int64:
		case string:
			texts = append(texts, l)
		default:
			return record{}, domain.Refuse(domain.Malformed, "label: want an integer or a text")
		}
	}
	slices.Sort(texts) // the same refusal for the same bytes
	for _, label := range texts {
		if err := checkTextLabel(label); err != nil {
			return record{}, err
		}
	}
	for _, label := range []int64{-6, 5, 4, 8} {
		if _, ok := m[label]; ok {
			return record{}, domain.Refuse(domain.Malformed, "label %d (bs, s, vb or vd) is not supported", label)
		}
	}
	r := cborReader{}
	rec := record{
		baseName: r.optionalText(-2, m), baseTime: r.optionalNumber(-3, m), baseUnit: r.optionalText(-4, m),
		baseValue: r.optionalNumber(-5, m), version: r.optionalNumber(-1, m), name: r.optionalText(0, m),
		unit: r.optionalText(1, m), value: r.optionalNumber(2, m), text: r.optionalText(3, m), time: r.optionalNumber(6, m),
	}
	return rec, r.err
}

// checkTextLabel also refuses the text form of labels that have an integer: one of two
// readers would ignore it.
func checkTextLabel(label string) error {
	switch label {
	case "bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vs", "t", "ut":
		return domain.Refuse(domain.Malformed, "label %q: want its integer form", label)
	}
	return checkLabel(label)
}
