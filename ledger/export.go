package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
)

// ArchiveFormat names the form of what ExportArchive writes.
const ArchiveFormat = "aval-archive/1"

// chunkBytes is about how much of sealed bodies or quarantine goes into one file of an
// archive: one beyond it ends the file, so a file has at most that and one body more.
const chunkBytes = 1 << 20

// The files of an archive beside those of the public log.
const (
	// ArchiveFile is the first one.
	ArchiveFile   = "archive.json"
	bodiesDir     = "bodies/"
	governanceDir = "governance/"
	quarantineDir = "quarantine/"
	// cosignedFile is the newest cosigned head, among the files before the log.
	cosignedFile = "cosigned"
	// checkpointFile begins the public log.
	checkpointFile = "checkpoint"
)

// Progress says how far an export or a restore has come: Leaves of Of.
type Progress struct{ Leaves, Of uint64 }

// Put takes the files of an export, in order; it must not keep the data.
type Put func(name string, data []byte) error

// ArchiveHead is what an archive says of itself, its first file.
type ArchiveHead struct {
	Format string `json:"format"`
	Origin string `json:"origin"`
	// Leaves, Sequence and BookedAt are those of the exported head.
	Leaves   uint64        `json:"leaves"`
	Sequence uint64        `json:"sequence"`
	BookedAt domain.Millis `json:"bookedAt"`
	// Clear says that governance is in the archive in clear.
	Clear bool `json:"clear"`
}

// ExportLog writes the public log as the files of C2SP tlog-tiles: checkpoint, and the
// complete and partial tiles and entry bundles of that checkpoint. It is the newest one that
// the policy accepts: the last that a quorum has cosigned if it asks for witnesses, else the
// head. Tiles are made from the leaves, and nothing counts as exported unless they lead to the
// signed root. The archive must stand still meanwhile. Memory does not grow with the log.
func ExportLog(keys *Keys, policy Policy, archive Archive, put Put, progress func(Progress)) error {
	checkpoint, err := exportedHead(keys, policy, archive)
	if err != nil {
		return err
	}
	x, err := newExport(policy, archive, checkpoint, put, progress)
	if err != nil {
		return err
	}
	return x.log()
}

// exportedHead is the newest head that the policy accepts: cosigned, if it asks for witnesses.
func exportedHead(keys *Keys, policy Policy, archive Archive) ([]byte, error) {
	_, checkpoint, err := archive.Head()
	if err == nil && policy.AsksWitnesses() {
		checkpoint, err = CosignedHead(keys, archive)
	}
	if err == nil && len(checkpoint) == 0 {
		err = errors.New("no head of the log was cosigned yet")
	}
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	return checkpoint, nil
}

// ExportArchive writes the public log and what a restore needs besides: the sealed bodies of
// the entries, each of which must open under the keys, and the quarantine. No key is among
// it. Files of the caller's choice, such as sealed keys, go between the first and the log. With inClear, what
// is of governance is in it once more, in clear, as its own file.
func ExportArchive(keys *Keys, archive Archive, messages Quarantine, extra map[string][]byte, inClear bool, put Put, progress func(Progress)) error {
	policy, err := ParsePolicy(keys.Policy())
	if err != nil {
		return err
	}
	head, checkpoint, err := archive.Head()
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	x, err := newExport(policy, archive, checkpoint, put, progress)
	if err != nil {
		return err
	}
	if x.size != head.Size {
		return &Fault{head.Size, fmt.Errorf("the checkpoint covers %d leaves of %d", x.size, head.Size)}
	}
	if x.vault, err = newVault(keys); err != nil {
		return err
	}
	if err := x.subjects(); err != nil {
		return err
	}
	cosigned, err := CosignedHead(keys, archive)
	if err != nil {
		return &Fault{head.Size, err}
	}
	files := map[string][]byte{}
	maps.Copy(files, extra)
	if cosigned != nil {
		files[cosignedFile] = cosigned
	}
	first := ArchiveHead{Format: ArchiveFormat, Origin: keys.Origin, Leaves: head.Size, Sequence: head.Sequence, BookedAt: head.Now, Clear: inClear}
	if err := x.preface(first, files); err != nil {
		return err
	}
	if err := x.log(); err != nil {
		return err
	}
	if inClear {
		if err := x.governance(head); err != nil {
			return err
		}
	}
	return x.quarantine(messages)
}

// export is one walk over a log.
type export struct {
	archive    Archive
	put        Put
	progress   func(Progress)
	checkpoint []byte
	size       uint64
	root       []byte
	tree       *merkleTree
	// vault opens the bodies that are exported; nil exports the public log only.
	vault  *vault
	beside privateExport
	// governing are the entries that can be of governance.
	governing []uint64
}

