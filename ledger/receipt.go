package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// MaxReceiptBytes bounds a receipt file. MaxDisclosureBytes bounds the fields inside: what
// there is no room for is hidden, or, of a view of too many fields, everything.
const (
	MaxReceiptBytes    = 64 << 10
	MaxDisclosureBytes = 40 << 10
)

// formatReceipt makes the tlog-proof of one sealed entry for one viewer.
func formatReceipt(s *sealedEntry, viewer domain.PartyID, size uint64, checkpoint []byte, tree tlog.HashReader) ([]byte, error) {
	x := extra{Leaf: s.leaf}
	n := slices.Index(s.viewers, viewer)
	if n < 0 {
		return nil, domain.Refuse(domain.NotFound, "no such entry")
	}
	if x.Fields = fit(s.view(n)); len(x.Fields) > 0 {
		x.N, x.Count, x.Path = int64(n), int64(len(s.views)), viewsPath(s.views, n)
	}
	inclusion, err := tlog.ProveRecord(int64(size), int64(s.Index), tree)
	if err != nil {
		return nil, err
	}
	line, err := canon.Marshal(x)
	if err != nil {
		return nil, err
	}
	return appendProof(nil, s.Index, line, inclusion, checkpoint), nil
}

// appendProof writes a C2SP tlog-proof, the text that proof.TLogProof makes of the same parts.
func appendProof(to []byte, index uint64, extra []byte, inclusion []tlog.Hash, checkpoint []byte) []byte {
	encode := base64.StdEncoding
	to = slices.Grow(to, 64+encode.EncodedLen(len(extra))+45*len(inclusion)+len(checkpoint))
	to = append(append(to, proofHeader...), "\nextra "...)
	to = append(encode.AppendEncode(to, extra), "\nindex "...)
	to = append(strconv.AppendUint(to, index, 10), '\n')
	for _, h := range inclusion {
		to = append(encode.AppendEncode(to, h[:]), '\n')
	}
	return append(append(to, '\n'), checkpoint...)
}

// proofHeader is the first line of a tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// ErrReceipt reports a receipt that proves nothing under the policy; the cause is wrapped with it.
var ErrReceipt = errors.New("receipt does not verify")

// OpenReceipt verifies a tlog-proof knowing only a policy: the checkpoint's signature, the
// inclusion of the leaf, and that the fields shown are those that the leaf commits to. A proof
// without disclosure gives a Disclosure that holds the index alone.
func OpenReceipt(policy Policy, receipt []byte) (Disclosure, error) {
	d, err := openReceipt(policy, receipt)
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return d, nil
}

func openReceipt(policy Policy, receipt []byte) (Disclosure, error) {
	p, x, err := parseReceipt(receipt)
	if err != nil {
		return Disclosure{}, err
	}
	if origin, _, _ := bytes.Cut(p.Checkpoint, []byte("\n")); policy.log != nil && string(origin) != policy.Origin() {
		return Disclosure{}, fmt.Errorf("the receipt is of ledger %.100q, the policy of %q", origin, policy.Origin())
	}
	checkpoint, err := policy.openNamed(p.Checkpoint)
	if err != nil {
		return Disclosure{}, err
	}
	if p.Index >= checkpoint.Size || checkpoint.Size > 1<<62 {
		return Disclosure{}, errors.New("index is beyond the checkpoint")
	}
	inclusion := make(tlog.RecordProof, len(p.Hashes))
	for i, h := range p.Hashes {
		inclusion[i] = h
	}
	if err := tlog.CheckRecord(inclusion, int64(checkpoint.Size), tlog.Hash(checkpoint.Hash), int64(p.Index), tlog.RecordHash(x.Leaf)); err != nil {
		return Disclosure{}, fmt.Errorf("inclusion in the log: %w", err)
	}
	if len(x.Fields) == 0 {
		if x.N != 0 || x.Count != 0 || x.Path != nil {
			return Disclosure{}, errors.New("a proof without disclosure carries a place for one")
		}
		return Disclosure{Index: p.Index}, nil
	}
	return x.open(p.Index)
}

// openNamed opens a checkpoint that came with what it is to prove, and says so where it is of another key.
func (p Policy) openNamed(signed []byte) (Checkpoint, error) {
	checkpoint, err := p.open(signed)
	var unsigned *note.UnverifiedNoteError
	if errors.As(err, &unsigned) {
		err = fmt.Errorf("the head is not signed by the key that the policy names: %w", err)
	}
	return checkpoint, err
}

// parseReceipt reads the file and refuses any but the one text for what it says.
func parseReceipt(receipt []byte) (p proof.TLogProof, x extra, err error) {
	if len(receipt) > MaxReceiptBytes {
		return p, x, fmt.Errorf("%d bytes, limit %d", len(receipt), MaxReceiptBytes)
	}
	if err := p.Unmarshal(receipt); err != nil {
		return p, x, fmt.Errorf("not a receipt, or damaged on its way: %w", err)
	}
	if !bytes.Equal(p.Marshal(), receipt) {
		return p, x, errors.New("damaged on its way: not in the exact form of a tlog-proof")
	}
	if err := canon.Unmarshal(p.ExtraData, &x); err != nil {
		return p, x, fmt.Errorf("extra line: %w", err)
	}
	if x.Fields != nil && len(x.Fields) == 0 || x.Path != nil && len(x.Path) == 0 {
		return p, x, errors.New("extra line: an empty list, want null")
	}
	return p, x, nil
}
