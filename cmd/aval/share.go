package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
	"aval/ledger/recovery"
)

func shareCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "share", Short: "Work with a member's share of the ledger's keys", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(shareOpenCommand())
	return c
}

// shareFlags say with what a share is opened, and for whom.
type shareFlags struct{ key, policy, trust string }

func shareOpenCommand() *cobra.Command {
	var p printer
	var f shareFlags
	c := &cobra.Command{
		Use: "open SET REQUEST OUT", Short: "Open your share and seal it to the machine that recovers", Args: cobra.ExactArgs(3),
		Long: `Open your share of the ledger's keys and seal it to the machine that recovers. SET is the
recovery.set that the node kept, REQUEST the file that "aval recover" wrote. The request's quote
is appraised first, under the attestation policy in --trust: your share leaves only for code that you trust. OUT
is of no use to anybody but the machine that asked.`,
		Example: "  aval share open --key acme.recovery --policy policy.txt --trust trust.json recovery.set recovery.request acme.share",
		RunE: func(c *cobra.Command, args []string) error {
			result, file, err := f.open(args[0], args[1])
			if err != nil {
				return err
			}
			if err := writePrivate(args[2], file); err != nil {
				return err
			}
			result["out"] = args[2]
			return p.print(c, result, func(w io.Writer) {
				fmt.Fprintf(w, "share of %s for %s, number %d, epoch %d, sealed to %s %s\nhand it over: %s\n",
					result["party"], result["ledger"], result["number"], result["epoch"], result["platform"], result["measurement"], args[2])
			})
		},
	}
	c.Flags().StringVar(&f.key, "key", "", "your recovery key file (required)")
	c.Flags().StringVar(&f.policy, "policy", "", "policy file of the ledger you know (required)")
	c.Flags().StringVar(&f.trust, "trust", "", "attestation policy: the platforms and measurements you trust (required)")
	for _, name := range []string{"key", "policy", "trust"} {
		c.MarkFlagRequired(name)
	}
	p.flag(c)
	return c
}

func (f shareFlags) open(setPath, requestPath string) (map[string]any, []byte, error) {
	set, err := f.set(setPath)
	if err != nil {
		return nil, nil, err
	}
	request, appraisal, err := f.request(requestPath)
	if err != nil {
		return nil, nil, err
	}
	text, err := readInput(f.key)
	if err != nil {
		return nil, nil, err
	}
	key, err := recovery.ParseKey(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.key, err)
	}
	share, err := set.Open(key)
	if err != nil {
		return nil, nil, err
	}
	file, err := share.For(request)
	return map[string]any{
		"party": share.Party, "ledger": set.Name.Origin, "number": set.Name.Number, "epoch": set.Name.Epoch,
		"platform": appraisal.Platform, "measurement": fmt.Sprintf("%x", appraisal.Measurement), "simulated": appraisal.Simulated,
	}, file, err
}

func (f shareFlags) set(path string) (*recovery.Set, error) {
	policy, err := ledgerPolicy(f.policy)
	if err != nil {
		return nil, err
	}
	file, err := readInput(path)
	if err != nil {
		return nil, err
	}
	return recovery.ParseSet(file, policy.Log())
}

func (f shareFlags) request(path string) (recovery.Request, enclave.Appraisal, error) {
	file, err := readInput(path)
	if err != nil {
		return recovery.Request{}, enclave.Appraisal{}, err
	}
	request, err := recovery.ParseRequest(file)
	if err != nil {
		return request, enclave.Appraisal{}, err
	}
	text, err := readInput(f.trust)
	if err != nil {
		return request, enclave.Appraisal{}, err
	}
	trust, err := enclave.ParsePolicy(text)
	if err != nil {
		return request, enclave.Appraisal{}, fmt.Errorf("%s: %w", f.trust, err)
	}
	appraisal, err := node.AppraiseRequest(request, trust, time.Now())
	return request, appraisal, err
}

// writePrivate makes a new file that only its owner reads.
func writePrivate(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half of it is of no use to anybody
	}
	return nil
}
