package domain

import (
	"encoding/json"

	"aval/domain/canon"
)

// Command is a signed request, the payload of a compact JWS of type aval-command+jws.
// The signed bytes, not this struct, are what is stored and hashed.
type Command struct {
	// Ledger is the origin of the ledger that the signer means.
	Ledger string `json:"ledger"`
	// ID is a ULID chosen by the signer; the same ID with the same bytes has one effect.
	ID string `json:"id"`
	// Kind and Contract say which contract acts: "invoice/1" and its agreement or shipment ID.
	Kind     Kind   `json:"kind"`
	Contract string `json:"contract"`
	// Name is the command of that kind, "bind".
	Name string `json:"name"`
	// Body is a JSON object that the contract decodes strictly with DecodeBody.
	Body json.RawMessage `json:"body"`
	// NotAfter is the last batch time at which the command may still be ordered; required,
	// at most MaxCommandLifetime ahead.
	NotAfter Millis `json:"notAfter"`
	// Private names values that travel beside the command, at most MaxPrivate.
	Private []Private `json:"private,omitempty"`
}

// DecodeBody decodes a command's body into v. Unknown fields, duplicate keys and trailing
// data are a Malformed rejection that names the field.
func (c Command) DecodeBody(v any) error {
	body := c.Body
	if len(body) == 0 {
		body = json.RawMessage("{}")
	}
	if err := canon.DecodeJSON(body, v); err != nil {
		return Refuse(Malformed, "body of %s: %.200v", c.Name, err)
	}
	return nil
}
