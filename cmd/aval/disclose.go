package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/ledger"
)

func discloseCommand() *cobra.Command {
	var p printer
	var fields []string
	var list bool
	c := &cobra.Command{
		Use: "disclose RECEIPT.tlog-proof", Short: "Make a receipt that shows single fields and hides the others", Args: cobra.ExactArgs(1),
		Long: `Print a receipt that shows the fields you name, and still verifies under the same policy.
Of the other fields it holds hashes with secret salts: nobody can find out from it what they are.
Offline, and without any key. --list shows what there is to choose from:

  aval disclose --list paid.tlog-proof
  aval disclose --field command --field events/3/paid paid.tlog-proof > part.tlog-proof

The header is always shown: whose view of which entry it is, when it was booked, and whether it
was refused. A field that a receipt hides cannot be shown again from it: keep the whole one.`,
		RunE: func(c *cobra.Command, args []string) error {
			receipt, err := readInput(args[0])
			if err != nil {
				return err
			}
			if list == (len(fields) > 0) {
				return errors.New("name fields with --field PATH, or see them with --list")
			}
			if list {
				return listFields(c, &p, receipt)
			}
			return disclose(c, &p, receipt, fields)
		},
	}
	c.Flags().StringSliceVar(&fields, "field", nil, "path of a field to show; repeat it, or put commas between")
	c.Flags().BoolVar(&list, "list", false, "show the paths and values of the receipt's fields, without verifying them")
	p.flag(c)
	return c
}

func listFields(c *cobra.Command, p *printer, receipt []byte) error {
	fields, err := ledger.ReadFields(receipt)
	if err != nil {
		return err
	}
	return p.print(c, map[string]any{"fields": readableFields(fields)}, func(w io.Writer) {
		for _, f := range fields {
			fmt.Fprintf(w, "%s %s\n", f.Path, readable(f.Value))
		}
	})
}

func disclose(c *cobra.Command, p *printer, receipt []byte, fields []string) error {
	partial, err := ledger.Disclose(receipt, fields)
	if err != nil {
		return err
	}
	return p.print(c, map[string]any{"receipt": string(partial)}, func(w io.Writer) { w.Write(partial) })
}
