package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
)

// Report is what Verify found in a clean ledger.
type Report struct {
	Origin  string `json:"origin"`
	Leaves  uint64 `json:"leaves"`
	Batches uint64 `json:"batches"`
	// Entries counts what was replayed, Refusals those of them that were refused.
	Entries  uint64 `json:"entries"`
	Refusals uint64 `json:"refusals"`
	// Sums of each currency over all accounts: all zero.
	Sums map[string]int64 `json:"sums"`
	Root []byte           `json:"root"`
	// Cosigned is the number of leaves under the stored head that witnesses have cosigned, zero for none.
	Cosigned uint64 `json:"cosigned,omitempty"`
	// Platform is that of the stored head, see Checkpoint.
	Platform string `json:"platform,omitempty"`
}

// Fault is the first place where a ledger contradicts itself.
type Fault struct {
	Index uint64
	Cause error
}

// ErrDamaged is what an Archive says of rows that the disk did not keep as they were written. Other
// failures to read say nothing of the ledger.
var ErrDamaged = errors.New("the ledger database is damaged")

// damageAt is a Fault at the first index that cannot be read, if the archive is damaged there.
func damageAt(index uint64, err error) error {
	var fault *Fault
	if errors.Is(err, ErrDamaged) && !errors.As(err, &fault) {
		return &Fault{index, err}
	}
	return err
}

// faultAt is a Fault at that index, unless the error names one itself.
func faultAt(index uint64, err error) error {
	var fault *Fault
	if err == nil || errors.As(err, &fault) {
		return err
	}
	return &Fault{index, err}
}

// Error names the index.
func (f *Fault) Error() string { return fmt.Sprintf("index %d: %v", f.Index, f.Cause) }

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Verify re-derives a whole ledger from its files: it opens every body, checks every
// signature, executes every batch again, and compares entries, leaves, tree, state digests,
// balances, the stored state, the indexes and the signed head. Errors are *Fault with the
// first bad index, or failures to read. It writes nothing.
func Verify(keys *Keys, archive Archive, contracts []domain.Contract, codecs []domain.Codec) (Report, error) {
	head, checkpoint, err := archive.Head()
	if err != nil {
		return Report{}, fmt.Errorf("read head: %w", err)
	}
	vault, err := newVault(keys)
	if err != nil {
		return Report{}, err
	}
	tree, err := openTree(archive, 0)
	if err != nil {
		return Report{}, err
	}
	a := newAudit(keys, vault, archive, contracts, codecs)
	a.tree, tree.stored = tree, head.Size
	if err := a.replay(head); err != nil {
		return Report{}, err
	}
	if err := a.comparePrivate(); err != nil {
		return Report{}, faultAt(head.Size, err)
	}
	if err := a.compareQuarantine(); err != nil {
		return Report{}, &Fault{head.Size, err}
	}
	if err := a.compareHead(keys, head, checkpoint); err != nil {
		return Report{}, &Fault{head.Size, err}
	}
	if err := a.compareCosigned(keys, head); err != nil {
		return Report{}, &Fault{head.Size, err}
	}
	var root tlog.Hash
	if head.Size > 0 {
		root, err = tree.root(head.Size)
	}
	a.report.Origin, a.report.Leaves, a.report.Sums, a.report.Root = keys.Origin, head.Size, a.state.sums(), root[:]
	return a.report, err
}

// audit replays a log from its first leaf.
type audit struct {
	executor
	archive Archive
	vault   *vault
	tree    *merkleTree
	state   *State
	// closed is the digest over the last bodies of final records.
	closed *stateDigest
	past   map[string]*entry
	gone   map[string]bool
	// postings are those of earlier entries, which were compared already; err is a failure to read them.
	postings past
	err      error
	// indexed is Head.Indexed: entries from there on are in no table yet.
	indexed uint64
	// members holds the tags of the records in each list, by the tag of the list.
	members map[string]map[string]bool
	// private are the private values that the log names, in its order.
	private []privateItem
	report  Report
	last    sealLeaf
}

