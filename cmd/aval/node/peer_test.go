package node_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger/enclave"
	"aval/ledger/recovery"
)

const peersConfig = `{"ledger":"aval.example/test","listen":"127.0.0.1:0","peers":{"listen":"127.0.0.1:0","trust":"trust.json"}}`

const anySimulated = `{"platforms":["simulated"],"allowSimulated":true}`

// peerNode runs a node that grants its keys, and gives a copy of its folder without what unseals them.
func peerNode(t *testing.T, trust string, o node.Options) (url, lost string) {
	t.Helper()
	dir := folder(t, peersConfig)
	lost = filepath.Join(t.TempDir(), "lost")
	for _, err := range []error{
		os.CopyFS(lost, os.DirFS(dir)), os.Remove(filepath.Join(lost, "SIMULATED-ENCLAVE-KEY")),
		os.WriteFile(filepath.Join(dir, "trust.json"), []byte(trust), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := node.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(f, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + n.Peers.String(), lost
}

// TestKeysFromAPeer: a machine whose code the peer trusts gets the keys, opens the ledger and says so in the log.
func TestKeysFromAPeer(t *testing.T) {
	var said bytes.Buffer
	url, lost := peerNode(t, anySimulated, node.Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
	if _, err := node.OpenFolder(lost); err == nil {
		t.Fatal("the copy opens without a key")
	}
	platform, err := (node.Lost{Dir: lost}).RecoverFromPeer(t.Context(), url)
	if err != nil || platform.Name() != enclave.SimulatedName {
		t.Fatal(platform, err)
	}
	f, err := node.OpenFolder(lost)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{f.Keys.LogSigner, hex.EncodeToString(f.Keys.Salt), hex.EncodeToString(f.Keys.Epochs[0].Key)} {
		if strings.Contains(said.String(), secret) {
			t.Error("a key is in the log")
		}
	}
	if _, err := (node.Lost{Dir: lost}).RecoverFromPeer(t.Context(), url); err == nil || !strings.Contains(err.Error(), "nothing is to be recovered") {
		t.Errorf("again: %v", err)
	}
	f.Config.Listen, f.Config.Peers = "127.0.0.1:0", nil
	f.Config.Admin = ""
	n, err := node.Open(f, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	for changed := n.Engine.Changed(); n.Engine.Opening().Way != domain.OpenedByPeer; changed = n.Engine.Changed() {
		select {
		case <-changed:
		case err := <-done:
			t.Fatal(err)
		case <-time.After(time.Minute):
			t.Fatal("the log does not say how the keys came")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(nil); err != nil {
		t.Error(err)
	}
}

func TestKeysOfAnotherLedgerAreNotTaken(t *testing.T) {
	url, _ := peerNode(t, anySimulated, node.Options{})
	_, other := peerNode(t, anySimulated, node.Options{}) // the same name, other keys
	if _, err := (node.Lost{Dir: other}).RecoverFromPeer(t.Context(), url); err == nil || !strings.Contains(err.Error(), "not those of") {
		t.Errorf("taken: %v", err)
	}
	if _, err := node.OpenFolder(other); err == nil {
		t.Error("the folder opens")
	}
}

// ask makes a request for a challenge, by a platform of its own.
func ask(t *testing.T, url, origin string) (recovery.Request, recovery.Key) {
	t.Helper()
	response, err := http.Get(url + "/keys/challenge")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	nonce, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	r, key, err := recovery.NewRequest(origin, nonce)
	if err != nil {
		t.Fatal(err)
	}
	quoted(t, &r)
	return r, key
}

func quoted(t *testing.T, r *recovery.Request) {
	t.Helper()
	platform, err := enclave.CreateSimulated(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	q, err := platform.Quote(enclave.ReportData{TLSKey: r.Report(), Origin: r.Origin, Nonce: r.Nonce}.Sum())
	if err != nil {
		t.Fatal(err)
	}
	if r.Quote, err = q.Marshal(); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, url string, r recovery.Request) (int, string) {
	t.Helper()
	body, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url+"/keys/grant", "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

const origin = "aval.example/test"

// TestRefusedKeyRequests: each is refused by name, and the good one beside them is not.
func TestRefusedKeyRequests(t *testing.T) {
	start, later := time.Now(), atomic.Int64{}
	url, _ := peerNode(t, anySimulated, node.Options{Now: func() time.Time { return start.Add(time.Duration(later.Load())) }})
	stranger, err := recovery.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*recovery.Request)
		want   string
	}{
		"a nonce of its own":    {func(r *recovery.Request) { r.Nonce = bytes.Repeat([]byte{1}, 32); quoted(t, r) }, "not for a challenge that waits"},
		"a quote for another":   {func(r *recovery.Request) { other, _ := ask(t, url, origin); r.Quote = other.Quote }, "older nonce"},
		"a key not quoted":      {func(r *recovery.Request) { r.Key = stranger.Public() }, "other keys"},
		"another ledger":        {func(r *recovery.Request) { r.Origin = "aval.example/other"; quoted(t, r) }, "keeps the ledger"},
		"altered evidence":      {func(r *recovery.Request) { r.Quote[len(r.Quote)/2] ^= 1 }, ""},
		"no quote":              {func(r *recovery.Request) { r.Quote = nil }, "and a quote"},
		"a quote with more":     {func(r *recovery.Request) { r.Quote = append(r.Quote, 0) }, "malformed"},
		"a key cut short":       {func(r *recovery.Request) { r.Key = r.Key[1:]; quoted(t, r) }, "want 1216"},
		"another version of it": {func(r *recovery.Request) { r.Version = 2 }, "malformed"},
	} {
		r, _ := ask(t, url, origin)
		c.change(&r)
		if status, answer := post(t, url, r); status != http.StatusForbidden || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %.200q, want %q", name, status, answer, c.want)
		}
	}
	r, key := ask(t, url, origin)
	status, answer := post(t, url, r)
	if _, err := r.Accept(key, []byte(answer)); status != http.StatusOK || err != nil {
		t.Fatalf("the good one: %d, %v", status, err)
	}
	if status, answer := post(t, url, r); status != http.StatusForbidden || !strings.Contains(answer, "or used") {
		t.Errorf("replayed: %d %.100q", status, answer)
	}
	late, _ := ask(t, url, origin)
	later.Store(int64(2 * time.Minute))
	if status, answer := post(t, url, late); status != http.StatusForbidden || !strings.Contains(answer, "too old") {
		t.Errorf("late: %d %.100q", status, answer)
	}
	for range node.MaxChallenges {
		ask(t, url, origin)
	}
	response, err := http.Get(url + "/keys/challenge")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("challenge %d: %s", node.MaxChallenges+1, response.Status)
	}
}

func TestUntrustedCodeGetsNoKeys(t *testing.T) {
	other := `{"platforms":["simulated"],"allowSimulated":true,"measurements":{"simulated":["` + strings.Repeat("00", 32) + `"]}}`
	url, lost := peerNode(t, other, node.Options{})
	if _, err := (node.Lost{Dir: lost}).RecoverFromPeer(t.Context(), url); err == nil || !strings.Contains(err.Error(), "measurement is not trusted") {
		t.Errorf("another measurement: %v", err)
	}
	if _, err := node.OpenFolder(lost); err == nil {
		t.Error("the folder opens")
	}
}
