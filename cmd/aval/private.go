package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/domain/canon"
	"aval/domain/envelope"
	"aval/ledger"
)

// verifyPrivate says whether a receipt proves a private value: its digest is among those that
// the receipt shows.
func verifyPrivate(c *cobra.Command, p *printer, path, policyPath, privatePath string) error {
	policy, receipt, err := readReceipt(path, policyPath)
	if err != nil {
		return err
	}
	disclosure, err := readDisclosure(privatePath)
	if err != nil {
		return err
	}
	value, err := envelope.OpenPrivate(disclosure)
	if err != nil {
		return fmt.Errorf("%s: %w", privatePath, err)
	}
	d, err := ledger.OpenReceipt(policy, receipt)
	if err == nil {
		for _, shown := range d.Private {
			if shown.Digest == envelope.Digest(disclosure) {
				result := map[string]any{
					"ok": true, "ledger": policy.Origin(), "index": d.Index, "bookedAt": d.BookedAt, "viewer": d.Viewer,
					"subject": shown.Subject, "digest": shown.Digest, "name": value.Name, "value": value.Value,
				}
				return p.print(c, result, func(w io.Writer) {
					fmt.Fprintf(w, "valid: entry %d of %s\nprivate value of %s: %s %s\n", d.Index, policy.Origin(), shown.Subject, value.Name, value.Value)
				})
			}
		}
		err = errors.New("the receipt does not show the digest of this private value")
	}
	return notValid(c, p, err)
}

// readDisclosure reads a disclosure, bare or in the JSON of the API.
func readDisclosure(path string) ([]byte, error) {
	text, err := readInput(path)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' {
		return text, nil
	}
	var view struct {
		Disclosure string `json:"disclosure"`
	}
	var whole json.RawMessage
	if err := canon.DecodeJSON(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(whole, &view); err != nil || view.Disclosure == "" {
		return nil, fmt.Errorf("%s: want a disclosure, or the JSON of /v1/private/DIGEST", path)
	}
	return []byte(view.Disclosure), nil
}
