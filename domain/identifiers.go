package domain

import (
	"strings"
	"time"
)

// Millis is an instant in Unix milliseconds, UTC. Zero means "not set" wherever an
// instant is optional.
type Millis int64

// PartyID names a legal or natural person on the ledger: 1 to 48 of a-z, 0-9, '.', '-'.
type PartyID string

// Kind names a contract and the version of its rules, "invoice/1". A kind is never
// reused for other rules: changed rules are a new version.
type Kind string

// GovernanceKind holds the registry: parties, keys, devices and sources.
const GovernanceKind Kind = "governance/1"

// CashKind issues, transfers and redeems settlement money; the only kind that touches issue accounts.
const CashKind Kind = "cash/1"

// RecordID is the public name of a record: kind and key with ':' in place of '/', for
// example "invoice:1:shipment:S-1". It fits a URL path segment.
type RecordID string

// NewRecordID gives the public name of a kind's record.
func NewRecordID(kind Kind, key string) RecordID {
	return RecordID(strings.ReplaceAll(string(kind)+"/"+key, "/", ":"))
}

// Split gives kind and key back. It fails for text that NewRecordID cannot have made.
func (id RecordID) Split() (Kind, string, error) {
	parts := strings.SplitN(string(id), ":", 3)
	if len(parts) != 3 {
		return "", "", Refuse(Malformed, "record ID %.80q: want kind:version:key", string(id))
	}
	kind, key := Kind(parts[0]+"/"+parts[1]), strings.ReplaceAll(parts[2], ":", "/")
	if err := kind.Check(); err != nil {
		return "", "", err
	}
	if err := CheckKey(key); err != nil {
		return "", "", err
	}
	if NewRecordID(kind, key) != id { // a '/' in the text would be a second name of the same record
		return "", "", Refuse(Malformed, "record ID %.80q: want ':' between its parts", string(id))
	}
	return kind, key, nil
}

// Check refuses an ID that is not 1 to 48 of a-z, 0-9, '.', '-', beginning with a letter or digit.
func (p PartyID) Check() error {
	if p != "" && !lower(p[0]) && !digit(p[0]) {
		return Refuse(Malformed, "party %.80q: want a letter or digit first", string(p))
	}
	return checkName("party", string(p), 48, func(c byte) bool { return lower(c) || digit(c) || c == '.' || c == '-' })
}

// Check refuses a kind that is not name/version in a-z and 0-9.
func (k Kind) Check() error {
	name, version, ok := strings.Cut(string(k), "/")
	if !ok || len(k) > 32 || name == "" || version == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" ||
		strings.Trim(version, "0123456789") != "" {
		return Refuse(Malformed, "kind %.40q: want name/version", string(k))
	}
	return nil
}

// CheckID refuses a contract or record identifier that is not 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-'.
func CheckID(field, id string) error { return checkName(field, id, 64, identifying) }

func identifying(c byte) bool {
	return lower(c) || digit(c) || c >= 'A' && c <= 'Z' || c == '.' || c == '_' || c == '-'
}

// maxKeyPart lets a part of a record key be a digest of 48 bytes in hex, as platforms measure.
const maxKeyPart = 96

// CheckKey refuses a record key that is not 2 to 4 identifiers of at most 96 characters joined by '/', at most 200 bytes.
func CheckKey(key string) error {
	parts := strings.Split(key, "/")
	if len(parts) < 2 || len(parts) > 4 || len(key) > 200 {
		return Refuse(Malformed, "record key %.80q: want 2 to 4 parts, at most 200 bytes", key)
	}
	for _, part := range parts {
		if err := checkName("record key", part, maxKeyPart, identifying); err != nil {
			return err
		}
	}
	return nil
}

func checkName(field, name string, limit int, allowed func(byte) bool) error {
	if name == "" || len(name) > limit || name == "." || name == ".." {
		return Refuse(Malformed, "%s %.80q: want 1 to %d characters", field, name, limit)
	}
	for i := range len(name) {
		if !allowed(name[i]) {
			return Refuse(Malformed, "%s %.80q: character %q not allowed", field, name, name[i])
		}
	}
	return nil
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// String shows the instant for a person, in UTC with milliseconds.
func (m Millis) String() string {
	return time.UnixMilli(int64(m)).UTC().Format("2006-01-02T15:04:05.000Z")
}
