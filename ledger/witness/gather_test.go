package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/witness"
)

// patience is how long anything awaited may take before a test gives up.
const patience = time.Minute

func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// member is a witness of a policy: a real one, or whatever a handler makes of it.
type member struct {
	*house
	server *httptest.Server
	// handler may be exchanged while the witness is asked.
	mu      sync.Mutex
	handler http.Handler
}

func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	handler := m.handler
	m.mu.Unlock()
	handler.ServeHTTP(w, r)
}

func (m *member) become(h http.Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handler = h
}

// gathering is a real ledger, its witnesses, and the gatherer between them.
type gathering struct {
	*ledgertest.World
	t       *testing.T
	node    *ledgertest.Node
	store   *ledgertest.Memory
	members []*member
	g       *witness.Gatherer
	log     *safeBuffer
	ended   chan error
	stop    context.CancelFunc
}

// safeBuffer is a log. Safe for concurrent use.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// gather starts a ledger with n witnesses and a quorum.
func gather(t *testing.T, n, quorum int) *gathering {
	t.Helper()
	w := ledgertest.NewWorld(t)
	a := &gathering{World: w, t: t, store: ledgertest.NewMemory()}
	text := "log " + w.Keys.LogVerifier + "\n"
	names := ""
	for i := range n {
		m := &member{house: newHouse(t, w.Keys.LogVerifier)}
		m.key = mustKey(t, fmt.Sprintf("witness.test/w%d", i))
		m.heads.Close()
		m.path += "-own"
		m.open(true, w.Keys.LogVerifier)
		m.handler = forward(m.url)
		m.server = httptest.NewServer(m)
		t.Cleanup(m.server.Close)
		vkey, err := witness.VerifierKey(m.key)
		if err != nil {
			t.Fatal(err)
		}
		m.vkey = vkey
		a.members = append(a.members, m)
		text += fmt.Sprintf("witness w%d %s %s/sub\n", i, vkey, m.server.URL)
		names += fmt.Sprintf(" w%d", i)
	}
	var err error
	if w.Policy, err = ledger.ParsePolicy(fmt.Appendf(nil, "%sgroup g %d%s\nquorum g\n", text, quorum, names)); err != nil {
		t.Fatal(err)
	}
	a.start()
	return a
}

func mustKey(t testing.TB, name string) string {
	t.Helper()
	key, err := witness.NewKey(name, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// forward hands requests below /sub to a witness.
func forward(url string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), r.Method, url+strings.TrimPrefix(r.URL.Path, "/sub"), r.Body)
		if err != nil {
			panic(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})
}