func newAudit(keys *Keys, vault *vault, archive Archive, contracts []domain.Contract, codecs []domain.Codec) *audit {
	log, _ := note.NewVerifier(keys.LogVerifier) // the vault has checked the keys
	return &audit{
		executor: newExecutor(keys.Origin, log, contracts, codecs), archive: archive, vault: vault, state: newState(),
		postings: past{archive: archive, vault: vault}, closed: &stateDigest{}, past: map[string]*entry{}, gone: map[string]bool{}, members: map[string]map[string]bool{},
	}
}

// Seen, Closed and Posting make the audit the History of its own replay.
func (a *audit) Seen(id string, fingerprint []byte) (index uint64, same, found bool) {
	e, found := a.past[id]
	if !found {
		return 0, false, false
	}
	return e.Index, bytes.Equal(e.Fingerprint, fingerprint), true
}

func (a *audit) Closed(kind domain.Kind, key string) bool { return a.gone[recordName(kind, key)] }

func (a *audit) Posting(ref domain.PostingRef) (domain.Posting, bool) {
	p, found, err := a.postings.posting(ref)
	a.err = errors.Join(a.err, err)
	return p, found
}

// replay walks the leaves batch by batch, and compares the tables at the moment that they reflect.
func (a *audit) replay(head Head) error {
	a.indexed = head.Indexed
	if head.Indexed > head.Size {
		return &Fault{head.Size, errors.New("the tables claim to reflect more than the log holds")}
	}
	if err := batches(a.archive, 0, head.Indexed, a.batch); err != nil {
		return err
	}
	if err := errors.Join(a.compareState(), a.compareMembers()); err != nil {
		return &Fault{head.Indexed, err}
	}
	if err := batches(a.archive, head.Indexed, head.Size, a.batch); err != nil {
		return err
	}
	return a.archive.Entries(head.Size, 1, func(s StoredEntry) error {
		return &Fault{s.Index, errors.New("a leaf is stored beyond the head")}
	})
}

// batch executes one batch again and compares everything it left.
func (a *audit) batch(stored []StoredEntry, closing StoredEntry) error {
	r, err := a.again(a.vault, a.state, a, a.last, stored, closing)
	if err == nil && a.err != nil {
		err = &Fault{stored[0].Index, a.err}
	}
	if err != nil {
		return err
	}
	a.last = r.closing
	leaves := make([][]byte, 0, len(stored)+1)
	for i, row := range stored {
		if row.Index < a.indexed {
			if err := a.compareIndexes(r.sealed[i]); err != nil {
				return &Fault{row.Index, err}
			}
		}
		leaves = append(leaves, row.Leaf)
	}
	a.note(r.entries, r.changes)
	return a.compareTiles(a.tree.append(append(leaves, closing.Leaf)), closing.Index)
}

// note remembers what later batches may ask of the past.
func (a *audit) note(entries []*entry, changes []change) {
	a.report.Batches++
	for _, e := range entries {
		a.report.Entries++
		a.notePrivate(e)
		if e.Code != "" {
			a.report.Refusals++
		}
		if e.identity != "" {
			a.past[e.identity] = &entry{Index: e.Index, Fingerprint: e.Fingerprint}
		}
	}
	for _, c := range changes {
		if c.body != nil && !c.opened {
			a.closed.add(a.state.wide.of(c.body))
			a.gone[c.slot.name()] = true
		}
		if c.body != nil && c.slot.Type == recordSlot {
			a.enrol(c.slot)
		}
	}
}

// enrol notes the lists that a record is in; it never leaves one.
func (a *audit) enrol(s *slot) {
	tag := string(a.vault.tag(s.name()))
	for _, list := range owners(s) {
		key := string(a.vault.tag(list))
		if a.members[key] == nil {
			a.members[key] = map[string]bool{}
		}
		a.members[key][tag] = true
	}
}

