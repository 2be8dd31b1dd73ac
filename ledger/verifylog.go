package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// maxLogLeaves bounds the logs that can be verified: sizes that tile arithmetic holds with room.
const maxLogLeaves = 1 << 48

// LogReport is what VerifyLog found in a clean log.
type LogReport struct {
	Origin string `json:"origin"`
	Leaves uint64 `json:"leaves"`
	// Batches counts the seal leaves, Entries the others.
	Batches uint64 `json:"batches"`
	Entries uint64 `json:"entries"`
	// Sequence and BookedAt are those of the last batch.
	Sequence uint64        `json:"sequence"`
	BookedAt domain.Millis `json:"bookedAt"`
	Root     []byte        `json:"root"`
	// Platform is that of the Checkpoint.
	Platform string `json:"platform,omitempty"`
}

// VerifyLog checks a log from its public files alone, by their C2SP tlog-tiles paths: the
// checkpoint against the policy, every leaf against its tile, every tile against the leaves,
// the root against the checkpoint, and the form of the leaves: each batch closed by a seal
// that counts it, sequences and times increasing. It needs no key and shows nothing private.
// Errors are *Fault with the first bad index, or those of fetch.
func VerifyLog(policy Policy, fetch func(path string) ([]byte, error)) (LogReport, error) {
	return (&logAudit{fetch: fetch}).verify(policy)
}

// verify reads the log to its end.
func (v *logAudit) verify(policy Policy) (LogReport, error) {
	signed, err := v.fetch("checkpoint")
	if err != nil {
		return LogReport{}, fmt.Errorf("fetch checkpoint: %w", err)
	}
	checkpoint, err := policy.open(signed)
	if err != nil {
		return LogReport{}, &Fault{0, err}
	}
	if checkpoint.Size == 0 || checkpoint.Size > maxLogLeaves {
		return LogReport{}, &Fault{0, fmt.Errorf("checkpoint over %d leaves, want 1 to %d", checkpoint.Size, uint64(maxLogLeaves))}
	}
	v.size, v.tree = checkpoint.Size, &merkleTree{stored: checkpoint.Size, cache: map[tileID]*tile{}}
	if err := v.leaves(); err != nil {
		return LogReport{}, err
	}
	if err := v.edges(); err != nil {
		return LogReport{}, err
	}
	root, err := v.tree.root(v.size)
	if err == nil && !bytes.Equal(root[:], checkpoint.Hash) {
		err = errors.New("the signed root is not that of the leaves")
	}
	if err != nil {
		return LogReport{}, &Fault{v.size, err}
	}
	v.report.Origin, v.report.Leaves, v.report.Root = policy.Origin(), v.size, root[:]
	v.report.Sequence, v.report.BookedAt, v.report.Platform = v.last.Sequence, v.last.BookedAt, checkpoint.Platform
	return v.report, nil
}

// TilePath is the C2SP path of a tile: the first width hashes of tile n of a tile level, or
// of entry bundle n at level -1. A width of 256 is a full tile.
func TilePath(level int, n uint64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	name := fmt.Sprintf("tile/%d/%s", level, path)
	if level < 0 {
		name = "tile/entries/" + path
	}
	if width < tileWidth {
		name += fmt.Sprintf(".p/%d", width)
	}
	return name
}

// logAudit walks the leaves of a log.
type logAudit struct {
	fetch func(path string) ([]byte, error)
	// visit is told of each leaf that passed, and whether it closes a batch; it may be nil.
	visit  func(leaf []byte, closing bool) error
	size   uint64
	tree   *merkleTree
	report LogReport
	last   sealLeaf
	// open counts the entries since the last seal, sequence is theirs.
	open     uint64
	sequence uint64
}

