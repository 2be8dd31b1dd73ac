package ledger

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// tileStore is an Archive of tiles alone.
type tileStore struct {
	Archive
	tiles map[string][]byte
}

func (s tileStore) Tile(level int, n uint64) ([]byte, error) {
	return s.tiles[fmt.Sprintf("%d/%d", level, n)], nil
}

func (s tileStore) keep(tiles []StoredTile) {
	for _, t := range tiles {
		s.tiles[fmt.Sprintf("%d/%d", t.Level, t.N)] = t.Data
	}
}

// model keeps every stored hash in one list, as x/mod's own tests do.
type model struct{ hashes []tlog.Hash }

func (m *model) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, i := range indexes {
		all = append(all, m.hashes[i])
	}
	return all, nil
}

func (m *model) add(t *testing.T, n int64, leaf []byte) {
	t.Helper()
	more, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(leaf), m)
	if err != nil {
		t.Fatal(err)
	}
	m.hashes = append(m.hashes, more...)
}

// The tree agrees with x/mod's at every edge of the tiles, also when it is opened there anew.
func TestTreeAgainstXMod(t *testing.T) {
	const top = 65_536 + 300
	store, m := tileStore{tiles: map[string][]byte{}}, &model{}
	tree, err := openTree(store, 0)
	if err != nil {
		t.Fatal(err)
	}
	check := map[int64]bool{1: true, 2: true, 255: true, 256: true, 257: true, 511: true, 512: true, 65_535: true, 65_536: true, 65_537: true, top: true}
	for n := int64(0); n < top; {
		count := min(1+n%97, top-n)
		for next := n + 1; next <= n+count; next++ { // end a batch where a size is to be checked
			if check[next] {
				count = next - n
			}
		}
		var leaves [][]byte
		for i := range count {
			leaf := fmt.Appendf(nil, "leaf %d", n+i)
			m.add(t, n+i, leaf)
			leaves = append(leaves, leaf)
		}
		store.keep(tree.append(leaves))
		if n += count; check[n] {
			compareTrees(t, tree, m, n)
			again, err := openTree(store, uint64(n))
			if err != nil {
				t.Fatal(err)
			}
			compareTrees(t, again, m, n)
		}
	}
	checkTileReader(t, store, m, top)
}

func compareTrees(t *testing.T, tree *merkleTree, m *model, size int64) {
	t.Helper()
	want, err := tlog.TreeHash(size, m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tree.root(uint64(size)); err != nil || got != want {
		t.Fatalf("root over %d: %v, %v, want %v", size, got, err, want)
	}
	for _, index := range []int64{0, size / 3, size / 2, size - 1} {
		proof, err := tlog.ProveRecord(size, index, tree)
		if err != nil {
			t.Fatalf("proof of %d in %d: %v", index, size, err)
		}
		leaf, err := tree.hash(0, uint64(index))
		if err == nil {
			err = tlog.CheckRecord(proof, size, want, index, leaf)
		}
		if err != nil {
			t.Errorf("proof of %d in %d: %v", index, size, err)
		}
	}
}

// storedTiles hands the stored tiles to x/mod's reader, cutting partial ones from wider ones.
type storedTiles struct{ tileStore }

func (storedTiles) Height() int                     { return tileHeight }
func (storedTiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (s storedTiles) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range tiles {
		data, _ := s.Tile(tile.L, uint64(tile.N))
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d has %d bytes, want %d hashes", tile.L, tile.N, len(data), tile.W)
		}
		all = append(all, data[:tile.W*tlog.HashSize])
	}
	return all, nil
}

// checkTileReader lets x/mod authenticate every stored tile against the root.
func checkTileReader(t *testing.T, store tileStore, m *model, size int64) {
	t.Helper()
	root, err := tlog.TreeHash(size, m)
	if err != nil {
		t.Fatal(err)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, storedTiles{store})
	for index := int64(0); index < size; index += 255 {
		i := tlog.StoredHashIndex(0, index)
		got, err := reader.ReadHashes([]int64{i})
		if err != nil || got[0] != m.hashes[i] {
			t.Fatalf("leaf %d: %v", index, err)
		}
	}
	if full, partial := len(store.tiles["0/0"]), len(store.tiles["0/257"]); full != tileWidth*32 || partial != 44*32 {
		t.Errorf("tiles of %d and %d bytes", full, partial)
	}
}

func TestOpenTreeRefusesShortTiles(t *testing.T) {
	store := tileStore{tiles: map[string][]byte{}}
	tree, _ := openTree(store, 0)
	store.keep(tree.append([][]byte{{1}, {2}, {3}}))
	for _, data := range [][]byte{nil, store.tiles["0/0"][:64], store.tiles["0/0"][:95]} {
		if _, err := openTree(tileStore{tiles: map[string][]byte{"0/0": data}}, 3); err == nil {
			t.Errorf("opened with a tile of %d bytes", len(data))
		}
	}
}

// The cache of complete tiles is bounded, and what it forgets is read again.
func TestTreeCacheIsBounded(t *testing.T) {
	tree := &merkleTree{cache: map[tileID]*tile{}, stored: 1 << 40}
	for n := range uint64(maxTileCache + 10) {
		tree.remember(tileID{0, n}, &tile{})
	}
	if len(tree.cache) != maxTileCache {
		t.Errorf("%d tiles cached, limit %d", len(tree.cache), maxTileCache)
	}
}

// A tile that became complete in a batch on its way to the disk is never forgotten, however
// full the cache: the store has its first hashes only, and readers of the head before ask for them.
func TestTreeKeepsTilesUntilStored(t *testing.T) {
	const complete = maxTileCache + 100
	store := tileStore{tiles: map[string][]byte{}}
	tree, _ := openTree(store, 0)
	leaves := make([][]byte, complete*tileWidth+200)
	store.keep(tree.append(leaves))
	tree.landed(uint64(len(leaves)))
	read := func(rounds int) { // each tile that is read anew pushes out another
		for n := range rounds {
			tree.remember(tileID{0, uint64(n % complete)}, &tile{})
		}
	}
	underway := tree.append(leaves[:tileWidth])
	read(100 * complete)
	if _, err := tlog.ProveRecord(int64(len(leaves)), int64(len(leaves)-1), tree); err != nil {
		t.Errorf("proof under the head before: %v", err)
	}
	store.keep(underway)
	tree.landed(uint64(len(leaves) + tileWidth))
	read(complete)
	if len(tree.cache) > maxTileCache {
		t.Errorf("%d tiles cached, limit %d", len(tree.cache), maxTileCache)
	}
}

func FuzzParseTile(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(bytes.Repeat([]byte{7}, 32))
	f.Add([]byte(strings.Repeat("x", 33)))
	f.Add(bytes.Repeat([]byte{1}, tileWidth*32+32))
	f.Fuzz(func(t *testing.T, data []byte) {
		tl, err := parseTile(data)
		if err != nil {
			if len(data)%32 == 0 && len(data) <= tileWidth*32 {
				t.Errorf("refused %d bytes: %v", len(data), err)
			}
			return
		}
		if !bytes.Equal(tl.data(), data) {
			t.Error("a tile comes back differently")
		}
	})
}
