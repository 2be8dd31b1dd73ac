package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// MaxLeafBytes is the largest leaf that a C2SP entry bundle can carry.
const MaxLeafBytes = 65_535

// leaf is what the log shows the world of an entry: where it stands and a commitment, the
// RFC 6962 root over the views of those who may see something of it. View 0 is the whole
// entry, for auditors; then come the viewers in order of their ID. A view's leaf is its place
// and the list of the commitments to its fields.
type leaf struct {
	Version  int    `json:"v"`
	Type     string `json:"t"` // "e"
	Sequence uint64 `json:"seq"`
	Root     []byte `json:"root"`
}

// sealLeaf closes each batch: how many entries it had, its time, the keyed digest of the state after it, and
// the salted commitment to the chain of governance.
type sealLeaf struct {
	Version  int           `json:"v"`
	Type     string        `json:"t"` // "s"
	Sequence uint64        `json:"seq"`
	Entries  uint64        `json:"n"`
	BookedAt domain.Millis `json:"now"`
	State    []byte        `json:"state"`
	Chain    []byte        `json:"gov"`
}

// fieldPrefix begins the input of a field's commitment; 0 and 1 are those of RFC 6962.
const fieldPrefix = 2

// sealedEntry is an entry with its commitments.
type sealedEntry struct {
	*entry
	body []byte // canonical entry
	leaf []byte
	// viewers and views, the leaf hashes of what they see; the first is nobody, for the whole entry.
	viewers []domain.PartyID
	views   []tlog.Hash
	salt    *salts
	// own are the fields of the sender's view: its receipt is made at once.
	own []committed
}

// sealer seals one entry after the other and keeps its room between them.
type sealer struct {
	salt *salts
	parts
	mentions []mention
	// input is that of a commitment, view the leaf of the view at work, with its RFC 6962 prefix.
	input, view []byte
	// index, number and fields say which entry, which view, and how many fields it has so far.
	index  uint64
	number int
	fields int
	emit   func(path, value []byte)
	// own collects the fields of the view at work if it is the sender's.
	own     []committed
	keeping bool
}

func newSealer(salt *salts) *sealer {
	s := &sealer{salt: salt}
	s.emit = s.commit
	return s
}

// seal turns an entry into its leaf.
func seal(e *entry, salt *salts) (*sealedEntry, error) { return newSealer(salt).seal(e) }

func (s *sealer) seal(e *entry) (*sealedEntry, error) {
	s.fill(e)
	s.index, s.mentions = e.Index, e.mentions(s.mentions[:0])
	sealed := newSealed(e, s.salt, s.mentions)
	var err error
	if sealed.body, err = e.encode(); err != nil {
		return nil, err
	}
	s.begin(0, cap(sealed.views))
	s.commit(s.named(entryPath), sealed.body)
	sealed.add("", s.viewHash())
	for own, rest := nextViewer(s.mentions); len(own) > 0; own, rest = nextViewer(rest) {
		s.begin(len(sealed.views), cap(sealed.views))
		s.keeping = own[0].party == e.Sender
		s.visit(e, own, s.emit)
		sealed.add(own[0].party, s.viewHash())
		if s.keeping {
			sealed.own, s.own, s.keeping = s.own, nil, false
		}
	}
	root := viewsRoot(sealed.views)
	sealed.leaf, err = leaf{Version: 1, Type: "e", Sequence: e.Sequence, Root: root[:]}.encode()
	return sealed, err
}

// view gives the fields of view n.
func (s *sealedEntry) view(n int) []committed {
	var fields []committed
	show := func(path, value []byte) {
		f := committed{Path: string(path), Salt: make([]byte, saltSize), Value: bytes.Clone(value)}
		s.salt.field(f.Salt, s.Index, n, len(fields))
		fields = append(fields, f)
	}
	if n == 0 {
		show([]byte(entryPath), s.body)
		return fields
	}
	if s.own != nil && s.viewers[n] == s.Sender {
		return slices.Clone(s.own)
	}
	for own, rest := nextViewer(s.mentions(nil)); len(own) > 0; own, rest = nextViewer(rest) {
		if own[0].party == s.viewers[n] {
			var p parts
			p.fill(s.entry)
			p.visit(s.entry, own, show)
		}
	}
	return fields
}

