package witness_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
	"aval/ledger/witness"
)

var (
	powerStride = flag.Int("power.stride", 3, "TestPowerLoss cuts the power at every such step of the disk")
	kills       = flag.Int("kills", 6, "how often TestKill kills a witness under load")
)

// childKey tells the test binary to be the witness that gets killed.
const childKey = "AVAL_TEST_WITNESS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childKey); dir != "" {
		fmt.Println("stopped:", serveChild(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// history is what a witness said of two histories of one log: by size, which of them it cosigned.
type history struct {
	t        *testing.T
	branches [2]*testLog
	cosigned map[int64]int
	newest   int64
}

func newHistory(t *testing.T, sizes int64) *history {
	l := newLog(t, origin).grow(sizes, "leaf")
	return &history{t: t, branches: [2]*testLog{l, l.fork(0, sizes)}, cosigned: map[int64]int{}}
}

// ask sends a head of one history and holds the answer against all those before it.
func (h *history) ask(send func(body string) (answer, error), branch int, from, to int64) (answer, error) {
	a, err := send(h.branches[branch].request(from, to))
	if err != nil || a.status != 200 {
		return a, err
	}
	if other, ok := h.cosigned[to]; ok && other != branch {
		h.t.Errorf("cosigned two heads of size %d", to)
	}
	for size, other := range h.cosigned {
		if other != branch {
			h.t.Errorf("cosigned history %d at %d and %d at %d", other, size, branch, to)
		}
	}
	if to < h.newest {
		h.t.Errorf("cosigned %d after %d", to, h.newest)
	}
	h.cosigned[to], h.newest = branch, max(h.newest, to)
	return a, nil
}

// follow asks for the next sizes of one history, as a log would, until something fails.
func (h *history) follow(send func(body string) (answer, error), branch int, known, last int64) error {
	for known < last {
		a, err := h.ask(send, branch, known, known+1)
		if err != nil {
			return err
		}
		switch a.status {
		case 200:
			known++
		case 409:
			before := known
			if _, err := fmt.Sscan(a.body, &known); err != nil || known == before || known >= last {
				return nil
			}
		default:
			return fmt.Errorf("status %d", a.status)
		}
	}
	return nil
}

// TestPowerLoss lets power go at a step of the disk under the real database. What was answered
// is remembered: the other history is not cosigned afterwards, at any size.
func TestPowerLoss(t *testing.T) {
	steps := cutPower(t, 0, 0)
	if steps < 20 {
		t.Fatalf("%d steps of the disk", steps)
	}
	for cut := 1; cut <= steps; cut += *powerStride {
		for fate := range uint64(4) {
			cutPower(t, cut, uint64(cut)*4+fate)
		}
	}
}

func cutPower(t *testing.T, cut int, seed uint64) int {
	t.Helper()
	disk, err := faultdisk.New()
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	const sizes = 8
	h := newHistory(t, sizes)
	key := mustKey(t, "witness.test/w")
	heads, err := sqlite.OpenHeads("w.db", true, sqlite.OnVFS(disk.Name()))
	if err != nil {
		t.Fatal(err)
	}
	send := func(body string) (answer, error) { return direct(t, heads, key, h.branches[0].vkey, body) }
	before := disk.Steps()
	if cut > 0 {
		disk.CutAt(cut)
	}
	_ = h.follow(send, 0, 0, sizes-1) // fails when the power goes
	took := disk.Steps() - before
	_ = heads.Close()
	disk.Crash(seed)
	if heads, err = sqlite.OpenHeads("w.db", false, sqlite.OnVFS(disk.Name())); err != nil {
		t.Fatalf("cut at %d: %v", cut, err)
	}
	defer func() { _ = heads.Close() }()
	answered := h.newest
	for size := range int64(sizes) {
		for from := range size + 1 {
			if answered > 0 { // if nothing was answered either history may come first
				_, err = h.ask(send, 1, from, size)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.follow(send, 0, 0, sizes); err != nil || h.cosigned[sizes] != 0 || h.newest != sizes {
		t.Errorf("cut at %d: does not go on: %v, %v", cut, h.cosigned, err)
	}
	return took
}

// direct asks a witness that was made anew for this request, so that nothing is remembered but on disk.
func direct(t *testing.T, heads witness.Heads, key, log, body string) (answer, error) {
	t.Helper()
	w, err := witness.New(witness.Config{Key: key, Logs: []string{log}, Heads: heads, Now: time.Now})
	if err != nil {
		return answer{}, err
	}
	recorder := httptest.NewRecorder()
	witness.NewServer(w, slog.New(slog.DiscardHandler)).Handler().ServeHTTP(recorder, httptest.NewRequest("POST", "/add-checkpoint", strings.NewReader(body)))
	return answer{recorder.Code, recorder.Header().Get("Content-Type"), recorder.Body.String()}, nil
}

// serveChild is a witness in a process of its own. It serves until it is killed.
func serveChild(dir string) error {
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	heads, err := sqlite.OpenHeads(filepath.Join(dir, "w.db"), false)
	if err != nil {
		return err
	}
	w, err := witness.New(witness.Config{Key: string(key), Logs: []string{string(log)}, Heads: heads, Now: func() time.Time {
		return time.Unix(0, 0).Add(time.Duration(rand.Int64())) // no pace
	}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return witness.NewServer(w, slog.New(slog.DiscardHandler)).Run(context.Background(), listener)
}

// TestKill kills a witness under load, again and again. It comes back as it was: one history,
// and no head after a larger one.
func TestKill(t *testing.T) {
	const sizes = 4000
	dir := t.TempDir()
	h := newHistory(t, sizes)
	for name, text := range map[string]string{"key": mustKey(t, "witness.test/w"), "log": h.branches[0].vkey} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := sqlite.OpenHeads(filepath.Join(dir, "w.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := heads.Close(); err != nil {
		t.Fatal(err)
	}
	for range *kills {
		url, kill := startChild(t, dir)
		send := func(body string) (answer, error) { return trySend(url, body) }
		for from := range min(h.newest, 20) { // first of all the other history, at the sizes it would need
			if _, err := h.ask(send, 1, h.newest-from, h.newest+1); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(time.Duration(rand.IntN(60)+5)*time.Millisecond, kill)
		before := h.newest
		if err := h.follow(send, 0, h.newest, sizes); err == nil && h.newest < sizes {
			t.Fatalf("stopped at %d", h.newest)
		}
		kill()
		if h.newest == before {
			t.Log("killed before it answered")
		}
	}
	if h.newest == 0 {
		t.Error("nothing was cosigned")
	}
}

func startChild(t *testing.T, dir string) (url string, kill func()) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childKey+"="+dir)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = command.Wait()
		close(done)
	}()
	kill = func() {
		_ = command.Process.Kill() // fails only if it has ended
		<-done
	}
	t.Cleanup(kill)
	if err != nil || !strings.HasPrefix(line, "http://") {
		t.Fatalf("child says %q, %v", line, err)
	}
	return strings.TrimSpace(line), kill
}
