package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	formatsnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/ledger/sqlite"
	"aval/ledger/witness"
)

const origin = "log.test/main"

// testLog is a log of numbered leaves: two of one key and different salt agree up to fork.
type testLog struct {
	t      testing.TB
	origin string
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	size   int64
}

func newLog(t testing.TB, name string) *testLog {
	t.Helper()
	secret, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, origin: name, signer: signer, vkey: vkey}
}

// ReadHashes implements tlog.HashReader.
func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, i := range indexes {
		found = append(found, l.hashes[i])
	}
	return found, nil
}

// grow adds leaves of a history.
func (l *testLog) grow(to int64, history string) *testLog {
	l.t.Helper()
	for ; l.size < to; l.size++ {
		more, err := tlog.StoredHashes(l.size, fmt.Appendf(nil, "%s %d", history, l.size), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes = append(l.hashes, more...)
	}
	return l
}

// fork is another history from a size on, signed by the same key.
func (l *testLog) fork(at, to int64) *testLog {
	other := *l
	other.hashes, other.size = nil, 0
	return other.grow(at, "leaf").grow(to, "other leaf")
}

func (l *testLog) body(size int64) string {
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%d\n%s\n", l.origin, size, base64.StdEncoding.EncodeToString(root[:]))
}

func (l *testLog) checkpoint(size int64) string {
	l.t.Helper()
	signed, err := note.Sign(&note.Note{Text: l.body(size)}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(signed)
}

func (l *testLog) proof(from, to int64) (lines string) {
	l.t.Helper()
	if from == 0 || from == to {
		return ""
	}
	p, err := tlog.ProveTree(to, from, l)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, h := range p {
		lines += base64.StdEncoding.EncodeToString(h[:]) + "\n"
	}
	return lines
}

func (l *testLog) request(from, to int64) string {
	l.t.Helper()
	return fmt.Sprintf("old %d\n%s\n%s", from, l.proof(from, to), l.checkpoint(to))
}

// house is a witness on a real database, served over HTTP.
type house struct {
	t     testing.TB
	path  string
	key   string
	vkey  string
	heads *sqlite.Heads
	clock sync.Mutex // guards now: requests read it side by side
	now   time.Time
	url   string
}

func newHouse(t testing.TB, logs ...string) *house {
	t.Helper()
	key, err := witness.NewKey("witness.test/w1", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, path: filepath.Join(t.TempDir(), "witness.db"), key: key, now: time.Unix(1_767_225_600, 0)}
	if h.vkey, err = witness.VerifierKey(key); err != nil {
		t.Fatal(err)
	}
	h.open(true, logs...)
	t.Cleanup(func() { h.heads.Close() })
	return h
}

// open serves the witness, again if it was closed.
func (h *house) open(fresh bool, logs ...string) {
	h.t.Helper()
	var err error
	if h.heads, err = sqlite.OpenHeads(h.path, fresh); err != nil {
		h.t.Fatal(err)
	}
	w, err := witness.New(witness.Config{Key: h.key, Logs: logs, Heads: h.heads, Now: h.tick})
	if err != nil {
		h.t.Fatal(err)
	}
	server := httptest.NewServer(witness.NewServer(w, slog.New(slog.DiscardHandler)).Handler())
	h.t.Cleanup(server.Close)
	h.url = server.URL
}

// tick gives the time, a second later each time.
func (h *house) tick() time.Time {
	h.clock.Lock()
	defer h.clock.Unlock()
	h.now = h.now.Add(time.Second)
	return h.now
}

// answer is what a client sees.
type answer struct {
	status int
	media  string
	body   string
}

func send(t testing.TB, url, body string) answer {
	t.Helper()
	a, err := trySend(url, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func trySend(url, body string) (answer, error) {
	response, err := http.Post(url+"/add-checkpoint", "", strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}, err
}

func (h *house) add(body string) answer { h.t.Helper(); return send(h.t, h.url, body) }

// cosigned checks an answer by the text of tlog-cosignature, with no library but Ed25519, and
// gives the time in it.
func (h *house) cosigned(body string, a answer) uint64 {
	h.t.Helper()
	name, rest, _ := strings.Cut(h.vkey, "+")
	hash, key, _ := strings.Cut(rest, "+")
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(public) != 33 || public[0] != 4 {
		h.t.Fatalf("key %x, %v", public, err)
	}
	if sum := sha256.Sum256(append([]byte(name+"\n"), public...)); fmt.Sprintf("%x", sum[:4]) != hash {
		h.t.Fatalf("key hash %s", hash)
	}
	encoded, ok := strings.CutPrefix(a.body, "— "+name+" ")
	if !ok || !strings.HasSuffix(a.body, "\n") || strings.Count(a.body, "\n") != 1 || a.status != 200 {
		h.t.Fatalf("%+v: not one line of the witness's", a)
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, "\n"))
	if err != nil || len(data) != 4+8+64 || fmt.Sprintf("%x", data[:4]) != hash {
		h.t.Fatalf("%x, %v", data, err)
	}
	at := binary.BigEndian.Uint64(data[4:])
	if message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, body); !ed25519.Verify(public[1:], []byte(message), data[12:]) {
		h.t.Fatalf("the cosignature does not verify over %q", message)
	}
	return at
}

func TestCosigns(t *testing.T) {
	l := newLog(t, origin).grow(300, "leaf")
	h := newHouse(t, l.vkey)
	known := int64(0)
	for _, size := range []int64{0, 0, 1, 1, 2, 3, 7, 8, 9, 255, 256, 257, 300, 300} {
		a := h.add(l.request(known, size))
		at := h.cosigned(l.body(size), a)
		if drift := time.Since(time.Unix(int64(at), 0)); drift < -time.Minute || drift > time.Minute {
			t.Errorf("cosigned at %d", at)
		}
		verifier, err := formatsnote.NewVerifierForCosignatureV1(h.vkey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open([]byte(l.checkpoint(size)+a.body), note.VerifierList(verifier)); err != nil {
			t.Errorf("transparency-dev/formats: %v", err)
		}
		known = size
	}
}

func TestRefusalsTable(t *testing.T) {
	l, other := newLog(t, origin).grow(40, "leaf"), newLog(t, "log.test/other").grow(40, "leaf")
	stranger := newLog(t, origin).grow(40, "leaf")
	forked := l.fork(15, 40)
	long := strings.Repeat(base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n", 64)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"empty":                            {"", 400},
		"no empty line":                    {"old 20\n" + l.checkpoint(20)[:20], 400},
		"no checkpoint":                    {"old 20\n\n", 404},
		"no old":                           {strings.Replace(l.request(20, 30), "old 20\n", "", 1), 400},
		"old without a size":               {strings.Replace(l.request(20, 30), "old 20", "old", 1), 400},
		"old with two spaces":              {strings.Replace(l.request(20, 30), "old 20", "old  20", 1), 400},
		"old with a leading zero":          {strings.Replace(l.request(20, 30), "old 20", "old 020", 1), 400},
		"old with a sign":                  {strings.Replace(l.request(20, 30), "old 20", "old +20", 1), 400},
		"old beyond all logs":              {strings.Replace(l.request(20, 30), "old 20", "old 18446744073709551615", 1), 400},
		"carriage returns":                 {strings.ReplaceAll(l.request(20, 30), "\n", "\r\n"), 400},
		"64 lines of proof":                {"old 20\n" + long + "\n" + l.checkpoint(30), 400},
		"63 lines of proof":                {"old 20\n" + long[45:] + "\n" + l.checkpoint(30), 422},
		"a line of proof that is none":     {"old 20\nabc\n\n" + l.checkpoint(30), 400},
		"a line of proof of 31 bytes":      {"old 20\n" + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n\n" + l.checkpoint(30), 400},
		"too large":                        {l.request(20, 30) + strings.Repeat("— x AAAA\n", 10_000), 400},
		"a checkpoint that is no note":     {"old 20\n\n" + l.body(30), 400},
		"a size with a leading zero":       {"old 20\n" + l.proof(20, 30) + "\n" + l.signed(strings.Replace(l.body(30), "\n30\n", "\n030\n", 1)), 400},
		"a root of 31 bytes":               {"old 20\n\n" + l.signed(origin+"\n30\n"+base64.StdEncoding.EncodeToString(make([]byte, 31))+"\n"), 400},
		"an unknown origin":                {other.request(20, 30), 404},
		"an unknown origin, unsigned":      {"old 20\n\n" + other.body(30) + "\n— x AAAAAAAA\n", 404},
		"signed by a stranger":             {stranger.request(20, 30), 403},
		"a signature for another head":     {strings.Replace(l.request(20, 30), l.body(30), l.body(31), 1), 403},
		"old larger than the checkpoint":   {"old 31\n\n" + l.checkpoint(30), 400},
		"back to a smaller head":           {l.request(10, 15), 409},
		"old smaller than known":           {l.request(10, 30), 409},
		"old larger than known":            {l.request(25, 30), 409},
		"old is nought":                    {l.request(0, 30), 409},
		"no proof":                         {"old 20\n\n" + l.checkpoint(30), 422},
		"a proof from another size":        {"old 20\n" + l.proof(19, 30) + "\n" + l.checkpoint(30), 422},
		"a proof with a line too many":     {"old 20\n" + l.proof(20, 30) + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n\n" + l.checkpoint(30), 422},
		"another history":                  {forked.request(20, 30), 422},
		"another history of the same size": {forked.request(20, 20), 409},
		"a proof for the same size":        {"old 20\n" + l.proof(19, 20) + "\n" + l.checkpoint(20), 422},
		"an empty log that is not empty":   {"old 0\n\n" + l.signed(origin+"\n0\n"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n"), 409},
		"an extension, as other logs do":   {"old 20\n" + l.proof(20, 30) + "\n" + l.signed(l.body(30)+"extension\n"), 200},
		"a stranger's signature besides":   {l.request(20, 30) + "— stranger.test AAAAAAAA\n", 200},
	} {
		h := newHouse(t, l.vkey)
		h.cosigned(l.body(20), h.add(l.request(0, 20)))
		a := h.add(c.body)
		if a.status != c.status {
			t.Errorf("%s: %+v, want %d", name, a, c.status)
		}
		conflict := a.status == 409 && name != "another history of the same size"
		if got := a.media == "text/x.tlog.size" && a.body == "20\n"; got != conflict {
			t.Errorf("%s: %+v", name, a)
		}
		if known := h.add(l.request(0, 20)); c.status != 200 && known.body != "20\n" {
			t.Errorf("%s: forgot the head: %+v", name, known)
		}
	}
	h := newHouse(t, l.vkey)
	if a := h.add("old 0\n\n" + l.signed(origin+"\n0\n"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n")); a.status != 422 {
		t.Errorf("an empty log with a root of zeros: %+v", a)
	}
	if a := h.add("old 0\n" + l.proof(1, 2) + "\n" + l.checkpoint(2)); a.status != 422 {
		t.Errorf("a proof from nothing: %+v", a)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
		request, err := http.NewRequest(method, h.url+"/add-checkpoint", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, response.StatusCode)
		}
	}
}

func (l *testLog) signed(body string) string {
	l.t.Helper()
	signed, err := note.Sign(&note.Note{Text: body}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(signed)
}

// TestSeveralLogs follows two logs, one of them with two keys, as while a key is exchanged.
func TestSeveralLogs(t *testing.T) {
	first, second := newLog(t, origin).grow(9, "leaf"), newLog(t, "log.test/second").grow(9, "leaf")
	newer := newLog(t, origin).grow(9, "leaf")
	h := newHouse(t, first.vkey, second.vkey, newer.vkey)
	h.cosigned(first.body(5), h.add(first.request(0, 5)))
	h.cosigned(second.body(3), h.add(second.request(0, 3)))
	h.cosigned(newer.body(7), h.add(newer.request(5, 7)))
	for l, want := range map[*testLog]string{first: "7\n", second: "3\n", newer: "7\n"} {
		if a := h.add(l.request(0, 9)); a.status != 409 || a.body != want {
			t.Errorf("%s: %+v, want %q", l.origin, a, want)
		}
	}
	sum := sha256.Sum256([]byte(origin))
	response, err := http.Get(fmt.Sprintf("%s/checkpoint/%x", h.url, sum))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if stored, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(stored), newer.checkpoint(7)+"— witness.test/w1 ") {
		t.Errorf("shows %q, %v", stored, err)
	}
	// The old key is retired: what was cosigned under it still counts.
	h.heads.Close()
	h.open(false, newer.vkey)
	h.cosigned(newer.body(9), h.add(newer.request(7, 9)))
	if a := h.add(first.request(9, 9)); a.status != 403 {
		t.Errorf("under the old key: %+v", a)
	}
}

// TestNeverTwoHeadsOfOneSize lets two histories race for every size.
func TestNeverTwoHeadsOfOneSize(t *testing.T) {
	const sizes, racers = 24, 4
	l := newLog(t, origin).grow(sizes, "leaf")
	h := newHouse(t, l.vkey)
	first := l.fork(0, sizes)
	var mu sync.Mutex
	cosigned := map[int64]map[string]bool{}
	var wait sync.WaitGroup
	for racer := range racers {
		wait.Go(func() {
			branch := []*testLog{l, first}[racer%2]
			for size := int64(1); size <= sizes; size++ {
				for known := range size + 1 {
					if a := h.add(branch.request(known, size)); a.status == 200 {
						mu.Lock()
						if cosigned[size] == nil {
							cosigned[size] = map[string]bool{}
						}
						cosigned[size][branch.body(size)] = true
						mu.Unlock()
					}
				}
			}
		})
	}
	wait.Wait()
	if len(cosigned) == 0 {
		t.Fatal("nothing was cosigned")
	}
	winners := map[bool]bool{}
	for size, bodies := range cosigned {
		if len(bodies) != 1 {
			t.Errorf("%d heads of size %d", len(bodies), size)
		}
		winners[bodies[l.body(size)]] = true
	}
	if len(winners) != 1 {
		t.Error("both histories were cosigned")
	}
}

// Two processes on one database, as after a mistake: the comparison in the database decides.
func TestTwoWitnessesOnOneDatabase(t *testing.T) {
	l := newLog(t, origin).grow(20, "leaf")
	other := l.fork(5, 20)
	h := newHouse(t, l.vkey)
	stale := &staleHeads{Heads: h.heads}
	w, err := witness.New(witness.Config{Key: h.key, Logs: []string{l.vkey}, Heads: stale, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(witness.NewServer(w, slog.New(slog.DiscardHandler)).Handler())
	defer server.Close()
	h.cosigned(l.body(5), h.add(l.request(0, 5)))
	stale.before = func() { h.cosigned(l.body(10), h.add(l.request(5, 10))) }
	if a := send(t, server.URL, other.request(5, 10)); a.status != 409 || a.body != "10\n" {
		t.Errorf("%+v", a)
	}
}

// staleHeads lets something happen between reading and swapping.
type staleHeads struct {
	witness.Heads
	before func()
}

// Swap implements witness.Heads.
func (s *staleHeads) Swap(origin string, old, next []byte) (bool, error) {
	if s.before != nil {
		s.before()
		s.before = nil
	}
	return s.Heads.Swap(origin, old, next)
}

// A store that fails before or after its effect: nothing is answered, and afterwards either
// head is followed without contradiction.
func TestFailedSwap(t *testing.T) {
	for name, kept := range map[string]bool{"lost": false, "kept": true} {
		l := newLog(t, origin).grow(20, "leaf")
		h := newHouse(t, l.vkey)
		failing := &failingHeads{Heads: h.heads, kept: kept}
		w, err := witness.New(witness.Config{Key: h.key, Logs: []string{l.vkey}, Heads: failing, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(witness.NewServer(w, slog.New(slog.DiscardHandler)).Handler())
		defer server.Close()
		if a := send(t, server.URL, l.request(0, 7)); a.status != 500 || strings.Contains(a.body, "disk") {
			t.Errorf("%s: %+v", name, a)
		}
		known := int64(0)
		if kept {
			known = 7
		}
		if a := send(t, server.URL, l.request(known, 9)); a.status != 200 {
			t.Errorf("%s: then %+v", name, a)
		}
		if kept {
			forked := l.fork(3, 9)
			if a := send(t, server.URL, forked.request(9, 9)); a.status != 409 {
				t.Errorf("%s: another history: %+v", name, a)
			}
		}
	}
}

// failingHeads fails its first Swap, before or after the effect.
type failingHeads struct {
	witness.Heads
	kept, failed bool
}

// Swap implements witness.Heads.
func (f *failingHeads) Swap(origin string, old, next []byte) (bool, error) {
	if f.failed {
		return f.Heads.Swap(origin, old, next)
	}
	f.failed = true
	if f.kept {
		if _, err := f.Heads.Swap(origin, old, next); err != nil {
			return false, err
		}
	}
	return false, errors.New("disk on fire")
}

// What is remembered survives, and is not believed when it was changed.
func TestReopen(t *testing.T) {
	l := newLog(t, origin).grow(20, "leaf")
	h := newHouse(t, l.vkey)
	h.cosigned(l.body(7), h.add(l.request(0, 7)))
	if _, err := sqlite.OpenHeads(h.path, false); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	h.heads.Close()
	if _, err := sqlite.OpenHeads(h.path, true); err == nil {
		t.Error("made a second time")
	}
	if _, err := sqlite.OpenHeads(h.path+"x", false); err == nil {
		t.Error("opened what is not there")
	}
	h.open(false, l.vkey)
	if a := h.add(l.request(0, 9)); a.body != "7\n" {
		t.Errorf("%+v", a)
	}
	stored, err := h.heads.Head(origin)
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string][]byte{
		"another size":     bytes.Replace(stored, []byte("\n7\n"), []byte("\n3\n"), 1),
		"cut short":        stored[:len(stored)-20],
		"not cosigned":     []byte(l.checkpoint(7)),
		"empty":            {},
		"of another log's": otherHead(t, h, "log.test/other"),
	} {
		if ok, err := h.heads.Swap(origin, stored, changed); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if a := h.add(l.request(7, 9)); a.status != 500 {
			t.Errorf("%s: %+v", name, a)
		}
		if _, err := witness.New(witness.Config{Key: h.key, Logs: []string{l.vkey}, Heads: h.heads, Now: time.Now}); err == nil {
			t.Errorf("%s: opens", name)
		}
		if ok, err := h.heads.Swap(origin, changed, stored); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	h.cosigned(l.body(9), h.add(l.request(7, 9)))
	if err := h.heads.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(h.path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenHeads(h.path, false); err == nil {
		t.Error("opens an empty file: a witness that has forgotten everything")
	}
}

// otherHead is a head of another log that the same witness cosigned.
func otherHead(t *testing.T, h *house, name string) []byte {
	t.Helper()
	l := newLog(t, name).grow(3, "leaf")
	w := &house{t: t, path: filepath.Join(t.TempDir(), "w.db"), key: h.key, vkey: h.vkey}
	w.open(true, l.vkey)
	defer w.heads.Close()
	a := w.add(l.request(0, 3))
	w.cosigned(l.body(3), a)
	return []byte(l.checkpoint(3) + a.body)
}

func TestPace(t *testing.T) {
	l := newLog(t, origin).grow(2*witness.MaxPerSecond+2, "leaf")
	h := newHouse(t, l.vkey)
	still := time.Unix(1_767_225_600, 0)
	w, err := witness.New(witness.Config{Key: h.key, Logs: []string{l.vkey}, Heads: h.heads, Now: func() time.Time { return still }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(witness.NewServer(w, slog.New(slog.DiscardHandler)).Handler())
	defer server.Close()
	for size := range int64(witness.MaxPerSecond) {
		if a := send(t, server.URL, l.request(size, size+1)); a.status != 200 {
			t.Fatalf("size %d: %+v", size+1, a)
		}
	}
	const known = witness.MaxPerSecond
	if a := send(t, server.URL, l.request(known, known+1)); a.status != 429 {
		t.Errorf("one more: %+v", a)
	}
	for range witness.MaxPerSecond { // repetitions have a count of their own
		if a := send(t, server.URL, l.request(known, known)); a.status != 200 {
			t.Fatalf("again: %+v", a)
		}
	}
	if a := send(t, server.URL, l.request(known, known)); a.status != 429 {
		t.Errorf("one more repetition: %+v", a)
	}
	still = still.Add(time.Second)
	if a := send(t, server.URL, l.request(known, known+1)); a.status != 200 {
		t.Errorf("a second later: %+v", a)
	}
}

func TestKeys(t *testing.T) {
	l := newLog(t, origin)
	h := newHouse(t, l.vkey)
	for name, c := range map[string]witness.Config{
		"no log":              {Key: h.key},
		"a key that is none":  {Key: "PRIVATE+KEY+secret", Logs: []string{l.vkey}},
		"a log that is none":  {Key: h.key, Logs: []string{"abc"}},
		"a witness for a log": {Key: h.key, Logs: []string{h.vkey}},
	} {
		c.Heads, c.Now = h.heads, time.Now
		if _, err := witness.New(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []string{"", "PRIVATE+KEY+secret+00000000+AAAA", h.vkey} {
		if _, err := witness.VerifierKey(key); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := witness.NewKey("two words", rand.Reader); err == nil {
		t.Error("a name that no note can carry")
	}
}
