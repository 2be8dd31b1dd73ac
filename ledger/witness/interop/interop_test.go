// Package interop holds both ends of the witness protocol against programs that are not ours:
// the witness of transparency-dev, as a library, and litewitness of torchwood, as a process if it is installed.
// It is a module of its own, so that what it needs is no dependency of Aval.
package interop

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	formatsnote "github.com/transparency-dev/formats/note"
	theirclient "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	theirs "github.com/transparency-dev/witness/witness"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
	"aval/ledger/witness"
)

const patience = 2 * time.Minute

// watched is a running ledger that one witness must cosign.
func watched(t *testing.T, w *ledgertest.World, vkey, url string) (*ledgertest.Node, *witness.Gatherer, ledger.Policy) {
	t.Helper()
	policy, err := ledger.ParsePolicy([]byte("log " + w.Keys.LogVerifier + "\nwitness theirs " + vkey + " " + url + "\nquorum theirs\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.Policy = policy
	node := w.MustStart(ledgertest.NewMemory())
	g, err := witness.NewGatherer(witness.GathererConfig{Log: node, Policy: policy, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return node, g, policy
}

// grow commits and wants each receipt cosigned.
func grow(t *testing.T, w *ledgertest.World, node *ledgertest.Node, policy ledger.Policy, entries int) {
	t.Helper()
	for i := range entries {
		key := ledgertest.NewSigner(t).Key
		name := fmt.Sprintf("party-%d", i)
		key.Class, key.Holder = domain.PartyHolder, name
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		r, err := node.Submit(ctx, ledger.CommandFormat, w.Command(w.Member, domain.GovernanceKind, "registry", "register",
			ledgertest.Registration{Party: &domain.Party{ID: domain.PartyID(name)}, Key: &key}), ledger.ForWitnessed)
		cancel()
		if err != nil || !r.Witnessed {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := ledger.OpenReceipt(policy, []byte(r.Receipt)); err != nil {
			t.Error(err)
		}
	}
}

// TestGathererWithTheirWitness asks the witness of transparency-dev, with an Ed25519 and with
// an ML-DSA-44 key.
func TestGathererWithTheirWitness(t *testing.T) {
	for name, generate := range map[string]func() (string, string, error){
		"Ed25519": func() (string, string, error) {
			secret, vkey, err := note.GenerateKey(rand.Reader, "witness.test/theirs")
			if err == nil {
				vkey, err = formatsnote.VKeyToCosignatureV1(vkey)
			}
			return secret, vkey, err
		},
		"ML-DSA-44": func() (string, string, error) { return formatsnote.GenerateMLDSAKey("witness.test/theirs") },
	} {
		t.Run(name, func(t *testing.T) {
			secret, vkey, err := generate()
			if err != nil {
				t.Fatal(err)
			}
			signer, err := formatsnote.NewSignerForCosignatureV1(secret)
			if err != nil {
				t.Fatal(err)
			}
			w := ledgertest.NewWorld(t)
			log, err := note.NewVerifier(w.Keys.LogVerifier)
			if err != nil {
				t.Fatal(err)
			}
			core, err := theirs.New(t.Context(), theirs.Opts{
				Persistence: inmemory.New(), Signers: []note.Signer{signer},
				VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
					return log, origin == ledgertest.Origin, nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(http.HandlerFunc(theirs.NewHTTPHandler(core).AddCheckpoint))
			defer server.Close()
			node, g, policy := watched(t, w, vkey, server.URL)
			grow(t, w, node, policy, 5)
			if s := g.Stats()[0]; s.Cosigned < 5 || len(s.Failures) > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestTheirClientWithWitness lets the client of transparency-dev ask our witness.
func TestTheirClientWithWitness(t *testing.T) {
	w := ledgertest.NewWorld(t)
	node := w.MustStart(ledgertest.NewMemory())
	heads, err := sqlite.OpenHeads(filepath.Join(t.TempDir(), "w.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer heads.Close()
	key, err := witness.NewKey("witness.test/ours", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := witness.New(witness.Config{Key: key, Logs: []string{w.Keys.LogVerifier}, Heads: heads, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(witness.NewServer(ours, slog.New(slog.DiscardHandler)).Handler())
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := witness.VerifierKey(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := formatsnote.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		t.Fatal(err)
	}
	client := theirclient.NewWitness(base, http.DefaultClient)
	known := uint64(0)
	for i := range 5 {
		node.Register(domain.PartyID(fmt.Sprintf("party-%d", i)))
		size, checkpoint := node.Signed()
		lines, _, err := client.Update(t.Context(), known, checkpoint, proof(t, node, known, size))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(append(bytes.Clone(checkpoint), lines...), note.VerifierList(verifier)); err != nil {
			t.Error(err)
		}
		known = size
	}
	size, checkpoint := node.Signed()
	if _, knows, err := client.Update(t.Context(), 0, checkpoint, nil); err != theirs.ErrCheckpointStale || knows != size {
		t.Errorf("old is nought: %d, %v", knows, err)
	}
	node.Register("last")
	_, checkpoint = node.Signed()
	if _, _, err := client.Update(t.Context(), known, checkpoint, [][]byte{make([]byte, 32)}); err != theirs.ErrInvalidProof {
		t.Errorf("a bad proof: %v", err)
	}
	other := ledgertest.NewWorld(t) // the same name, another key
	_, forged := other.MustStart(ledgertest.NewMemory()).Signed()
	if _, _, err := client.Update(t.Context(), 0, forged, nil); err != theirs.ErrNoValidSignature {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := client.Update(t.Context(), 0, bytes.Replace(forged, []byte("ledger.test"), []byte("nobody.test"), 1), nil); err != theirs.ErrUnknownLog {
		t.Errorf("another log: %v", err)
	}
}

func proof(t *testing.T, node *ledgertest.Node, old, size uint64) (lines [][]byte) {
	t.Helper()
	hashes, err := node.Consistency(old, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hashes {
		lines = append(lines, h[:])
	}
	return lines
}

// TestGathererWithLitewitness asks litewitness, a process of its own, where it is installed:
// go install filippo.io/torchwood/cmd/litewitness@v0.9.0. Its module cannot be required here,
// since not all that its tests need can be had.
func TestGathererWithLitewitness(t *testing.T) {
	dir := t.TempDir()
	binary, err := exec.LookPath("litewitness")
	if err != nil {
		t.Skip("litewitness is not installed")
	}
	w := ledgertest.NewWorld(t)
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := serveAgent(t, filepath.Join(dir, "agent"), secret)
	database := filepath.Join(dir, "lite.db")
	followLog(t, database, w.Keys.LogVerifier)
	address := freeAddress(t)
	logged := &output{}
	command := exec.Command(binary, "-name", "witness.test/lite", "-db", database, "-ssh-agent", filepath.Join(dir, "agent"), "-key", fingerprint, "-listen", address)
	command.Stderr, command.Stdout = logged, logged
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
		if t.Failed() {
			t.Log(logged)
		}
	}()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("litewitness does not listen")
		}
	}
	plain, err := note.NewEd25519VerifierKey("witness.test/lite", public)
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := formatsnote.VKeyToCosignatureV1(plain)
	if err != nil {
		t.Fatal(err)
	}
	node, g, policy := watched(t, w, vkey, "http://"+address)
	grow(t, w, node, policy, 5)
	if s := g.Stats()[0]; s.Cosigned < 5 || len(s.Failures) > 0 {
		t.Errorf("%+v", s)
	}
}

// output collects what a process prints. Safe for concurrent use.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// serveAgent holds a key as ssh-agent does, which is where litewitness looks for its own.
func serveAgent(t *testing.T, socket string, secret ed25519.PrivateKey) (fingerprint string) {
	t.Helper()
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: secret}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	signer, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(signer.PublicKey())
}

// followLog tells litewitness of a log, as its witnessctl would.
func followLog(t *testing.T, path, vkey string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	origin, _, _ := strings.Cut(vkey, "+")
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL)", nil},
		{"CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin))", nil},
		{"INSERT INTO log VALUES (?, 0, ?)", []any{origin, base64.StdEncoding.EncodeToString(make([]byte, 32))}},
		{"INSERT INTO key VALUES (?, ?)", []any{origin, vkey}},
	} {
		if _, err := db.Exec(s.query, s.args...); err != nil {
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
