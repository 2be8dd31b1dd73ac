package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aval/cmd/aval/demo"
	"aval/ledger/enclave"
)

func demoCommand() *cobra.Command {
	var p printer
	var serve bool
	o := demo.Options{}
	c := &cobra.Command{
		Use: "demo", Short: "See the whole story in one process", Args: cobra.NoArgs,
		Long: `Run the whole story in one process on a virtual clock: a cold-chain delivery paid by its
sensors, a shipment whose sensor falls silent, and every flight of one real day insured and
settled. Then every receipt and every file is checked. Exit 0 only if all of it holds.
--flights, --airports and --date together run the flights of your own file, in the columns of BTS or of hflights.
--serve lets the node go on afterwards, with the key of every party at hand, to look around with
"aval get".`,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Progress = c.ErrOrStderr()
			fmt.Fprintln(o.Progress, enclave.Warning)
			if serve && o.Data == "" {
				dir, err := os.MkdirTemp("", "aval-demo-")
				if err != nil {
					return err
				}
				o.Data = dir
			}
			summary, err := demo.Run(c.Context(), o)
			if err == nil && serve && summary.Fault() == nil {
				summary.Serving, err = demo.Reopen(o.Data)
			}
			if err != nil {
				return err
			}
			err = errors.Join(p.print(c, summary, summary.Print), summary.Fault())
			if summary.Serving != nil {
				err = errors.Join(err, summary.Serving.Run(c.Context()))
			}
			return err
		},
	}
	c.Flags().StringVar(&o.Data, "data", "", "new or empty folder to keep the node's files and the parties' keys in; by default they are removed")
	c.Flags().BoolVar(&serve, "serve", false, "let the node go on until SIGINT; without --data its files stay in a temporary folder, which is named")
	c.Flags().StringVar(&o.Flights, "flights", "", "flights, BTS columns, .gz allowed")
	c.Flags().StringVar(&o.Airports, "airports", "", "airports with iata, icao, iana_zone")
	c.Flags().StringVar(&o.Date, "date", "", "local date of the flights, YYYY-MM-DD")
	p.flag(c)
	return c
}
