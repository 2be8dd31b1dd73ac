package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/domain"
	"aval/ledger"
)

func historyCommand() *cobra.Command {
	var r remote
	var t tabler
	c := &cobra.Command{
		Use: "history CONTRACT", Short: "Print what happened to a contract, from its first entry to its last", Args: cobra.ExactArgs(1),
		Long: `Print what happened to a record, whether it is open or closed: its events and your postings.
CONTRACT is its ID as lists of records name it, for example invoice:1:agreement:A-1. Its status at one
moment is what "aval get '/v1/contracts/ID?asOf=2026-11-24'" prints, its fields then "aval record".`,
		Example: "  aval history --key acme.jwk --csv invoice:1:agreement:A-1 > a-1.csv",
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.check(); err != nil {
				return err
			}
			ctx, cancel, err := r.context(c)
			if err != nil {
				return err
			}
			defer cancel()
			cl, err := r.connect(ctx)
			if err != nil {
				return err
			}
			whole := ledger.EntryPage{Entries: []ledger.EntryView{}}
			err = cl.History(ctx, domain.RecordID(args[0]), func(page ledger.EntryPage) error {
				switch {
				case t.asJSON:
					whole.Entries = append(whole.Entries, page.Entries...)
					return nil
				case t.asCSV:
					return t.rows(c.OutOrStdout(), page.Table(), func([]string) bool { return true })
				}
				tell(c.OutOrStdout(), page)
				return nil
			})
			if err == nil && t.asJSON {
				err = t.print(c, whole, nil)
			}
			return err
		},
	}
	r.flags(c)
	t.flags(c)
	return c
}

// tell prints entries for people.
func tell(w io.Writer, page ledger.EntryPage) {
	for _, e := range page.Entries {
		fmt.Fprintf(w, "%8d  %s  %s\n", e.Index, e.BookedAt, e.Name)
		for _, event := range e.Events {
			fmt.Fprintf(w, "          %s %s\n", event.Name, event.Body)
		}
		for _, p := range e.Postings {
			fmt.Fprintf(w, "          %s %s from %s to %s\n", p.Purpose, p.Amount, p.Debit, p.Credit)
		}
	}
}
