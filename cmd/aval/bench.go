package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/bench"
)

func benchCommand() *cobra.Command {
	var p printer
	var o bench.Options
	c := &cobra.Command{
		Use: "bench", Short: "Load a node on this machine and measure it", Args: cobra.NoArgs,
		Long: `Make a node in a temporary folder, load it with signed transfers, and measure how many are
committed with a receipt, beside the limits of this machine measured in the same run. The
load comes from the same process; commands are signed before the measured time. --rate offers
a fixed rate (open loop; waiting counts); without it each of the callers sends its next
command when it has its answer (closed loop). --ramp measures several loads on one node, --bulk
sends bulks of transfers, and --open opens policies or invoices first, says what each costs in memory and
on disk, and how long the node takes to open again.`,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := bench.Run(c.Context(), o)
			if err != nil {
				return err
			}
			return p.print(c, r, func(w io.Writer) { printBench(w, r) })
		},
	}
	c.Flags().StringVar(&o.Mode, "mode", "process", "process (the engine called directly) or http (over loopback)")
	c.Flags().IntVar(&o.InFlight, "in-flight", 256, "commands that wait for their receipt at once")
	c.Flags().IntVar(&o.Seconds, "seconds", 5, "time to measure, after a tenth of it to warm up")
	c.Flags().IntVar(&o.Rate, "rate", 0, "commands to offer a second; 0 for a closed loop")
	c.Flags().IntVar(&o.Accounts, "accounts", 1000, "parties that pay each other; 1 for one hot account")
	c.Flags().IntVar(&o.Bulk, "bulk", 1, "transfers under one signature, up to 1000")
	c.Flags().IntSliceVar(&o.Ramp, "ramp", nil, "numbers in flight, or rates if --rate is given, to measure one after the other")
	c.Flags().IntVar(&o.Open, "open", 0, "contracts to open first; the node is then stopped and opened again")
	c.Flags().StringVar(&o.OpenKind, "open-kind", "policy", "what --open opens: policy or invoice")
	c.Flags().StringVar(&o.Dir, "dir", "", "folder for the node's files, for measuring another disk; a temporary one by default")
	p.flag(c)
	return c
}

func printBench(w io.Writer, r bench.Result) {
	m := r.Machine
	for _, level := range r.Levels {
		fmt.Fprintf(w, "%6d in flight, %d offered: %8.0f/s, ms p50 %.1f, p90 %.1f, p99 %.1f, max %.1f; %d busy, %d late\n",
			level.InFlight, level.Rate, level.PerSecond, level.P50, level.P90, level.P99, level.Max, level.Busy, level.Late)
	}
	fmt.Fprintf(w, "%s, %d in flight, %d accounts, %.1f s: %d commands of %d bytes committed with receipt, %.0f/s\n",
		r.Mode, r.InFlight, r.Accounts, r.Seconds, r.Committed, r.CommandBytes, r.PerSecond)
	fmt.Fprintf(w, "latency ms: p50 %.1f, p90 %.1f, p99 %.1f, max %.1f; %.0f commands a batch; %.0f bytes of disk a command; %d busy, %d late\n",
		r.P50, r.P90, r.P99, r.Max, r.BatchMean, r.BytesPerCommand, r.Busy, r.Late)
	if o := r.Opened; o != nil {
		fmt.Fprintf(w, "%d of kind %s opened in %.0f s, each %.0f bytes of memory and %.0f of disk; reopened in %.1f s\n",
			o.Contracts, o.Kind, o.Seconds, o.MemoryEach, o.DiskEach, o.ReopenSeconds)
	}
	fmt.Fprintf(w, "machine: %d cores, %s; %.0f signatures/s on one core, %.0f on all; fsync %.2f ms; %.0f bare SQLite rows/s\n",
		m.Cores, m.Go, m.VerifyOneCore, m.VerifyAllCores, m.FsyncP50, m.SQLiteRows)
	fmt.Fprintf(w, "ratio to the signature limit: %.2f (%s)\n", r.RatioToSignatureLimit, r.Fsync)
}
