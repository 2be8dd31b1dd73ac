package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

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
	// Private are values that go beside the signed text.
	Private []envelope.Value `json:"private,omitempty"`
}

var waits = map[string]ledger.Wait{
	"accepted": ledger.ForAccepted, "committed": ledger.ForCommitted, "receipt": ledger.ForReceipt, "witnessed": ledger.ForWitnessed,
}

func submitCommand() *cobra.Command {
	s := submitter{}
	var wait string
	c := &cobra.Command{
		Use: "submit FILE...", Short: "Sign commands and send them to a node", Args: cobra.MinimumNArgs(1),
		Long: `Sign commands and send them, in order. A FILE ("-" for standard input) holds one JSON
object {"kind", "contract", "name", "body"}; submit adds the ledger, a fresh ID and a time
limit of ten minutes, signs it with your key and waits. Stops at the first refusal, exit 1.

Data about a private person goes beside the signed text, so that it can be erased: the object
may have "private": [{"subject": PARTY, "readers": [PARTY, ...], "name", "value"}]. submit
salts each value, signs its digest and sends the value along. Sender, subject and readers get
it at /v1/private/DIGEST until the subject is erased.

A FILE that already holds a signed command (compact JWS) is sent as it is, and needs no
--key: sending it twice has one effect. --sign-only makes such a file. If no answer comes, the
signed command is saved as ID.jws, in the folder of --receipts or else the present one: submit
that file, not the JSON again, to learn what became of it.

--wait witnessed waits for a receipt that a quorum of the ledger's witnesses has cosigned. If
they do not answer in time the command is committed all the same: that is printed, the
receipt is saved as it is, and the exit code is 1.`,
		Example: `  echo '{"kind":"cash/1","contract":"bank","name":"transfer","body":{...}}' | aval submit --key acme.jwk -
  aval submit --sign-only --ledger aval.example/trade --key acme.jwk pay.json > pay.jws && aval submit pay.jws`,
		RunE: func(c *cobra.Command, args []string) error {
			var ok bool
			if s.wait, ok = waits[wait]; !ok {
				return fmt.Errorf("--wait %s: want accepted, committed, receipt or witnessed", wait)
			}
			if s.receipts != "" && s.wait < ledger.ForReceipt {
				return errors.New("--receipts goes with --wait receipt or witnessed")
			}
			return s.all(c, args)
		},
	}
	c.Flags().StringVar(&wait, "wait", "receipt", "what to wait for: accepted, committed, receipt or witnessed")
	c.Flags().StringVar(&s.receipts, "receipts", "", "folder to save receipts in, as ID.tlog-proof")
	c.Flags().BoolVar(&s.signOnly, "sign-only", false, "print the signed command and send nothing; with --ledger no node is needed")
	s.remote.flags(c)
	s.printer.flag(c)
	return c
}

type submitter struct {
	printer  printer
	remote   remote
	wait     ledger.Wait
	receipts string
	signOnly bool
	client   *client.Client
	// signer is read when the first command is to be signed.
	signer *envelope.Signer
}

