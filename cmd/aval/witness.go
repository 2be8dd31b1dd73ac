package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
	"aval/ledger/witness"
)

// witnessOptions are the flags of a witness.
type witnessOptions struct {
	listen, name string
	logs         []string
	printer      printer
	hardening    hardening
}

func witnessCommand() *cobra.Command {
	var o witnessOptions
	c := &cobra.Command{
		Use: "witness DIR --log VKEY", Short: "Witness ledgers: cosign their heads, never two histories", Args: cobra.ExactArgs(1),
		Long: `Run a witness (C2SP tlog-witness) until SIGINT or SIGTERM. It remembers the newest head of
each log that it cosigned, in DIR, and cosigns a head only if that one continues it. It sees
the size of a log and hashes, and nothing of what is in it.

A log is named by its key, the one on the log line of its policy file. The witness's own key,
which belongs into that policy, is printed. The process keeps itself to DIR, and others out of its memory. It is made on the first run, with --name, or by
"aval witness init". Never put an older copy of DIR back: make a new witness instead.`,
		Example: `  aval witness w1 --name witness.example/w1 --log aval.example/trade+1f2e3d4c+AaBb...
  aval witness w1 --listen 0.0.0.0:8425 --log aval.example/trade+1f2e3d4c+AaBb... --log other.example+...`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.Flags().StringVar(&o.listen, "listen", node.DefaultWitness, "address to listen on")
	c.Flags().StringVar(&o.name, "name", "", "name of the witness, a schema-less URL; needed when DIR is new")
	c.Flags().StringArrayVar(&o.logs, "log", nil, "verifier key of a log to witness; may be given more than once (required)")
	o.hardening.flags(c)
	o.printer.flag(c)
	_ = c.MarkFlagRequired("log") // fails only for a flag that does not exist
	c.AddCommand(witnessInitCommand())
	return c
}

func witnessInitCommand() *cobra.Command {
	var p printer
	var name string
	c := &cobra.Command{
		Use: "init DIR --name NAME", Short: "Make a witness's folder and its key", Args: cobra.ExactArgs(1),
		Long: `Make a witness's folder: a key of its own, and an empty memory. DIR must be empty or new.
The key that is printed belongs into the policies of the logs that are to be witnessed.`,
		Example: "  aval witness init w1 --name witness.example/w1",
		RunE: func(c *cobra.Command, args []string) error {
			vkey, err := node.CreateWitness(args[0], name)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.ErrOrStderr(), enclave.Warning)
			return p.print(c, map[string]string{"dir": args[0], "name": name, "vkey": vkey}, func(w io.Writer) {
				fmt.Fprintf(w, "witness %s is ready in %s\nits key, for policies: %s\n", name, args[0], vkey)
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "name of the witness, a schema-less URL (required)")
	_ = c.MarkFlagRequired("name") // fails only for a flag that does not exist
	p.flag(c)
	return c
}

func (o *witnessOptions) run(c *cobra.Command, dir string) error {
	log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
	if err := o.hardening.begin(); err != nil {
		return err
	}
	folder, err := o.open(dir)
	if err != nil {
		return err
	}
	log = log.With("platform", enclave.SimulatedName)
	log.Warn(enclave.Warning)
	return errors.Join(o.serve(c, dir, folder, log), folder.Heads.Close())
}

// open opens the folder of a witness, and makes one where there is none and a name was given.
func (o *witnessOptions) open(dir string) (*node.WitnessFolder, error) {
	known, err := node.HasWitness(dir)
	if err != nil {
		return nil, err
	}
	if !known {
		if o.name == "" {
			return nil, fmt.Errorf("%s holds no witness: give a --name to make one", dir)
		}
		if _, err := node.CreateWitness(dir, o.name); err != nil {
			return nil, err
		}
	}
	folder, err := node.OpenWitness(dir)
	if err != nil {
		return nil, err
	}
	if name, _, _ := strings.Cut(folder.VerifierKey, "+"); o.name != "" && o.name != name {
		return nil, errors.Join(fmt.Errorf("%s holds the witness %s, not %s", dir, name, o.name), folder.Heads.Close())
	}
	return folder, nil
}

func (o *witnessOptions) serve(c *cobra.Command, dir string, folder *node.WitnessFolder, log *slog.Logger) error {
	w, err := witness.New(witness.Config{Key: folder.Key, Logs: o.logs, Heads: folder.Heads, Now: time.Now})
	if err != nil {
		return err
	}
	if err := node.CheckAddress("--listen", o.listen); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	if err := o.hardening.confine([]string{dir}, nil, log); err != nil {
		return errors.Join(err, listener.Close())
	}
	if o.hardening.explain {
		return errors.Join(printMeasures(c, &o.printer, o.hardening.taken), listener.Close())
	}
	url := "http://" + listener.Addr().String()
	result := map[string]any{"vkey": folder.VerifierKey, "url": url, "logs": w.Origins()}
	err = o.printer.print(c, result, func(out io.Writer) {
		fmt.Fprintf(out, "witness %s\nlistens at %s\nfollows %s\n", folder.VerifierKey, url, strings.Join(w.Origins(), ", "))
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return witness.NewServer(w, log).Run(c.Context(), listener)
}