// start opens the ledger on its store, and a gatherer for it.
func (a *gathering) start() {
	a.t.Helper()
	a.node = a.MustStart(a.store)
	a.log = &safeBuffer{}
	var err error
	a.g, err = witness.NewGatherer(witness.GathererConfig{
		Log: a.node, Policy: a.Policy, Logger: slog.New(slog.NewTextHandler(a.log, nil)), Now: time.Now,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(a.t.Context())
	a.stop, a.ended = cancel, make(chan error, 1)
	go func() { a.ended <- a.g.Run(ctx) }()
	a.t.Cleanup(cancel)
}

func (a *gathering) register(name string) ledger.Reply {
	a.t.Helper()
	key := ledgertest.NewSigner(a.t).Key
	key.Class, key.Holder = domain.PartyHolder, name
	raw := a.Command(a.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Party: &domain.Party{ID: domain.PartyID(name)}, Key: &key})
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	r, err := a.node.Submit(ctx, ledger.CommandFormat, raw, ledger.ForWitnessed)
	if err != nil || r.Code != "" {
		a.t.Fatal(r, err)
	}
	return r
}

// witnessed commits something and wants a receipt that passes under the policy.
func (a *gathering) witnessed(name string) {
	a.t.Helper()
	r := a.register(name)
	if !r.Witnessed {
		a.t.Fatalf("%s: no quorum in %v; log:\n%s", name, patience, a.log)
	}
	if _, err := ledger.OpenReceipt(a.Policy, []byte(r.Receipt)); err != nil {
		a.t.Error(err)
	}
}

// halt stops gatherer and ledger.
func (a *gathering) halt() {
	a.t.Helper()
	a.stop()
	if err := <-a.ended; err != nil {
		a.t.Error(err)
	}
	if err := a.node.Stop(); err != nil {
		a.t.Error(err)
	}
}

func (a *gathering) failures(i int) map[string]uint64 { return a.g.Stats()[i].Failures }

func TestGathers(t *testing.T) {
	t.Parallel()
	a := gather(t, 3, 2)
	for i := range 8 {
		a.witnessed(fmt.Sprintf("party-%d", i))
	}
	until(t, "all three have cosigned the newest head", func() bool {
		size, _ := a.node.Signed()
		for _, s := range a.g.Stats() {
			if s.Size != size {
				return false
			}
		}
		checkpoint, err := a.node.Checkpoint()
		return err == nil && bytes.Count(checkpoint, []byte("\n— witness.test/w")) == 3
	})
	for i, s := range a.g.Stats() {
		if s.Witness != fmt.Sprintf("w%d", i) || len(s.Failures) > 0 || s.Cosigned == 0 {
			t.Errorf("%+v", s)
		}
	}
	// A restart asks again, also about a head that is cosigned already.
	a.halt()
	a.start()
	<-a.g.Asked()
	a.witnessed("after")
	a.halt()
	if strings.Contains(a.log.String(), "WARN") || strings.Contains(a.log.String(), "ERROR") {
		t.Error(a.log)
	}
	a.MustVerify(a.store)
}

// TestUselessWitnesses puts a witness that fails in some way beside two good ones.
func TestUselessWitnesses(t *testing.T) {
	key := mustKey(t, "witness.test/stranger")
	for name, c := range map[string]struct {
		handler func(m *member) http.HandlerFunc
		reason  string
	}{
		"refuses":            {answering(403, "", "no"), "refused"},
		"knows no such log":  {answering(404, "", "no"), "refused"},
		"is broken":          {answering(500, "", "no"), "refused"},
		"sends elsewhere":    {answering(302, "", ""), "refused"},
		"says nothing":       {answering(200, "", ""), "bad-signature"},
		"says gibberish":     {answering(200, "", "— a b\n"), "bad-signature"},
		"says too much":      {answering(200, "", strings.Repeat("x", 1<<20)), "bad-answer"},
		"names no size":      {answering(409, "text/x.tlog.size", "many\n"), "bad-answer"},
		"names a huge size":  {answering(409, "text/x.tlog.size", "18446744073709551615\n"), "bad-answer"},
		"names our own size": {answering(409, "text/x.tlog.size", "0\n"), "bad-answer"},
		"names many sizes": {func(*member) http.HandlerFunc {
			size := 3
			return func(w http.ResponseWriter, _ *http.Request) {
				size = 5 - size // 3, 2, 3, 2
				w.Header().Set("Content-Type", "text/x.tlog.size")
				w.WriteHeader(409)
				fmt.Fprintf(w, "%d\n", size)
			}
		}, "bad-answer"},
		"signs another head":     {signing(nil, func(string) string { return "ledger.test/main\n9\nAAAA\n" }), "bad-signature"},
		"signs with another key": {signing(&key, func(body string) string { return body }), "bad-signature"},
		"signs for the future": {func(m *member) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				_, checkpoint, _ := strings.Cut(string(body), "\n\n")
				text, _, _ := strings.Cut(checkpoint, "\n\n")
				_, _ = io.WriteString(w, m.line(text+"\n", time.Now().Add(time.Hour)))
			}
		}, "bad-signature"},
		"knows a longer log":      {answering(409, "text/x.tlog.size; charset=utf-8", "1000\n"), "contradiction"},
		"knows another root":      {answering(409, "text/plain", "no\n"), "contradiction"},
		"does not take the proof": {answering(422, "", "no"), "contradiction"},
		"hangs up": {func(*member) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := gather(t, 3, 2)
			good := a.members[2].handler
			a.members[2].become(c.handler(a.members[2]))
			a.witnessed("first")
			until(t, c.reason, func() bool { return a.failures(2)[c.reason] > 0 })
			a.witnessed("second")
			if failures := a.failures(2); len(failures) != 1 {
				t.Errorf("failures %v", failures)
			}
			if n := strings.Count(a.log.String(), "a witness does not cosign"); n != 1 {
				t.Errorf("said %d times:\n%s", n, a.log)
			}
			select {
			case err := <-a.ended:
				t.Fatalf("the ledger would stop: %v", err)
			default:
			}
			a.members[2].become(good)
			until(t, "it cosigns again", func() bool { return strings.Contains(a.log.String(), "a witness cosigns again") })
			a.halt()
		})
	}
}

