package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

func resealCommand() *cobra.Command {
	var p printer
	var next string
	var boot []string
	c := &cobra.Command{
		Use: "reseal DIR", Short: "Let the next release open a node's secrets, or this one alone", Args: cobra.ExactArgs(1),
		Long: `Seal the secrets of a stopped node again, where its platform sealed them to the binary that
runs (tpm). With --next the given binary may open them as well: do that with the old release,
just before the new one is started. --next-boot adds what the
next image will change in the registers of the boot; its maker computes that beforehand, for
example with systemd-measure. Without either only this binary may: do that with the new
release, once it runs well. A key rotation in between changes nothing of it.

Whoever judges the node's quotes must trust both measurements for as long; they are printed.`,
		Example: `  aval node reseal node --next ./aval-new
  ./aval-new node reseal node
  aval node reseal node --next ./aval-new --next-boot 11=5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef`,
		RunE: func(c *cobra.Command, args []string) error {
			folder, err := node.OpenFolder(args[0])
			if err != nil {
				return err
			}
			binaries := []string{hex.EncodeToString(folder.Platform.Measurement())}
			others, err := nextReleases(folder.Platform.Measurement(), next, boot)
			if err != nil {
				return err
			}
			for _, r := range others {
				binaries = append(binaries, hex.EncodeToString(r.Binary[:]))
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
	c.Flags().StringSliceVar(&boot, "next-boot", nil, "registers of the boot that the next image changes, as 11=HEX,4=HEX")
	p.flag(c)
	return c
}

// nextReleases gives the release of the flags, or none. Without a binary it is the running one, in another boot.
func nextReleases(running []byte, next string, boot []string) ([]enclave.Release, error) {
	if next == "" && len(boot) == 0 {
		return nil, nil
	}
	r := enclave.Release{Boot: map[uint][32]byte{}}
	copy(r.Binary[:], running)
	if next != "" {
		var err error
		if r.Binary, err = enclave.MeasureBinary(next); err != nil {
			return nil, err
		}
	}
	for _, word := range boot {
		pcr, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(pcr, 10, 8)
		raw, wrong := hex.DecodeString(value)
		if err != nil || wrong != nil || len(raw) != 32 {
			return nil, fmt.Errorf("register %.100q: want its number, =, and 32 bytes in hex", word)
		}
		r.Boot[uint(n)] = [32]byte(raw)
	}
	return []enclave.Release{r}, nil
}
