package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"
	"github.com/spf13/cobra"

	"aval/contracts/invoice"
	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// registryKeyPrefix begins the one line of a registry's key file.
const registryKeyPrefix = "AVAL-REGISTRY-KEY-1 "

func registryCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "registry", Short: "Keep a registry that finds receivables financed on two ledgers",
		Long: `A registry holds a key and sees no invoices: the ledger blinds what it asks, and unblinds the answer. Whoever has
no key cannot compute a fingerprint, and so cannot try numbers or amounts. One registry may serve any number of ledgers,
under one key: equal fingerprints are the same receivable.`,
	}
	c.AddCommand(registryNewCommand(), registryAnswerCommand(), onMark("clear", "Say that a receivable is financed on no other ledger"),
		onMark("report", "Say that a receivable is financed on another ledger"))
	return c
}

func registryNewCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "new FILE", Short: "Make a registry's key, and print the public part for agreements", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := oprf.GenerateKey(oprf.SuiteRistretto255, rand.Reader)
			if err != nil {
				return err
			}
			secret, err := key.MarshalBinary()
			if err != nil {
				return err
			}
			public, err := key.Public().MarshalBinary()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never over another key
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(f, registryKeyPrefix+base64.StdEncoding.EncodeToString(secret))
			if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
				return err
			}
			text := base64.StdEncoding.EncodeToString(public)
			return p.print(c, map[string]string{"publicKey": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
	p.flag(c)
	return c
}

func readRegistryKey(path string) (*oprf.PrivateKey, error) {
	text, err := readFile(path, 1<<10)
	if err != nil {
		return nil, err
	}
	encoded, ours := strings.CutPrefix(strings.TrimSpace(string(text)), strings.TrimSpace(registryKeyPrefix)+" ")
	secret, err := base64.StdEncoding.DecodeString(encoded)
	key := new(oprf.PrivateKey)
	if !ours || err != nil || key.UnmarshalBinary(oprf.SuiteRistretto255, secret) != nil {
		return nil, fmt.Errorf("%s: not a registry's key", path)
	}
	return key, nil
}

func registryAnswerCommand() *cobra.Command {
	var d deed
	var keyFile string
	c := &cobra.Command{
		Use: "answer REQUEST", Short: "Answer a request for a fingerprint, as registry", Args: cobra.ExactArgs(1),
		Long: `Answer a request, which /v1/contracts?kind=invoice/1&status=asked lists. The answer proves that it was made with
the key whose public part the agreement names; the ledger refuses any other.`,
		RunE: func(c *cobra.Command, args []string) error {
			key, err := readRegistryKey(keyFile)
			if err != nil {
				return err
			}
			var request fingerprint.Request
			if request, err = d.request(c, args[0]); err != nil {
				return err
			}
			answer, err := evaluate(key, request)
			if err != nil {
				return err
			}
			return d.send(c, args[0], "evaluate", answer, "request/"+args[0]+" is answered\nawaited: your word on the fingerprint (aval finance registry clear), once the supplier was told")
		},
	}
	c.Flags().StringVar(&keyFile, "registry-key", "", "file of the registry's key (required)")
	d.flags(c)
	return c
}

// request reads what the registry is asked.
func (d *deed) request(c *cobra.Command, id string) (fingerprint.Request, error) {
	var view struct {
		Fields invoice.Blinded `json:"fields"`
	}
	err := d.submitter.session(c, func(ctx context.Context) error {
		reader, err := d.submitter.remote.connect(ctx)
		if err != nil {
			return err
		}
		body, err := reader.Get(ctx, "/v1/contracts/"+string(domain.NewRecordID(invoice.Kind, "request/"+id)))
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &view)
	})
	return view.Fields.Request, err
}

// evaluate multiplies both elements with the key, and proves it.
func evaluate(key *oprf.PrivateKey, request fingerprint.Request) (answer fingerprint.Answer, err error) {
	var elements []oprf.Blinded
	for _, raw := range [][]byte{request.Exact, request.Loose} {
		e := group.Ristretto255.NewElement()
		if err := e.UnmarshalBinary(raw); err != nil || e.IsIdentity() {
			return answer, errors.New("the request holds no elements of ristretto255")
		}
		elements = append(elements, e)
	}
	evaluation, err := oprf.NewVerifiableServer(oprf.SuiteRistretto255, key).Evaluate(&oprf.EvaluationRequest{Elements: elements})
	if err != nil {
		return answer, err
	}
	answer.Exact, err = evaluation.Elements[0].MarshalBinaryCompress()
	if err != nil {
		return answer, err
	}
	if answer.Loose, err = evaluation.Elements[1].MarshalBinaryCompress(); err != nil {
		return answer, err
	}
	answer.Proof, err = evaluation.Proof.MarshalBinary()
	return answer, err
}

func onMark(name, short string) *cobra.Command {
	return bare(name+" FINGERPRINT", name, short+", as registry", "fingerprint/")
}