// leaves reads bundle after bundle.
func (v *logAudit) leaves() error {
	for first := uint64(0); first < v.size; first += tileWidth {
		width := int(min(v.size-first, tileWidth))
		leaves, err := v.bundle(first, width)
		if err != nil {
			return err
		}
		if err := v.compareLeaves(first, leaves); err != nil {
			return err
		}
		for i, data := range leaves {
			err := v.leaf(data)
			if err == nil && v.visit != nil {
				err = v.visit(data, v.open == 0)
			}
			if err != nil {
				return &Fault{first + uint64(i), err}
			}
		}
		for _, t := range v.tree.append(leaves) {
			if t.Level == 0 || len(t.Data) < tileWidth*tlog.HashSize {
				continue // level 0 was compared, the edge comes at the end
			}
			if err := v.compareTile(t, first+uint64(width)-1); err != nil {
				return err
			}
		}
	}
	if v.open > 0 {
		return &Fault{v.size, errors.New("the log does not end with a seal")}
	}
	return nil
}

// bundle fetches and splits one entry bundle.
func (v *logAudit) bundle(first uint64, width int) ([][]byte, error) {
	data, err := v.get(-1, first/tileWidth, width)
	if err != nil {
		return nil, err
	}
	leaves := make([][]byte, width)
	for i := range leaves {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, &Fault{first + uint64(i), errors.New("the entry bundle is cut short")}
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		leaves[i], data = data[2:end], data[end:]
	}
	if len(data) > 0 {
		return nil, &Fault{first + uint64(width), errors.New("the entry bundle holds more than its width")}
	}
	return leaves, nil
}

// compareLeaves checks leaves against their tile, which names the first that differs.
func (v *logAudit) compareLeaves(first uint64, leaves [][]byte) error {
	hashes, err := v.get(0, first/tileWidth, len(leaves))
	if err != nil {
		return err
	}
	if len(hashes) != len(leaves)*tlog.HashSize {
		return &Fault{first, fmt.Errorf("tile of %d bytes for %d leaves", len(hashes), len(leaves))}
	}
	for i, data := range leaves {
		if h := tlog.RecordHash(data); !bytes.Equal(h[:], hashes[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return &Fault{first + uint64(i), errors.New("the leaf is not the one in the tile")}
		}
	}
	return nil
}

// leaf checks the form of one leaf and its place in the sequence of batches.
func (v *logAudit) leaf(data []byte) error {
	var s sealLeaf
	if canon.Unmarshal(data, &s) == nil {
		return v.seal(s)
	}
	var l leaf
	if err := canon.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("leaf: %w", err)
	}
	if l.Version != 1 || l.Type != "e" || len(l.Root) != tlog.HashSize {
		return errors.New("the leaf is of another version or type")
	}
	if l.Sequence <= v.last.Sequence || v.open > 0 && l.Sequence != v.sequence {
		return errors.New("the sequence of the leaf does not follow")
	}
	v.open, v.sequence = v.open+1, l.Sequence
	v.report.Entries++
	return nil
}

func (v *logAudit) seal(s sealLeaf) error {
	if s.Version != 1 || s.Type != "s" || len(s.State) != tlog.HashSize || len(s.Chain) != tlog.HashSize {
		return errors.New("the seal is of another version or type")
	}
	if v.open == 0 || s.Entries != v.open || s.Sequence != v.sequence || s.BookedAt <= v.last.BookedAt {
		return errors.New("number of entries, sequence or time of the batch do not follow")
	}
	v.last, v.open = s, 0
	v.report.Batches++
	return nil
}

// edges compares the last, partial tile of each level above the leaves.
func (v *logAudit) edges() error {
	for level := 1; level < len(v.tree.edge); level++ {
		edge := v.tree.edge[level]
		if len(edge.nodes[0]) == 0 {
			continue
		}
		if err := v.compareTile(StoredTile{Level: level, N: v.size >> (tileHeight * (level + 1)), Data: edge.data()}, v.size-1); err != nil {
			return err
		}
	}
	return nil
}

func (v *logAudit) compareTile(t StoredTile, index uint64) error {
	data, err := v.get(t.Level, t.N, len(t.Data)/tlog.HashSize)
	if err == nil && !bytes.Equal(data, t.Data) {
		err = &Fault{index, fmt.Errorf("tile %d/%d is not made of the leaves", t.Level, t.N)}
	}
	return err
}

func (v *logAudit) get(level int, n uint64, width int) ([]byte, error) {
	path := TilePath(level, n, width)
	data, err := v.fetch(path)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", path, err)
	}
	return data, nil
}
