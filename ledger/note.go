package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/domain/canon"
)

// The formats of entries in which a node itself says something: a note signed by the log key, so by
// whoever holds the keys and nobody else.
const (
	openingFormat = "opening"
	accessFormat  = "access"
)

// said is one such format.
type said struct {
	// heading begins the note; no checkpoint begins like it. limit bounds the note in bytes.
	heading string
	limit   int
	// name is that of the command to governance, whose body the text is.
	name string
	// id reads the text and gives what tells it from every other.
	id func(text []byte) (string, error)
}

// saying gives the format, if it is one of a node's own.
func saying(format string) (s said, own bool) {
	switch format {
	case openingFormat:
		return said{openingHeading, maxOpening, "Opened", openingID}, true
	case accessFormat:
		return said{accessHeading, maxAccess, domain.Accessed, accessID}, true
	}
	return said{}, false
}

// say signs a note of the node's own.
func (e *Engine) say(s said, what any) ([]byte, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: s.heading + string(text) + "\n"}, e.signer)
	if err != nil {
		return nil, errors.New("the log key does not sign")
	}
	return signed, nil
}

// parseSaid reads such a note and checks its signature, which never depends on the state.
func (e executor) parseSaid(format string, s said, raw []byte) (*submission, error) {
	refused := domain.Refuse(domain.Malformed, "%s: not a note of this ledger's log key", format)
	if len(raw) > s.limit || e.log == nil {
		return nil, refused
	}
	opened, err := note.Open(raw, note.VerifierList(e.log))
	if err != nil {
		return nil, refused
	}
	text, ok := strings.CutPrefix(opened.Text, s.heading)
	if !ok {
		return nil, refused
	}
	body := bytes.TrimSuffix([]byte(text), []byte("\n"))
	id, err := s.id(body)
	if err != nil || domain.CheckID("id", id) != nil {
		return nil, refused
	}
	sum := sha256.Sum256(raw)
	return &submission{format: format, raw: raw, fingerprint: sum[:], command: domain.Command{
		Ledger: e.origin, ID: id, Kind: domain.GovernanceKind, Contract: "ledger", Name: s.name, Body: body,
	}}, nil
}

func openingID(text []byte) (string, error) {
	var o domain.Opening
	err := canon.DecodeJSON(text, &o)
	return o.ID, err
}

// accessID tells the parts of one access apart.
func accessID(text []byte) (string, error) {
	var r domain.Access
	if err := canon.DecodeJSON(text, &r); err != nil {
		return "", err
	}
	return r.Identity(), r.Check()
}
