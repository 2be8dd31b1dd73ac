package ledger_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"testing"

	driver "modernc.org/sqlite"

	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
)

var powerStride = flag.Int("power.stride", 17, "TestPowerLoss cuts the power at every such step of the disk")

func newDisk(t testing.TB) *faultdisk.Disk {
	t.Helper()
	disk, err := faultdisk.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk
}

const diskDatabase = "ledger.db"

// Power goes at a step of the disk (a write, a truncation, a sync, a deletion), and of what was
// not synced all, nothing, or some is left. The real store opens again, the ledger is clean,
// everything answered is there, and what was not is there whole or not at all.
func TestPowerLoss(t *testing.T) {
	steps := storyOnDisk(t, 0, 0)
	if steps < 100 {
		t.Fatalf("the story takes %d steps of the disk", steps)
	}
	for cut := 1; cut <= steps; cut += *powerStride {
		for fate := range uint64(4) {
			t.Run(fmt.Sprintf("%d-%d", cut, fate), func(t *testing.T) {
				t.Parallel()
				storyOnDisk(t, cut, uint64(cut)*4+fate)
			})
		}
	}
}

// storyOnDisk tells the story on a real store, with a loss of power at a step unless that is 0, and gives the steps it took.
func storyOnDisk(t *testing.T, cut int, seed uint64) int {
	t.Helper()
	disk := newDisk(t)
	store, err := sqlite.Create(diskDatabase, sqlite.OnVFS(disk.Name()))
	if err != nil {
		t.Fatal(err)
	}
	w := ledgertest.NewWorld(t)
	steps := story(w)
	tl := &teller{w: w, inner: store, store: store, answered: map[int]ledger.Reply{}, expected: isDriverError}
	tl.reopen = func() ledger.Store {
		store.Close()
		disk.Crash(seed)
		if store, err = sqlite.Open(diskDatabase, sqlite.OnVFS(disk.Name())); err != nil {
			t.Fatal(err)
		}
		return store
	}
	before := disk.Steps()
	if cut > 0 {
		disk.CutAt(cut)
	}
	tl.start()
	for i, s := range steps {
		tl.tell(i, s)
	}
	tl.recheck(steps)
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	took := disk.Steps() - before
	tl.crash() // everything answered must be on the platters
	tl.start()
	tl.recheck(steps)
	if got := balances(t, tl.node, "acme", "bank"); !maps.Equal(got, wantBalances) {
		t.Errorf("balances %v, want %v", got, wantBalances)
	}
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	if report := w.MustVerify(store); report.Entries != wantEntries || report.Refusals != 5 {
		t.Errorf("report %+v, want %d entries", report, wantEntries)
	}
	if cut > 0 && tl.crashes != 2 {
		t.Errorf("the power went %d times, want 2", tl.crashes)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	return took
}

func isDriverError(err error) bool {
	var failure *driver.Error
	return errors.As(err, &failure)
}
