package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

// trust is how a client command decides whom it talks to.
type trust struct {
	policyPath, pin string
	// known is what was read and found out: several clients of one command appraise a node once.
	known *pins
	// command is told, once, of a node that is simulated.
	command *cobra.Command
	warned  bool
}

func (t *trust) flags(c *cobra.Command) {
	t.command = c
	c.Flags().StringVar(&t.policyPath, "attest", "", "attestation policy: appraise an https node by it before anything is sent")
	c.Flags().StringVar(&t.pin, "pin", "", "key that an https node must have: sha256:HEX, or a file that --attest keeps and \"aval attest\" writes")
}

// keys says which TLS keys the server may have; nil for plain HTTP, which may not leave the machine.
func (t *trust) keys(server, origin string) (*client.Trust, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" {
		switch {
		case t.policyPath != "" || t.pin != "":
			return nil, fmt.Errorf("%s: only TLS can be attested or pinned: want an https address", server)
		case err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()):
			return nil, fmt.Errorf("%s: everybody on the way could read and change what is sent: want an https address, with --attest or --pin", server)
		}
		return nil, nil // what is no address at all, the client refuses
	}
	if t.policyPath == "" && t.pin == "" {
		return nil, fmt.Errorf("%s: %w: give --attest POLICY or --pin KEY", server, client.ErrUntrusted)
	}
	return t.judge(u, origin)
}

func (t *trust) judge(u *url.URL, origin string) (*client.Trust, error) {
	if t.known == nil {
		var err error
		if t.known, err = openPins(t.pin); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	keys := &client.Trust{Pinned: func(k client.KeyHash) bool {
		known, simulated := t.known.has(u.Host, k, t.policyPath != "", now)
		t.warn(u.Host, simulated)
		return known
	}}
	if t.policyPath == "" {
		return keys, nil
	}
	policy, err := readAttestationPolicy(t.policyPath)
	if err != nil {
		return nil, err
	}
	keys.Appraise = func(a client.Answer) error {
		v, err := appraise(a, policy, origin, time.Now())
		if err != nil {
			return err
		}
		t.warn(u.Host, v.appraisal.Simulated)
		return t.known.put(v.pin(u.Host))
	}
	return keys, nil
}

func (t *trust) warn(host string, simulated bool) {
	if simulated && !t.warned && t.command != nil {
		fmt.Fprintf(t.command.ErrOrStderr(), "SIMULATED ENCLAVE: %s proves nothing; the policy allows that\n", host)
		t.warned = true
	}
}

// isLoopback says whether a connection to the host stays on the machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func readAttestationPolicy(path string) (enclave.Policy, error) {
	text, err := readInput(path)
	if err != nil {
		return enclave.Policy{}, err
	}
	policy, err := enclave.ParsePolicy(text)
	if err != nil {
		return policy, fmt.Errorf("%s: %w", path, err)
	}
	return policy, nil
}

// verdict is what was found out about a node.
type verdict struct {
	statement node.Statement
	appraisal enclave.Appraisal
	at        time.Time
}

// appraise judges an answer: it must be about the key of the connection, fresh, of the ledger (if one is named), and good by the policy.
func appraise(a client.Answer, policy enclave.Policy, origin string, at time.Time) (verdict, error) {
	s, err := node.ParseStatement(a.Statement)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{statement: s, at: at}
	if err := s.Answers(a.Key, a.Nonce); err != nil {
		return v, err
	}
	if origin != "" && s.Ledger != origin {
		return v, fmt.Errorf("the node is of ledger %s, not of %s", s.Ledger, origin)
	}
	v.appraisal, err = s.Appraise(policy, at)
	return v, err
}

func (v verdict) pin(host string) pin {
	return pin{
		Host: host, Key: "sha256:" + v.statement.TLSKey, Ledger: v.statement.Ledger, LogKey: v.statement.LogKey,
		Platform: v.appraisal.Platform, Measurement: fmt.Sprintf("%x", v.appraisal.Measurement), Simulated: v.appraisal.Simulated, At: v.at.UTC().Truncate(time.Second),
	}
}

// tell prints for people what a node says it is.
func (v verdict) tell(w io.Writer) {
	fmt.Fprintf(w, "ledger      %s\nlog key     %s\nTLS key     sha256:%s\nnonce       %s\n", v.statement.Ledger, v.statement.LogKey, v.statement.TLSKey, v.statement.Nonce)
	fmt.Fprintf(w, "keys        %s, epoch %d\n", v.statement.Way, v.statement.Epoch)
	if quote, err := enclave.ParseQuote(v.statement.Quote); err == nil {
		fmt.Fprintf(w, "platform    %s\n", quote.Platform)
	}
	if a := v.appraisal; a.Platform != "" {
		fmt.Fprintf(w, "measurement %x\n", a.Measurement)
		if a.TCB != "" {
			fmt.Fprintf(w, "TCB         %s\n", a.TCB)
		}
		if !a.Until.IsZero() {
			fmt.Fprintf(w, "until       %s\n", a.Until.UTC().Format(time.RFC3339))
		}
	}
}

// errNoPolicy is the verdict of who was not told whom to trust.
var errNoPolicy = errors.New("no policy was given, so nothing is trusted: give --policy FILE")

// isURL tells an address from a file.
func isURL(target string) bool {
	return strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://")
}
