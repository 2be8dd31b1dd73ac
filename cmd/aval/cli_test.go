package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aval/domain"
)

// TestLyingNode lets a client talk to a server that answers what it likes. Nothing that it says
// becomes the name of a file, or passes for the answer to the command.
func TestLyingNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) string {
		command := exec.Command("aval", args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("aval %s: %v, want exit code 1: %s", args[0], err, out)
		}
		return string(out)
	}
	if out, err := exec.Command("aval", "key", "new", filepath.Join(dir, "me.jwk")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "pay.json"), []byte(`{"kind":"cash/1","contract":"bank","name":"transfer","body":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		checkpoint, reply, says string
		status                  int
	}{
		"other command":  {"aval.example/x\n1\n", `{"id":"../../../escaped","index":1,"receipt":"x"}`, "the node answered about another command", 200},
		"no ID":          {"aval.example/x\n1\n", `{"index":1}`, "the node answered about another command", 200},
		"other refusal":  {"aval.example/x\n1\n", `{"code":"expired","detail":"d","id":"../escaped"}`, "the node answered about another command", 410},
		"not JSON":       {"aval.example/x\n1\n", "<html>", "no answer, so it may have happened", 200},
		"proxy error":    {"aval.example/x\n1\n", "<html>", "no answer, so it may have happened", 500},
		"no such page":   {"aval.example/x\n1\n", "<html>", "server answered 404", 404},
		"no checkpoint":  {"<html>\nhello\n", "", "is no node: its checkpoint does not begin with a ledger's name", 200},
		"one line":       {"aval.example/x", "", "is no node", 200},
		"empty":          {"", "", "is no node", 200},
		"a redirect":     {"aval.example/x\n1\n", "", "server answered 307", 307},
		"escape in name": {"aval.example/\x1b[2J\n1\n", "", "is no node", 200},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, c.checkpoint)
					return
				}
				if c.status >= 400 && strings.HasPrefix(c.reply, "{") {
					w.Header().Set("Content-Type", "application/problem+json")
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.reply)
			}))
			defer server.Close()
			if out := run("submit", "--node", server.URL, "--key", "me.jwk", "--receipts", "in/here", "pay.json"); !strings.Contains(out, c.says) {
				t.Errorf("says %q, want %q", out, c.says)
			}
		})
	}
	for _, pattern := range []string{"../escaped*", "escaped*", "in/escaped*", "in/here/*.tlog-proof"} {
		if files, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(files) > 0 {
			t.Errorf("files %v, %v", files, err)
		}
	}
}

// TestSignals stops a node with each of the signals that may, and with two when it waits for a
// request that does not come to its end.
func TestSignals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	n := h.start(t)
	if err := n.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if <-n.exited; n.err != nil {
		t.Errorf("SIGTERM: %v: %s", n.err, n.stderr)
	}

	n = h.start(t)
	h.must(t, "bank", domain.CashKind, "bank", "issue", cents(trader(0), 1))
	address := strings.TrimPrefix(h.api, "http://")
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	// The server asks for the body: the request is being served from here on.
	_, err = io.WriteString(slow, "POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	if err == nil {
		_, err = io.ReadFull(slow, make([]byte, 12))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := n.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the node to accept nothing more", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	began := time.Now()
	waitFor(t, "the end", func() bool {
		_ = n.command.Process.Signal(os.Interrupt) // fails once it has ended
		select {
		case <-n.exited:
			return true
		default:
			return false
		}
	})
	if status, ok := n.command.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("ended after %v with %v, not by the second signal", time.Since(began), n.err)
	}
	h.verify(t)
}
