package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
)

func recordCommand() *cobra.Command {
	var p printer
	var asOf string
	c := &cobra.Command{
		Use: "record DIR CONTRACT", Short: "Derive a contract as it stood at one moment from a node's folder", Args: cobra.ExactArgs(2),
		Long: `Show a record with all its fields as it stood at one moment. The log of the node's folder, running or
not, is executed again from its first entry up to the end of the batch of --as-of, and every
batch must come out as it was sealed: that takes as long as "aval verify" does. A node that is
asked shows the status of any moment at once, but fields of the present only.`,
		Example: "  aval record node invoice:1:agreement:A-1 --as-of 2026-11-24",
		RunE: func(c *cobra.Command, args []string) error {
			moment, err := ledger.ParseMoment("--as-of", asOf)
			if err != nil {
				return err
			}
			folder, err := node.OpenFolder(args[0])
			if err != nil {
				return err
			}
			meter := newMeter(c.ErrOrStderr(), p.asJSON)
			record, err := folder.Record(domain.RecordID(args[1]), moment, func(done ledger.Progress) { meter.tell(done, 0) })
			var fault *ledger.Fault
			if errors.As(err, &fault) {
				return fail(c, &p, fault)
			}
			if err != nil {
				return err
			}
			return p.print(c, record, func(w io.Writer) {
				fmt.Fprintf(w, "%s is %s, written at index %d of %s\n", record.ID, record.Status, record.Written, record.WrittenAt)
				fields, _ := json.Marshal(record.Fields)
				_ = printBody(w, fields, false)
			})
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "last moment that counts; by default, the present")
	p.flag(c)
	return c
}