func answering(code int, media, body string) func(*member) http.HandlerFunc {
	return func(*member) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if code == 302 {
				w.Header().Set("Location", "/sub/elsewhere")
			}
			w.Header().Set("Content-Type", media)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
}

// signing cosigns what change makes of the head, with the member's key or another one.
func signing(key *string, change func(string) string) func(*member) http.HandlerFunc {
	return func(m *member) http.HandlerFunc {
		if key == nil {
			key = &m.key
		}
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, checkpoint, _ := strings.Cut(string(body), "\n\n")
			text, _, _ := strings.Cut(checkpoint, "\n\n")
			line, err := cosignText(*key, change(text+"\n"))
			if err != nil {
				w.WriteHeader(500)
				return
			}
			_, _ = w.Write(line)
		}
	}
}

// line cosigns a text at a time, written from the text of tlog-cosignature.
func (m *member) line(text string, at time.Time) string {
	m.t.Helper()
	parts := strings.SplitN(m.key, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		m.t.Error(err)
	}
	_, rest, _ := strings.Cut(m.vkey, "+")
	id, err := hex.DecodeString(rest[:8])
	if err != nil {
		m.t.Error(err)
	}
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(seed[1:]), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))
	data := append(binary.BigEndian.AppendUint64(id, uint64(at.Unix())), signature...)
	return "— " + parts[2] + " " + base64.StdEncoding.EncodeToString(data) + "\n"
}

func cosignText(key, text string) ([]byte, error) {
	signer, err := note.NewSigner(key)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer) // of type 0x01: not even a cosignature
	if err != nil {
		return nil, err
	}
	return signed[len(text)+1:], nil
}

// One witness hangs; the quorum of the others does not wait for it, and it catches up.
func TestSlowWitness(t *testing.T) {
	t.Parallel()
	a := gather(t, 3, 2)
	release := make(chan struct{})
	good := a.members[1].handler
	a.members[1].become(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		good.ServeHTTP(w, r)
	}))
	for i := range 5 {
		a.witnessed(fmt.Sprintf("party-%d", i))
	}
	close(release)
	until(t, "the slow one has caught up", func() bool {
		size, _ := a.node.Signed()
		return a.g.Stats()[1].Size == size
	})
	a.halt()
}

// A witness whose own memory was rolled back harms nobody.
func TestRolledBackWitness(t *testing.T) {
	t.Parallel()
	a := gather(t, 2, 2)
	a.witnessed("first")
	older, err := a.members[0].heads.Head(ledgertest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		a.witnessed(fmt.Sprintf("party-%d", i))
	}
	newer, err := a.members[0].heads.Head(ledgertest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := a.members[0].heads.Swap(ledgertest.Origin, newer, older); !ok || err != nil {
		t.Fatal(ok, err)
	}
	a.witnessed("after")
	a.halt()
}

// TestRolledBackLedger puts an older or another history under the ledger's key.
func TestRolledBackLedger(t *testing.T) {
	for name, entries := range map[string]int{"shorter": 0, "of the same length": 3, "longer": 9} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := gather(t, 3, 2)
			for i := range 3 {
				a.witnessed(fmt.Sprintf("party-%d", i))
			}
			until(t, "all know it", func() bool {
				size, _ := a.node.Signed()
				return !slices.ContainsFunc(a.g.Stats(), func(s witness.Stats) bool { return s.Size != size })
			})
			a.halt()
			a.store = ledgertest.NewMemory() // the same keys, another history
			policy := a.Policy
			a.Policy = ledger.Policy{}
			a.node = a.MustStart(a.store)
			for i := range entries {
				a.node.Register(domain.PartyID(fmt.Sprintf("other-%d", i)))
			}
			if err := a.node.Stop(); err != nil {
				t.Fatal(err)
			}
			a.Policy = policy
			for _, m := range a.members[1:] { // one witness is enough
				m.become(answering(503, "", "no")(m))
			}
			a.start()
			var c *witness.Contradiction
			select {
			case err := <-a.ended:
				if !errors.As(err, &c) || len(c.Witnesses) != 1 || c.Witnesses[0] != "w0" || !strings.Contains(err.Error(), "ROLLED BACK") {
					t.Fatalf("ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatalf("goes on:\n%s", a.log)
			}
			select {
			case <-a.g.Asked():
				t.Error("the ledger could commit before")
			default:
			}
			if yes, err := a.node.Contradicted(c.Evidence); !yes || err != nil {
				t.Errorf("evidence %q: %v, %v", c.Evidence, yes, err)
			}
		})
	}
}

