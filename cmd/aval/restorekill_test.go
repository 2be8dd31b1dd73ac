package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"aval/domain"
)

// TestRestoreKilled kills restores with SIGKILL. Each leaves nothing under the folder's name, or
// all of it, and the next one is not in the way of what it left beside it.
func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	random := moments(t)
	h := newHouse(t)
	n := h.start(t)
	for i := range 160 {
		h.must(t, trader(i%payers), domain.CashKind, "bank", "transfer", cents(trader((i+1)%payers), 1))
	}
	archive, dir := filepath.Join(t.TempDir(), "a.aval"), filepath.Join(t.TempDir(), "restored")
	mustRun(t, "export", h.dir, archive)
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"restore", "--json", "--enclave", h.dir, archive, dir}
	began := time.Now()
	mustRun(t, arguments...)
	whole := time.Since(began)
	for range *kills {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		command := exec.Command("aval", arguments...)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(whole)))) // the moment of the kill
		command.Process.Kill()
		command.Wait()
		_, there := os.Stat(dir)
		_, left := os.Stat(dir + ".restoring")
		t.Logf("killed: %s there %v, work left %v", dir, there == nil, left == nil)
		if there != nil {
			mustRun(t, arguments...)
		}
		mustRun(t, "verify", "--policy", filepath.Join(h.dir, "policy.txt"), dir)
		if _, err := os.Stat(dir + ".restoring"); err == nil {
			t.Error("a finished restore leaves its work behind")
		}
	}
	h.dir = dir
	n = h.start(t, "--accept-head")
	h.must(t, trader(0), domain.CashKind, "bank", "transfer", cents(trader(1), 1))
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	h.verify(t)
}

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("aval", args...).CombinedOutput(); err != nil {
		t.Fatalf("aval %v: %v: %s", args, err, out)
	}
}
