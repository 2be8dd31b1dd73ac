package ledger

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tile serves the C2SP tlog-tiles: the first width hashes of tile n at a tile level, or, at
// level -1, the entry bundle: leaves with big-endian 16-bit length prefixes. NotFound for
// what the newest checkpoint does not cover.
func (e *Engine) Tile(level int, n uint64, width int) ([]byte, error) {
	if width < 1 || width > tileWidth || level < -1 || level > 7 {
		return nil, errNotFound()
	}
	covered := e.Size() >> (tileHeight * max(level, 0))
	if n > covered/tileWidth || n*tileWidth+uint64(width) > covered {
		return nil, errNotFound()
	}
	if level == -1 {
		return e.bundle(n*tileWidth, width)
	}
	tl, err := e.tree.tile(tileID{level, n})
	if err != nil {
		return nil, err
	}
	e.tree.mu.RLock()
	defer e.tree.mu.RUnlock()
	if len(tl.nodes[0]) < width {
		return nil, fmt.Errorf("tile %d/%d holds %d hashes, want %d", level, n, len(tl.nodes[0]), width)
	}
	return tl.data()[:width*tlog.HashSize], nil
}

func (e *Engine) bundle(from uint64, count int) ([]byte, error) {
	var data []byte
	next := from
	err := e.store.Entries(from, count, func(s StoredEntry) error {
		h, err := e.tree.hash(0, next)
		if err != nil {
			return err
		}
		if s.Index != next || tlog.RecordHash(s.Leaf) != h {
			return fmt.Errorf("entry bundle: leaf %d is missing or not the one in the tree", next)
		}
		next++
		data = binary.BigEndian.AppendUint16(data, uint16(len(s.Leaf)))
		data = append(data, s.Leaf...)
		return nil
	})
	if err == nil && next != from+uint64(count) {
		err = fmt.Errorf("entry bundle: leaf %d is missing", next)
	}
	return data, err
}
