package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
)

// trialOptions are the flags of a trial balance.
type trialOptions struct {
	remote
	tabler
	asOf string
}

func trialBalanceCommand() *cobra.Command {
	var o trialOptions
	c := &cobra.Command{
		Use: "trial-balance [DIR]", Short: "Print turnover and balance of every account as of a moment", Args: cobra.MaximumNArgs(1),
		Long: `Add up the log: debits, credits and balance of every account in every currency. Every currency
comes to zero over all accounts, or the exit code is 1.

DIR   a node's folder, running or not, read with the keys in it: all accounts.
none  a node is asked as a party: an auditor sees all accounts, everybody else their own.

--as-of is the last moment that counts: an index of the log with its entry, a day
(2026-11-24) with the whole of it, or an instant of RFC 3339.`,
		Example: `  aval trial-balance node --as-of 2026-11-30 --csv > november.csv
  aval trial-balance --key auditor.jwk --json`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	c.Flags().StringVar(&o.asOf, "as-of", "", "last moment that counts; by default, the present")
	o.remote.flags(c)
	o.tabler.flags(c)
	return c
}

func (o *trialOptions) run(c *cobra.Command, args []string) error {
	if err := o.tabler.check(); err != nil {
		return err
	}
	read := o.ask
	if len(args) == 1 {
		read = func(c *cobra.Command) (ledger.TrialBalance, error) { return o.open(c, args[0]) }
	}
	b, err := read(c)
	if err != nil {
		return err
	}
	if o.asCSV {
		err = o.rows(c.OutOrStdout(), b.Table(), func([]string) bool { return true })
	} else {
		err = o.print(c, b, func(w io.Writer) { showTrial(w, b) })
	}
	if err == nil && len(args) == 1 {
		err = balanced(b)
	}
	return err
}

// ask reads it from a node.
func (o *trialOptions) ask(c *cobra.Command) (ledger.TrialBalance, error) {
	ctx, cancel, err := o.context(c)
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	defer cancel()
	cl, err := o.connect(ctx)
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	meter := newMeter(c.ErrOrStderr(), o.asJSON)
	return cl.TrialBalance(ctx, o.asOf, func(done uint64) { meter.tell(ledger.Progress{Leaves: done, Of: done}, 0) })
}

// open reads it from a folder.
func (o *trialOptions) open(c *cobra.Command, dir string) (ledger.TrialBalance, error) {
	asOf, err := ledger.ParseMoment("--as-of", o.asOf)
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	folder, err := node.OpenFolder(dir)
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	meter := newMeter(c.ErrOrStderr(), o.asJSON)
	return folder.TrialBalance(asOf, func(p ledger.Progress) { meter.tell(p, 0) })
}

// balanced refuses a ledger whose accounts do not come to zero.
func balanced(b ledger.TrialBalance) error {
	for _, total := range b.Totals {
		if total.Balance != 0 {
			return fmt.Errorf("all %s accounts sum to %s, want 0", total.Currency, domain.Money{Minor: total.Balance, Currency: total.Currency})
		}
	}
	if b.Next != "" {
		return errors.New("the trial balance is not whole")
	}
	return nil
}

func showTrial(w io.Writer, b ledger.TrialBalance) {
	line := func(name string, c domain.Currency, debits, credits, balance int64) {
		money := func(minor int64) string { return domain.Money{Minor: minor, Currency: c}.String() }
		fmt.Fprintf(w, "%-40s %20s %20s %20s\n", name, money(debits), money(credits), money(balance))
	}
	fmt.Fprintf(w, "entries %d to %d, the last of %s\n%-40s %20s %20s %20s\n", b.From, b.To, b.BookedAt, "account", "debits", "credits", "balance")
	for _, r := range b.Rows {
		line(string(r.Account), r.Currency, r.Debits, r.Credits, r.Balance)
	}
	for _, t := range b.Totals {
		line("all", t.Currency, t.Debits, t.Credits, t.Balance)
	}
}
