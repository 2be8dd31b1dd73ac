package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
)

func governanceCommand() *cobra.Command {
	var g governanceFlags
	var p printer
	var r remote
	var export string
	c := &cobra.Command{
		Use: "governance DIR|URL|FILE|ARCHIVE", Short: "Show who may do what, or could at any moment", Args: cobra.ExactArgs(1),
		Long: `Show members, roles, keys, devices, sources, products, trusted measurements, key epochs, grants, limits and
the constitution, now or as they stood at --as-of. What is shown was derived from signed commands: each of
them is in the log, none was left out, and executed again each has the effect that the log says.

DIR      a node's folder, running or not.
FILE     what --export wrote, or a node gave; needs --policy, and no key.
ARCHIVE  a backup of "aval export", which holds such a file; needs --policy, and no key.
URL      a running node: with --policy the file that it gives its members and auditors; without, the
         records that the party of --key may see now.

--export OUT writes the file of DIR or URL, for others to check.`,
		Example: "  aval governance node --as-of 120\n  aval governance --export governance.jsonl http://127.0.0.1:8420 --key member.jwk\n" +
			"  aval governance governance.jsonl --policy policy.txt --as-of 2026-11-24",
		RunE: func(c *cobra.Command, args []string) error {
			if export != "" {
				return exportGovernance(c, &p, &g, &r, args[0], export)
			}
			if isURL(args[0]) && g.policy == "" {
				return currentRecords(c, &p, &r, args[0], g.asOf)
			}
			found, err := g.open(c, &r, args[0])
			if err != nil {
				return failed(c, &p, err)
			}
			return g.show(c, &p, found)
		},
	}
	c.Flags().StringVar(&export, "export", "", "write the governance file of DIR or URL to this new file, and show nothing")
	c.Flags().StringVar(&g.policy, "policy", "", "policy file of the ledger")
	g.flags(c)
	r.flags(c)
	p.flag(c)
	return c
}

// currentRecords shows what the reader may see of the present.
func currentRecords(c *cobra.Command, p *printer, r *remote, url, asOf string) error {
	if asOf != "" {
		return errors.New("--as-of with a running node needs --policy: without it a node tells the present")
	}
	r.url = url
	return r.read(c, func(ctx context.Context, reader *client.Client) error {
		records, err := governed(ctx, reader, "")
		if err != nil {
			return err
		}
		return p.print(c, map[string]any{"records": records}, func(w io.Writer) { printRecords(w, records) })
	})
}

// governed lists the records of governance that the reader may see and whose key has the prefix.
func governed(ctx context.Context, reader *client.Client, prefix string) ([]ledger.RecordView, error) {
	found := []ledger.RecordView{}
	query := url.Values{"kind": {string(domain.GovernanceKind)}, "limit": {"1000"}}
	for {
		text, err := reader.Get(ctx, "/v1/contracts?"+query.Encode())
		if err != nil {
			return nil, err
		}
		var page ledger.RecordPage
		if err := json.Unmarshal(text, &page); err != nil {
			return nil, fmt.Errorf("read the node's records: %w", err)
		}
		for _, r := range page.Records {
			if strings.HasPrefix(string(r.ID), string(domain.NewRecordID(domain.GovernanceKind, prefix))) {
				found = append(found, r)
			}
		}
		if page.Next == "" {
			return found, nil
		}
		query.Set("cursor", page.Next)
	}
}

func printRecords(w io.Writer, records []ledger.RecordView) {
	for _, r := range records {
		fields, _ := json.Marshal(r.Fields)
		_, key, _ := r.ID.Split()
		fmt.Fprintf(w, "%s %s %s\n", key, r.Status, fields)
	}
}

// governor gives commands of governance/1.
type governor struct {
	remote  remote
	printer printer
}

func (g *governor) flags(c *cobra.Command) {
	g.remote.flags(c)
	g.printer.flag(c)
}

// give signs and sends one command, and waits until it is in the log.
func (g *governor) give(c *cobra.Command, name, contract string, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	text, err := json.Marshal(request{Kind: domain.GovernanceKind, Contract: contract, Name: name, Body: encoded})
	if err != nil {
		return err
	}
	s := submitter{printer: g.printer, remote: g.remote, wait: ledger.ForCommitted}
	return s.session(c, func(ctx context.Context) error { return s.send(ctx, c, text) })
}

// read gives a client that reads as the key's party to f.
func (g *governor) read(c *cobra.Command, f func(context.Context, *client.Client) error) error {
	return g.remote.read(c, f)
}

// read gives a client that reads as the key's party to f.
func (r *remote) read(c *cobra.Command, f func(context.Context, *client.Client) error) error {
	ctx, cancel, err := r.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	reader, err := r.connect(ctx)
	if err != nil {
		return err
	}
	return f(ctx, reader)
}

// readAs decodes what a file holds.
func readAs(path string, v any) error {
	text, err := readInput(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readPublicKey reads what "aval key show --json" printed.
func readPublicKey(path string) (key node.PublicKey, err error) {
	if _, err := os.Stat(path); err != nil && path != "-" {
		return key, err
	}
	return key, readAs(path, &key)
}
