package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
	"aval/ledger"
)

// commandLifetime is how long a command that submit signs may wait for its order.
const commandLifetime = 10 * time.Minute

// request is a command as a person writes it; submit adds ledger, ID and notAfter, and signs.
type request struct {
	Kind     domain.Kind     `json:"kind"`
	Contract string          `json:"contract"`
	Name     string          `json:"name"`
	Body     json.RawMessage `json:"body"`
}

var waits = map[string]ledger.Wait{"accepted": ledger.ForAccepted, "committed": ledger.ForCommitted, "receipt": ledger.ForReceipt}

func submitCommand() *cobra.Command {
	var p printer
	var r remote
	var wait, receipts string
	c := &cobra.Command{
		Use: "submit FILE...", Short: "Sign commands and send them to a node", Args: cobra.MinimumNArgs(1),
		Long: `Sign commands and send them, in order. A FILE ("-" for standard input) holds one JSON
object {"kind", "contract", "name", "body"}; submit adds the ledger, a fresh ID and a time
limit, signs it with your key and waits. A FILE that already holds a signed command (compact
JWS) is sent as it is: sending it twice has one effect. Stops at the first refusal, exit 1.`,
		Example: `  echo '{"kind":"cash/1","contract":"bank","name":"transfer","body":{...}}' | aval submit --key acme.jwk -`,
		RunE: func(c *cobra.Command, args []string) error {
			level, ok := waits[wait]
			if !ok {
				return fmt.Errorf("--wait %s: want accepted, committed or receipt", wait)
			}
			s := submitter{printer: &p, wait: level, receipts: receipts}
			return s.all(c, &r, args)
		},
	}
	c.Flags().StringVar(&wait, "wait", "receipt", "what to wait for: accepted, committed or receipt")
	c.Flags().StringVar(&receipts, "receipts", "", "folder to save receipts in, as ID.tlog-proof")
	r.flags(c)
	p.flag(c)
	return c
}

type submitter struct {
	printer  *printer
	wait     ledger.Wait
	receipts string
	client   *client.Client
	signer   *envelope.Signer
	origin   string
}

func (s *submitter) all(c *cobra.Command, r *remote, files []string) error {
	ctx, cancel := context.WithTimeout(c.Context(), r.timeout)
	defer cancel()
	var err error
	if s.client, s.signer, err = r.connect(ctx); err != nil {
		return err
	}
	s.origin = r.origin
	for _, file := range files {
		if err := s.one(ctx, c, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (s *submitter) one(ctx context.Context, c *cobra.Command, file string) error {
	text, err := readInput(file)
	if err != nil {
		return err
	}
	jws, err := s.sign(text)
	if err != nil {
		return err
	}
	reply, err := s.client.Submit(ctx, jws, s.wait)
	if err != nil && reply.ID == "" {
		return err
	}
	if saveErr := s.save(reply); saveErr != nil {
		return saveErr
	}
	printErr := s.printer.print(c, reply, func(w io.Writer) {
		fmt.Fprintf(w, "%s at index %d\n", reply.ID, reply.Index)
	})
	return errors.Join(err, printErr) // a refusal that was logged has a reply and a receipt too
}

// sign makes a JWS of a request; a JWS passes unchanged.
func (s *submitter) sign(text []byte) ([]byte, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] != '{' {
		_, _, err := envelope.OpenCommand(trimmed)
		return trimmed, err
	}
	var q request
	if err := canon.DecodeJSON(text, &q); err != nil {
		return nil, fmt.Errorf("not a command: %w", err)
	}
	id, err := ulid.New(ulid.Now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return envelope.SealCommand(s.signer, domain.Command{
		Ledger: s.origin, ID: id.String(), Kind: q.Kind, Contract: q.Contract, Name: q.Name, Body: q.Body,
		NotAfter: domain.Millis(time.Now().Add(commandLifetime).UnixMilli()),
	})
}

func (s *submitter) save(r ledger.Reply) error {
	if s.receipts == "" || r.Receipt == "" {
		return nil
	}
	if err := os.MkdirAll(s.receipts, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.receipts, r.ID+".tlog-proof"), []byte(r.Receipt), 0o600)
}
