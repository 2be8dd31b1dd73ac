// Package envelope is the signed outside of what enters a ledger: compact JWS (RFC 7515)
// with EdDSA (Ed25519, RFC 8037) or ES256 (P-256, RFC 7518), under keys that are named by
// their RFC 7638 thumbprint.
//
// The protected header holds exactly alg, kid and typ. The payload is one JSON object,
// decoded strictly. The bytes as received are what is verified, hashed and stored; nothing
// is re-encoded to verify. The fingerprint of a message is the SHA-256 of its signing input
// (header and payload), so that a second valid signature over the same text is the same message.
package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"aval/domain"
	"aval/domain/canon"
)

// The values of the typ header.
const (
	CommandType     = "aval-command+jws"
	ObservationType = "aval-observation+jws"
	TokenType       = "JWT"
)

// header is the protected header, nothing more and nothing less.
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

// Open splits a compact JWS of the given typ into its shell and its payload. It checks form,
// not signature: see Verify. Errors are *domain.Rejection.
func Open(typ string, raw []byte) (domain.Signed, []byte, error) {
	var none domain.Signed
	if len(raw) > domain.MaxCommandBytes {
		return none, nil, domain.Refuse(domain.TooLarge, "%d bytes, limit %d", len(raw), domain.MaxCommandBytes)
	}
	if dots := bytes.Count(raw, []byte(".")); dots != 2 { // counted first: a text of dots alone must not become a million parts
		return none, nil, domain.Refuse(domain.Malformed, "not a compact JWS: %d parts, want 3", dots+1)
	}
	parts := bytes.Split(raw, []byte("."))
	var decoded [3][]byte
	for i, part := range parts {
		text, err := base64.RawURLEncoding.Strict().AppendDecode(nil, part)
		if err != nil || bytes.ContainsAny(part, "\r\n") {
			return none, nil, domain.Refuse(domain.Malformed, "JWS part %d is not base64url", i+1)
		}
		decoded[i] = text
	}
	var h header
	if err := canon.DecodeJSON(decoded[0], &h); err != nil {
		return none, nil, domain.Refuse(domain.Malformed, "JWS header: %.120v", err)
	}
	if h.Typ != typ {
		return none, nil, domain.Refuse(domain.Malformed, "JWS header typ is %.40q, want %q", h.Typ, typ)
	}
	shell := domain.Signed{KeyID: h.Kid, Algorithm: h.Alg, Input: raw[:len(raw)-len(parts[2])-1], Signature: decoded[2]}
	return shell, decoded[1], nil
}

// Seal signs payload as a compact JWS of the given typ.
func Seal(signer *Signer, typ string, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(header{Alg: signer.Key.Algorithm, Kid: signer.Key.ID, Typ: typ})
	if err != nil {
		return nil, err
	}
	jws := base64.RawURLEncoding.AppendEncode(nil, head)
	jws = append(jws, '.')
	jws = base64.RawURLEncoding.AppendEncode(jws, body)
	signature, err := signer.Sign(jws)
	if err != nil {
		return nil, err
	}
	jws = append(jws, '.')
	return base64.RawURLEncoding.AppendEncode(jws, signature), nil
}

// Fingerprint is the SHA-256 of the signed bytes.
func Fingerprint(s domain.Signed) []byte {
	sum := sha256.Sum256(s.Input)
	return sum[:]
}

// OpenCommand reads a command. The signature is checked by Verify, the registry by the engine.
func OpenCommand(raw []byte) (domain.Command, domain.Signed, error) {
	var c domain.Command
	shell, payload, err := Open(CommandType, raw)
	if err != nil {
		return c, shell, err
	}
	if err := canon.DecodeJSON(payload, &c); err != nil {
		return c, shell, domain.Refuse(domain.Malformed, "command: %.200v", err)
	}
	return c, shell, checkCommand(c)
}

// SealCommand signs a command.
func SealCommand(signer *Signer, c domain.Command) ([]byte, error) {
	return Seal(signer, CommandType, c)
}

func checkCommand(c domain.Command) error {
	if err := c.Kind.Check(); err != nil {
		return err
	}
	if err := domain.CheckID("contract", c.Contract); err != nil {
		return err
	}
	if len(c.ID) != 26 {
		return domain.Refuse(domain.Malformed, "id %.40q: want a ULID of 26 characters", c.ID)
	}
	if err := domain.CheckID("id", c.ID); err != nil {
		return err
	}
	if err := domain.CheckID("name", c.Name); err != nil {
		return err
	}
	return domain.CheckPrivate(c.Private)
}
