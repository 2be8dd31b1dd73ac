package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

func nodeCommand() *cobra.Command {
	var p printer
	var explain, accept bool
	c := &cobra.Command{
		Use: "node DIR", Short: "Run a node", Args: cobra.ExactArgs(1),
		Long: `Run the node of a folder that "aval init" made, until SIGINT or SIGTERM. DIR/config.json
says where it listens and whether it has an MQTT broker, an external broker, a flight data
source and witnesses; see docs/operations.md. Where it listens is printed once it does: the API
and, if there are any, metrics ("admin") and the MQTT broker. The log goes to standard error
and holds nothing private.

Before it reads its keys the process keeps others out of its memory, and once it listens it keeps
itself to DIR and to the services in config.json. --explain-hardening takes these measures, says which
are on here, and ends; a running node says the same at /hardening of its admin address.`,
		RunE: func(c *cobra.Command, args []string) error {
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			folder, hardening, err := node.OpenHardened(args[0])
			if err != nil {
				return err
			}
			if explain {
				if err := hardening.Confine(folder, slog.New(slog.DiscardHandler)); err != nil {
					return err
				}
				return printMeasures(c, &p, hardening)
			}
			log = log.With("platform", folder.Platform.Name())
			if warning := enclave.WarningOf(folder.Platform); warning != "" {
				log.Warn(warning)
			}
			n, err := node.Open(folder, node.Options{Log: log, Hardening: hardening, AcceptHead: accept})
			if err != nil {
				return err
			}
			measurement := hex.EncodeToString(folder.Platform.Measurement()) // before the binary is out of reach
			if err := hardening.Confine(folder, log); err != nil {
				return errors.Join(err, n.Close())
			}
			started := addresses(n, measurement)
			if n.Witnesses != nil {
				policy, err := folder.PolicyText()
				if err != nil {
					return errors.Join(err, n.Close())
				}
				started["policy"] = string(policy)
			}
			err = p.print(c, started, func(w io.Writer) {
				fmt.Fprintf(w, "ledger %s\n", started["ledger"])
				for _, part := range []string{"api", "tls", "admin", "peers", "broker"} {
					if address := started[part]; address != "" {
						fmt.Fprintf(w, "%-6s %s\n", part, address)
					}
				}
				fmt.Fprintf(w, "key    %s\nkeys   %s, epoch %s\n", started["tlsKey"], started["way"], started["epoch"])
				if started["policy"] != "" {
					fmt.Fprintf(w, "policy for verifiers, also at /log/policy:\n%s", started["policy"])
				}
			})
			if err != nil {
				return errors.Join(err, n.Close())
			}
			return n.Run(c.Context())
		},
	}
	p.flag(c)
	c.AddCommand(resealCommand())
	c.Flags().BoolVar(&accept, "accept-head", false, "go on though nothing shows that the database is the newest one, as after a restore: the log says so for good")
	c.Flags().BoolVar(&explain, "explain-hardening", false, "say how the process would be protected here, and do not run it")
	return c
}

// addresses says which ledger a node runs, and where it listens.
func addresses(n *node.Node, measurement string) map[string]string {
	started := map[string]string{
		"ledger": n.Folder.Keys.Origin, "api": n.URL(), "enclave": n.Folder.Platform.Name(), "measurement": measurement,
		"tls": "https://" + n.API.String(), "tlsKey": client.KeyHash(n.TLS.Key()).String(),
	}
	keys := n.Custody()
	started["way"], started["epoch"] = keys.Way, strconv.FormatUint(uint64(keys.Epoch), 10)
	if n.Admin != nil {
		started["admin"] = "http://" + n.Admin.String()
	}
	if n.Peers != nil {
		started["peers"] = "http://" + n.Peers.String()
	}
	if n.Broker != nil {
		scheme := "tcp://"
		if n.Folder.Config.Broker.TLS {
			scheme = "ssl://"
		}
		started["broker"] = scheme + n.Broker.Address()
	}
	return started
}
