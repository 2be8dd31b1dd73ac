package ledger

import (
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// Tile serves the C2SP tlog-tiles: the first width hashes of tile n at a tile level, or, at
// level -1, the entry bundle: leaves with big-endian 16-bit length prefixes. NotFound for
// what the newest checkpoint does not cover.
func (e *Engine) Tile(level int, n uint64, width int) ([]byte, error) {
	size := e.Size()
	if width < 1 || width > tileWidth || level < -1 || level > 7 || n > 1<<56 {
		return nil, errNotFound()
	}
	covered := size
	if level > 0 {
		covered = size >> (tileHeight * level)
	}
	if n*tileWidth+uint64(width) > covered {
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
	return tl.data()[:width*tlog.HashSize], nil
}

func (e *Engine) bundle(from uint64, count int) ([]byte, error) {
	var data []byte
	err := e.store.Entries(from, count, func(s StoredEntry) error {
		data = binary.BigEndian.AppendUint16(data, uint16(len(s.Leaf)))
		data = append(data, s.Leaf...)
		return nil
	})
	return data, err
}
