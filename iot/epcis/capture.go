package epcis

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
)

// Format is the name under which captures are submitted, and the typ of their JWS header.
const Format = "aval-capture+jws"

// Capture is a document for one shipment, as a carrier's system signs it.
type Capture struct {
	Ledger string
	Kind   domain.Kind
	// Subject is the shipment that it is meant for: signed, so that nobody can use it for another one.
	Subject string
	// Epoch and Sequence count from 1, Previous is the fingerprint of the message before it; see package senml.
	Epoch, Sequence uint64
	Previous        []byte
	// At is the signer's clock, Clock how that was set.
	At    domain.Millis
	Clock domain.ClockQuality
	// Document is the file byte for byte; DCSA says that it holds events of DCSA and not of EPCIS.
	Document []byte
	DCSA     bool
}

// wire is the signed payload: the document travels as a text, so that not a blank of it changes.
type wire struct {
	Ledger  string              `json:"ledger"`
	Kind    domain.Kind         `json:"kind"`
	Subject string              `json:"subject"`
	Epoch   uint64              `json:"epoch"`
	Seq     uint64              `json:"seq"`
	Prev    string              `json:"prev,omitempty"`
	T       domain.Millis       `json:"t"`
	Clock   domain.ClockQuality `json:"clock"`
	EPCIS   string              `json:"epcis,omitempty"`
	DCSA    string              `json:"dcsa,omitempty"`
}

// JWS is the codec of Format. Safe for concurrent use.
type JWS struct{}

// Format is the package's Format.
func (JWS) Format() string { return Format }

// Decode reads a signed capture and its document. The holder of the key, a device or a party, is what the registry says.
func (JWS) Decode(raw []byte) (domain.Observation, domain.Signed, error) {
	c, shell, err := Open(raw)
	if err != nil {
		return domain.Observation{}, domain.Signed{}, err
	}
	o := c.observation()
	o.KeyID, o.Fingerprint = shell.KeyID, envelope.Fingerprint(shell)
	if o.Readings, err = c.readings(); err != nil {
		return domain.Observation{}, domain.Signed{}, err
	}
	return o, shell, nil
}

// Sniff says whether raw seems to be a signed capture: a JWS whose header has its typ.
func Sniff(raw []byte) bool {
	head, _, found := bytes.Cut(raw[:min(len(raw), maxHeaderBytes)], []byte("."))
	text, err := base64.RawURLEncoding.DecodeString(string(head))
	return found && err == nil && bytes.Contains(text, []byte(`"`+Format+`"`))
}

// maxHeaderBytes is more than the header of any capture takes.
const maxHeaderBytes = 512

// Open reads a signed capture without reading its document. It checks form, not signature: see envelope.Verify.
func Open(raw []byte) (Capture, domain.Signed, error) {
	var w wire
	shell, payload, err := envelope.Open(Format, raw)
	if err != nil {
		return Capture{}, shell, err
	}
	if err := canon.DecodeJSON(payload, &w); err != nil {
		return Capture{}, shell, domain.Refuse(domain.Malformed, "capture: %.160v", err)
	}
	prev, err := base64.RawURLEncoding.Strict().DecodeString(w.Prev)
	if err != nil || strings.ContainsAny(w.Prev, "\r\n") {
		return Capture{}, shell, domain.Refuse(domain.Malformed, "prev: want base64url without padding")
	}
	if (w.EPCIS == "") == (w.DCSA == "") {
		return Capture{}, shell, domain.Refuse(domain.Malformed, "capture: want one document, epcis or dcsa")
	}
	c := Capture{
		Ledger: w.Ledger, Kind: w.Kind, Subject: w.Subject, Epoch: w.Epoch, Sequence: w.Seq, Previous: prev, At: w.T, Clock: w.Clock,
		Document: []byte(w.EPCIS + w.DCSA), DCSA: w.DCSA != "",
	}
	return c, shell, envelope.CheckMessage(c.observation())
}

func (c Capture) observation() domain.Observation {
	return domain.Observation{
		Ledger: c.Ledger, Kind: c.Kind, Subject: c.Subject, Epoch: c.Epoch, Sequence: c.Sequence, Previous: c.Previous,
		ObservedAt: c.At, ClockQuality: c.Clock, OfParties: true,
	}
}

// DocumentSHA256 is the hash of the document as its sender has it on disk.
func (c Capture) DocumentSHA256() [sha256.Size]byte { return sha256.Sum256(c.Document) }

func (c Capture) readings() ([]domain.Reading, error) {
	if c.DCSA {
		t, err := ParseDCSA(c.Document)
		if err != nil {
			return nil, err
		}
		return t.Readings()
	}
	d, err := Parse(c.Document)
	if err != nil {
		return nil, err
	}
	return d.Readings()
}

// Seal signs a capture. It refuses whatever Decode would refuse.
func Seal(signer *envelope.Signer, c Capture) ([]byte, error) {
	w := wire{
		Ledger: c.Ledger, Kind: c.Kind, Subject: c.Subject, Epoch: c.Epoch, Seq: c.Sequence,
		Prev: base64.RawURLEncoding.EncodeToString(c.Previous), T: c.At, Clock: c.Clock,
	}
	if c.DCSA {
		w.DCSA = string(c.Document)
	} else {
		w.EPCIS = string(c.Document)
	}
	raw, err := envelope.Seal(signer, Format, w)
	if err != nil {
		return nil, err
	}
	_, _, err = JWS{}.Decode(raw)
	return raw, err
}
