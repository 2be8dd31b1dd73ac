package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger/enclave"
)

func initCommand() *cobra.Command {
	var p printer
	var origin, member, keyPath string
	c := &cobra.Command{
		Use: "init DIR", Short: "Make a node's folder: configuration, keys, empty ledger", Args: cobra.ExactArgs(1),
		Long: `Make a node's folder with configuration, sealed keys and a ledger that holds nothing but
its first member. DIR must be empty or new. The member's key comes from --key; the node
itself never holds it.`,
		Example: "  aval key new member.jwk\n  aval init node --ledger aval.example/trade --member acme --key member.jwk",
		RunE: func(c *cobra.Command, args []string) error {
			signer, err := readKey(keyPath)
			if err != nil {
				return err
			}
			founding := node.Founding{Ledger: origin, Member: domain.PartyID(member), Key: signer.Key}
			if err := node.Create(c.Context(), args[0], founding); err != nil {
				return err
			}
			fmt.Fprintln(c.ErrOrStderr(), enclave.Warning)
			result := map[string]string{"dir": args[0], "ledger": origin, "policy": filepath.Join(args[0], node.PolicyFile)}
			return p.print(c, result, func(w io.Writer) {
				fmt.Fprintf(w, "ledger %s is ready in %s\nstart it with: aval node %s\nhand out to verifiers: %s\n",
					origin, args[0], args[0], result["policy"])
			})
		},
	}
	c.Flags().StringVar(&origin, "ledger", "aval.local/ledger", "name of the ledger, a schema-less URL; cannot be changed")
	c.Flags().StringVar(&member, "member", "member", "ID of the first member")
	c.Flags().StringVar(&keyPath, "key", "", "key file of the first member (required)")
	p.flag(c)
	return c
}
