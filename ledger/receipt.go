package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// MaxReceiptBytes bounds a receipt file. MaxDisclosureBytes bounds the view inside: beyond
// it a receipt carries the proof without the disclosure.
const (
	MaxReceiptBytes    = 64 << 10
	MaxDisclosureBytes = 40 << 10
)

// extra is what the extra line of a tlog-proof carries: the leaf, one salted view, and the
// view's audit path inside the leaf. C2SP does not authenticate the line; the leaf's hash does.
type extra struct {
	Leaf []byte `json:"leaf"`
	// View is the canonical salted view number N of Count; empty in a proof without
	// disclosure. Count gives the path its shape and says nothing more: like the size of any
	// RFC 6962 tree, it is not part of the root. It is the smallest that does.
	View  []byte   `json:"view"`
	N     int64    `json:"n"`
	Count int64    `json:"count"`
	Path  [][]byte `json:"path"`
}

// formatReceipt makes the tlog-proof of one sealed entry for one viewer.
func formatReceipt(s *sealedEntry, viewer domain.PartyID, size uint64, checkpoint []byte, tree tlog.HashReader) ([]byte, error) {
	x := extra{Leaf: s.leaf}
	n := slices.Index(s.viewers, viewer)
	if n < 0 {
		return nil, domain.Refuse(domain.NotFound, "no such entry")
	}
	if len(s.views[n]) <= MaxDisclosureBytes {
		count := int64(len(s.views))
		path, err := tlog.ProveRecord(count, int64(n), s)
		if err != nil {
			return nil, err
		}
		x.View, x.N, x.Count, x.Path = s.views[n], int64(n), fewest(path, count, s.root, int64(n), tlog.RecordHash(s.views[n])), hashBytes(path)
	}
	line, err := canon.Marshal(x)
	if err != nil {
		return nil, err
	}
	inclusion, err := tlog.ProveRecord(int64(size), int64(s.Index), tree)
	if err != nil {
		return nil, err
	}
	p := proof.TLogProof{Index: s.Index, Checkpoint: checkpoint, ExtraData: line}
	for _, h := range inclusion {
		p.Hashes = append(p.Hashes, h)
	}
	return p.Marshal(), nil
}

// fewest is the smallest size of a tree in which the path leads from leaf n to the root:
// those up to count give it the same shape, and a receipt has one text.
func fewest(path tlog.RecordProof, count int64, root tlog.Hash, n int64, leaf tlog.Hash) int64 {
	return n + 1 + int64(sort.Search(int(count-n-1), func(i int) bool {
		return tlog.CheckRecord(path, n+1+int64(i), root, n, leaf) == nil
	}))
}

func hashBytes(hashes []tlog.Hash) [][]byte {
	var all [][]byte
	for _, h := range hashes {
		all = append(all, h[:])
	}
	return all
}

// ErrReceipt reports a receipt that proves nothing under the policy; the cause is wrapped with it.
var ErrReceipt = errors.New("receipt does not verify")

// OpenReceipt verifies a tlog-proof knowing only a policy: the checkpoint's signature, the
// inclusion of the leaf, and that the disclosed view is what the leaf commits to. A proof
// without disclosure gives a Disclosure that holds the index alone.
func OpenReceipt(policy Policy, receipt []byte) (Disclosure, error) {
	d, err := openReceipt(policy, receipt)
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return d, nil
}

func openReceipt(policy Policy, receipt []byte) (Disclosure, error) {
	var p proof.TLogProof
	var x extra
	d := Disclosure{}
	if len(receipt) > MaxReceiptBytes {
		return d, fmt.Errorf("%d bytes, limit %d", len(receipt), MaxReceiptBytes)
	}
	if err := p.Unmarshal(receipt); err != nil {
		return d, err
	}
	if !bytes.Equal(p.Marshal(), receipt) {
		return d, errors.New("not in the exact form of a tlog-proof")
	}
	if err := canon.Unmarshal(p.ExtraData, &x); err != nil {
		return d, fmt.Errorf("extra line: %w", err)
	}
	checkpoint, err := policy.open(p.Checkpoint)
	if err != nil {
		return d, err
	}
	if p.Index >= checkpoint.Size || checkpoint.Size > 1<<62 {
		return d, errors.New("index is beyond the checkpoint")
	}
	inclusion := make(tlog.RecordProof, len(p.Hashes))
	for i, h := range p.Hashes {
		inclusion[i] = h
	}
	if err := tlog.CheckRecord(inclusion, int64(checkpoint.Size), tlog.Hash(checkpoint.Hash), int64(p.Index), tlog.RecordHash(x.Leaf)); err != nil {
		return d, fmt.Errorf("inclusion in the log: %w", err)
	}
	if len(x.View) == 0 {
		if x.N != 0 || x.Count != 0 || x.Path != nil {
			return d, errors.New("a proof without disclosure carries a place for one")
		}
		return Disclosure{Index: p.Index}, nil
	}
	return x.open(p.Index)
}

// open checks the view against the leaf and reads it.
func (x extra) open(index uint64) (d Disclosure, err error) {
	var l leaf
	if err := canon.Unmarshal(x.Leaf, &l); err != nil {
		return d, fmt.Errorf("leaf: %w", err)
	}
	path := make(tlog.RecordProof, len(x.Path))
	for i, h := range x.Path {
		if len(h) != tlog.HashSize {
			return d, errors.New("view path: hash of wrong length")
		}
		path[i] = tlog.Hash(h)
	}
	if l.Version != 1 || l.Type != "e" || len(l.Root) != tlog.HashSize || x.N < 0 || x.N >= x.Count || x.Count > canon.MaxElements {
		return d, errors.New("leaf or view number out of range")
	}
	if err := tlog.CheckRecord(path, x.Count, tlog.Hash(l.Root), x.N, tlog.RecordHash(x.View)); err != nil {
		return d, fmt.Errorf("view in the leaf: %w", err)
	}
	if fewest(path, x.Count, tlog.Hash(l.Root), x.N, tlog.RecordHash(x.View)) != x.Count {
		return d, errors.New("a smaller count gives the path the same shape")
	}
	var view salted
	if err := canon.Unmarshal(x.View, &view); err != nil {
		return d, fmt.Errorf("view: %w", err)
	}
	if d, err = readView(view.View); err != nil {
		return d, err
	}
	if d.Index != index || d.Sequence != l.Sequence {
		return d, errors.New("view speaks of another entry")
	}
	return d, nil
}

// readView reads a party's disclosure, or, for an auditor, the whole entry.
func readView(view []byte) (d Disclosure, err error) {
	if err = canon.Unmarshal(view, &d); err == nil {
		return d, nil
	}
	var e entry
	if canon.Unmarshal(view, &e) != nil {
		return d, fmt.Errorf("view: %w", err)
	}
	return e.audit(), nil
}
