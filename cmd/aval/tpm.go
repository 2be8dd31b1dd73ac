package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"aval/domain/canon"
	"aval/ledger/enclave"
)

func tpmCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tpm", Short: "Enrol a node's TPM: find out that its attestation key is in it",
		Long: `Enrol the TPM of a node, between the node's operator and whoever writes a policy about it:

  operator   aval tpm evidence node evidence.cbor
  verifier   aval tpm challenge evidence.cbor --roots makers.pem --out challenge.cbor --keep kept.json
  operator   aval tpm answer node challenge.cbor
  verifier   aval tpm enrol kept.json ANSWER

The last one prints a policy for "aval attest": it trusts this TPM, and the binary and the
boot that the TPM quoted. Compare the binary with the release that you checked, and the registers with
what you expect of the image.`,
	}
	c.AddCommand(tpmEvidenceCommand(), tpmChallengeCommand(), tpmAnswerCommand(), tpmEnrolCommand())
	return c
}

// openTPM opens the folder of a node whose platform is a TPM.
func openTPM(dir string) (*enclave.TPM, error) {
	p, err := enclave.Detect(dir)
	if err != nil {
		return nil, err
	}
	tpm, ok := p.(*enclave.TPM)
	if !ok {
		return nil, fmt.Errorf("%s: its platform is %s, not tpm", dir, p.Name())
	}
	return tpm, nil
}

func tpmEvidenceCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "evidence DIR FILE", Short: "Write a quote of the node's TPM that is about no keys", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			tpm, err := openTPM(args[0])
			if err != nil {
				return err
			}
			quote, err := tpm.Quote(enclave.EnrolmentReport())
			if err != nil {
				return err
			}
			content, err := quote.Marshal()
			if err != nil {
				return err
			}
			if err := os.WriteFile(args[1], content, 0o644); err != nil {
				return err
			}
			result := map[string]string{"file": args[1], "measurement": hex.EncodeToString(tpm.Measurement())}
			return p.print(c, result, func(w io.Writer) {
				fmt.Fprintf(w, "%s holds a quote of binary %s\n", args[1], result["measurement"])
			})
		},
	}
	p.flag(c)
	return c
}

// keptChallenge is what the verifier keeps to himself until the answer comes.
type keptChallenge struct {
	Answer string         `json:"answer"`
	Policy enclave.Policy `json:"policy"`
}

func tpmChallengeCommand() *cobra.Command {
	var p printer
	var roots, out, keep string
	c := &cobra.Command{
		Use: "challenge EVIDENCE", Short: "Make a challenge that only the TPM in the evidence answers", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			pem, err := readBounded(roots, enclave.MaxPolicy)
			if err != nil {
				return err
			}
			content, err := readBounded(args[0], enclave.MaxQuote)
			if err != nil {
				return err
			}
			quote, err := enclave.ParseQuote(content)
			if err != nil {
				return err
			}
			draft, challenge, answer, err := enclave.ChallengeTPM(quote, string(pem), enclave.EnrolmentReport(), time.Now())
			if err != nil {
				return err
			}
			kept, err := json.MarshalIndent(keptChallenge{hex.EncodeToString(answer[:]), draft}, "", "  ")
			if err != nil {
				return err
			}
			if err := errors.Join(os.WriteFile(keep, kept, 0o600), os.WriteFile(out, challenge, 0o644)); err != nil {
				return err
			}
			return p.print(c, map[string]string{"challenge": out, "kept": keep}, func(w io.Writer) {
				fmt.Fprintf(w, "give %s to the operator, and %s to nobody: it holds the answer\n", out, keep)
			})
		},
	}
	c.Flags().StringVar(&roots, "roots", "", "file with the certificates of TPM makers, PEM (required)")
	c.Flags().StringVar(&out, "out", "challenge.cbor", "file for the challenge")
	c.Flags().StringVar(&keep, "keep", "kept.json", "file for the answer and the policy it will be worth")
	_ = c.MarkFlagRequired("roots") // fails only for a flag that does not exist
	p.flag(c)
	return c
}

func tpmAnswerCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "answer DIR CHALLENGE", Short: "Let the node's TPM answer a challenge", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			tpm, err := openTPM(args[0])
			if err != nil {
				return err
			}
			challenge, err := readBounded(args[1], enclave.MaxTPMChallenge)
			if err != nil {
				return err
			}
			answer, err := tpm.Answer(challenge)
			if err != nil {
				return err
			}
			text := hex.EncodeToString(answer[:])
			return p.print(c, map[string]string{"answer": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
	p.flag(c)
	return c
}

func tpmEnrolCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "enrol KEPT ANSWER", Short: "Print the policy that a right answer is worth", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readBounded(args[0], enclave.MaxPolicy)
			if err != nil {
				return err
			}
			var kept keptChallenge
			if err := canon.DecodeJSON(text, &kept); err != nil {
				return fmt.Errorf("read %s: %w", args[0], err)
			}
			if kept.Answer == "" || kept.Answer != args[1] {
				return errors.New("wrong answer: the attestation key is not known to be in that TPM")
			}
			policy, err := json.MarshalIndent(kept.Policy, "", "  ")
			if err != nil {
				return err
			}
			return p.print(c, kept.Policy, func(w io.Writer) { fmt.Fprintf(w, "%s\n", policy) })
		},
	}
	p.flag(c)
	return c
}