func (s *submitter) all(c *cobra.Command, files []string) error {
	return s.session(c, func(ctx context.Context) error {
		for _, file := range files {
			text, err := readInput(file)
			if err == nil {
				err = s.send(ctx, c, text)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	})
}

// session connects to the node for as long as work takes, bounded by --timeout.
func (s *submitter) session(c *cobra.Command, work func(context.Context) error) error {
	ctx, cancel, err := s.remote.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	if s.client, err = s.remote.client(nil); err != nil {
		return err
	}
	return work(ctx)
}

func (s *submitter) send(ctx context.Context, c *cobra.Command, text []byte) error {
	jws, fresh, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	command, err := openSubmission(jws)
	if err != nil {
		return err
	}
	if s.signOnly {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", jws)
		return err
	}
	reply, err := s.deliver(ctx, jws, command.ID, fresh)
	if reply.ID == "" {
		return err
	}
	return errors.Join(err, s.print(c, reply), s.unwitnessed(reply)) // a refusal that was logged has a reply and a receipt too
}

// deliver sends a signed command and saves its receipt. A reply without an ID is none.
func (s *submitter) deliver(ctx context.Context, jws []byte, id string, fresh bool) (ledger.Reply, error) {
	reply, err := s.client.Submit(ctx, jws, s.wait)
	if err != nil && reply.ID == "" {
		if fresh && unanswered(err) {
			err = s.keep(jws, id, err)
		}
		return ledger.Reply{}, err
	}
	if reply.ID != id { // also: nothing that a node says becomes a file's name
		return ledger.Reply{}, errors.New("the node answered about another command")
	}
	return reply, errors.Join(err, s.save(reply))
}

// unwitnessed says what is missing where witnesses were waited for and did not come.
func (s *submitter) unwitnessed(r ledger.Reply) error {
	if s.wait != ledger.ForWitnessed || r.Witnessed {
		return nil
	}
	return fmt.Errorf("committed at index %d, but not cosigned by a quorum of witnesses yet: its receipt will be at /v1/receipts/%d", r.Index, r.Index)
}

// unanswered says whether an error leaves open what became of a command: anything but a plain refusal.
func unanswered(err error) bool {
	var answered *client.Error
	return !errors.As(err, &answered) || answered.Status == http.StatusTooManyRequests || answered.Status >= 500
}

// keep saves a command whose outcome is open, so that it can be sent again as it is.
func (s *submitter) keep(jws []byte, id string, cause error) error {
	path := filepath.Join(s.receipts, id+".jws")
	if err := s.write(path, append(jws, '\n')); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("no answer, so it may have happened; submit %s to learn, not this file again: %w", path, cause)
}

func (s *submitter) print(c *cobra.Command, r ledger.Reply) error {
	if s.wait == ledger.ForAccepted {
		return s.printer.print(c, map[string]string{"id": r.ID}, func(w io.Writer) { fmt.Fprintf(w, "%s accepted, without a place in the log yet\n", r.ID) })
	}
	return s.printer.print(c, r, func(w io.Writer) {
		word, again := "booked", ""
		if r.Code != "" {
			word = "refused"
		}
		if r.Duplicate {
			again = ", as it was the first time"
		}
		if r.Witnessed {
			again += ", witnessed"
		}
		fmt.Fprintf(w, "%s %s at index %d%s\n", r.ID, word, r.Index, again)
	})
}

// prepare makes a JWS of a request; a JWS passes unchanged, and is not fresh.
func (s *submitter) prepare(ctx context.Context, text []byte) (jws []byte, fresh bool, err error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || trimmed[0] == '{' {
		jws, err = s.sign(ctx, text)
		return jws, true, err
	}
	if _, err := openSubmission(trimmed); err != nil {
		return nil, false, fmt.Errorf("neither a JSON object nor a signed command: %w", err)
	}
	return trimmed, false, nil
}

// openSubmission reads a signed command with the private values behind it, as admission does.
func openSubmission(raw []byte) (domain.Command, error) {
	jws, disclosures, err := envelope.Split(raw)
	if err != nil {
		return domain.Command{}, err
	}
	command, _, err := envelope.OpenCommand(jws)
	if err == nil {
		err = envelope.CheckDisclosures(command.Private, disclosures)
	}
	return command, err
}

func (s *submitter) sign(ctx context.Context, text []byte) ([]byte, error) {
	var q request
	if err := canon.DecodeJSON(text, &q); err != nil {
		return nil, fmt.Errorf("not a command: %w", err)
	}
	if s.signer == nil {
		var err error
		if s.signer, err = s.remote.identify(ctx); err != nil {
			return nil, err
		}
	}
	command, disclosures, err := envelope.Attach(domain.Command{
		Ledger: s.remote.origin, Kind: q.Kind, Contract: q.Contract, Name: q.Name, Body: q.Body,
	}, q.Private, rand.Reader)
	if err != nil {
		return nil, err
	}
	jws, err := client.Sign(s.signer, command, time.Now(), commandLifetime)
	return envelope.Join(jws, disclosures...), err
}

func (s *submitter) save(r ledger.Reply) error {
	if s.receipts == "" {
		return nil
	}
	if r.Receipt == "" {
		return errors.New("the node gave no receipt")
	}
	return s.write(filepath.Join(s.receipts, r.ID+".tlog-proof"), []byte(r.Receipt))
}

// write writes a file for the user alone, into the folder of receipts if there is one.
func (s *submitter) write(path string, data []byte) error {
	if s.receipts != "" {
		if err := os.MkdirAll(s.receipts, 0o700); err != nil {
			return err
		}
	}
	return os.WriteFile(path, data, 0o600)
}
