package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain/canon"
	"aval/ledger"
)

func verifyCommand() *cobra.Command {
	var p printer
	var from archiveFlags
	c := &cobra.Command{
		Use: "verify DIR|URL|ARCHIVE|FILE.tlog-proof", Short: "Check a whole ledger, a public log, a backup, or one receipt, offline", Args: cobra.ExactArgs(1),
		Long: `Check that nothing was forged, lost or changed.

DIR      a node's folder, running or not: every signature, decision, balance, leaf, tile and the
         stored state are derived again and compared. With --policy its signed head must be that
         of the ledger you know, and not of another that is as consistent.
DIR      a public log as "aval export --log" wrote it: as for URL.
URL      the public log of a running node, or one that a web server holds as files: every leaf,
         the tree and the signed head (needs --policy).
ARCHIVE  a backup of "aval export": the public log and every byte of the file (needs --policy); with
         --enclave every body is opened too, and every batch executed again.
FILE     one receipt: the head's signature, inclusion, and what the receipt discloses (needs --policy).

Exit 1 and the first bad index if anything is off.`,
		RunE: func(c *cobra.Command, args []string) error {
			return verify(c, &p, args[0], &from)
		},
	}
	c.Flags().StringVar(&from.policy, "policy", "", "policy file of the ledger (policy.txt of the node's folder)")
	c.Flags().StringVar(&from.enclave, "enclave", "", "folder with the SIMULATED-ENCLAVE-KEY that opens the keys in an archive")
	p.flag(c)
	return c
}

func verify(c *cobra.Command, p *printer, target string, from *archiveFlags) error {
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		return verifyURL(c, p, target, from.policy)
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if isLog(target) {
			return verifyLogFolder(c, p, target, from.policy)
		}
		return verifyFolder(c, p, target, from.policy)
	}
	if !isArchive(target) {
		return verifyReceipt(c, p, target, from.policy)
	}
	archive, err := from.archive(target)
	if err != nil {
		return err
	}
	return verifyArchive(c, p, archive)
}

func verifyFolder(c *cobra.Command, p *printer, dir, policyPath string) error {
	folder, err := node.OpenFolder(dir)
	if err != nil {
		return err
	}
	var policy *ledger.Policy
	if policyPath != "" {
		known, err := readPolicy(policyPath)
		if err != nil {
			return err
		}
		policy = &known
	}
	began := time.Now()
	report, err := folder.Verify(policy)
	var fault *ledger.Fault
	if errors.As(err, &fault) {
		return fail(c, p, fault)
	}
	if err != nil {
		return err
	}
	result := map[string]any{"ok": true, "report": report, "root": hex.EncodeToString(report.Root)}
	return p.print(c, result, func(w io.Writer) {
		fmt.Fprintf(w, "%s is clean: %d leaves, %d batches, %d entries (%d refusals) derived again in %v; every sum is zero\n",
			report.Origin, report.Leaves, report.Batches, report.Entries, report.Refusals, time.Since(began).Round(time.Millisecond))
		if report.Cosigned > 0 {
			fmt.Fprintf(w, "witnesses have cosigned %d of the leaves\n", report.Cosigned)
		}
	})
}

func readPolicy(path string) (ledger.Policy, error) {
	if path == "" {
		return ledger.Policy{}, errors.New("--policy FILE is needed: the ledger's operator hands it out")
	}
	text, err := readInput(path)
	if err != nil {
		return ledger.Policy{}, err
	}
	return ledger.ParsePolicy(text)
}

func verifyReceipt(c *cobra.Command, p *printer, path, policyPath string) error {
	policy, err := readPolicy(policyPath)
	if err != nil {
		return err
	}
	receipt, err := readInput(path)
	if err != nil {
		return err
	}
	d, err := ledger.OpenReceipt(policy, receipt)
	if err != nil {
		result := map[string]any{"ok": false, "error": err.Error()}
		return errors.Join(errReported, p.print(c, result, func(w io.Writer) { fmt.Fprintf(w, "NOT VALID: %v\n", err) }))
	}
	head, err := ledger.ReceiptCheckpoint(policy, receipt)
	if err != nil {
		return err
	}
	result := map[string]any{"ok": true, "ledger": policy.Origin(), "disclosure": disclosed(d), "cosignatures": head.Cosignatures}
	return p.print(c, result, func(w io.Writer) {
		describe(w, policy, d)
		for _, s := range head.Cosignatures {
			fmt.Fprintf(w, "cosigned by %s at %s\n", s.Witness, time.Unix(s.At, 0).UTC().Format(time.RFC3339))
		}
	})
}

// disclosed is a disclosure with its event bodies readable.
func disclosed(d ledger.Disclosure) map[string]any {
	events := []map[string]any{}
	for _, event := range d.Events {
		body, err := canon.ToJSON(event.Body)
		if err != nil {
			body = []byte("null")
		}
		events = append(events, map[string]any{"name": event.Name, "record": event.Key, "body": body})
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
	}
}

func describe(w io.Writer, policy ledger.Policy, d ledger.Disclosure) {
	fmt.Fprintf(w, "valid: entry %d of %s\n", d.Index, policy.Origin())
	if d.Kind == "" {
		fmt.Fprintln(w, "the receipt discloses no content")
		return
	}
	fmt.Fprintf(w, "for %s: %s %s on %s, booked %s\n", d.Viewer, d.Kind, d.Name, d.Contract, time.UnixMilli(int64(d.BookedAt)).UTC().Format(time.RFC3339))
	if d.Code != "" {
		fmt.Fprintf(w, "refused: %s %s\n", d.Code, d.Detail)
	}
	for _, event := range d.Events {
		body, _ := canon.ToJSON(event.Body)
		fmt.Fprintf(w, "  %s %s %s\n", event.Name, event.Key, body)
	}
	for _, posting := range d.Postings {
		fmt.Fprintf(w, "  %s: %s from %s to %s\n", posting.Purpose, posting.Amount, posting.Debit, posting.Credit)
	}
}

// fail prints a fault and makes the exit code 1.
func fail(c *cobra.Command, p *printer, fault *ledger.Fault) error {
	result := map[string]any{"ok": false, "index": fault.Index, "error": fault.Cause.Error()}
	return errors.Join(errReported, p.print(c, result, func(w io.Writer) { fmt.Fprintf(w, "FAULT at %v\n", fault) }))
}
