package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// publish writes the public files of a log as a static file server would hold them.
func publish(t *testing.T, n *ledgertest.Node) map[string][]byte {
	t.Helper()
	checkpoint, err := n.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"checkpoint": checkpoint}
	for level := -1; level < 8; level++ {
		covered := n.Size() >> (8 * max(level, 0))
		for first := uint64(0); first < covered; first += 256 {
			width := int(min(covered-first, 256))
			data, err := n.Tile(level, first/256, width)
			if err != nil {
				t.Fatalf("tile %d/%d: %v", level, first/256, err)
			}
			files[ledger.TilePath(level, first/256, width)] = data
		}
	}
	return files
}

func fetchFrom(files map[string][]byte) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		data, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s: no such file", name)
		}
		return bytes.Clone(data), nil
	}
}

// grow commits transfers in batches until the log holds at least so many leaves.
func grow(t testing.TB, n *ledgertest.Node, leaves uint64) {
	t.Helper()
	bank := n.Register("bank", domain.RoleBank)
	n.MustSubmit(n.World.Command(bank, domain.CashKind, "c", "issue", ledgertest.Order{To: "bank", Amount: usd(1_000_000)}))
	n.Register("acme")
	for n.Size() < leaves {
		var all sync.WaitGroup
		for range 64 {
			raw := n.World.Command(bank, domain.CashKind, "c", "transfer", ledgertest.Order{To: "acme", Amount: usd(1)})
			all.Go(func() {
				if reply, err := n.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForCommitted); err != nil || reply.Code != "" {
					t.Errorf("%+v, %v", reply, err)
				}
			})
		}
		all.Wait()
	}
}

