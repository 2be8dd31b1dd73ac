package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain/canon"
	"aval/ledger/enclave"
)

// saved is the file of attest --save: what a node answered, to be judged again by anybody.
type saved struct {
	// URL is where the answer came from, At when (UTC), Exchange the key exchange of the connection: as
	// the one who saved it says. The statement is what can be checked.
	URL       string         `json:"url"`
	At        time.Time      `json:"at"`
	Exchange  string         `json:"keyExchange"`
	Statement node.Statement `json:"statement"`
}

func attestCommand() *cobra.Command {
	a := attester{}
	c := &cobra.Command{
		Use: "attest URL|FILE", Short: "Find out what a node runs and whether to trust it", Args: cobra.ExactArgs(1),
		Long: `Challenge a node with a fresh nonce and appraise its quote by a policy: that the platform is genuine, runs
code that you trust, and vouches for the very key that this TLS connection has. A relay, or an
operator with a certificate of his own, has another key and is refused.

URL   an https address. --save keeps the answer; --pin adds the key to a file that other
      commands take with --pin.
FILE  a saved answer, appraised offline as of --at (by default the time when it was saved, as the
      file says). It shows what was true for whoever sent the nonce.

Exit 1 if the node is refused, and without a policy always. docs/attestation.md says how to write one.`,
		Example: "  aval attest https://ledger.example:8420 --policy trusted.json --save quote.json --pin pins.json\n  aval attest quote.json --policy trusted.json --at 2026-11-24T12:00:00Z",
		RunE:    func(c *cobra.Command, args []string) error { return a.run(c, args[0]) },
	}
	c.Flags().StringVar(&a.policy, "policy", "", "attestation policy: which platforms and measurements are trusted")
	c.Flags().StringVar(&a.save, "save", "", "save the answer in this file")
	c.Flags().StringVar(&a.pin, "pin", "", "pin the key in this file if the node is trusted")
	c.Flags().StringVar(&a.at, "at", "", "appraise as of this time (RFC 3339)")
	c.Flags().StringVar(&a.ledger, "ledger", "", "the node must be of this ledger")
	c.Flags().DurationVar(&a.timeout, "timeout", 30*time.Second, "give up after this long")
	a.printer.flag(c)
	return c
}

type attester struct {
	printer                       printer
	policy, save, pin, at, ledger string
	timeout                       time.Duration
	// trusted is the policy, nil if none was given.
	trusted *enclave.Policy
}

func (a *attester) run(c *cobra.Command, target string) error {
	at := time.Time{}
	if a.at != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, a.at); err != nil {
			return errors.New("--at: want a time as in 2026-11-24T12:00:00Z")
		}
	}
	if a.policy != "" {
		policy, err := readAttestationPolicy(a.policy)
		if err != nil {
			return err
		}
		a.trusted = &policy
	}
	if !isURL(target) {
		if a.save != "" || a.pin != "" {
			return errors.New("--save and --pin go with an address")
		}
		return a.offline(c, target, at)
	}
	return a.online(c, target, at)
}

func (a *attester) online(c *cobra.Command, target string, at time.Time) error {
	if a.timeout <= 0 {
		return fmt.Errorf("--timeout %v: want more than nothing, as in 30s", a.timeout)
	}
	ctx, cancel := context.WithTimeout(c.Context(), a.timeout)
	defer cancel()
	answer, err := client.Challenge(ctx, target)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	now := time.Now()
	if at.IsZero() {
		at = now
	}
	s, err := node.ParseStatement(answer.Statement)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if a.save != "" {
		if err := a.keep(saved{URL: target, At: now.UTC().Truncate(time.Second), Exchange: answer.Exchange.String(), Statement: s}); err != nil {
			return err
		}
	}
	v := verdict{statement: s, at: at}
	refused := s.Answers(answer.Key, answer.Nonce)
	if refused == nil {
		v, refused = a.judge(v)
	}
	if refused == nil && a.pin != "" {
		if err := a.remember(v, target); err != nil {
			return err
		}
	}
	return a.print(c, v, answer.Key.String(), answer.Exchange.String(), refused)
}

func (a *attester) offline(c *cobra.Command, file string, at time.Time) error {
	text, err := readInput(file)
	if err != nil {
		return err
	}
	var s saved
	if err := canon.DecodeJSON(text, &s); err != nil {
		return fmt.Errorf("%s is no saved answer: %w", file, err)
	}
	if at.IsZero() {
		at = s.At
	}
	v, refused := a.judge(verdict{statement: s.Statement, at: at})
	return a.print(c, v, "", "", refused)
}

// judge appraises the quote; without a policy the verdict is no.
func (a *attester) judge(v verdict) (verdict, error) {
	if a.trusted == nil {
		return v, errNoPolicy
	}
	if a.ledger != "" && v.statement.Ledger != a.ledger {
		return v, fmt.Errorf("the node is of ledger %s, not of %s", v.statement.Ledger, a.ledger)
	}
	var err error
	v.appraisal, err = v.statement.Appraise(*a.trusted, v.at)
	return v, err
}

func (a *attester) keep(s saved) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(a.save, append(text, '\n'), 0o600)
}

func (a *attester) remember(v verdict, target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	known, err := openPins(a.pin)
	if err != nil {
		return err
	}
	if known.path == "" {
		return errors.New("--pin: want a file to write")
	}
	return known.put(v.pin(u.Host))
}

// report is the verdict for machines.
type report struct {
	OK          bool               `json:"ok"`
	Error       string             `json:"error,omitempty"`
	At          time.Time          `json:"at"`
	Ledger      string             `json:"ledger"`
	LogKey      string             `json:"logKey"`
	TLSKey      string             `json:"tlsKey"`
	PeerKey     string             `json:"peerKey,omitempty"`
	KeyExchange string             `json:"keyExchange,omitempty"`
	Nonce       string             `json:"nonce"`
	Way         string             `json:"way"`
	Epoch       uint32             `json:"epoch"`
	Platform    string             `json:"platform"`
	Measurement string             `json:"measurement,omitempty"`
	Appraisal   *enclave.Appraisal `json:"appraisal,omitempty"`
}

func (a *attester) print(c *cobra.Command, v verdict, peer, exchange string, refused error) error {
	s := v.statement
	r := report{
		OK: refused == nil, At: v.at.UTC(), Ledger: s.Ledger, LogKey: s.LogKey, TLSKey: "sha256:" + s.TLSKey, PeerKey: peer, KeyExchange: exchange, Nonce: s.Nonce, Way: s.Way, Epoch: s.Epoch,
	}
	if quote, err := enclave.ParseQuote(s.Quote); err == nil {
		r.Platform = quote.Platform
	}
	if refused != nil {
		r.Error = refused.Error()
	} else {
		r.Appraisal, r.Measurement = &v.appraisal, fmt.Sprintf("%x", v.appraisal.Measurement)
	}
	err := a.printer.print(c, r, func(w io.Writer) {
		v.tell(w)
		if exchange != "" {
			fmt.Fprintf(w, "connection  TLS 1.3, %s, key %s\n", exchange, peer)
		}
		switch {
		case refused != nil:
			fmt.Fprintf(w, "REFUSED: %v\n", refused)
		case v.appraisal.Simulated:
			fmt.Fprintf(w, "accepted as of %s, SIMULATED: the policy allows it, and nothing was proven\n", r.At.Format(time.RFC3339))
		default:
			fmt.Fprintf(w, "trusted as of %s\n", r.At.Format(time.RFC3339))
		}
	})
	if refused != nil {
		return errors.Join(errReported, err)
	}
	return err
}
