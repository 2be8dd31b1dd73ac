package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/ledger"
)

// eventsPath is the one path whose answer does not end by itself.
const eventsPath = "/v1/events"

func getCommand() *cobra.Command {
	var p printer
	var r remote
	c := &cobra.Command{
		Use: "get PATH", Short: "Read from a node as a party", Args: cobra.ExactArgs(1),
		Long: `Read a path of the HTTP API with a short-lived token signed by your key, for example
/v1/accounts, /v1/contracts?kind=invoice/1, /v1/contracts/invoice:1:shipment:S-1/events,
/v1/receipts/42. JSON is indented; --json prints it as it came. /v1/events, or
/v1/events?from=INDEX, prints one entry a line as they are booked, until --timeout or SIGINT.`,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel, err := r.context(c)
			if err != nil {
				return err
			}
			defer cancel()
			cl, err := r.connect(ctx)
			if err != nil {
				return err
			}
			if path, query, _ := strings.Cut(args[0], "?"); path == eventsPath {
				return follow(ctx, c.OutOrStdout(), cl, query)
			}
			body, err := cl.Get(ctx, args[0])
			if err != nil {
				return err
			}
			return printBody(c.OutOrStdout(), body, p.asJSON)
		},
	}
	r.flags(c)
	p.flag(c)
	return c
}

// follow prints a party's entries, one a line, until the context ends, which is no failure.
func follow(ctx context.Context, w io.Writer, cl *client.Client, query string) error {
	from, err := uint64(0), error(nil)
	if query != "" {
		text, ok := strings.CutPrefix(query, "from=")
		if from, err = strconv.ParseUint(text, 10, 64); err != nil || !ok {
			return fmt.Errorf("%s: want no query but from=INDEX", eventsPath)
		}
	}
	lines := json.NewEncoder(w)
	err = cl.Events(ctx, from, func(e ledger.EntryView) error { return lines.Encode(e) })
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func printBody(w io.Writer, body []byte, raw bool) error {
	var indented bytes.Buffer
	if !raw && json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	_, err := fmt.Fprintf(w, "%s\n", bytes.TrimRight(body, "\n"))
	return err
}
