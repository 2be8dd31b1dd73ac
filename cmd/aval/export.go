package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
)

func exportCommand() *cobra.Command {
	var p printer
	var logOnly, sealed bool
	var passphraseFile string
	c := &cobra.Command{
		Use: "export DIR OUT", Short: "Write a backup of a node, or its public log as plain files", Args: cobra.ExactArgs(2),
		Long: `Write the whole ledger of a node's folder, running or not, as it is at this moment. OUT must
not exist; it appears when it is complete and on disk.

OUT is one file for "aval restore": a tar archive with the public log, the sealed bodies, the
sealed keys and the configuration. Governance is in it in clear as well, so that outsiders can
check who could do what; --without-governance leaves that out. The stand-in key of the simulated enclave is not in it:
keep that apart, for without it, or --passphrase-file, the archive cannot be restored.

With --log OUT is a folder of the public log alone, by the paths of C2SP tlog-tiles: serve it
as it is. Both are checked with "aval verify".`,
		Example: "  aval export node ledger-2026-11-24.aval\n  aval export --log node public/log",
		RunE: func(c *cobra.Command, args []string) error {
			folder, err := node.OpenFolder(args[0])
			if err != nil {
				return err
			}
			meter := newMeter(c.ErrOrStderr(), p.asJSON)
			passphrase, err := readPassphrase(passphraseFile)
			if err != nil {
				return err
			}
			var bytes uint64
			if logOnly {
				bytes, err = folder.ExportLog(c.Context(), args[1], meter.tell)
			} else {
				bytes, err = folder.Export(c.Context(), args[1], passphrase, !sealed, meter.tell)
			}
			if err != nil {
				return failed(c, &p, err)
			}
			result := map[string]any{"ok": true, "out": args[1], "ledger": folder.Keys.Origin, "leaves": meter.leaves, "bytes": bytes}
			return p.print(c, result, func(w io.Writer) {
				fmt.Fprintf(w, "%s holds %d leaves of %s, %d bytes\n", args[1], meter.leaves, folder.Keys.Origin, bytes)
			})
		},
	}
	c.Flags().BoolVar(&logOnly, "log", false, "write the public log only, as a folder of C2SP files")
	c.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with a passphrase: adds the keys wrapped under it (age), to restore without the enclave's key")
	c.Flags().BoolVar(&sealed, "without-governance", false, "leave out what is in clear: parties, keys and decisions, for a backup that strangers may read")
	c.MarkFlagsMutuallyExclusive("log", "passphrase-file")
	c.MarkFlagsMutuallyExclusive("log", "without-governance")
	p.flag(c)
	return c
}