// compareMembers pages through each list and wants exactly the records that belong to it.
func (a *audit) compareMembers() error {
	for list, want := range a.members { //tidy:ordered any difference is a fault
		found := 0
		q := SlotQuery{Member: []byte(list), Limit: MaxPage}
		for more := true; more; {
			more = false
			err := a.archive.Slots(q, func(s StoredSlot) error {
				if bytes.Compare(s.Tag, q.After) <= 0 { // a damaged index can lead round in a circle
					return errors.New("a list of records is out of order")
				}
				if !want[string(s.Tag)] {
					return errors.New("a record is listed for a party that it does not name")
				}
				found, more, q.After = found+1, true, s.Tag
				return nil
			})
			if err != nil {
				return err
			}
		}
		if found != len(want) {
			return fmt.Errorf("a list holds %d records, want %d", found, len(want))
		}
	}
	return nil
}

// compareIndexes checks that the entry is found under every name it should be found by.
func (a *audit) compareIndexes(s *sealedEntry) error {
	if s.identity != "" {
		tag := a.vault.identityTag(s.identity)
		found, err := a.archive.Find([][]byte{tag})
		if err != nil {
			return err
		}
		id, ok := found[string(tag)]
		if !ok || id.Index != s.Index {
			return errors.New("the identity is not filed, or for another entry")
		}
	}
	for _, name := range entryNames(s) {
		indexes, err := a.archive.Refs(a.vault.tag(name), s.Index, 1)
		if err != nil {
			return err
		}
		if len(indexes) != 1 || indexes[0] != s.Index {
			return errors.New("the entry is not filed under all that it touches")
		}
	}
	return nil
}

// compareTiles checks complete tiles as they are reached; partial ones change until the end.
func (a *audit) compareTiles(tiles []StoredTile, index uint64) error {
	for _, t := range tiles {
		if len(t.Data) < tileWidth*tlog.HashSize {
			continue
		}
		if err := a.compareTile(t); err != nil {
			return &Fault{index, err}
		}
	}
	return nil
}

func (a *audit) compareTile(t StoredTile) error {
	data, err := a.archive.Tile(t.Level, t.N)
	if err == nil && !bytes.Equal(data, t.Data) {
		err = fmt.Errorf("tile %d/%d is not made of the leaves", t.Level, t.N)
	}
	return err
}

// compareState checks the stored state against the replayed one, open and final.
func (a *audit) compareState() error {
	open, closed := &stateDigest{}, &stateDigest{}
	err := a.archive.Slots(SlotQuery{All: true}, func(s StoredSlot) error {
		_, body, err := a.vault.openSlot(nil, s)
		if err != nil {
			return err
		}
		if s.Open {
			open.add(a.state.wide.of(body))
		} else {
			closed.add(a.state.wide.of(body))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if *open != *a.state.digest || *closed != *a.closed {
		return errors.New("the stored state is not the one that the log leads to")
	}
	return nil
}

// compareHead checks the edge of the tree and the signed head.
func (a *audit) compareHead(keys *Keys, head Head, checkpoint []byte) error {
	if err := checkSums(a.state); err != nil {
		return err
	}
	if head.Sequence != a.last.Sequence || head.Now != a.last.BookedAt {
		return errors.New("the stored head is not that of the last batch")
	}
	for level, edge := range a.tree.edge {
		n := head.Size >> (tileHeight * (level + 1))
		if len(edge.nodes[0]) == 0 {
			continue
		}
		if err := a.compareTile(StoredTile{Level: level, N: n, Data: edge.data()}); err != nil {
			return err
		}
	}
	if head.Size == 0 {
		if len(checkpoint) != 0 {
			return errors.New("a checkpoint is stored for an empty log")
		}
		return nil
	}
	policy, err := ParsePolicy(keys.Policy())
	if err != nil {
		return err
	}
	signed, err := policy.open(checkpoint)
	if err != nil {
		return err
	}
	a.report.Platform = signed.Platform
	root, err := a.tree.root(head.Size)
	if err == nil && (signed.Size != head.Size || !bytes.Equal(root[:], signed.Hash)) {
		err = errors.New("the signed head is not that of the leaves")
	}
	return err
}
