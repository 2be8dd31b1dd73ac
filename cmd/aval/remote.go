package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/domain/envelope"
)

// defaultNode is where a node listens unless told otherwise.
const defaultNode = "http://127.0.0.1:8420"

// remote is a node as a client command reaches it.
type remote struct {
	url, keyPath, origin string
	timeout              time.Duration
}

func (r *remote) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.url, "node", defaultNode, "URL of the node")
	c.Flags().StringVar(&r.keyPath, "key", "", "your key file (required)")
	c.Flags().StringVar(&r.origin, "ledger", "", "name of the ledger; by default what the node's checkpoint says")
	c.Flags().DurationVar(&r.timeout, "timeout", 30*time.Second, "give up after this long")
}

// connect reads the key and makes a client for the ledger.
func (r *remote) connect(ctx context.Context) (*client.Client, *envelope.Signer, error) {
	signer, err := readKey(r.keyPath)
	if err != nil {
		return nil, nil, err
	}
	if r.origin == "" {
		if r.origin, err = originOf(ctx, r.url); err != nil {
			return nil, nil, err
		}
	}
	cl, err := client.New(client.Config{URL: r.url, Ledger: r.origin, Signer: signer})
	return cl, signer, err
}

// originOf reads a ledger's name from the first line of its checkpoint. A lying node gains
// nothing: a command signed for another ledger is refused there, and worthless here.
func originOf(ctx context.Context, url string) (string, error) {
	public, err := client.New(client.Config{URL: url})
	if err != nil {
		return "", err
	}
	checkpoint, err := public.Get(ctx, "/log/checkpoint")
	if err != nil {
		return "", fmt.Errorf("ask %s for its ledger's name: %w", url, err)
	}
	name, _, ok := bytes.Cut(checkpoint, []byte("\n"))
	if !ok || strings.TrimSpace(string(name)) == "" {
		return "", errors.New("the node's checkpoint has no first line")
	}
	return string(name), nil
}
