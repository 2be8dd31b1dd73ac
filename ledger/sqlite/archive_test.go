package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite"
)

// References of one tag are found in order over the borders of segments, from any index, to any limit.
func TestRefsCrossSegments(t *testing.T) {
	store, err := sqlite.Create(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const size = 3 * 4096
	var want []uint64
	for n := range uint64(3) {
		until := 4096 * (n + 1)
		c := ledger.Commit{Head: ledger.Head{Size: until, Sequence: n + 1, Now: domain.Millis(n + 1), Indexed: until}}
		for i := until - 4096; i < until; i++ {
			c.Entries = append(c.Entries, ledger.StoredEntry{Index: i, Leaf: []byte("leaf")})
			c.Refs = append(c.Refs, ledger.StoredRef{Tag: []byte("other"), Index: i})
		}
		for i := until - 4096; i < until; i++ {
			if i%1000 == 0 || i == 4095 || i == 4096 {
				c.Refs = append(c.Refs, ledger.StoredRef{Tag: []byte("wanted"), Index: i})
				want = append(want, i)
			}
		}
		if err := store.Append(c); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []struct {
		from  uint64
		limit int
		want  []uint64
	}{
		{0, 100, want}, {0, 3, want[:3]}, {4095, 2, []uint64{4095, 4096}}, {4097, 100, want[7:]}, {size, 5, nil}, {11_001, 5, []uint64{12_000}}, {0, 0, nil},
	} {
		got, err := store.Refs([]byte("wanted"), q.from, q.limit)
		if err != nil || !slices.Equal(got, q.want) {
			t.Errorf("from %d, limit %d: %v, %v, want %v", q.from, q.limit, got, err, q.want)
		}
		for before := range uint64(2) {
			before += q.from
			end, _ := slices.BinarySearch(want, before)
			back := slices.Clone(want[:end])
			slices.Reverse(back)
			back = back[:min(q.limit, len(back))]
			if got, err := store.RefsBefore([]byte("wanted"), before, q.limit); err != nil || !slices.Equal(got, back) {
				t.Errorf("before %d, limit %d: %v, %v, want %v", before, q.limit, got, err, back)
			}
		}
	}
}

// A closed ledger is verified without a trace, from a folder that cannot be written too.
func TestSnapshotLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	store, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Commit{Head: ledger.Head{Size: 1, Sequence: 1, Now: 1}, Entries: []ledger.StoredEntry{{Leaf: []byte("leaf")}}}
	if err := errors.Join(store.Append(c), store.Close()); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	snapshot, err := sqlite.OpenSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := snapshot.Head()
	if err := errors.Join(err, snapshot.Close()); err != nil || head.Size != 1 {
		t.Errorf("head %+v, %v", head, err)
	}
	if after := names(t, dir); !slices.Equal(before, after) {
		t.Errorf("files %v became %v", before, after)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}
