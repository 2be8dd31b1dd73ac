package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// MaxLeafBytes is the largest leaf that a C2SP entry bundle can carry.
const MaxLeafBytes = 65_535

// leaf is what the log shows the world of an entry: where it stands and a commitment, the
// RFC 6962 root over the salted views of those who may see something of it. View 0 is the
// whole entry, for auditors; then come the viewers in order of their ID.
type leaf struct {
	Version  int    `json:"v"`
	Type     string `json:"t"` // "e"
	Sequence uint64 `json:"seq"`
	Root     []byte `json:"root"`
}

// sealLeaf closes each batch: how many entries it had, its time, and the digest of the state after it.
type sealLeaf struct {
	Version  int           `json:"v"`
	Type     string        `json:"t"` // "s"
	Sequence uint64        `json:"seq"`
	Entries  uint64        `json:"n"`
	BookedAt domain.Millis `json:"now"`
	State    []byte        `json:"state"`
}

// salted is one view as it is committed to. Without the salt nobody can test a guess.
type salted struct {
	Salt []byte `json:"salt"`
	View []byte `json:"view"`
}

// sealedEntry is an entry with everything a receipt needs.
type sealedEntry struct {
	*entry
	body    []byte // canonical entry
	leaf    []byte
	root    tlog.Hash // of the views
	viewers []domain.PartyID
	views   [][]byte // canonical salted views, view 0 being the entry
}

// seal turns an entry into its leaf. The salts are keyed hashes of position and viewer, so
// that they need no storage and every holder of the ledger key finds the same ones.
func seal(e *entry, saltKey []byte) (*sealedEntry, error) {
	body, err := canon.Marshal(e)
	if err != nil {
		return nil, err
	}
	s := &sealedEntry{entry: e, body: body, viewers: append([]domain.PartyID{""}, e.viewers()...)}
	for _, viewer := range s.viewers {
		view := body
		if viewer != "" {
			if view, err = canon.Marshal(e.disclose(viewer)); err != nil {
				return nil, err
			}
		}
		committed, err := canon.Marshal(salted{Salt: salt(saltKey, e.Index, viewer), View: view})
		if err != nil {
			return nil, err
		}
		s.views = append(s.views, committed)
	}
	if s.root, err = tlog.TreeHash(int64(len(s.views)), s); err != nil {
		return nil, err
	}
	s.leaf, err = canon.Marshal(leaf{Version: 1, Type: "e", Sequence: e.Sequence, Root: s.root[:]})
	return s, err
}

func salt(key []byte, index uint64, viewer domain.PartyID) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "salt %d %s", index, viewer)
	return mac.Sum(nil)
}

// ReadHashes implements tlog.HashReader over the views.
func (s *sealedEntry) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		hashes[i] = s.subtree(level, int(n))
	}
	return hashes, nil
}

func (s *sealedEntry) subtree(level, n int) tlog.Hash {
	if level == 0 {
		return tlog.RecordHash(s.views[n])
	}
	return tlog.NodeHash(s.subtree(level-1, 2*n), s.subtree(level-1, 2*n+1))
}

// sealBatch seals the entries of a batch and closes it with its seal leaf.
func sealBatch(b Batch, entries []*entry, state []byte, saltKey []byte) (sealed []*sealedEntry, closing []byte, err error) {
	for _, e := range entries {
		s, err := seal(e, saltKey)
		if err != nil {
			return nil, nil, fmt.Errorf("seal entry %d: %w", e.Index, err)
		}
		sealed = append(sealed, s)
	}
	closing, err = canon.Marshal(sealLeaf{
		Version: 1, Type: "s", Sequence: b.Sequence, Entries: uint64(len(entries)), BookedAt: b.Now, State: state,
	})
	return sealed, closing, err
}
