package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"aval/domain"
	"aval/domain/canon"
)

// Restore reads an archive to its end and believes nothing of it: the public log is verified
// as VerifyLog does, and with Keys every batch is executed again and must give its leaves,
// so that state, indexes and tree come from the execution and never from the archive.
type Restore struct {
	// Policy is that of the ledger one knows; the zero Policy means that of Keys.
	Policy Policy
	// Keys open the bodies. Without them the bodies are only counted.
	Keys *Keys
	// Store receives the ledger and must be empty; it is complete only when From returned
	// nil. Without one, or without Keys, nothing is kept.
	Store Store
	// Contracts are those of the ledger; without Keys governance/1 is enough. Codecs are needed with Keys.
	Contracts []domain.Contract
	Codecs    []domain.Codec
	// Erased are parties that were erased, maybe after the archive was made: what is private about them is not kept.
	Erased []domain.PartyID
	// Heads are sizes at which the archive's root is wanted, to compare it with heads known from elsewhere.
	Heads []uint64
	// Progress is told after each step; it may be nil.
	Progress func(Progress)
}

// Restored says what was found in an archive that is as it should be.
type Restored struct {
	LogReport
	// Executed says that keys were there: every body was opened and every batch executed again.
	Executed bool `json:"executed"`
	// Refusals counts the entries that were refused, if executed; Quarantined the messages in quarantine.
	Refusals    uint64 `json:"refusals"`
	Quarantined uint64 `json:"quarantined"`
	// Cosigned is the size of the cosigned head in the archive, zero without one.
	Cosigned uint64 `json:"cosigned,omitempty"`
	// ErasedAgain are those of Restore.Erased whose private values were left out, while the log in the archive does
	// not say that they were erased: members are to erase them again.
	ErasedAgain []domain.PartyID `json:"erasedAgain,omitempty"`
	// Governance is the governance file in the archive, nil if it was exported without.
	Governance *Governance `json:"-"`
	// Roots are those wanted by Restore.Heads, where a batch ends there.
	Roots map[uint64][]byte `json:"-"`
}

// From restores. Errors are *Fault with the first bad index, or those of the store.
func (r Restore) From(b *Backup) (Restored, error) {
	w := &restoring{Restore: r, backup: b, beside: newPrivateReplay(), heads: headsAt{tree: &merkleTree{stored: maxLogLeaves, cache: map[tileID]*tile{}}, roots: map[uint64][]byte{}}}
	for _, party := range r.Erased {
		w.beside.erased[party] = true
	}
	for _, size := range r.Heads {
		w.heads.roots[size] = nil
	}
	if r.Keys != nil {
		if err := w.arm(); err != nil {
			return Restored{}, err
		}
	}
	if w.Progress == nil {
		w.Progress = func(Progress) {}
	}
	if err := w.expectCosigned(); err != nil {
		return Restored{}, err
	}
	log, err := (&logAudit{fetch: w.fetch, visit: w.leaf}).verify(w.Policy.LogOnly())
	if err != nil {
		return Restored{}, err
	}
	w.found.LogReport, w.found.Roots = log, w.heads.roots
	if err := w.compareCosigned(); err != nil {
		return Restored{}, err
	}
	return w.found, w.finish()
}

// expectCosigned opens the cosigned head in the archive, which must be there if the policy asks for witnesses.
func (w *restoring) expectCosigned() (err error) {
	signed := w.backup.Extra[cosignedFile]
	if signed == nil && !w.Policy.AsksWitnesses() {
		return nil
	}
	if w.cosigned, err = w.Policy.open(signed); err != nil {
		return &Fault{0, fmt.Errorf("cosigned head: %w", err)}
	}
	w.found.Cosigned = w.cosigned.Size
	w.heads.roots[w.cosigned.Size] = nil
	return nil
}

// compareCosigned wants it to be one of the log, and keeps it.
func (w *restoring) compareCosigned() error {
	size := w.cosigned.Size
	if size == 0 {
		return nil
	}
	if root := w.heads.roots[size]; !bytes.Equal(root, w.cosigned.Hash) {
		return &Fault{size, errors.New("the cosigned head is not one of the leaves")}
	}
	store, ok := w.Store.(CosignedStore)
	if w.replay == nil || !ok {
		return nil
	}
	return store.PutCosigned(size, w.replay.vault.seal(cosignedPlace(size), w.backup.Extra[cosignedFile]))
}

