package node_test

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aval/cmd/aval/node"
	"aval/domain/envelope"
)

func founding(t *testing.T) node.Founding {
	t.Helper()
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return node.Founding{Ledger: "aval.example/test", Member: "acme", Key: signer.Key}
}

// folder makes a node's folder with a configuration, if one is given.
func folder(t *testing.T, config string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	if err := node.Create(t.Context(), dir, founding(t)); err != nil {
		t.Fatal(err)
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestListensOnLoopbackUnlessTold(t *testing.T) {
	for config, want := range map[string]string{
		"":                               node.DefaultListen,
		`{"ledger":"aval.example/test"}`: node.DefaultListen,
		`{"ledger":"aval.example/test","listen":""}`:             node.DefaultListen,
		`{"ledger":"aval.example/test","listen":"0.0.0.0:8420"}`: "0.0.0.0:8420",
		`{"ledger":"aval.example/test","listen":"[::1]:0"}`:      "[::1]:0",
	} {
		f, err := node.OpenFolder(folder(t, config))
		if err != nil || f.Config.Listen != want {
			t.Errorf("%s: listens on %q, %v, want %q", config, f.Config.Listen, err, want)
		}
	}
	for _, listen := range []string{":8420", "localhost", "8420", ":", "a:b:c", "127.0.0.1:"} {
		_, err := node.OpenFolder(folder(t, `{"ledger":"aval.example/test","listen":"`+listen+`"}`))
		if err == nil || !strings.Contains(err.Error(), "listen") {
			t.Errorf("listen %q: %v", listen, err)
		}
	}
}

// TestFailedOpenReleases opens a node whose broker cannot listen, and then its addresses and
// its database once more.
func TestFailedOpenReleases(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := node.OpenFolder(folder(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	f.Config.Listen, f.Config.Admin = address, ""
	f.Config.Broker = &node.BrokerConfig{Listen: taken.Addr().String(), Net: "main"}
	if _, err := node.Open(f, node.Options{}); err == nil {
		t.Fatal("opened beside another's broker")
	}
	f.Config.Broker.Listen = "127.0.0.1:0"
	n, err := node.Open(f, node.Options{})
	if err != nil {
		t.Fatalf("not released: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if n, err = node.Open(f, node.Options{}); err != nil {
		t.Fatalf("not released by Close: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := node.Create(ctx, dir, founding(t)); err == nil {
		t.Fatal("made by a caller who had left")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left %v, %v", files, err)
	}
	if err := node.Create(t.Context(), dir, founding(t)); err != nil {
		t.Errorf("cannot be tried again: %v", err)
	}
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Create(t.Context(), dir, founding(t)); err == nil {
		t.Error("made twice")
	}
	if after, err := os.ReadDir(dir); err != nil || len(after) != len(before) {
		t.Errorf("a refused folder changed: %v, %v", after, err)
	}
}

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for content, want := range map[string]string{" hunter2\n": "hunter2", "two words": "two words", "": "", " \n": "", strings.Repeat("x", 4097): ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := node.ReadSecret(path)
		if got != want || err != nil != (want == "") {
			t.Errorf("%.10q: got %q, %v", content, got, err)
		}
	}
}
