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
	var p printer
	var r remote
	var asOf string
	c := &cobra.Command{
		Use: "governance DIR|URL", Short: "Show who may do what, or could at any moment", Args: cobra.ExactArgs(1),
		Long: `Show members, parties with their roles, keys, devices, sources, trusted measurements, grants, limits and
the constitution.

DIR  a node's folder, running or not: its log is executed again up to --as-of, every batch must come
     out as it was sealed, and all records are shown as they stood then.
URL  a running node: the records that the party of --key may see now.`,
		Example: "  aval governance node --as-of 2026-11-24\n  aval governance http://127.0.0.1:8420 --key member.jwk",
		RunE: func(c *cobra.Command, args []string) error {
			state, err := governanceOf(c, &p, &r, args[0], asOf)
			var fault *ledger.Fault
			if errors.As(err, &fault) {
				return fail(c, &p, fault)
			}
			if err != nil {
				return err
			}
			return p.print(c, state, func(w io.Writer) { printRecords(w, state.Records) })
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "last moment that counts, for DIR; by default, the present")
	r.flags(c)
	p.flag(c)
	return c
}

func governanceOf(c *cobra.Command, p *printer, r *remote, target, asOf string) (state ledger.GovernanceState, err error) {
	if !isURL(target) {
		moment, err := ledger.ParseMoment("--as-of", asOf)
		if err != nil {
			return state, err
		}
		folder, err := node.OpenFolder(target)
		if err != nil {
			return state, err
		}
		meter := newMeter(c.ErrOrStderr(), p.asJSON)
		return folder.Governance(moment, func(done ledger.Progress) { meter.tell(done, 0) })
	}
	if asOf != "" {
		return state, errors.New("--as-of goes with a node's folder: a running node tells the present")
	}
	r.url = target
	ctx, cancel, err := r.context(c)
	if err != nil {
		return state, err
	}
	defer cancel()
	reader, err := r.connect(ctx)
	if err != nil {
		return state, err
	}
	state.Records, err = governed(ctx, reader, "")
	return state, err
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
	ctx, cancel, err := g.remote.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	reader, err := g.remote.connect(ctx)
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
