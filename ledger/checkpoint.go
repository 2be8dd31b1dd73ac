package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// sign signs the head over size leaves. The signature goes into the commit of those leaves
// and is shown to nobody before that commit is durable: after a crash either both are there,
// or neither, and then no head of that size was ever given out.
func (e *Engine) sign(size uint64) ([]byte, error) {
	root, err := e.tree.root(size)
	if err != nil {
		return nil, err
	}
	text := log.Checkpoint{Origin: e.origin, Size: size, Hash: root[:]}.Marshal()
	return note.Sign(&note.Note{Text: string(text)}, e.signer)
}

// MaxPolicyBytes bounds a policy file.
const MaxPolicyBytes = 64 << 10

// Policy says whom a verifier trusts: a log's key and the quorum of witnesses whose
// cosignatures a checkpoint needs. It is read from the C2SP tlog-policy format.
type Policy struct {
	log     note.Verifier
	quorum  witness.Group
	quorate bool
}

// ParsePolicy reads a tlog-policy with exactly one log and one quorum line. "quorum none"
// asks for no cosignature; a file without the line is refused, so that a slip of the pen
// does not mean trust.
func ParsePolicy(text []byte) (Policy, error) {
	var p Policy
	if len(text) > MaxPolicyBytes {
		return p, fmt.Errorf("policy of %d bytes, limit %d", len(text), MaxPolicyBytes)
	}
	var rest bytes.Buffer
	quorums := 0
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		switch string(fields[0]) {
		case "log":
			if err := p.trust(fields[1:]); err != nil {
				return Policy{}, err
			}
			continue
		case "quorum":
			quorums++
			p.quorate = len(fields) != 2 || string(fields[1]) != "none"
		}
		rest.Write(bytes.Join(fields, []byte(" ")))
		rest.WriteByte('\n')
	}
	if p.log == nil || quorums != 1 {
		return Policy{}, fmt.Errorf("policy: want one log and one quorum line, got %d quorum lines", quorums)
	}
	var err error
	if p.quorum, err = witness.ParsePolicy(rest.Bytes()); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	return p, nil
}

// trust reads the fields of a log line: the key, then perhaps a URL.
func (p *Policy) trust(fields [][]byte) error {
	if p.log != nil || len(fields) < 1 || len(fields) > 2 {
		return errors.New("policy: want exactly one log line, with a key and at most a URL")
	}
	verifier, err := note.NewVerifier(string(fields[0]))
	if err != nil {
		return fmt.Errorf("policy log key: %w", err)
	}
	p.log = verifier
	return nil
}

// Origin is the name of the log that the policy trusts.
func (p Policy) Origin() string { return p.log.Name() }

// open verifies a signed checkpoint and its cosignatures.
func (p Policy) open(signed []byte) (log.Checkpoint, error) {
	var c log.Checkpoint
	if p.log == nil {
		return c, errors.New("no policy")
	}
	n, err := note.Open(signed, note.VerifierList(p.log))
	if err != nil {
		return c, fmt.Errorf("open checkpoint: %w", err)
	}
	for _, s := range n.Sigs { // one text per signature, so that a note cannot be varied in its spare bits
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return c, errors.New("open checkpoint: signature is not in its exact form")
		}
	}
	rest, err := c.Unmarshal([]byte(n.Text))
	if err != nil {
		return c, fmt.Errorf("read checkpoint: %w", err)
	}
	if string(c.Marshal()) != n.Text {
		return c, errors.New("checkpoint is not in its exact form")
	}
	if c.Origin != p.log.Name() || len(rest) != 0 || len(c.Hash) != tlog.HashSize {
		return c, errors.New("checkpoint is of another log or carries extra lines")
	}
	if p.quorate && !p.quorum.Satisfied(signed) {
		return c, errors.New("checkpoint lacks the quorum of cosignatures that the policy asks for")
	}
	return c, nil
}
