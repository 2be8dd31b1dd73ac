package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
	"aval/ledger/enclave"
)

// recovered is what "aval recover" prints for machines.
type recovered struct {
	Dir string `json:"dir"`
	// Ledger, Number and Epoch say which shares are wanted.
	Ledger string `json:"ledger,omitempty"`
	Number uint32 `json:"number,omitempty"`
	Epoch  uint32 `json:"epoch,omitempty"`
	// Request is the file for members, while shares are missing.
	Request string           `json:"request,omitempty"`
	Missing int              `json:"missing"`
	Waiting []domain.PartyID `json:"waiting,omitempty"`
	Taken   []domain.PartyID `json:"taken,omitempty"`
	Refused []string         `json:"refused,omitempty"`
	// Way is how the keys came; empty while they have not.
	Way string `json:"way,omitempty"`
}

func recoverCommand() *cobra.Command {
	var p printer
	var policyPath, from, erased string
	var lost node.Lost
	var platform platformFlags
	c := &cobra.Command{
		Use: "recover DIR [SHARE...]", Short: "Recover the keys of a ledger whose machine is lost", Args: cobra.MinimumNArgs(1),
		Long: `Recover the keys of a ledger whose machine is lost, from members' shares. DIR holds a copy of the
lost node's folder. Without SHARE files it writes DIR/recovery.request, which members give to
"aval share open". Each share that comes is checked and kept: shares may come one by one, and the
command may be killed between them. When enough are there the keys are sealed to this machine, and
"aval node DIR" starts.

With --archive DIR may be new: the ledger comes from an archive that "aval export" wrote, which needs
no passphrase and nothing else of the lost machine. Give it with each call until the keys are there.

With --platform the keys are sealed to that platform of this machine; without it to the one that it is, or
that DIR has the file of (tpm.json), else to the simulated one.

With --from the keys come from another node of the ledger that still runs and whose configuration has
"peers": it appraises this machine's quote and seals them to it.

A share that is damaged, of another ledger or of an older set is refused with its member's name.
Make sure that the lost node does not run any more: two would sign two histories.`,
		Example: "  aval recover node\n  aval recover node acme.share\n  aval recover node bank.share carol.share\n  aval recover node --from http://127.0.0.1:8422\n" +
			"  aval recover node --archive ledger-2026-11-24.aval acme.share bank.share",
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if lost.Policy, err = ledgerPolicy(policyPath); err != nil {
				return err
			}
			if lost.Erased, err = readErased(erased); err != nil {
				return err
			}
			lost.Dir = args[0]
			if c.Flags().Changed("platform") {
				lost.Seal = platform.create
			}
			if from != "" {
				return recoverFromPeer(c, &p, args, from, lost)
			}
			r, err := lost.Recover()
			if err != nil {
				return err
			}
			return takeShares(c, &p, r, args[0], args[1:])
		},
	}
	c.Flags().StringVar(&lost.Archive, "archive", "", "exported archive to make the folder from; without it DIR holds a copy of the lost one")
	c.Flags().StringVar(&erased, "erased", "", erasedUsage)
	platform.flags(c)
	c.Flags().StringVar(&from, "from", "", "URL of a running node's peers address, in place of shares")
	c.Flags().StringVar(&policyPath, "policy", "", "policy file of the ledger you know; without it DIR/policy.txt")
	p.flag(c)
	return c
}

func recoverFromPeer(c *cobra.Command, p *printer, args []string, from string, lost node.Lost) error {
	if len(args) > 1 {
		return errors.New("shares are not needed beside --from")
	}
	platform, err := lost.RecoverFromPeer(c.Context(), from)
	if err != nil {
		return err
	}
	warn(c, enclave.WarningOf(platform))
	result := recovered{Dir: args[0], Way: domain.OpenedByPeer}
	return p.print(c, result, result.text)
}

// ledgerPolicy reads a policy, nil without a file.
func ledgerPolicy(path string) (*ledger.Policy, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readInput(path)
	if err != nil {
		return nil, err
	}
	policy, err := ledger.ParsePolicy(text)
	return &policy, err
}

func takeShares(c *cobra.Command, p *printer, r *node.Recovery, dir string, files []string) error {
	result := recovered{Dir: dir, Ledger: r.Set().Origin, Number: r.Set().Number, Epoch: r.Set().Epoch}
	for _, path := range files {
		if r.Missing() == 0 {
			break
		}
		file, err := readInput(path)
		if err != nil {
			return err
		}
		party, err := r.Take(file)
		if err != nil {
			result.Refused = append(result.Refused, fmt.Sprintf("%s: %v", path, err))
			continue
		}
		result.Taken = append(result.Taken, party)
	}
	result.Missing, result.Waiting = r.Missing(), r.Waiting()
	if r.Missing() > 0 {
		result.Request = filepath.Join(dir, node.RequestFile)
	} else if err := r.Finish(c.Context()); err != nil {
		return err
	} else {
		result.Way, result.Waiting = domain.OpenedByShares, nil
		warn(c, enclave.WarningOf(r.Platform()))
	}
	if err := p.print(c, result, result.text); err != nil {
		return err
	}
	if len(result.Refused) > 0 {
		return errReported
	}
	return nil
}

func (r recovered) text(w io.Writer) {
	for _, party := range r.Taken {
		fmt.Fprintf(w, "taken: the share of %s\n", party)
	}
	for _, why := range r.Refused {
		fmt.Fprintf(w, "REFUSED %s\n", why)
	}
	if r.Way != "" {
		fmt.Fprintf(w, "the keys are recovered and sealed to this machine; start the node with: aval node %s\n", r.Dir)
		return
	}
	var names []string
	for _, party := range r.Waiting {
		names = append(names, string(party))
	}
	slices.Sort(names)
	fmt.Fprintf(w, "%d more of the shares number %d, epoch %d are needed, from: %s\nmembers open theirs for %s\n",
		r.Missing, r.Number, r.Epoch, strings.Join(names, ", "), r.Request)
}
