package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"aval/domain"
	"aval/domain/canon"
)

// PrivateValue is an open disclosure (RFC 9901 section 4.2.1): a JSON array of salt, name and value.
type PrivateValue struct {
	// Salt is at least domain.MinSaltBytes of chance.
	Salt  []byte
	Name  string
	Value json.RawMessage
}

// Split takes a submission apart into the compact JWS and the disclosures behind it, each
// followed by '~' as in an SD-JWT without key binding (RFC 9901 section 4). It looks into neither.
func Split(raw []byte) (jws []byte, disclosures [][]byte, err error) {
	if len(raw) > domain.MaxSubmissionBytes {
		return nil, nil, domain.Refuse(domain.TooLarge, "%d bytes with private values, limit %d", len(raw), domain.MaxSubmissionBytes)
	}
	jws, rest, private := bytes.Cut(raw, []byte("~"))
	if !private {
		return raw, nil, nil
	}
	rest, ended := bytes.CutSuffix(rest, []byte("~"))
	if !ended {
		return nil, nil, domain.Refuse(domain.Malformed, "private: want '~' behind each disclosure, the last one too")
	}
	if n := bytes.Count(rest, []byte("~")) + 1; n > domain.MaxPrivate {
		return nil, nil, domain.Refuse(domain.LimitExceeded, "private: %d disclosures, limit %d", n, domain.MaxPrivate)
	}
	disclosures = bytes.Split(rest, []byte("~"))
	for i, d := range disclosures {
		if len(d) > domain.MaxPrivateBytes {
			return nil, nil, domain.Refuse(domain.TooLarge, "private/%d: disclosure of %d bytes, limit %d", i, len(d), domain.MaxPrivateBytes)
		}
	}
	return jws, disclosures, nil
}

// Join is the opposite of Split.
func Join(jws []byte, disclosures ...[]byte) []byte {
	if len(disclosures) == 0 {
		return jws
	}
	return append(bytes.Join(append([][]byte{jws}, disclosures...), []byte("~")), '~')
}

// CheckDisclosures wants exactly the disclosures that the items name, in their order and in form.
func CheckDisclosures(items []domain.Private, disclosures [][]byte) error {
	if len(items) != len(disclosures) {
		return domain.Refuse(domain.PrivateMismatch, "private: %d disclosures, the signed text names %d", len(disclosures), len(items))
	}
	for i, d := range disclosures {
		if Digest(d) != items[i].Digest {
			return domain.Refuse(domain.PrivateMismatch, "private/%d: the disclosure has another digest than the signed text", i)
		}
		if _, err := OpenPrivate(d); err != nil {
			return at(i, err)
		}
	}
	return nil
}

// at says of which disclosure a refusal speaks.
func at(number int, err error) error {
	var refused *domain.Rejection
	if errors.As(err, &refused) {
		return domain.Refuse(refused.Code, "private/%d: %s", number, refused.Detail)
	}
	return err
}

// Digest is what a signed text holds of a disclosure: the SHA-256 of its text, in base64url.
func Digest(disclosure []byte) string {
	sum := sha256.Sum256(disclosure)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SealPrivate makes a disclosure. The salt is for the caller to take from chance.
func SealPrivate(v PrivateValue) ([]byte, error) {
	if len(v.Value) == 0 {
		return nil, domain.Refuse(domain.Malformed, "private value %.64q: no value", v.Name)
	}
	text, err := json.Marshal([]any{base64.RawURLEncoding.EncodeToString(v.Salt), v.Name, v.Value})
	if err != nil {
		return nil, fmt.Errorf("private value %.64q: %w", v.Name, err)
	}
	disclosure := base64.RawURLEncoding.AppendEncode(nil, text)
	if len(disclosure) > domain.MaxPrivateBytes {
		return nil, domain.Refuse(domain.TooLarge, "private value %.64q: disclosure of %d bytes, limit %d", v.Name, len(disclosure), domain.MaxPrivateBytes)
	}
	_, err = OpenPrivate(disclosure)
	return disclosure, err
}

// OpenPrivate reads a disclosure. Its errors never quote the value.
func OpenPrivate(disclosure []byte) (v PrivateValue, err error) {
	if len(disclosure) > domain.MaxPrivateBytes {
		return v, domain.Refuse(domain.TooLarge, "disclosure of %d bytes, limit %d", len(disclosure), domain.MaxPrivateBytes)
	}
	text, err := base64.RawURLEncoding.Strict().AppendDecode(nil, disclosure)
	if err != nil || bytes.ContainsAny(disclosure, "\r\n") {
		return v, domain.Refuse(domain.Malformed, "disclosure is not base64url")
	}
	var parts []json.RawMessage
	var salt string
	if canon.DecodeJSON(text, &parts) != nil || len(parts) != 3 || canon.DecodeJSON(parts[0], &salt) != nil || canon.DecodeJSON(parts[1], &v.Name) != nil {
		return v, domain.Refuse(domain.Malformed, "disclosure is not a JSON array of salt, name and value")
	}
	// Spare bits are let pass here alone: the digest covers the text, and the RFC's own examples have them.
	if v.Salt, err = base64.RawURLEncoding.DecodeString(salt); err != nil {
		return v, domain.Refuse(domain.Malformed, "salt of a disclosure is not base64url")
	}
	if len(v.Salt) < domain.MinSaltBytes {
		return v, domain.Refuse(domain.WeakSalt, "salt of %d bytes, want at least %d", len(v.Salt), domain.MinSaltBytes)
	}
	v.Value = slices.Clone(parts[2])
	if domain.CheckID("name", v.Name) != nil {
		return v, domain.Refuse(domain.Malformed, "name of a disclosure: want 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-'")
	}
	return v, nil
}

// Value is a private value before it is disclosed to anybody.
type Value struct {
	Subject domain.PartyID   `json:"subject"`
	Readers []domain.PartyID `json:"readers,omitempty"`
	Name    string           `json:"name"`
	Value   json.RawMessage  `json:"value"`
}

// Attach names values in a command that is to be signed, and gives the disclosures to send
// behind it: Join. Each gets a salt from random.
func Attach(c domain.Command, values []Value, random io.Reader) (domain.Command, [][]byte, error) {
	var disclosures [][]byte
	for i, v := range values {
		salt := make([]byte, domain.MinSaltBytes)
		if _, err := io.ReadFull(random, salt); err != nil {
			return c, nil, fmt.Errorf("make salt: %w", err)
		}
		d, err := SealPrivate(PrivateValue{Salt: salt, Name: v.Name, Value: v.Value})
		if err != nil {
			return c, nil, at(i, err)
		}
		c.Private = append(c.Private, domain.Private{Subject: v.Subject, Readers: v.Readers, Digest: Digest(d)})
		disclosures = append(disclosures, d)
	}
	return c, disclosures, domain.CheckPrivate(c.Private)
}
