package iot

import (
	"encoding/base64"
	"encoding/json"

	"aval/domain"
	"aval/domain/canon"
)

// MaxReceiptBytes bounds an answer to a gateway: a tlog-proof of 64 KiB, escaped, and its head.
const MaxReceiptBytes = 160 << 10

// Receipt answers one message, as JSON on the gateway's dn/receipt topic. With Receipt
// present the message is on the ledger and, once that is verified, the gateway may forget it.
// Without, it is a notice: Code says why there is no receipt, and forgetting the message is
// the choice of the gateway's operator, never of the gateway: a key may be registered tomorrow.
type Receipt struct {
	// KeyID, Epoch and Sequence are the identity of the message; left out of a notice.
	KeyID    string `json:"keyId,omitempty"`
	Epoch    uint64 `json:"epoch,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	// Fingerprint is base64url without padding: of the signed bytes or, in a notice about
	// quarantine, the SHA-256 of the whole message, because a refused one has no trusted inside.
	Fingerprint string `json:"fingerprint"`
	// Index is the entry in the log, meaningful only with Receipt.
	Index uint64 `json:"index,omitempty"`
	// Code is empty for success.
	Code domain.Code `json:"code,omitempty"`
	// Receipt is a C2SP tlog-proof.
	Receipt string `json:"receipt,omitempty"`
}

// Format gives the JSON that is published.
func (r Receipt) Format() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // numbers and texts always encode
	}
	return b
}

// ParseReceipt reads an answer strictly and gives its fingerprint decoded. Errors are *domain.Rejection.
func ParseReceipt(raw []byte) (Receipt, []byte, error) {
	var r Receipt
	if len(raw) > MaxReceiptBytes {
		return Receipt{}, nil, domain.Refuse(domain.TooLarge, "receipt of %d bytes, limit %d", len(raw), MaxReceiptBytes)
	}
	if err := canon.DecodeJSON(raw, &r); err != nil {
		return Receipt{}, nil, domain.Refuse(domain.Malformed, "receipt: %.120v", err)
	}
	fingerprint, err := base64.RawURLEncoding.Strict().DecodeString(r.Fingerprint)
	if err != nil || len(fingerprint) != 32 {
		return Receipt{}, nil, domain.Refuse(domain.Malformed, "receipt: fingerprint is not 32 bytes of base64url")
	}
	return r, fingerprint, nil
}

func fingerprintText(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
