package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger/recovery"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "key", Short: "Make keys and show their public half", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(keyNewCommand(), keyShowCommand())
	return c
}

func keyNewCommand() *cobra.Command {
	var p printer
	var algorithm string
	var forRecovery bool
	c := &cobra.Command{
		Use: "new FILE", Short: "Make a signing key, readable by you alone", Args: cobra.ExactArgs(1),
		Long: `Make a signing key and write it to FILE as a private JWK (RFC 7517) with mode 0600.
The public half is printed, and with --json nothing else: it is the "key" or one of the "keys"
that a member registers for you. Whoever has FILE can sign in your name. An existing FILE is
never overwritten.

With --recovery it is the key of a member that holds a share of the ledger's keys: what is sealed to it,
only FILE opens. Its public half is the "key" that governance registers.`,
		RunE: func(c *cobra.Command, args []string) error {
			if forRecovery {
				return newRecoveryKey(c, &p, args[0])
			}
			signer, err := writeKey(args[0], algorithm)
			if err != nil {
				return err
			}
			return printKey(c, &p, signer.Key)
		},
	}
	c.Flags().BoolVar(&forRecovery, "recovery", false, "make a recovery key: ML-KEM-768 with X25519, for HPKE")
	c.Flags().StringVar(&algorithm, "algorithm", envelope.EdDSA, "EdDSA (Ed25519) or ES256 (P-256)")
	c.MarkFlagsMutuallyExclusive("recovery", "algorithm")
	p.flag(c)
	return c
}

func newRecoveryKey(c *cobra.Command, p *printer, path string) error {
	key, err := recovery.NewKey()
	if err != nil {
		return err
	}
	text, err := key.Format()
	if err != nil {
		return err
	}
	if err := writePrivate(path, append(text, '\n')); err != nil {
		return err
	}
	public := base64.StdEncoding.EncodeToString(key.Public())
	return p.print(c, map[string]string{"key": public}, func(w io.Writer) { fmt.Fprintf(w, "recovery key, public half: %s\n", public) })
}

func keyShowCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "show FILE", Short: "Print the public half of a key file", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			signer, err := readKey(args[0])
			if err != nil {
				return err
			}
			return printKey(c, &p, signer.Key)
		},
	}
	p.flag(c)
	return c
}

func printKey(c *cobra.Command, p *printer, key domain.Key) error {
	public := node.Public(key)
	text, err := json.Marshal(public)
	if err != nil {
		return err
	}
	return p.print(c, public, func(w io.Writer) { fmt.Fprintf(w, "key %s (%s)\npublic half: %s\n", key.ID, key.Algorithm, text) })
}

func writeKey(path, algorithm string) (*envelope.Signer, error) {
	signer, err := envelope.NewSigner(algorithm, rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := signer.Format()
	if err != nil {
		return nil, err
	}
	if err := writePrivate(path, append(text, '\n')); err != nil {
		return nil, err
	}
	return signer, nil
}

// readKey reads a private key file. Errors never quote its content.
func readKey(path string) (*envelope.Signer, error) {
	if path == "" {
		return nil, fmt.Errorf("--key FILE is needed: make one with \"aval key new FILE\"")
	}
	text, err := readInput(path)
	if err != nil {
		return nil, err
	}
	signer, err := envelope.ParseSigner(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return signer, checkHalves(path, signer)
}

// checkHalves refuses a key file in which the public half is not that of the private one, as
// after damage: what it signs would verify nowhere.
func checkHalves(path string, signer *envelope.Signer) error {
	probe := []byte("probe")
	signature, err := signer.Sign(probe)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	shell := domain.Signed{KeyID: signer.Key.ID, Algorithm: signer.Key.Algorithm, Input: probe, Signature: signature}
	if envelope.Verify(signer.Key, shell) != nil {
		return fmt.Errorf("%s: the public half is not that of the private one: the file is damaged", path)
	}
	return nil
}
