package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/domain/canon"
)

// openingFormat is that of an entry in which a node says how it came by its keys: a note signed by
// the log key, so by whoever holds the keys and nobody else.
const openingFormat = "opening"

// openingHeading begins the note; no checkpoint begins like it.
const openingHeading = "aval opening 1\n"

// maxOpening bounds the note in bytes.
const maxOpening = 4096

// RecordOpening puts into the log how this node came by its keys, and returns when it is there.
// It is for a running engine, and one that runs alone: nobody else is asked.
func (e *Engine) RecordOpening(ctx context.Context, o domain.Opening) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: openingHeading + string(text) + "\n"}, e.signer)
	if err != nil {
		return errors.New("record opening: the log key does not sign")
	}
	if err := e.orderer.Propose(ctx, Item{Format: openingFormat, Raw: signed}); err != nil {
		return err
	}
	for {
		changed := e.Changed()
		if e.Opening().ID == o.ID {
			return nil
		}
		select {
		case <-changed:
		case <-e.stopped:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parseOpening reads such a note and checks its signature, which never depends on the state.
func (e executor) parseOpening(raw []byte) (*submission, error) {
	refused := domain.Refuse(domain.Malformed, "opening: not a note of this ledger's log key")
	if len(raw) > maxOpening || e.log == nil {
		return nil, refused
	}
	opened, err := note.Open(raw, note.VerifierList(e.log))
	if err != nil {
		return nil, refused
	}
	text, ok := strings.CutPrefix(opened.Text, openingHeading)
	var o domain.Opening
	if !ok || canon.DecodeJSON(bytes.TrimSuffix([]byte(text), []byte("\n")), &o) != nil || domain.CheckID("id", o.ID) != nil {
		return nil, refused
	}
	sum := sha256.Sum256(raw)
	return &submission{format: openingFormat, raw: raw, fingerprint: sum[:], command: domain.Command{
		Ledger: e.origin, ID: o.ID, Kind: domain.GovernanceKind, Contract: "ledger", Name: "Opened", Body: []byte(strings.TrimSuffix(text, "\n")),
	}}, nil
}
