package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
)

// exportedLog is the public log of a house of some size, as "aval export --log" writes it,
// and the key that signed it, as verifiers have it.
func exportedLog(t *testing.T) (dir, vkey string) {
	t.Helper()
	h := newHouse(t)
	n := h.start(t)
	for i := range 260 {
		h.must(t, trader(i%payers), domain.CashKind, "bank", "transfer", cents(trader((i+1)%payers), 1))
	}
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "log")
	mustRun(t, "export", "--log", h.dir, dir)
	policy, err := os.ReadFile(filepath.Join(h.dir, "policy.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, strings.Fields(string(policy))[1]
}

// tilesIn reads the tiles of an exported log for x/mod, which has other paths for them.
type tilesIn string

func (tilesIn) Height() int                     { return 8 }
func (tilesIn) SaveTiles([]tlog.Tile, [][]byte) {}
func (dir tilesIn) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(dir), "tile", strings.TrimPrefix(tile.Path(), "tile/8/")))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// TestExportByOthersCode reads an exported log with code that is not ours alone: checkpoint,
// tiles, inclusion of every leaf, consistency of every size with the last.
func TestExportByOthersCode(t *testing.T) {
	t.Parallel()
	dir, vkey := exportedLog(t)
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _, err := log.ParseCheckpoint(signed, origin, verifier)
	if err != nil || string(rest) != "platform simulated\n" {
		t.Fatalf("%q, %v", rest, err)
	}
	tree := tlog.Tree{N: int64(head.Size), Hash: tlog.Hash(head.Hash)}
	reader := tlog.TileHashReader(tree, tilesIn(dir))
	leaves := bundles(t, dir, tree.N)
	for i, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(leaf))
		}
		if err != nil {
			t.Fatalf("leaf %d: %v", i, err)
		}
	}
	for n := int64(1); n <= tree.N; n += 37 {
		older, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := tlog.ProveTree(tree.N, n, reader)
		if err == nil {
			err = tlog.CheckTree(proof, tree.N, tree.Hash, n, older)
		}
		if err != nil {
			t.Fatalf("%d leaves in %d: %v", n, tree.N, err)
		}
	}
}

// bundles reads the leaves, whose hash x/mod makes.
func bundles(t *testing.T, dir string, size int64) (leaves [][]byte) {
	t.Helper()
	for n := int64(0); n*256 < size; n++ {
		name := fmt.Sprintf("tile/entries/%03d", n)
		if width := size - n*256; width < 256 {
			name += fmt.Sprintf(".p/%d", width)
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for len(data) > 0 {
			end := 2 + int(data[0])<<8 + int(data[1])
			leaves, data = append(leaves, data[2:end]), data[end:]
		}
	}
	if int64(len(leaves)) != size || size < 512 {
		t.Fatalf("%d leaves of %d", len(leaves), size)
	}
	return leaves
}

// fsckTool checks logs of tiles; it belongs to Tessera, the log library of transparency.dev.
const fsckTool = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4"

// TestTesseraFsck lets it check an exported log, and one with a bit changed. It is built outside
// of this module, which needs none of what it needs.
func TestTesseraFsck(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "go", "install", fsckTool)
	install.Dir, install.Env = bin, append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "true" { // CI skips nothing; where it has no network, it says so
			t.Skipf("NOT CHECKED by %s, which cannot be fetched from here: %v: %s", fsckTool, err, out)
		}
		t.Logf("NOT CHECKED by %s, which cannot be fetched from here: %v: %s", fsckTool, err, out)
		return
	}
	dir, vkey := exportedLog(t)
	key := filepath.Join(bin, "key")
	if err := os.WriteFile(key, []byte(vkey), 0o600); err != nil {
		t.Fatal(err)
	}
	fsck := func() string { // it exits with 0 either way, and with fewer workers than findings it never does
		out, err := exec.CommandContext(ctx, filepath.Join(bin, "fsck"), "--N=16", "--ui=false", "-v=1", "--storage_url=file://"+dir+"/", "--public_key="+key).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if out := fsck(); !strings.Contains(out, "Successfully fsck'd log") || strings.Contains(out, "fsck failed") {
		t.Errorf("the exported log: %s", out)
	}
	changed := 0
	for _, name := range []string{"checkpoint", "tile/0/000", "tile/entries/001"} {
		path := filepath.Join(dir, name)
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(sound)
		damaged[len(damaged)/2] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := fsck(); strings.Contains(out, "Successfully") || !strings.Contains(out, "fsck failed") {
			t.Errorf("%s changed: %s", name, out)
		}
		if err := os.WriteFile(path, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		changed++
	}
	t.Logf("%s agrees on the log and on %d damaged ones", fsckTool, changed)
}
