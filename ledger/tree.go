package ledger

import (
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight and tileWidth are those of C2SP tlog-tiles: 8 levels, 256 hashes.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// maxTileCache bounds the complete tiles kept in memory, about 16 KiB each.
	maxTileCache = 2048
)

// tile is one tile with the inner nodes above its hashes, so that a proof reads nodes and
// computes none. nodes[0] are the tile's own hashes, nodes[h] the complete subtrees above.
type tile struct {
	nodes [tileHeight + 1][]tlog.Hash
}

// push adds a hash and every subtree that it completes.
func (t *tile) push(h tlog.Hash) {
	t.nodes[0] = append(t.nodes[0], h)
	for level := 0; level < tileHeight && len(t.nodes[level])%2 == 0; level++ {
		n := len(t.nodes[level])
		t.nodes[level+1] = append(t.nodes[level+1], tlog.NodeHash(t.nodes[level][n-2], t.nodes[level][n-1]))
	}
}

func (t *tile) data() []byte {
	data := make([]byte, 0, len(t.nodes[0])*tlog.HashSize)
	for _, h := range t.nodes[0] {
		data = append(data, h[:]...)
	}
	return data
}

func parseTile(data []byte) (*tile, error) {
	if len(data)%tlog.HashSize != 0 || len(data) > tileWidth*tlog.HashSize {
		return nil, fmt.Errorf("tile of %d bytes", len(data))
	}
	t := &tile{}
	for ; len(data) > 0; data = data[tlog.HashSize:] {
		t.push(tlog.Hash(data))
	}
	return t, nil
}

type tileID struct {
	level int
	n     uint64
}

// merkleTree is the RFC 6962 tree over the leaves: the right edge in memory, complete tiles
// from the store. Reads are safe beside the one appender, and see sizes that were published.
type merkleTree struct {
	archive Archive
	mu      sync.RWMutex
	size    uint64
	// stored is how many leaves the store holds for sure: a complete tile beyond them is
	// nowhere but here.
	stored uint64
	// edge holds the last, incomplete tile of each tile level.
	edge  []*tile
	cache map[tileID]*tile
}

// openTree loads the right edge for a size.
func openTree(a Archive, size uint64) (*merkleTree, error) {
	t := &merkleTree{archive: a, size: size, stored: size, cache: map[tileID]*tile{}}
	for level, count := 0, size; count > 0; level, count = level+1, count>>tileHeight {
		data, err := a.Tile(level, count>>tileHeight)
		if err != nil {
			return nil, err
		}
		want := int(count%tileWidth) * tlog.HashSize
		if len(data) < want {
			return nil, fmt.Errorf("tile %d/%d: %d bytes, want %d", level, count>>tileHeight, len(data), want)
		}
		edge, err := parseTile(data[:want])
		if err != nil {
			return nil, err
		}
		t.edge = append(t.edge, edge)
	}
	return t, nil
}

// append adds leaves and returns the tiles that changed.
func (t *merkleTree) append(leaves [][]byte) []StoredTile {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := map[tileID]*tile{}
	for _, leaf := range leaves {
		t.push(0, t.size, tlog.RecordHash(leaf), changed)
		t.size++
	}
	var tiles []StoredTile
	for level := range t.edge {
		for n := (t.size - uint64(len(leaves))) >> (tileHeight * (level + 1)); ; n++ {
			tl, ok := changed[tileID{level, n}]
			if !ok {
				break
			}
			tiles = append(tiles, StoredTile{Level: level, N: n, Data: tl.data()})
		}
	}
	return tiles
}

// push adds the i-th hash of a tile level; a tile that becomes complete adds its root above.
func (t *merkleTree) push(level int, i uint64, h tlog.Hash, changed map[tileID]*tile) {
	if level == len(t.edge) {
		t.edge = append(t.edge, &tile{})
	}
	id := tileID{level, i >> tileHeight}
	edge := t.edge[level]
	edge.push(h)
	changed[id] = edge
	if len(edge.nodes[0]) < tileWidth {
		return
	}
	t.remember(id, edge)
	t.edge[level] = &tile{}
	t.push(level+1, i>>tileHeight, edge.nodes[tileHeight][0], changed)
}

