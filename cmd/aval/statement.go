package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/domain"
	"aval/ledger"
)

// statementOptions are the flags of a statement.
type statementOptions struct {
	remote
	tabler
	period client.Period
	// pages counts those printed; whole gathers them for JSON.
	pages int
	whole ledger.Statement
}

func statementCommand() *cobra.Command {
	var o statementOptions
	c := &cobra.Command{
		Use: "statement ACCOUNT", Short: "Print the statement of an account for a period", Args: cobra.ExactArgs(1),
		Long: `Print what moved on an account, in order of booking, with the balances before and after. ACCOUNT
is one of yours, as in party/acme; an auditor reads any. --from is where the period begins,
--to what it ends before: a day (2026-11-01, from midnight UTC), an instant of RFC 3339, or an
index of the log. Every page is checked: opening and lines make the closing.`,
		Example: `  aval statement --key acme.jwk --from 2026-11-01 --to 2026-12-01 party/acme
  aval statement --key acme.jwk --csv party/acme > november.csv`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.Flags().StringVar(&o.period.From, "from", "", "where the period begins; by default, with the log")
	c.Flags().StringVar(&o.period.To, "to", "", "what the period ends before; by default, the present")
	c.Flags().StringVar(&o.period.Currency, "currency", "", "one currency alone, an ISO 4217 code")
	o.remote.flags(c)
	o.tabler.flags(c)
	return c
}

func (o *statementOptions) run(c *cobra.Command, name string) error {
	account := domain.AccountID(strings.ReplaceAll(name, ":", "/"))
	if err := account.Check(); err != nil {
		return err
	}
	if err := o.tabler.check(); err != nil {
		return err
	}
	ctx, cancel, err := o.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	cl, err := o.connect(ctx)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	err = cl.Statement(ctx, account, o.period, func(page ledger.Statement) error {
		o.pages++
		switch {
		case o.asJSON:
			o.gather(page)
			return nil
		case o.asCSV:
			return o.rows(w, page.Table(), func(row []string) bool {
				return row[0] == "posting" || row[0] == "opening" && o.pages == 1 || row[0] == "closing" && page.Next == ""
			})
		}
		o.text(w, page)
		return nil
	})
	if err == nil && o.asJSON {
		err = o.print(c, o.whole, nil)
	}
	return err
}

// gather joins the pages to one statement.
func (o *statementOptions) gather(page ledger.Statement) {
	lines := append(o.whole.Lines, page.Lines...)
	if o.pages == 1 {
		o.whole = page
	}
	o.whole.Lines, o.whole.Closing, o.whole.Next = lines, page.Closing, ""
}

func (o *statementOptions) text(w io.Writer, page ledger.Statement) {
	totals := func(name string, all []domain.Money) {
		for _, m := range all {
			fmt.Fprintf(w, "%-62s %s\n", name, m)
		}
	}
	if o.pages == 1 {
		fmt.Fprintf(w, "%s, entries %d to %d\n", page.Account, page.From, page.To)
		totals("opening", page.Opening)
	}
	for _, l := range page.Lines {
		sign := "+"
		if l.Side == ledger.DebitSide {
			sign = "-"
		}
		fmt.Fprintf(w, "%8d  %s  %-10s %-28s %14s  %s", l.Index, l.ValueDate, l.Purpose, l.Counter, sign+l.Amount.String(), l.Balance)
		if l.Reference != "" {
			fmt.Fprintf(w, "  %s", l.Reference)
		}
		fmt.Fprintln(w)
	}
	if page.Next == "" {
		totals("closing", page.Closing)
	}
}
