package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"aval/domain"
	"aval/domain/envelope"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Make keys and show their public half"}
	c.AddCommand(keyNewCommand(), keyShowCommand())
	return c
}

func keyNewCommand() *cobra.Command {
	var p printer
	var algorithm string
	c := &cobra.Command{
		Use: "new FILE", Short: "Make a signing key, readable by you alone", Args: cobra.ExactArgs(1),
		Long: `Make a signing key and write it to FILE as a private JWK (RFC 7517) with mode 0600.
The public half is printed: it is what a member registers for you. Whoever has FILE can
sign in your name. An existing FILE is never overwritten.`,
		RunE: func(c *cobra.Command, args []string) error {
			signer, err := writeKey(args[0], algorithm)
			if err != nil {
				return err
			}
			return printKey(c, &p, signer.Key)
		},
	}
	c.Flags().StringVar(&algorithm, "algorithm", envelope.EdDSA, "EdDSA (Ed25519) or ES256 (P-256)")
	p.flag(c)
	return c
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
	return p.print(c, key, func(w io.Writer) { fmt.Fprintf(w, "%s  %s\n", key.ID, key.Algorithm) })
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
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return nil, err
	}
	return signer, f.Close()
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
	return signer, nil
}
