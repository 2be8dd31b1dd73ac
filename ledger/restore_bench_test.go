package ledger_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

// BenchmarkExport and BenchmarkRestore give the time of one entry, and the memory that is
// held while a log goes through.
func BenchmarkExport(b *testing.B) {
	w, store := filled(b)
	for b.Loop() {
		put := func(string, []byte) error { return nil }
		if err := ledger.ExportArchive(w.Keys, store, store, nil, true, put, nil); err != nil {
			b.Fatal(err)
		}
	}
	perLeaf(b, store)
}

func BenchmarkRestore(b *testing.B) {
	w, store := filled(b)
	archive := archiveOf(b, w.Keys, store)
	for b.Loop() {
		target, err := sqlite.Create(filepath.Join(b.TempDir(), "ledger.db"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := restoreFrom(filesOf(archive, w.Keys), ledger.Restore{Keys: w.Keys, Store: target}); err != nil {
			b.Fatal(err)
		}
		if err := target.Close(); err != nil {
			b.Fatal(err)
		}
	}
	perLeaf(b, store)
}

func filled(b *testing.B) (*ledgertest.World, *ledgertest.Memory) {
	w, store := ledgertest.NewWorld(b), ledgertest.NewMemory()
	n := w.MustStart(store)
	grow(b, n, 10_000)
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	return w, store
}

func perLeaf(b *testing.B, store *ledgertest.Memory) {
	head, _, err := store.Head()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(head.Size), "ns/leaf")
}
