package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// Private is one item of the member "private" of a command: it names a value that travels
// beside the signed text and is kept beside the log, so that erasing its subject makes it
// unreadable and changes no proof. The signature covers the item, and through Digest the value.
type Private struct {
	// Subject is the party that the value is about. The value is sealed under a key of its own.
	Subject PartyID `json:"subject"`
	// Readers may read the value, beside sender and subject; each once, at most MaxPrivateReaders.
	Readers []PartyID `json:"readers,omitempty"`
	// Digest is the SHA-256 of the disclosure's ASCII text in base64url without padding, as in RFC 9901 section 4.2.3.
	Digest string `json:"digest"`
}

// PrivateDigest is what the parties of an item are shown of it in their views of the log.
type PrivateDigest struct {
	Subject PartyID `json:"subject"`
	Digest  string  `json:"digest"`
}

// CheckPrivate refuses items beyond a limit, or out of form. Whether parties are registered is for execution.
func CheckPrivate(items []Private) error {
	if len(items) > MaxPrivate {
		return Refuse(LimitExceeded, "private: %d items, limit %d", len(items), MaxPrivate)
	}
	for i, item := range items {
		if err := item.check(i); err != nil {
			return err
		}
		if slices.ContainsFunc(items[:i], func(earlier Private) bool { return earlier.Digest == item.Digest }) {
			return Refuse(PrivateMismatch, "private/%d: the digest is given twice", i)
		}
	}
	return nil
}

func (p Private) check(number int) error {
	if len(p.Readers) > MaxPrivateReaders {
		return Refuse(LimitExceeded, "private/%d: %d readers, limit %d", number, len(p.Readers), MaxPrivateReaders)
	}
	if err := p.Subject.Check(); err != nil {
		return err
	}
	for i, reader := range p.Readers {
		if err := reader.Check(); err != nil {
			return err
		}
		if slices.Contains(p.Readers[:i], reader) {
			return Refuse(Malformed, "private/%d: reader %s is given twice", number, reader)
		}
	}
	if err := CheckDigest(p.Digest); err != nil {
		return Refuse(Malformed, "private/%d: the digest is not a SHA-256 in base64url", number)
	}
	return nil
}

// CheckDigest refuses text that is not the one base64url form of a SHA-256.
func CheckDigest(text string) error {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != sha256.Size || len(text) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return Refuse(Malformed, "digest %.60q: want a SHA-256 in base64url, 43 characters", text)
	}
	return nil
}

// ReadBy says whether a party may read the value, in a command of that sender.
func (p Private) ReadBy(viewer, sender PartyID) bool {
	return viewer != "" && (viewer == sender || viewer == p.Subject || slices.Contains(p.Readers, viewer))
}
