package ledger_test

import (
	"bufio"
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
	"aval/ledger/sqlite"
)

var kills = flag.Int("kills", 15, "how often TestKill kills a node under load")

// childDir tells the test binary to be the node that gets killed.
const childDir = "AVAL_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println("stopped:", underLoad(dir))
		os.Exit(1)
	}
	// A third of rapid's habit, for seconds; -rapid.checks on the command line still counts.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	killDatabase = "ledger.db"
	killKeys     = "keys"
	killSigner   = "acme.jwk"
	killLoad     = 8
)

// underLoad runs a node until it is killed. It says what it submits and what was answered.
func underLoad(dir string) error {
	engine, stop, err := openKilled(dir)
	if err != nil {
		return err
	}
	defer stop()
	text, err := os.ReadFile(filepath.Join(dir, killSigner))
	if err != nil {
		return err
	}
	acme, err := envelope.ParseSigner(text)
	if err != nil {
		return err
	}
	w := &ledgertest.World{T: panics{}, Clock: ledgertest.NewClock()}
	w.Clock.Add(time.Since(w.Clock.Now()))
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format, args...) // one write, straight to the pipe
	}
	failed := make(chan error, killLoad+1)
	go func() { failed <- readUnderGrant(engine, say) }()
	for range killLoad {
		go func() {
			for {
				raw := w.Command(acme, domain.CashKind, "c", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
				say("sent %s\n", base64.StdEncoding.EncodeToString(raw))
				reply, err := engine.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForCommitted)
				if err != nil || reply.Code != "" {
					failed <- fmt.Errorf("%v %+v", err, reply)
					return
				}
				say("done %s %d\n", reply.ID, reply.Index)
			}
		}()
	}
	return <-failed
}

// readUnderGrant is an auditor who is answered as soon as the reading is recorded.
func readUnderGrant(engine *ledger.Engine, say func(string, ...any)) error {
	for {
		a := reading(crand.Text())
		if err := engine.RecordAccess(context.Background(), a); err != nil {
			return err
		}
		say("read %s\n", a.ID)
	}
}

// panics is the testing.TB of a process that has none.
type panics struct{ testing.TB }

func (panics) Helper()           {}
func (panics) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func openKilled(dir string) (*ledger.Engine, func() error, error) {
	text, err := os.ReadFile(filepath.Join(dir, killKeys))
	if err != nil {
		return nil, nil, err
	}
	keys, err := ledger.ParseKeys(text)
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(filepath.Join(dir, killDatabase))
	if err != nil {
		return nil, nil, err
	}
	engine, err := ledger.Open(ledger.Config{
		Keys: keys, Store: store, Orderer: order.NewSolo(time.Now), Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	})
	if err != nil {
		store.Close()
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	return engine, func() error {
		cancel()
		err := <-done
		if err == nil {
			_, err = ledger.Verify(keys, store, ledgertest.Contracts(), ledgertest.Codecs())
		}
		store.Close()
		return err
	}, nil
}

// prepareKill makes a ledger with two parties and money, and leaves what a child needs.
func prepareKill(t *testing.T, dir string) {
	t.Helper()
	w := ledgertest.NewWorld(t)
	store, err := sqlite.Create(filepath.Join(dir, killDatabase))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	n, err := w.Start(store)
	if err != nil {
		t.Fatal(err)
	}
	bank, acme := n.Register("bank", domain.RoleBank), n.Register("acme")
	n.MustSubmit(w.Command(bank, domain.CashKind, "c", "issue", ledgertest.Order{To: "acme", Amount: usd(1_000_000)}))
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	keys, err := w.Keys.Format()
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := acme.Format()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{killKeys: keys, killSigner: jwk} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tale is what a killed child said.
type tale struct {
	sent [][]byte
	done map[string]uint64
	read []string
}

// runAndKill lets a child work for a while and kills it, as kill -9 does.
func runAndKill(t *testing.T, dir string, after time.Duration) tale {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := tale{done: map[string]uint64{}}
	lines := bufio.NewReader(pipe)
	for first := true; ; first = false {
		line, err := lines.ReadString('\n')
		if err != nil { // io.EOF, and the line that was cut short says nothing
			break
		}
		if first {
			time.AfterFunc(after, func() { child.Process.Kill() })
		}
		said.hear(t, strings.Fields(line))
	}
	io.Copy(io.Discard, pipe)
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return said
}

func (s *tale) hear(t *testing.T, words []string) {
	t.Helper()
	switch words[0] {
	case "sent":
		raw, err := base64.StdEncoding.DecodeString(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.sent = append(s.sent, raw)
	case "done":
		var index uint64
		if _, err := fmt.Sscan(words[2], &index); err != nil {
			t.Fatal(err)
		}
		s.done[words[1]] = index
	case "read":
		s.read = append(s.read, words[1])
	default:
		t.Fatalf("the child says: %v", words)
	}
}

// TestKill kills a node under load, again and again. Whatever was answered is there with the
// same index; whatever was not can be submitted again and has one effect; the files are clean.
func TestKill(t *testing.T) {
	dir, seed := t.TempDir(), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	prepareKill(t, dir)
	spent, open := 0, 0
	for kill := range *kills {
		said := runAndKill(t, dir, time.Duration(random.IntN(60_000))*time.Microsecond)
		engine, stop, err := openKilled(dir)
		if err != nil {
			t.Fatalf("kill %d: open: %v", kill, err)
		}
		spent, open = spent+len(said.sent), open+len(said.sent)-len(said.done)
		checkTale(t, engine, said)
		accounts, err := engine.Accounts("acme")
		if err != nil || len(accounts) != 1 || accounts[0].Balance != usd(int64(1_000_000-spent)) {
			t.Fatalf("kill %d: accounts %v, %v, want %d spent", kill, accounts, err, spent)
		}
		if err := stop(); err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
	}
	t.Logf("%d kills, %d commands, %d of them unanswered when the node died", *kills, spent, open)
}

func checkTale(t *testing.T, engine *ledger.Engine, said tale) {
	t.Helper()
	for id, index := range said.done {
		if reply, err := engine.Status("acme", id); err != nil || reply.Index != index {
			t.Fatalf("answered %s at index %d; now %+v, %v", id, index, reply, err)
		}
	}
	recorded := trail(t, engine, "bank")
	for _, id := range said.read {
		if !slices.Contains(recorded, id) {
			t.Fatalf("reading %s was answered and is not in the log", id)
		}
	}
	var all sync.WaitGroup
	for _, raw := range said.sent {
		all.Go(func() {
			var first ledger.Reply
			for attempt := range 2 {
				reply, err := engine.Submit(context.Background(), ledger.CommandFormat, bytes.Clone(raw), ledger.ForCommitted)
				_, answered := said.done[reply.ID]
				if err != nil || reply.Code != "" || (answered || attempt > 0) && !reply.Duplicate || attempt > 0 && reply.Index != first.Index {
					t.Errorf("submitted again: %+v, %v", reply, err)
				}
				first = reply
			}
		})
	}
	all.Wait()
}
