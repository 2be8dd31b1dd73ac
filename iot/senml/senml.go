// Package senml reads and signs packs of sensor readings. A pack is a small signed map
// around SenML records (RFC 8428), in two forms of the same content:
//
//	aval-senml+jws   compact JWS (RFC 7515) over JSON
//	aval-senml+cose  tagged COSE_Sign1 (RFC 9052) over CBOR
//
// Both hold, under these names, all required unless said otherwise:
//
//	ledger   text: the origin of the ledger that the device means
//	kind     text: the contract kind, "invoice/1"
//	subject  text: the shipment
//	dev      text: the device, 1 to 48 of a-z, 0-9, '-'
//	epoch    integer from 1: counts the boots of the device
//	seq      integer from 1: counts the messages of the epoch
//	prev     fingerprint of the message before (JSON: base64url, 43 characters; CBOR: 32
//	         bytes); absent or empty for seq 1, and only then
//	t        integer: the device's clock when it signed, in milliseconds
//	clock    text: how that clock was set: unset, rtc, ntp, gnss
//	records  array of SenML records, 1 to MaxRecords over 1 to MaxInstants instants
//
// Of SenML the fields bn, bt, bu, bv, bver, n, u, v, vs and t are read and resolved as RFC
// 8428 section 4 says; ut is ignored, and so are unknown labels that do not end in "_". What would
// change the meaning is refused: labels that end in "_", versions other than 10, sums (s, bs), vb
// and vd. A resolved name is a quantity, alone or after the device's own name and ':' or '/':
//
//	temperature  v in Cel, at most 3 decimals     latitude   v in lat, at most 7 decimals
//	humidity     v in %RH, at most 3 decimals     longitude  v in lon, at most 7 decimals
//	scan, seal, door, tamper, power               vs, no unit, 1 to MaxTextBytes bytes
//
// Numbers are exact. A JSON number is read from its text. A CBOR number is an integer or a
// decimal fraction (tag 4); a float is refused, because it does not say which decimal was
// meant. Nothing is rounded: more decimals than listed are refused, so a device rounds before it
// signs. Readings come out at the listed scale (milli-degrees, 1e-7 degrees of arc). Instants are
// whole milliseconds from 2^28 s on; below that, RFC 8428 calls them relative to the time of
// reading, which differs from reader to reader. Whether a value is plausible is for a contract.
//
// The JWS header is that of package envelope with typ "aval-senml+jws". The COSE protected
// header is exactly {1: alg (-8 EdDSA or -7 ES256), 3: ContentType, 4: the 32 bytes of the RFC 7638
// thumbprint}, in deterministic encoding; external_aad is empty; the unprotected header is
// ignored. The fingerprint is the SHA-256 of what is signed (JWS signing input, COSE Sig_structure), so
// a changed unprotected header or a second signature over the same text is the same message.
// Neither form asks for one encoding of the payload: the received bytes are what was signed.
//
// Everything here is pure and safe for concurrent use. Decode errors are *domain.Rejection.
package senml

import (
	"aval/domain"
	"aval/domain/envelope"
)

// The formats under which packs are submitted. FormatJWS is also the typ of the JWS header.
const (
	FormatJWS  = "aval-senml+jws"
	FormatCOSE = "aval-senml+cose"
)

// Limits of one pack.
const (
	// MaxBytes bounds a signed pack in either form.
	MaxBytes = 64 << 10
	// MaxRecords bounds the records, MaxInstants the different instants among them.
	MaxRecords  = 512
	MaxInstants = 60
	// MaxTextBytes bounds a scanned or stated text.
	MaxTextBytes = 128
	// MaxTime is the last millisecond of the year 9999.
	MaxTime = envelope.MaxTime
	// MinReadingTime is 2^28 s in milliseconds: SenML times below it are relative.
	MinReadingTime domain.Millis = 1 << 28 * 1000
)

// JWS is the codec of FormatJWS.
type JWS struct{}

// Format is FormatJWS.
func (JWS) Format() string { return FormatJWS }

// Decode reads one pack. Holder is the device that the pack names: a claim, which the
// engine replaces by what the registry says of the key.
func (JWS) Decode(raw []byte) (domain.Observation, domain.Signed, error) {
	p, shell, err := OpenJWS(raw)
	return observation(p, shell, err)
}

// COSE is the codec of FormatCOSE.
type COSE struct{}

// Format is FormatCOSE.
func (COSE) Format() string { return FormatCOSE }

// Decode reads one pack, see JWS.Decode.
func (COSE) Decode(raw []byte) (domain.Observation, domain.Signed, error) {
	p, shell, err := OpenCOSE(raw)
	return observation(p, shell, err)
}

// Sniff names the codec that raw seems to be for, by its first byte: '{' in base64url for a
// JWS, tag 18 for a COSE_Sign1. It fails for anything else.
func Sniff(raw []byte) (domain.Codec, error) {
	switch {
	case len(raw) == 0:
		return nil, domain.Refuse(domain.Malformed, "message is empty")
	case raw[0] == 'e':
		return JWS{}, nil
	case raw[0] == sign1Tag:
		return COSE{}, nil
	}
	return nil, domain.Refuse(domain.Malformed, "message is neither a compact JWS nor a tagged COSE_Sign1")
}

func observation(p Pack, shell domain.Signed, err error) (domain.Observation, domain.Signed, error) {
	if err != nil {
		return domain.Observation{}, domain.Signed{}, err
	}
	return domain.Observation{
		Ledger: p.Ledger, Kind: p.Kind, Subject: p.Subject, KeyID: shell.KeyID, Epoch: p.Epoch, Sequence: p.Sequence,
		Previous: p.Previous, Fingerprint: envelope.Fingerprint(shell), ObservedAt: p.At, ClockQuality: p.Clock,
		Readings: p.Readings, Holder: p.Device,
	}, shell, nil
}
