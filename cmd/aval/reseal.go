package main

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

func resealCommand() *cobra.Command {
	var p printer
	var next string
	c := &cobra.Command{
		Use: "reseal DIR", Short: "Let the next release open a node's secrets, or this one alone", Args: cobra.ExactArgs(1),
		Long: `Seal the secrets of a stopped node again, where its platform sealed them to the binary that
runs (tpm). With --next the given binary may open them as well: do that with the old release,
just before the new one is started. Without --next only this binary may: do that with the new
release, once it runs well. A key rotation in between shuts the next release out again.

Whoever judges the node's quotes must trust both measurements for as long; they are printed.`,
		Example: `  aval node reseal node --next ./aval-new
  ./aval-new node reseal node`,
		RunE: func(c *cobra.Command, args []string) error {
			folder, err := node.OpenFolder(args[0])
			if err != nil {
				return err
			}
			binaries := []string{hex.EncodeToString(folder.Platform.Measurement())}
			var others [][32]byte
			if next != "" {
				digest, err := enclave.MeasureBinary(next)
				if err != nil {
					return err
				}
				others, binaries = append(others, digest), append(binaries, hex.EncodeToString(digest[:]))
			}
			if err := folder.Reseal(others...); err != nil {
				return err
			}
			result := map[string]any{"dir": args[0], "platform": folder.Platform.Name(), "measurements": binaries}
			return p.print(c, result, func(w io.Writer) {
				fmt.Fprintf(w, "the secrets in %s open for\n", args[0])
				for _, b := range binaries {
					fmt.Fprintf(w, "  %s %s\n", folder.Platform.Name(), b)
				}
			})
		},
	}
	c.Flags().StringVar(&next, "next", "", "binary of the next release")
	p.flag(c)
	return c
}
