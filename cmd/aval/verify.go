package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger"
	"aval/ledger/enclave"
)

func verifyCommand() *cobra.Command {
	var p printer
	var from archiveFlags
	var g governanceFlags
	var private string
	var t trust
	c := &cobra.Command{
		Use: "verify DIR|URL|ARCHIVE|FILE", Short: "Check a whole ledger, a public log, a backup, a governance file, or one receipt, offline", Args: cobra.ExactArgs(1),
		Long: `Check that nothing was forged, lost or changed.

DIR      a node's folder, running or not: every signature, decision, balance, leaf, tile and the
         stored state are derived again and compared. With --policy its signed head must be that
         of the ledger you know, and not of another that is as consistent.
DIR      a public log as "aval export --log" wrote it: as for URL.
URL      the public log of a running node, or one that a web server holds as files: every leaf,
         the tree and the signed head (needs --policy). A node at an https address needs --attest or --pin too.
ARCHIVE  a backup of "aval export": the public log and every byte of the file (needs --policy); with
         --enclave or --passphrase-file every body is opened too, and every batch executed again. The
         governance in it is verified and shown as for FILE.
FILE     governance, as "aval governance --export" wrote it: that every decision stands in the log and none
         was left out, and what they led to by --as-of (needs --policy).
FILE     one receipt, whole or made by "aval disclose": the head's signature, inclusion, and the
         fields that it shows (needs --policy). --private FILE holds a private value against the
         digests that it shows: FILE is a disclosure, or what "aval get /v1/private/DIGEST" printed.

Exit 1 and the first bad index if anything is off.`,
		RunE: func(c *cobra.Command, args []string) error {
			g.policy, from.newest = from.policy, g.newest
			return verify(c, &p, args[0], &from, &g, private, &t)
		},
	}
	c.Flags().StringVar(&private, "private", "", "file with a private value that the receipt must prove")
	c.Flags().StringVar(&from.policy, "policy", "", "policy file of the ledger (policy.txt of the node's folder)")
	from.keyFlags(c)
	g.flags(c)
	t.flags(c)
	p.flag(c)
	return c
}

func verify(c *cobra.Command, p *printer, target string, from *archiveFlags, g *governanceFlags, private string, t *trust) error {
	if private != "" {
		return verifyPrivate(c, p, target, from.policy, private)
	}
	if isURL(target) {
		return verifyURL(c, p, target, from.policy, t)
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
	if isGovernance(target) {
		return verifyGovernance(c, p, g, target)
	}
	if !isArchive(target) {
		return verifyReceipt(c, p, target, from.policy)
	}
	archive, err := from.archive(target)
	if err != nil {
		return err
	}
	return verifyArchive(c, p, archive, g)
}

// isGovernance tells a governance file by the first member of its first line.
func isGovernance(path string) bool { return begins(path, `{"format":"`+ledger.GovernanceFormat) }

func verifyGovernance(c *cobra.Command, p *printer, g *governanceFlags, path string) error {
	found, err := g.file(path)
	if err != nil {
		return failed(c, p, err)
	}
	state, err := g.state(found)
	if err != nil {
		return err
	}
	result := map[string]any{"ok": true, "leaves": found.Head.Size, "entries": found.Entries(), "bookedAt": found.BookedAt, "governance": state}
	return p.print(c, result, func(w io.Writer) {
		fmt.Fprintf(w, "the governance of %s is complete and was executed again: %d decisions under a head of %d leaves, the last at %s\n",
			found.Origin, found.Entries(), found.Head.Size, stamp(found.BookedAt))
		describePlatform(w, found.Head.Platform)
		printGovernance(w, state)
	})
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
		describePlatform(w, report.Platform)
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
	policy, err := ledger.ParsePolicy(text)
	if err != nil {
		return policy, fmt.Errorf("%s is no policy file: %w", path, err)
	}
	return policy, nil
}

// fail prints a fault and makes the exit code 1.
func fail(c *cobra.Command, p *printer, fault *ledger.Fault) error {
	result := map[string]any{"ok": false, "index": fault.Index, "error": fault.Cause.Error()}
	return errors.Join(errReported, p.print(c, result, func(w io.Writer) { fmt.Fprintf(w, "FAULT at %v\n", fault) }))
}

// describePlatform says what the head says of the machine that signed it. Anybody may claim hardware, so that only
// the opposite is told as a fact.
func describePlatform(w io.Writer, platform string) {
	switch platform {
	case "":
	case enclave.SimulatedName:
		fmt.Fprintln(w, "SIMULATED: the head was signed on a simulated platform; whoever ran that machine could have signed any other")
	default:
		fmt.Fprintf(w, "the head claims to be signed on platform %s; \"aval attest\" has the proof\n", platform)
	}
}