// remember caches a complete tile, forgetting an arbitrary stored one when there are too many.
func (t *merkleTree) remember(id tileID, tl *tile) {
	for old := range t.cache { //tidy:ordered which cached tile goes changes no result
		if len(t.cache) < maxTileCache {
			break
		}
		if (old.n+1)<<(tileHeight*(old.level+1)) <= t.stored {
			delete(t.cache, old)
		}
	}
	t.cache[id] = tl
}

// landed notes that the store holds the tree over size leaves.
func (t *merkleTree) landed(size uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stored = size
}

// ReadHashes implements tlog.HashReader over the tiles.
func (t *merkleTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	var missing []int
	t.mu.RLock()
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		id, within := place(level, uint64(n))
		tl := t.held(id)
		if tl == nil || within >= len(tl.nodes[level%tileHeight]) {
			missing = append(missing, i)
			continue
		}
		hashes[i] = tl.nodes[level%tileHeight][within]
	}
	t.mu.RUnlock()
	for _, i := range missing {
		level, n := tlog.SplitStoredHashIndex(indexes[i])
		var err error
		if hashes[i], err = t.hash(level, uint64(n)); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// place is where the n-th complete subtree of 2^level leaves stands: its tile, and its number
// among those of its height in that tile.
func place(level int, n uint64) (tileID, int) {
	height := level % tileHeight
	id := tileID{level / tileHeight, n >> (tileHeight - height)}
	return id, int(n - id.n<<(tileHeight-height))
}

// hash gives the n-th complete subtree of 2^level leaves.
func (t *merkleTree) hash(level int, n uint64) (tlog.Hash, error) {
	height := level % tileHeight
	id, within := place(level, n)
	tl, err := t.tile(id)
	if err != nil {
		return tlog.Hash{}, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if within >= len(tl.nodes[height]) {
		return tlog.Hash{}, fmt.Errorf("tree holds no hash %d at level %d", n, level)
	}
	return tl.nodes[height][within], nil
}

// held gives a tile that is in memory, or nil. The caller holds the lock.
func (t *merkleTree) held(id tileID) *tile {
	if tl, cached := t.cache[id]; cached {
		return tl
	}
	if id.level < len(t.edge) && id.n == t.size>>(tileHeight*(id.level+1)) {
		return t.edge[id.level]
	}
	return nil
}

func (t *merkleTree) tile(id tileID) (*tile, error) {
	t.mu.RLock()
	tl := t.held(id)
	t.mu.RUnlock()
	if tl != nil {
		return tl, nil
	}
	data, err := t.archive.Tile(id.level, id.n)
	if err != nil {
		return nil, err
	}
	if tl, err = parseTile(data); err != nil {
		return nil, err
	}
	if err := t.vouch(id, tl); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remember(id, tl)
	return tl, nil
}

// vouch compares a tile that the store gave, which must be complete, with its root in the tile
// above, and so up to the edge, which is in memory: no turned bit ever gets into a proof.
func (t *merkleTree) vouch(id tileID, tl *tile) error {
	if len(tl.nodes[0]) < tileWidth {
		return fmt.Errorf("tile %d/%d holds %d hashes, want %d", id.level, id.n, len(tl.nodes[0]), tileWidth)
	}
	root, err := t.hash(tileHeight*(id.level+1), id.n)
	if err == nil && root != tl.nodes[tileHeight][0] {
		err = fmt.Errorf("tile %d/%d is not the one in the tree: changed store", id.level, id.n)
	}
	return err
}

// root is the tree hash over the first size leaves.
func (t *merkleTree) root(size uint64) (tlog.Hash, error) {
	if size == 0 {
		return tlog.Hash{}, fmt.Errorf("an empty log has no head")
	}
	return tlog.TreeHash(int64(size), t)
}
