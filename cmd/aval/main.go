// Command aval is the one binary of Aval: a node, its clients, and the tools around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// errReported is returned by commands that have already said what is wrong; the exit code is 1.
var errReported = errors.New("reported")

func main() { os.Exit(run()) }

// run is main without the exit, so that tests can call it.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := newRoot()
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errExceptions):
		return 2
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(os.Stderr, "aval:", err)
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "aval",
		Short: "A private ledger that keeps payment promises by itself",
		Long: `Aval is a private ledger that keeps payment promises by itself: an invoice is paid when
sensors and scans prove the delivery, a delayed flight pays its policyholder when flight
data prove the delay. Begin with "aval demo".`,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(initCommand(), nodeCommand(), keyCommand(), submitCommand(), getCommand(), statementCommand(), historyCommand(), recordCommand(), trialBalanceCommand(), verifyCommand(), attestCommand(), exportCommand(), restoreCommand(), recoverCommand(), shareCommand(), witnessCommand(),
		discloseCommand(), invoiceCommand(), financeCommand(), calendarCommand(), cashCommand(), reportCommand(), epcisCommand(), gatewayCommand(), flightserverCommand(), demoCommand(), benchCommand(),
		memberCommand(), proposeCommand(), voteCommand(), proposalCommand(), governanceCommand(), tpmCommand())
	return root
}