// Without a head to show, the word of one witness is a claim; a quorum of them is believed.
func TestClaims(t *testing.T) {
	t.Parallel()
	a := gather(t, 3, 2)
	a.witnessed("first")
	claim := answering(409, "text/x.tlog.size", "1000\n")
	a.members[0].become(claim(a.members[0]))
	a.register("second")
	until(t, "the first claim", func() bool { return a.failures(0)["contradiction"] > 1 })
	a.witnessed("third")
	select {
	case err := <-a.ended:
		t.Fatalf("one claim stops the ledger: %v", err)
	default:
	}
	a.members[2].become(claim(a.members[2]))
	var c *witness.Contradiction
	if err := commitUntil(a); !errors.As(err, &c) || !slices.Equal(c.Witnesses, []string{"w0", "w2"}) || len(c.Evidence) != 0 {
		t.Errorf("ended with %v", err)
	}
}

// commitUntil commits until the gatherer ends.
func commitUntil(a *gathering) error {
	deadline := time.After(patience)
	for i := 0; ; i++ {
		a.node.Register(domain.PartyID(fmt.Sprintf("more-%d", i)))
		select {
		case err := <-a.ended:
			return err
		case <-deadline:
			return errors.New("goes on")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A head that is no evidence does not stop the ledger: an old one of its own, or a stranger's.
func TestWorthlessEvidence(t *testing.T) {
	stranger := newLog(t, ledgertest.Origin).grow(2000, "leaf")
	for name, shown := range map[string]func(a *gathering) []byte{
		"its own": func(a *gathering) []byte {
			_, old := a.node.Signed()
			return old
		},
		"a stranger's": func(*gathering) []byte { return []byte(stranger.checkpoint(2000)) },
		"none":         func(*gathering) []byte { return []byte("abc") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := gather(t, 2, 2)
			note, claims := shown(a), answering(409, "text/x.tlog.size", "1000\n")(nil)
			a.members[0].become(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = w.Write(note)
					return
				}
				claims(w, r)
			}))
			a.node.Register("acme")
			until(t, "the claim", func() bool { return a.failures(0)["contradiction"] > 1 })
			a.halt()
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	a := gather(t, 2, 1)
	a.halt()
	for _, m := range a.members {
		m.server.Close()
	}
	a.start()
	select {
	case <-a.g.Asked():
	case <-time.After(patience):
		t.Fatal("the ledger waits for ever")
	}
	until(t, "that is said", func() bool { return strings.Contains(a.log.String(), "no witness answered") })
	a.node.Register("acme")
	a.halt()
}

// TestOnlyPublicThings records every byte that goes to the witnesses: heads, hashes and sizes.
func TestOnlyPublicThings(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	a := gather(t, 1, 1)
	var mu sync.Mutex
	var sent bytes.Buffer
	good := a.members[0].handler
	a.members[0].become(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		fmt.Fprintf(&sent, "%s %s %v\n%s\n", r.Method, r.URL, r.Header, body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		good.ServeHTTP(w, r)
	}))
	for i := range 5 {
		a.witnessed(fmt.Sprintf("%s-%d", canary, i))
	}
	a.halt()
	mu.Lock()
	defer mu.Unlock()
	secrets, err := json.Marshal(a.Keys)
	if err != nil || sent.Len() == 0 {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(secrets, &fields); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))[:12], "PRIVATE", fmt.Sprint(fields["index"]), fmt.Sprint(fields["salt"])} {
		if bytes.Contains(sent.Bytes(), []byte(secret)) {
			t.Errorf("a witness was sent %q", secret)
		}
	}
	// The first round may be over before the recorder stands in, so any round will do.
	if !bytes.Contains(sent.Bytes(), []byte("\n\nledger.test/main\n")) || !bytes.Contains(sent.Bytes(), []byte("\nold ")) {
		t.Errorf("sent %s", &sent)
	}
}

func TestWitnessNeedsURL(t *testing.T) {
	w := ledgertest.NewWorld(t)
	vkey, err := witness.VerifierKey(mustKey(t, "witness.test/w"))
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", "ftp://witness.test", "https://user:secret@witness.test", "https://", "https://witness.test?q=1", "witness.test:80", "https://w#f"} {
		policy, err := ledger.ParsePolicy([]byte("log " + w.Keys.LogVerifier + "\nwitness w " + vkey + " " + url + "\nquorum w\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := witness.NewGatherer(witness.GathererConfig{Policy: policy, Now: time.Now}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
