package envelope

import (
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// rawSignature turns the DER form of an ECDSA P-256 signature into r and s of 32 bytes
// each, the form of JWS (RFC 7518 3.4) and COSE (RFC 9053 2.1).
func rawSignature(der []byte) ([]byte, error) {
	input, inner := cryptobyte.String(der), cryptobyte.String(nil)
	var r, s big.Int
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) {
		return nil, errors.New("ECDSA signature is not DER")
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw, nil
}