// restoring is one pass over an archive.
type restoring struct {
	Restore
	backup *Backup
	heads  headsAt
	// replay executes; nil without keys.
	replay *replay
	// leaves are verified and wait for their bodies; next is the index of the first of them.
	leaves     []readLeaf
	next       uint64
	batch      []StoredEntry
	checkpoint []byte
	cosigned   Checkpoint
	messages   int
	// governance is the text of the governance file so far, parts how many files of the archive it came in.
	governance []byte
	parts      int
	beside     privateReplay
	found      Restored
}

type readLeaf struct {
	data    []byte
	closing bool
}

// arm prepares to execute.
func (w *restoring) arm() error {
	policy, err := ParsePolicy(w.Keys.Policy())
	if err != nil {
		return err
	}
	if w.Policy.log == nil {
		w.Policy = policy
	}
	if w.Policy.Origin() != w.Keys.Origin || w.backup.Origin != w.Keys.Origin {
		return fmt.Errorf("the archive is of %.80q, the policy of %s, the keys of %s", w.backup.Origin, w.Policy.Origin(), w.Keys.Origin)
	}
	if w.Store == nil {
		w.Store = newRehearsal()
	}
	w.found.Executed = true
	w.replay, err = newReplay(policy, w.Restore)
	return err
}

// fetch gives the next file of the public log. Bodies that lie between are taken on the way.
func (w *restoring) fetch(path string) ([]byte, error) {
	for {
		name, data, err := w.backup.file()
		switch {
		case err != nil:
			return nil, w.fault(noEnd(err))
		case isPrivate(name):
			if err := w.beside.take(name, data); err != nil {
				return nil, w.fault(err)
			}
		case isBodies(name):
			if err := w.bodies(name, data); err != nil {
				return nil, err
			}
		case name != path:
			return nil, w.fault(fmt.Errorf("the archive goes on with %.100q, want %s", name, path))
		case name == checkpointFile:
			w.checkpoint = data
			if w.replay != nil {
				_, err = w.replay.policy.open(data)
			}
			return data, w.fault(err)
		default:
			return data, nil
		}
	}
}

// fault names the first index that was not restored, unless the error does so or somebody stopped the work.
func (w *restoring) fault(err error) error {
	var known *Fault
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Fault{w.next, err}
}

// leaf takes a verified leaf.
func (w *restoring) leaf(data []byte, closing bool) error {
	w.leaves = append(w.leaves, readLeaf{data, closing})
	return w.heads.add(data, closing)
}

// bodies takes a file of sealed bodies, which must be those of the next leaves.
func (w *restoring) bodies(name string, data []byte) error {
	if name != bodiesName(w.next) || len(data) == 0 {
		return w.fault(fmt.Errorf("the archive goes on with %.100q, want %s", name, bodiesName(w.next)))
	}
	for len(data) > 0 {
		if len(w.leaves) == 0 || len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
			return w.fault(fmt.Errorf("%s holds more or less than the bodies of the leaves before it", name))
		}
		end := 4 + int(binary.BigEndian.Uint32(data))
		if err := w.entry(data[4:end]); err != nil {
			return w.fault(err)
		}
		data = data[end:]
	}
	return nil
}

// entry joins a body with its leaf and executes the batch that it completes.
func (w *restoring) entry(body []byte) error {
	l := w.leaves[0]
	if l.closing != (len(body) == 0) {
		return errors.New("the leaf of an entry has no body, or a seal has one")
	}
	s := StoredEntry{Index: w.next, Leaf: l.data, Body: body}
	if !l.closing {
		w.batch = append(w.batch, s)
	} else if err := w.execute(s); err != nil {
		return err
	}
	w.leaves, w.next = w.leaves[1:], w.next+1
	return nil
}

