package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func getCommand() *cobra.Command {
	var p printer
	var r remote
	c := &cobra.Command{
		Use: "get PATH", Short: "Read from a node as a party", Args: cobra.ExactArgs(1),
		Long: `Read a path of the HTTP API with a short-lived token signed by your key, for example
/v1/accounts, /v1/contracts?kind=invoice/1, /v1/contracts/invoice:1:shipment:S-1/events,
/v1/receipts/42. JSON is indented; --json prints it as it came.`,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), r.timeout)
			defer cancel()
			cl, _, err := r.connect(ctx)
			if err != nil {
				return err
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

func printBody(w io.Writer, body []byte, raw bool) error {
	var indented bytes.Buffer
	if !raw && json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	_, err := fmt.Fprintf(w, "%s\n", bytes.TrimRight(body, "\n"))
	return err
}