func newExport(policy Policy, archive Archive, checkpoint []byte, put Put, progress func(Progress)) (*export, error) {
	signed, err := policy.open(checkpoint)
	if err != nil {
		return nil, &Fault{0, err}
	}
	if signed.Size == 0 {
		return nil, errors.New("an empty log is not exported")
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	tree := &merkleTree{archive: archive, stored: signed.Size, cache: map[tileID]*tile{}}
	return &export{archive: archive, put: put, progress: progress, checkpoint: checkpoint, size: signed.Size, root: signed.Hash, tree: tree}, nil
}

// preface writes what comes before the log.
func (x *export) preface(first ArchiveHead, extra map[string][]byte) error {
	text, err := first.text()
	if err != nil {
		return err
	}
	if err := x.put(ArchiveFile, text); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if err := x.put(name, extra[name]); err != nil {
			return err
		}
	}
	return nil
}

func (h ArchiveHead) text() ([]byte, error) {
	text, err := json.Marshal(h)
	return append(text, '\n'), err
}

// log writes the files in the order in which VerifyLog asks for them, so that an archive is
// verified in one pass: checkpoint; for each 256 leaves their bundle, their tile, their
// private values, their bodies, and the tiles above that they complete; at last the edge.
func (x *export) log() error {
	if err := x.put(checkpointFile, x.checkpoint); err != nil {
		return err
	}
	for first := uint64(0); first < x.size; first += tileWidth {
		if err := x.bundle(first, int(min(x.size-first, tileWidth))); err != nil {
			return err
		}
	}
	for level := 1; level < len(x.tree.edge); level++ {
		if err := x.tile(StoredTile{Level: level, N: x.size >> (tileHeight * (level + 1)), Data: x.tree.edge[level].data()}); err != nil {
			return err
		}
	}
	root, err := x.tree.root(x.size)
	if err == nil && !bytes.Equal(root[:], x.root) {
		err = &Fault{x.size, errors.New("the signed head is not that of the leaves")}
	}
	return err
}

// bundle writes up to 256 leaves and what belongs to them. The bodies are read in a second
// pass: together they can be too large for memory.
func (x *export) bundle(first uint64, width int) error {
	leaves := make([][]byte, 0, width)
	var data []byte
	err := x.entries(first, width, func(s StoredEntry) error {
		if len(s.Leaf) > MaxLeafBytes {
			return &Fault{s.Index, fmt.Errorf("leaf of %d bytes, limit %d", len(s.Leaf), MaxLeafBytes)}
		}
		leaves = append(leaves, bytes.Clone(s.Leaf))
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(s.Leaf))), s.Leaf...)
		return nil
	})
	if err != nil {
		return err
	}
	if err := x.put(TilePath(-1, first/tileWidth, width), data); err != nil {
		return err
	}
	tiles := x.tree.append(leaves)
	for _, t := range tiles {
		if t.Level == 0 || len(t.Data) == tileWidth*tlog.HashSize {
			err = errors.Join(err, x.tile(t))
		}
	}
	if err == nil && x.vault != nil {
		err = x.private(first, width)
	}
	if err == nil && x.vault != nil {
		err = x.bodies(first, width)
	}
	x.progress(Progress{x.tree.size, x.size})
	return err
}

func (x *export) tile(t StoredTile) error {
	if len(t.Data) == 0 {
		return nil
	}
	return x.put(TilePath(t.Level, t.N, len(t.Data)/tlog.HashSize), t.Data)
}

// bodies writes sealed bodies with big-endian 32-bit length prefixes, those of a seal being empty.
func (x *export) bodies(first uint64, width int) error {
	var data []byte
	from := first
	flush := func(next uint64) error {
		err := x.put(bodiesName(from), data)
		from, data = next, data[:0]
		return err
	}
	err := x.entries(first, width, func(s StoredEntry) error {
		governs, err := books{vault: x.vault}.mayGovern(s)
		if err != nil {
			return err
		}
		if governs {
			x.governing = append(x.governing, s.Index)
		}
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(s.Body))), s.Body...)
		if len(data) < chunkBytes {
			return nil
		}
		return flush(s.Index + 1)
	})
	if err == nil && len(data) > 0 {
		err = flush(first + uint64(width))
	}
	return err
}

// bodiesName is that of the file that begins with the body of an entry.
func bodiesName(first uint64) string { return fmt.Sprintf("%s%d", bodiesDir, first) }

// entries visits exactly the entries of a range.
func (x *export) entries(first uint64, width int, visit func(StoredEntry) error) error {
	next := first
	err := x.archive.Entries(first, width, func(s StoredEntry) error {
		if s.Index != next {
			return &Fault{next, errors.New("the leaf is missing")}
		}
		next++
		return visit(s)
	})
	if err == nil && next != first+uint64(width) {
		err = &Fault{next, errors.New("the leaf is missing")}
	}
	return err
}

// SealArchive authenticates the digest of an archive under the index key.
func (k *Keys) SealArchive(digest []byte) []byte {
	mac := hmac.New(sha256.New, k.Index)
	fmt.Fprintf(mac, "archive %x", digest)
	return mac.Sum(nil)
}