func (w *restoring) execute(closing StoredEntry) error {
	batch := w.batch
	w.batch = nil
	if w.replay == nil {
		return nil
	}
	refusals, err := w.replay.batch(batch, closing, &w.beside)
	w.found.Refusals += refusals
	w.Progress(Progress{closing.Index + 1, w.backup.Leaves})
	return err
}

// finish takes what comes after the log, and keeps the end of it only then.
func (w *restoring) finish() error {
	for {
		name, data, err := w.backup.file()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
		case isPrivate(name):
			err = w.beside.take(name, data)
		case isBodies(name):
			err = w.bodies(name, data)
		case name == governanceName(w.parts):
			w.governance, w.parts = append(w.governance, data...), w.parts+1
			if len(w.governance) > MaxGovernanceBytes {
				err = fmt.Errorf("governance of more than %d bytes", MaxGovernanceBytes)
			}
		case name == quarantineName(w.messages):
			err = w.quarantined(data)
			w.messages++
		default:
			err = fmt.Errorf("the archive goes on with %.100q", name)
		}
		if err != nil {
			return w.fault(err)
		}
	}
	found := ArchiveHead{
		Format: ArchiveFormat, Origin: w.found.Origin, Leaves: w.found.Leaves, Sequence: w.found.Sequence, BookedAt: w.found.BookedAt, Clear: w.parts > 0,
	}
	if len(w.leaves) > 0 || found != w.backup.ArchiveHead {
		return w.fault(fmt.Errorf("the archive lacks bodies or governance, or does not hold what %s says", ArchiveFile))
	}
	if err := w.governed(); err != nil || w.replay == nil {
		return err
	}
	var err error
	if w.found.ErasedAgain, err = w.beside.finish(registry{w.replay.state}); err != nil {
		return err
	}
	for _, party := range w.found.ErasedAgain {
		mark := w.replay.vault.markErased(w.replay.vault.tag(subjectName(party)))
		w.replay.group.Private.Subjects = append(w.replay.group.Private.Subjects, mark)
	}
	return w.replay.finish(w.checkpoint)
}

// governed wants the governance file, if there is one, to be that of the archive's own head.
func (w *restoring) governed() error {
	if w.parts == 0 {
		return nil
	}
	at := slices.IndexFunc(w.Contracts, func(c domain.Contract) bool { return c.Kind() == domain.GovernanceKind })
	if at < 0 {
		return errors.New("verify governance: the contract governance/1 is not among those given")
	}
	found, err := OpenGovernance(w.Policy.LogOnly(), w.Contracts[at], bytes.NewReader(w.governance))
	if err == nil && !bytes.Equal(found.checkpoint, w.checkpoint) {
		err = &Fault{found.Head.Size, errors.New("the governance file is of another head than the archive")}
	}
	w.found.Governance = found
	return err
}

func (w *restoring) quarantined(data []byte) error {
	var messages []StoredMessage
	if err := canon.Unmarshal(data, &messages); err != nil {
		return err
	}
	for _, m := range messages {
		w.found.Quarantined++
		if w.replay == nil {
			continue
		}
		if _, err := w.replay.vault.open(quarantinePlace(m.At, m.Reason), m.Body); err != nil {
			return fmt.Errorf("message in quarantine: %w", err)
		}
		if err := w.Store.Quarantine(m.At, m.Reason, m.Body, MaxQuarantine); err != nil {
			return fmt.Errorf("keep message in quarantine: %w", err)
		}
	}
	return nil
}

// headsAt finds the root at some sizes.
type headsAt struct {
	tree *merkleTree
	// roots has a key for each size that is wanted.
	roots map[uint64][]byte
	batch [][]byte
}

// add takes the next leaf. Heads are signed where a batch ends, so only those places count.
func (h *headsAt) add(leaf []byte, closing bool) error {
	if len(h.roots) == 0 {
		return nil
	}
	h.batch = append(h.batch, leaf)
	if !closing {
		return nil
	}
	h.tree.append(h.batch)
	h.batch = nil
	if _, wanted := h.roots[h.tree.size]; !wanted {
		return nil
	}
	root, err := h.tree.root(h.tree.size)
	h.roots[h.tree.size] = bytes.Clone(root[:])
	return err
}