func newSealed(e *entry, salt *salts, all []mention) *sealedEntry {
	viewers := 1
	for i := range all {
		if i == 0 || all[i].party != all[i-1].party {
			viewers++
		}
	}
	return &sealedEntry{entry: e, salt: salt, viewers: make([]domain.PartyID, 0, viewers), views: make([]tlog.Hash, 0, viewers)}
}

func (s *sealedEntry) add(viewer domain.PartyID, view tlog.Hash) {
	s.viewers, s.views = append(s.viewers, viewer), append(s.views, view)
}

// begin starts the leaf of a view, behind its RFC 6962 prefix.
func (s *sealer) begin(view, of int) {
	s.number, s.fields, s.view = view, 0, appendPlace(append(s.view[:0], 0), view, of)
}

// appendPlace begins a view's leaf with its number and how many views there are: a root alone
// does not say how many leaves it has.
func appendPlace(leaf []byte, view, of int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(leaf, uint32(view)), uint32(of))
}

// commit adds the commitment to one field: without its salt nobody can test a guess at the value.
func (s *sealer) commit(path, value []byte) {
	s.input = append(s.input[:0], make([]byte, 1+saltSize)...)
	s.input[0] = fieldPrefix
	s.salt.field(s.input[1:], s.index, s.number, s.fields)
	s.input = appendField(s.input, path, value)
	if s.keeping {
		kept := bytes.Clone(s.input[1:])
		s.own = append(s.own, committed{Path: string(path), Salt: kept[:saltSize:saltSize], Value: kept[saltSize+1+len(path):]})
	}
	s.fields++
	s.view = sum(s.input, s.view)
}

// appendField adds a field to what is hashed: the length of its path, its path, its value.
func appendField(to, path, value []byte) []byte {
	to = append(to, byte(len(path)))
	return append(append(to, path...), value...)
}

func sum(data, to []byte) []byte {
	h := sha256.Sum256(data)
	return append(to, h[:]...)
}

func (s *sealer) viewHash() tlog.Hash {
	s.input = sum(s.view, s.input[:0])
	return tlog.Hash(s.input)
}

// viewsRoot is the RFC 6962 root over leaf hashes.
func viewsRoot(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	split := 1 << (bits.Len(uint(len(hashes)-1)) - 1)
	left, right := viewsRoot(hashes[:split]), viewsRoot(hashes[split:])
	var node [1 + 2*tlog.HashSize]byte
	node[0] = 1
	copy(node[1:], left[:])
	copy(node[1+tlog.HashSize:], right[:])
	return sha256.Sum256(node[:])
}

// viewsPath is the RFC 6962 audit path of leaf n.
func viewsPath(hashes []tlog.Hash, n int) [][]byte {
	if len(hashes) == 1 {
		return nil
	}
	split := 1 << (bits.Len(uint(len(hashes)-1)) - 1)
	own, other := hashes[:split], hashes[split:]
	if n >= split {
		own, other, n = other, own, n-split
	}
	sibling := viewsRoot(other)
	return append(viewsPath(own, n), sibling[:])
}

// sealBatch seals the entries of a batch, of which there is one at least, and closes it with its seal leaf.
func sealBatch(b Batch, entries []*entry, after *State, salt *salts) (sealed []*sealedEntry, closing []byte, err error) {
	s := newSealer(salt)
	for _, e := range entries {
		one, err := s.seal(e)
		if err != nil {
			return nil, nil, fmt.Errorf("seal entry %d: %w", e.Index, err)
		}
		sealed = append(sealed, one)
	}
	chain, err := after.chain()
	if err != nil {
		return nil, nil, err
	}
	chained, err := chain.field(salt, entries[len(entries)-1].Index+1)
	if err != nil {
		return nil, nil, err
	}
	closing, err = canon.Marshal(sealLeaf{
		Version: 1, Type: "s", Sequence: b.Sequence, Entries: uint64(len(entries)), BookedAt: b.Now,
		State: salt.digest(b.Sequence, after.digest.sum()), Chain: chained.commitment(),
	})
	return sealed, closing, err
}
