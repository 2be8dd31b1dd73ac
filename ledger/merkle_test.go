package ledger_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

// publicVectors visits the test vectors of transparency-dev/merkle below a folder of its testdata.
func publicVectors[T any](t *testing.T, folder string, visit func(name string, v T)) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/transparency-dev/merkle").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, count := filepath.Join(strings.TrimSpace(string(dir)), "testdata", folder), 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		count++
		name, _ := filepath.Rel(root, path)
		visit(name, v)
		return nil
	})
	if err != nil || count < 50 {
		t.Fatalf("%d vectors in %s, %v", count, root, err)
	}
}

func hashes(t *testing.T, all [][]byte) (converted []tlog.Hash, ok bool) {
	t.Helper()
	for _, h := range all {
		if len(h) != tlog.HashSize {
			return nil, false
		}
		converted = append(converted, tlog.Hash(h))
	}
	return converted, true
}

// Inclusion as receipts check it says of every public vector what its authors say, and their code too.
func TestPublicInclusionVectors(t *testing.T) {
	type vector struct {
		Index    uint64   `json:"leafIdx"`
		Size     uint64   `json:"treeSize"`
		Root     []byte   `json:"root"`
		LeafHash []byte   `json:"leafHash"`
		Proof    [][]byte `json:"proof"`
		Wrong    bool     `json:"wantErr"`
	}
	publicVectors(t, "inclusion", func(name string, v vector) {
		path, ok := hashes(t, append([][]byte{v.Root, v.LeafHash}, v.Proof...))
		valid := ok && v.Index < v.Size && v.Size <= 1<<62 &&
			tlog.CheckRecord(path[2:], int64(v.Size), path[0], int64(v.Index), path[1]) == nil
		theirs := proof.VerifyInclusion(rfc6962.DefaultHasher, v.Index, v.Size, v.LeafHash, v.Proof, v.Root) == nil
		if valid == v.Wrong || valid != theirs {
			t.Errorf("%s: valid %v, want %v, theirs %v", name, valid, !v.Wrong, theirs)
		}
	})
}

// Consistency as witnesses check it likewise. Theirs calls an empty old tree consistent with
// everything, and two equal texts that are no hashes; neither can be asked here.
func TestPublicConsistencyVectors(t *testing.T) {
	type vector struct {
		Size1 uint64   `json:"size1"`
		Size2 uint64   `json:"size2"`
		Root1 []byte   `json:"root1"`
		Root2 []byte   `json:"root2"`
		Proof [][]byte `json:"proof"`
		Wrong bool     `json:"wantErr"`
	}
	publicVectors(t, "consistency", func(name string, v vector) {
		path, ok := hashes(t, append([][]byte{v.Root1, v.Root2}, v.Proof...))
		valid := ok && v.Size1 > 0 && v.Size1 <= v.Size2 && v.Size2 <= 1<<62 &&
			tlog.CheckTree(path[2:], int64(v.Size2), path[1], int64(v.Size1), path[0]) == nil
		if valid == v.Wrong && ok && v.Size1 > 0 || valid && v.Size1 == 0 {
			t.Errorf("%s: valid %v, want %v", name, valid, !v.Wrong)
		}
	})
}
