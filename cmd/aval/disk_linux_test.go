package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aval/domain"
)

// A node on a real file system that fills up: it says so, refuses what is new, answers reads, and goes on by itself.
func TestNodeOnAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	h, disk := newHouse(t), t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=140m"); err != nil {
		t.Skipf("mounting is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	moved := filepath.Join(disk, "node")
	if err := os.CopyFS(moved, os.DirFS(h.dir)); err != nil {
		t.Fatal(err)
	}
	h.dir = moved
	n := h.start(t)
	h.must(t, trader(0), domain.CashKind, "bank", "transfer", cents(trader(1), 5))
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 13<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	jws, _ := h.sign(t, h.keys[trader(0)], domain.CashKind, "bank", "transfer", cents(trader(1), 5))
	post := func() (int, string) { return status(t, h.api+"/v1/commands", jws) }
	if code, body := post(); code != http.StatusInsufficientStorage || !strings.Contains(body, `"disk-full"`) {
		t.Errorf("a command: %d %s", code, body)
	}
	if code, body := status(t, h.api+"/readyz", nil); code != http.StatusInsufficientStorage || !strings.Contains(body, "128 MiB are kept in reserve") {
		t.Errorf("readyz: %d %s", code, body)
	}
	if _, body := status(t, h.admin+"/metrics", nil); !strings.Contains(body, "aval_disk_reserve_bytes 1.34217728e+08\n") {
		t.Error("metrics do not name the reserve")
	}
	if got := h.balance(t, trader(0)); got != opening-5 {
		t.Errorf("balance %d", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if code, body := post(); code != http.StatusOK {
		t.Errorf("with room again: %d %s", code, body)
	}
	if code, _ := status(t, h.api+"/readyz", nil); code != http.StatusOK {
		t.Errorf("readyz with room again: %d", code)
	}
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	h.verify(t)
}

// status posts a body, or gets if there is none.
func status(t *testing.T, url string, body []byte) (int, string) {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/jose")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