func TestTilePath(t *testing.T) {
	for want, c := range map[string]struct {
		level, width int
		n            uint64
	}{
		"tile/0/000":                 {0, 256, 0},
		"tile/0/000.p/1":             {0, 1, 0},
		"tile/5/999.p/255":           {5, 255, 999},
		"tile/1/x001/000":            {1, 256, 1000},
		"tile/0/x001/x234/067":       {0, 256, 1_234_067},
		"tile/entries/x001/000.p/17": {-1, 17, 1000},
		"tile/entries/000":           {-1, 256, 0},
	} {
		if got := ledger.TilePath(c.level, c.n, c.width); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}

// tileFiles serves a log's files to the tile reader of x/mod, which has other paths for them.
type tileFiles map[string][]byte

func (tileFiles) Height() int                     { return 8 }
func (tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (f tileFiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// its paths are tile/8/<level>/<N>[.p/<W>]
		name := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, ok := f[path.Clean(name)]
		if !ok {
			return nil, fmt.Errorf("%s: no such file", name)
		}
		all = append(all, data)
	}
	return all, nil
}

// The code of the Go checksum database reads our tiles, checks them against our checkpoint
// and finds each leaf.
func TestTilesByXMod(t *testing.T) {
	n := ledgertest.NewWorld(t).MustStart(ledgertest.NewMemory())
	grow(t, n, 600)
	files := publish(t, n)
	verifier, err := note.NewVerifier(n.World.Keys.LogVerifier)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(files["checkpoint"], note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(strings.Split(opened.Text, "\n")[2])
	if err != nil {
		t.Fatal(err)
	}
	tree := tlog.Tree{N: int64(n.Size()), Hash: root}
	reader := tlog.TileHashReader(tree, tileFiles(files))
	for index := int64(0); index < tree.N; index++ {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			t.Fatal(err)
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, tree.N, root, index, hashes[0]); err != nil {
			t.Fatalf("leaf %d: %v", index, err)
		}
	}
}

func TestTileEdges(t *testing.T) {
	n := ledgertest.NewWorld(t).MustStart(ledgertest.NewMemory())
	grow(t, n, 300)
	size := n.Size()
	for _, c := range []struct {
		level int
		n     uint64
		width int
		ok    bool
	}{
		{0, 0, 256, true}, {0, 0, 1, true}, {0, 0, 0, false}, {0, 0, 257, false}, {0, 0, -1, false}, {-2, 0, 1, false}, {8, 0, 1, false},
		{0, 1, int(size - 256), true}, {0, 1, int(size - 255), false}, {1, 0, 1, true}, {1, 0, 2, false}, {2, 0, 1, false},
		{0, 1 << 56, 1, false}, {0, 1 << 63, 1, false}, {-1, 1 << 56, 1, false}, {-1, 0, 256, true}, {-1, 1, 1, true},
	} {
		data, err := n.Tile(c.level, c.n, c.width)
		if (err == nil) != c.ok || c.ok && c.level >= 0 && len(data) != 32*c.width {
			t.Errorf("%+v: %d bytes, %v", c, len(data), err)
		}
	}
}

func TestVerifyLog(t *testing.T) {
	n := ledgertest.NewWorld(t).MustStart(ledgertest.NewMemory())
	grow(t, n, 600)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	files := publish(t, n)
	report, err := ledger.VerifyLog(n.Policy(), fetchFrom(files))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ledger.Verify(n.World.Keys, n.Store, ledgertest.Contracts(), ledgertest.Codecs())
	if err != nil || report.Leaves != whole.Leaves || report.Batches != whole.Batches || report.Entries != whole.Entries || !bytes.Equal(report.Root, whole.Root) {
		t.Errorf("from files %+v, with keys %+v, %v", report, whole, err)
	}
	if report.BookedAt != n.Now() || report.Origin != ledgertest.Origin {
		t.Errorf("report %+v", report)
	}
}

func TestVerifyLogFaults(t *testing.T) {
	n := ledgertest.NewWorld(t).MustStart(ledgertest.NewMemory())
	grow(t, n, 600)
	files, size := publish(t, n), n.Size()
	other := ledgertest.NewWorld(t).MustStart(ledgertest.NewMemory())
	last := ledger.TilePath(-1, size/256, int(size%256))
	for name, c := range map[string]struct {
		index  int
		change func(map[string][]byte)
	}{
		"a leaf":        {0, func(f map[string][]byte) { f["tile/entries/000"][5] ^= 1 }},
		"a leaf far on": {256, func(f map[string][]byte) { f["tile/entries/001"][9] ^= 1 }},
		"bundle cut": {255, func(f map[string][]byte) {
			f["tile/entries/000"] = f["tile/entries/000"][:len(f["tile/entries/000"])-1]
		}},
		"bundle too long":  {256, func(f map[string][]byte) { f["tile/entries/000"] = append(f["tile/entries/000"], 0, 0) }},
		"bundle empty":     {0, func(f map[string][]byte) { f["tile/entries/000"] = nil }},
		"last bundle":      {anyIndex, func(f map[string][]byte) { f[last][len(f[last])-1] ^= 1 }},
		"a tile":           {1, func(f map[string][]byte) { f["tile/0/000"][32] ^= 1 }},
		"tile cut":         {0, func(f map[string][]byte) { f["tile/0/000"] = f["tile/0/000"][:32] }},
		"upper tile":       {anyIndex, func(f map[string][]byte) { f["tile/1/000.p/2"][0] ^= 1 }},
		"checkpoint":       {0, func(f map[string][]byte) { f["checkpoint"][len(ledgertest.Origin)+1] ^= 1 }},
		"other checkpoint": {0, func(f map[string][]byte) { f["checkpoint"] = publish(t, other)["checkpoint"] }},
		"two leaves swapped, tile too": {0, func(f map[string][]byte) {
			b, h := f["tile/entries/000"], f["tile/0/000"]
			one := 2 + int(b[0])<<8 + int(b[1])
			two := 2 + int(b[one])<<8 + int(b[one+1])
			f["tile/entries/000"] = bytes.Join([][]byte{b[one : one+two], b[:one], b[one+two:]}, nil)
			f["tile/0/000"] = bytes.Join([][]byte{h[32:64], h[:32], h[64:]}, nil)
		}},
	} {
		changed := map[string][]byte{}
		for name, data := range files {
			changed[name] = bytes.Clone(data)
		}
		c.change(changed)
		_, err := ledger.VerifyLog(n.Policy(), fetchFrom(changed))
		t.Run(name, func(t *testing.T) { wantFault(t, err, c.index) })
	}
	for name := range files {
		missing := errors.New("missing")
		_, err := ledger.VerifyLog(n.Policy(), func(wanted string) ([]byte, error) {
			if wanted == name {
				return nil, missing
			}
			return files[wanted], nil
		})
		if !errors.Is(err, missing) {
			t.Errorf("%s missing: %v, so nobody read it", name, err)
		}
	}
}
