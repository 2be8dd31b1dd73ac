package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
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
	return note.Sign(&note.Note{Text: string(text) + platformLine(e.platform)}, e.signer)
}

// platformLine is the extension line of a checkpoint that says on what the node ran that signed it.
func platformLine(platform string) string {
	if platform == "" {
		return ""
	}
	return "platform " + platform + "\n"
}

var platformForm = regexp.MustCompile(`^platform ([a-z][a-z0-9-]{0,15})\n$`)

// readPlatform reads the lines after the root: none, or the one that names the platform.
func readPlatform(rest []byte) (string, error) {
	if len(rest) == 0 {
		return "", nil
	}
	found := platformForm.FindSubmatch(rest)
	if found == nil {
		return "", errors.New("checkpoint carries other extension lines than its platform's")
	}
	return string(found[1]), nil
}

// Checkpoint is a signed head that verified under a policy.
type Checkpoint struct {
	// Size is the number of leaves, Hash that of their tree.
	Size uint64 `json:"size"`
	Hash []byte `json:"hash"`
	// Platform is what the node that signed it said it ran on. The line proves nothing by itself: a
	// quote does. Only "simulated" can be believed, for nobody gains by saying so. Empty: it did not say.
	Platform string `json:"platform,omitempty"`
	// Cosignatures are those of witnesses that the policy names, in the order of the note.
	Cosignatures []Cosignature `json:"cosignatures,omitempty"`
}

// Cosignature is a witness's statement that no longer head of the log was known to it at that
// time, and that this head continues every one it knew.
type Cosignature struct {
	// Witness is its name in the policy; At its own clock, in seconds since 1970.
	Witness string `json:"witness"`
	At      int64  `json:"at"`
}

// OpenCheckpoint verifies a signed checkpoint, cosignatures included, under a policy.
func OpenCheckpoint(policy Policy, signed []byte) (Checkpoint, error) { return policy.open(signed) }

// ReceiptCheckpoint verifies the checkpoint in a receipt, and nothing of what the receipt says
// of an entry: that is for OpenReceipt.
func ReceiptCheckpoint(policy Policy, receipt []byte) (Checkpoint, error) {
	var p proof.TLogProof
	if len(receipt) > MaxReceiptBytes {
		return Checkpoint{}, fmt.Errorf("%d bytes, limit %d", len(receipt), MaxReceiptBytes)
	}
	if err := p.Unmarshal(receipt); err != nil {
		return Checkpoint{}, err
	}
	return policy.open(p.Checkpoint)
}

// open verifies a signed checkpoint and its cosignatures. A cosignature of a witness that the
// policy names must verify even where the quorum is reached without it: somebody changed it.
func (p Policy) open(signed []byte) (Checkpoint, error) {
	if p.log == nil {
		return Checkpoint{}, errors.New("no policy")
	}
	verifiers := []note.Verifier{p.log}
	for _, w := range p.witnesses {
		verifiers = append(verifiers, w.Verifier)
	}
	n, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint: %w", err)
	}
	c, err := p.head(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	byLog := false
	names := map[string]bool{}
	for _, s := range n.Sigs { // one text per signature, so that a note cannot be varied in its spare bits
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Checkpoint{}, errors.New("open checkpoint: signature is not in its exact form")
		}
		if s.Name == p.log.Name() && s.Hash == p.log.KeyHash() {
			byLog = true
			continue
		}
		cosigned, err := p.cosignature(s)
		if err != nil {
			return Checkpoint{}, err
		}
		names[cosigned.Witness] = true
		c.Cosignatures = append(c.Cosignatures, cosigned)
	}
	if !byLog {
		return Checkpoint{}, errors.New("open checkpoint: the log has not signed it")
	}
	if !p.Satisfied(names) {
		return Checkpoint{}, errors.New("checkpoint lacks the quorum of cosignatures that the policy asks for")
	}
	return c, nil
}

// head reads the text of a checkpoint in its exact form.
func (p Policy) head(text string) (Checkpoint, error) {
	var c log.Checkpoint
	rest, err := c.Unmarshal([]byte(text))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	platform, err := readPlatform(rest)
	if err != nil {
		return Checkpoint{}, err
	}
	if string(c.Marshal())+platformLine(platform) != text {
		return Checkpoint{}, errors.New("checkpoint is not in its exact form")
	}
	if c.Origin != p.log.Name() || len(c.Hash) != tlog.HashSize {
		return Checkpoint{}, errors.New("checkpoint is of another log")
	}
	return Checkpoint{Size: c.Size, Hash: c.Hash, Platform: platform}, nil
}

// cosignature reads the time of a cosignature that verified, which only a named witness's does.
func (p Policy) cosignature(s note.Signature) (Cosignature, error) {
	i := slices.IndexFunc(p.witnesses, func(w Witness) bool { return w.Verifier.Name() == s.Name && w.Verifier.KeyHash() == s.Hash })
	at, err := cosignature.CoSigV1Timestamp(s)
	if err == nil && at.Unix() < 0 { // tlog-cosignature: at most 2^63 - 1
		err = errors.New("its time is out of range")
	}
	if err != nil {
		return Cosignature{}, fmt.Errorf("cosignature of %.80q: %w", s.Name, err)
	}
	return Cosignature{Witness: p.witnesses[i].Name, At: at.Unix()}, nil
}
