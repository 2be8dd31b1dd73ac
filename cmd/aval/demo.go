package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/demo"
	"aval/ledger/enclave"
)

func demoCommand() *cobra.Command {
	var p printer
	o := demo.Options{}
	c := &cobra.Command{
		Use: "demo", Short: "See the whole story in one process", Args: cobra.NoArgs,
		Long: `Run the whole story in one process on a virtual clock: a cold-chain delivery paid by its
sensors, a shipment whose sensor falls silent, and every flight of one real day insured and
settled. Then every receipt and every file is checked. Exit 0 only if all of it holds.
--flights, --airports and --date together run the flights of your own file with BTS columns.`,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Progress = c.ErrOrStderr()
			io.WriteString(o.Progress, enclave.Warning+"\n")
			summary, err := demo.Run(c.Context(), o)
			if err != nil {
				return err
			}
			return errors.Join(p.print(c, summary, summary.Print), summary.Fault())
		},
	}
	c.Flags().StringVar(&o.Data, "data", "", "folder to keep the node's files in; by default they are removed")
	c.Flags().StringVar(&o.Flights, "flights", "", "flights, BTS columns, .gz allowed")
	c.Flags().StringVar(&o.Airports, "airports", "", "airports with iata, icao, iana_zone")
	c.Flags().StringVar(&o.Date, "date", "", "local date of the flights, YYYY-MM-DD")
	p.flag(c)
	return c
}
