package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
)

func initCommand() *cobra.Command {
	var p printer
	var origin, member, keyPath string
	var platform platformFlags
	c := &cobra.Command{
		Use: "init DIR", Short: "Make a node's folder: configuration, keys, empty ledger", Args: cobra.ExactArgs(1),
		Long: `Make a node's folder with configuration, sealed keys and a ledger that holds nothing but
its first member. DIR must be empty or new. The member's key comes from --key; the node
itself never holds it. With --platform tpm the node's secrets open on this machine's TPM only,
for this binary, after this boot; see docs/attestation.md.`,
		Example: `  aval key new member.jwk
  aval init node --ledger aval.example/trade --member acme --key member.jwk
  aval init node --key member.jwk --platform tpm --tpm-boot 0,2,4,7,11`,
		RunE: func(c *cobra.Command, args []string) error {
			signer, err := readKey(keyPath)
			if err != nil {
				return err
			}
			founding := node.Founding{Ledger: origin, Member: domain.PartyID(member), Key: signer.Key, Platform: platform.create}
			if err := node.Create(c.Context(), args[0], founding); err != nil {
				return err
			}
			warn(c, platform.warning)
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
	platform.flags(c)
	p.flag(c)
	return c
}
