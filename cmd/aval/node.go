package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

func nodeCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "node DIR", Short: "Run a node", Args: cobra.ExactArgs(1),
		Long: `Run the node of a folder that "aval init" made, until SIGINT or SIGTERM. DIR/config.json
says where it listens and whether it has an MQTT broker, an external broker and a flight
data source; see docs/operations.md. The log goes to standard error and holds nothing private.`,
		RunE: func(c *cobra.Command, args []string) error {
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			folder, err := node.OpenFolder(args[0])
			if err != nil {
				return err
			}
			log.Warn(enclave.Warning)
			n, err := node.Open(folder, node.Options{Log: log})
			if err != nil {
				return err
			}
			started := map[string]string{"ledger": folder.Keys.Origin, "api": "http://" + n.API.String(), "enclave": folder.Platform.Name()}
			if n.Broker != nil {
				started["broker"] = n.Broker.Address()
			}
			err = p.print(c, started, func(w io.Writer) {
				fmt.Fprintf(w, "ledger %s, API at %s", started["ledger"], started["api"])
				if n.Broker != nil {
					fmt.Fprintf(w, ", MQTT broker at %s", started["broker"])
				}
				fmt.Fprintln(w)
			})
			if err != nil {
				return err
			}
			return n.Run(c.Context())
		},
	}
	p.flag(c)
	return c
}
