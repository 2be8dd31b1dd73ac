package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain/envelope"
)

// defaultNode is where a node listens unless told otherwise.
const defaultNode = "http://127.0.0.1:8420"

// remote is a node as a client command reaches it.
type remote struct {
	url, keyPath, origin string
	timeout              time.Duration
	trust                trust
}

func (r *remote) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.url, "node", defaultNode, "URL of the node")
	c.Flags().StringVar(&r.keyPath, "key", "", "your key file (required)")
	c.Flags().StringVar(&r.origin, "ledger", "", "name of the ledger; by default what the node's checkpoint says, which is enough if your key is for one ledger only")
	r.trust.flags(c)
	c.Flags().DurationVar(&r.timeout, "timeout", 30*time.Second, "give up after this long")
}

// context bounds a command by --timeout.
func (r *remote) context(c *cobra.Command) (context.Context, context.CancelFunc, error) {
	if r.timeout <= 0 {
		return nil, nil, fmt.Errorf("--timeout %v: want more than nothing, as in 30s", r.timeout)
	}
	ctx, cancel := context.WithTimeout(c.Context(), r.timeout)
	return ctx, cancel, nil
}

// identify reads the key and, unless it was given, asks for the ledger's name.
func (r *remote) identify(ctx context.Context) (*envelope.Signer, error) {
	signer, err := readKey(r.keyPath)
	if err == nil && r.origin == "" {
		r.origin, err = r.ask(ctx)
	}
	return signer, err
}

// connect makes a client that reads as the key's party.
func (r *remote) connect(ctx context.Context) (*client.Client, error) {
	signer, err := r.identify(ctx)
	if err != nil {
		return nil, err
	}
	return r.client(signer)
}

// client makes one for the node, that trusts whom the flags say; without a signer it reads what is public.
func (r *remote) client(signer *envelope.Signer) (*client.Client, error) {
	keys, err := r.trust.keys(r.url, r.origin)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{URL: r.url, Ledger: r.origin, Signer: signer, Trust: keys})
}

// ask reads a ledger's name from the first line of its checkpoint. A node that lies can
// pass what is signed for it to the ledger that it names, where it counts if the key is
// registered there too; whoever uses one key on several ledgers gives --ledger.
func (r *remote) ask(ctx context.Context) (string, error) {
	public, err := r.client(nil)
	if err != nil {
		return "", err
	}
	checkpoint, err := public.Get(ctx, "/log/checkpoint")
	if err != nil {
		return "", fmt.Errorf("ask %s for its ledger's name: %w", r.url, err)
	}
	name, _, ok := bytes.Cut(checkpoint, []byte("\n"))
	if !ok || node.CheckOrigin(string(name)) != nil {
		return "", fmt.Errorf("%s is no node: its checkpoint does not begin with a ledger's name", r.url)
	}
	return string(name), nil
}
