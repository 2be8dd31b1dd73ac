package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"aval/domain"
	"aval/domain/canon"
	"aval/ledger"
)

// readReceipt reads a receipt and the policy to judge it by.
func readReceipt(path, policyPath string) (policy ledger.Policy, receipt []byte, err error) {
	if policy, err = readPolicy(policyPath); err != nil {
		return policy, nil, err
	}
	receipt, err = readInput(path)
	return policy, receipt, err
}

// notValid tells why a receipt proves nothing.
func notValid(c *cobra.Command, p *printer, why error) error {
	result := map[string]any{"ok": false, "error": why.Error()}
	return errors.Join(errReported, p.print(c, result, func(w io.Writer) { fmt.Fprintf(w, "NOT VALID: %v\n", why) }))
}

func verifyReceipt(c *cobra.Command, p *printer, path, policyPath string) error {
	policy, receipt, err := readReceipt(path, policyPath)
	if err != nil {
		return err
	}
	d, err := ledger.OpenReceipt(policy, receipt)
	if err != nil {
		return notValid(c, p, err)
	}
	head, err := ledger.ReceiptCheckpoint(policy, receipt)
	if err != nil {
		return err
	}
	result := map[string]any{"ok": true, "ledger": policy.Origin(), "disclosure": disclosed(d), "cosignatures": head.Cosignatures, "platform": head.Platform}
	return p.print(c, result, func(w io.Writer) {
		describe(w, policy, d)
		describePlatform(w, head.Platform)
		for _, s := range head.Cosignatures {
			fmt.Fprintf(w, "cosigned by %s at %s\n", s.Witness, time.Unix(s.At, 0).UTC().Format(time.RFC3339))
		}
	})
}

// disclosed is a disclosure with its event bodies and fields readable.
func disclosed(d ledger.Disclosure) map[string]any {
	events := []map[string]any{}
	for _, event := range d.Events {
		events = append(events, map[string]any{"name": event.Name, "record": event.Key, "body": readable(event.Body)})
	}
	postings := []ledger.PostingView{}
	for _, posting := range d.Postings {
		if shown, err := d.Posting(posting); err == nil {
			postings = append(postings, shown)
		}
	}
	return map[string]any{
		"viewer": d.Viewer, "index": d.Index, "sequence": d.Sequence, "bookedAt": d.BookedAt, "kind": d.Kind,
		"contract": d.Contract, "name": d.Name, "code": d.Code, "detail": d.Detail, "id": d.ID, "events": events, "postings": postings,
		"fields": readableFields(d.Fields), "hidden": d.Hidden, "private": append([]domain.PrivateDigest{}, d.Private...),
	}
}

// readable is canonical CBOR as JSON, null for an event of which nothing is shown.
func readable(data []byte) json.RawMessage {
	text, err := canon.ToJSON(data)
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}

func readableFields(fields []ledger.Field) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, f := range fields {
		all[f.Path] = readable(f.Value)
	}
	return all
}

func describe(w io.Writer, policy ledger.Policy, d ledger.Disclosure) {
	fmt.Fprintf(w, "valid: entry %d of %s\n", d.Index, policy.Origin())
	if len(d.Fields) == 0 {
		fmt.Fprintln(w, "the receipt discloses no content")
		return
	}
	viewer, what := "auditors", ""
	if d.Viewer != "" {
		viewer = string(d.Viewer)
	}
	if d.Kind != "" {
		what = fmt.Sprintf(" %s %s on %s,", d.Kind, d.Name, d.Contract)
	}
	fmt.Fprintf(w, "for %s:%s booked %s\n", viewer, what, time.UnixMilli(int64(d.BookedAt)).UTC().Format(time.RFC3339))
	if d.Code != "" {
		fmt.Fprintf(w, "refused: %s %s\n", d.Code, d.Detail)
	}
	for i, event := range d.Events {
		title := event.Name + " " + event.Key
		if event.Name == "" {
			title = fmt.Sprintf("event %d, name not shown:", i)
		}
		if event.Body != nil {
			fmt.Fprintf(w, "  %s %s\n", title, readable(event.Body))
		}
	}
	for _, posting := range d.Postings {
		fmt.Fprintf(w, "  %s: %s from %s to %s\n", posting.Purpose, posting.Amount, posting.Debit, posting.Credit)
	}
	for _, private := range d.Private {
		fmt.Fprintf(w, "  private value of %s with digest %s\n", private.Subject, private.Digest)
	}
	if d.Hidden > 0 {
		fmt.Fprintf(w, "not shown: %d of the %d fields of this view\n", d.Hidden, d.Hidden+len(d.Fields))
	}
}
