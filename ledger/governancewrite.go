package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// Governance gives the governance file of the newest head to those who read it: members, and auditors of
// everything. NotFound to anybody else. On a ledger with witnesses it
// is of the newest head that a quorum has cosigned, once there is one.
func (e *Engine) Governance(viewer domain.PartyID) ([]byte, error) {
	now := e.published.Load()
	if !now.governance(viewer) {
		return nil, errNotFound()
	}
	size, checkpoint := e.Signed()
	if c := e.cosigned.Load(); c.size > 0 {
		size, checkpoint = c.size, c.note
	}
	w := governanceWriter{books: e.books(), tree: e.tree, size: size, checkpoint: checkpoint}
	return w.file(func(add func(*entry) error) error {
		for from := uint64(0); ; {
			indexes, err := e.store.Refs(e.vault.tag(chainName), from, MaxPage)
			if err != nil || len(indexes) == 0 || indexes[0] >= size {
				return err
			}
			from = indexes[len(indexes)-1] + 1
			end, _ := slices.BinarySearch(indexes, size)
			if err := w.visit(indexes[:end], add); err != nil {
				return err
			}
		}
	})
}

// governance says whether the viewer reads who may do what on the whole ledger.
func (p *published) governance(viewer domain.PartyID) bool {
	party, _ := registry{p.state}.Party(viewer)
	_, all := p.everything(viewer)
	return all || slices.Contains(party.Roles, domain.RoleMember) && p.reads(viewer)
}

// ExportGovernance gives the governance file of a stored log: of the newest head that the policy accepts, as
// ExportLog chooses it. It opens every entry under it, and tells progress.
func ExportGovernance(keys *Keys, policy Policy, archive Archive, progress func(Progress)) ([]byte, error) {
	b, err := openBooks(keys, archive)
	if err != nil {
		return nil, err
	}
	checkpoint, err := exportedHead(keys, policy, archive)
	if err != nil {
		return nil, err
	}
	x, err := newExport(policy, archive, checkpoint, nil, progress)
	if err != nil {
		return nil, err
	}
	tree, err := openTree(archive, b.head.Size)
	if err != nil {
		return nil, err
	}
	w := governanceWriter{books: b, tree: tree, size: x.size, checkpoint: checkpoint}
	return w.file(func(add func(*entry) error) error {
		for from := uint64(0); from < x.size; from += MaxPage {
			width := int(min(x.size-from, MaxPage))
			var found []uint64
			err := x.entries(from, width, func(s StoredEntry) error {
				governs, err := w.mayGovern(s)
				if governs {
					found = append(found, s.Index)
				}
				return err
			})
			if err == nil {
				err = w.visit(found, add)
			}
			if err != nil {
				return err
			}
			x.progress(Progress{from + uint64(width), x.size})
		}
		return nil
	})
}

// mayGovern says without decoding it whether an entry can be one of governance: all those that are name the kind.
func (b books) mayGovern(s StoredEntry) (bool, error) {
	if len(s.Body) == 0 {
		return false, nil
	}
	body, err := b.vault.openEntry(s.Index, s.Body)
	if err != nil {
		return false, &Fault{s.Index, err}
	}
	return bytes.Contains(body, []byte(domain.GovernanceKind)), nil
}

// governanceWriter makes a governance file under one head.
type governanceWriter struct {
	books
	tree       tlog.HashReader
	size       uint64
	checkpoint []byte
	chain      governanceChain
	lines      []byte
}

// file takes entries in order of their index, of which it leaves out those that do not govern, and wants the
// last seal to commit to the chain of the others.
func (w *governanceWriter) file(each func(add func(*entry) error) error) ([]byte, error) {
	w.chain = governanceChain{Head: make([]byte, tlog.HashSize)}
	if err := each(w.add); err != nil {
		return nil, err
	}
	head, err := w.head()
	if err != nil {
		return nil, err
	}
	text, err := appendLine(nil, head)
	return append(text, w.lines...), err
}

func (w *governanceWriter) add(e *entry) error {
	if !e.governs() {
		return nil
	}
	s, err := seal(e, w.vault.salt)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(int64(w.size), int64(e.Index), w.tree)
	if err != nil {
		return fmt.Errorf("prove entry %d: %w", e.Index, err)
	}
	w.chain = w.chain.next(s.body)
	whole := s.view(0)[0]
	w.lines, err = appendLine(w.lines, governanceLine{
		Number: w.chain.Number, Index: e.Index, Leaf: s.leaf, Entry: whole.Value, Salt: whole.Salt,
		Views: int64(len(s.views)), Path: viewsPath(s.views, 0), Proof: auditPath(proof),
	})
	if err == nil && len(w.lines) > MaxGovernanceBytes {
		err = fmt.Errorf("governance of more than %d bytes: more than a file holds", MaxGovernanceBytes)
	}
	return err
}

func (w *governanceWriter) head() (h governanceHead, err error) {
	last := w.size - 1
	h = governanceHead{Format: GovernanceFormat, Entries: w.chain.Number, Chain: w.chain.Head, Checkpoint: string(w.checkpoint)}
	origin, _, _ := bytes.Cut(w.checkpoint, []byte("\n"))
	h.Origin = string(origin)
	var closing sealLeaf
	err = w.archive.Entries(last, 1, func(s StoredEntry) error {
		h.Seal = bytes.Clone(s.Leaf)
		return canon.Unmarshal(s.Leaf, &closing)
	})
	if err != nil {
		return h, &Fault{last, err}
	}
	chained, err := w.chain.field(w.vault.salt, last)
	if err != nil {
		return h, err
	}
	if !bytes.Equal(chained.commitment(), closing.Chain) {
		return h, &Fault{last, errors.New("the entries of governance are not those that the seal counts")}
	}
	h.Salt = chained.Salt
	proof, err := tlog.ProveRecord(int64(w.size), int64(last), w.tree)
	h.Proof = auditPath(proof)
	return h, err
}

func governanceName(n int) string { return fmt.Sprintf("%s%d", governanceDir, n) }

// governance writes the governance file of the exported head: whole lines, a file for about chunkBytes.
func (x *export) governance(head Head) error {
	w := governanceWriter{books: books{x.archive, x.vault, head}, tree: x.tree, size: x.size, checkpoint: x.checkpoint}
	text, err := w.file(func(add func(*entry) error) error { return w.visit(x.governing, add) })
	var part []byte
	files := 0
	for line := range bytes.Lines(text) {
		if part = append(part, line...); len(part) >= chunkBytes && err == nil {
			err = x.put(governanceName(files), part)
			part, files = part[:0], files+1
		}
	}
	if err == nil && len(part) > 0 {
		err = x.put(governanceName(files), part)
	}
	return err
}
