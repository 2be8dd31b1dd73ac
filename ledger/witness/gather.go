package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"aval/ledger"
)

// Log is the ledger as a Gatherer needs it. Safe for concurrent use.
type Log interface {
	// Signed is the newest durable head under the log's own signature, size zero for none.
	Signed() (size uint64, checkpoint []byte)
	// Consistency proves that the log over size leaves continues that over old leaves.
	Consistency(old, size uint64) ([]tlog.Hash, error)
	// Cosign takes a head that a quorum has cosigned.
	Cosign(signed []byte) error
	// Contradicted says whether a head that a witness holds is signed by the log and not its own.
	Contradicted(signed []byte) (bool, error)
	// Changed is closed at the next commit. Take it before reading.
	Changed() <-chan struct{}
}

// Times of a Gatherer.
const (
	// Interval is the shortest time between two heads that are sent: what is committed in
	// between is covered by the next one.
	Interval = 250 * time.Millisecond
	// Patience is how long Ask waits for answers before the ledger goes on without them.
	Patience = 5 * time.Second
	// A witness that failed is asked again after minPause, which doubles up to maxPause.
	minPause = 500 * time.Millisecond
	maxPause = 30 * time.Second
	// quiet is how long a witness that keeps failing is not mentioned again.
	quiet = 10 * time.Minute
	// maxTurns bounds the sizes that a witness may name in one attempt.
	maxTurns = 3
)

// GathererConfig is what a Gatherer is made of. Log, Policy, Logger and Now are required.
type GathererConfig struct {
	Log    Log
	Policy ledger.Policy
	// Transport is nil for http.DefaultTransport.
	Transport http.RoundTripper
	Logger    *slog.Logger
	Now       func() time.Time
}

// Contradiction ends a Gatherer: the log's disk was rolled back or forked. To go on would be to
// sign a second history.
type Contradiction struct {
	// Witnesses are the names of those that know another history.
	Witnesses []string
	// Evidence is a head of it that the log itself has signed; empty if a quorum of witnesses
	// says so and none of them shows a head.
	Evidence []byte
}

// Error says what is known and what to do.
func (c *Contradiction) Error() string {
	proof := "show a head that this log signed and does not hold"
	if len(c.Evidence) == 0 {
		proof = "are a quorum and know a history that this log does not hold"
	}
	return fmt.Sprintf("ROLLED BACK OR FORKED: the witnesses %s %s; this database is an older or another copy: put the newest one back",
		strings.Join(c.Witnesses, ", "), proof)
}

// Gatherer collects cosignatures for one log. Stats is safe for concurrent use.
type Gatherer struct {
	config GathererConfig
	peers  []*peer
	// asked is closed once every witness was asked about the head that the log was opened with.
	asked   chan struct{}
	results chan result
	round   round
	// claims are the names of the witnesses that say, without proof, that they know another history.
	claims map[string]bool

	mu    sync.Mutex
	stats []Stats
}

// round is one head on its way through the witnesses.
type round struct {
	size       uint64
	checkpoint []byte
	began      time.Time
	lines      map[string][]byte
	// published counts the cosignatures that were handed to the log, zero before the quorum.
	published int
}

// peer is one witness as the loop sees it. Only the loop touches it.
type peer struct {
	name   string
	index  int
	client *client
	// known is the size that the witness is believed to know.
	known uint64
	// busy is the size of the head that it is being asked about, zero for none.
	busy    uint64
	due     time.Time
	pause   time.Duration
	failing bool
	said    time.Time
}

// result is the end of one attempt.
type result struct {
	peer     *peer
	size     uint64
	line     []byte
	known    uint64
	evidence []byte
	err      error
}

// NewGatherer makes a gatherer. Every witness of the policy needs a URL.
func NewGatherer(c GathererConfig) (*Gatherer, error) {
	g := &Gatherer{config: c, asked: make(chan struct{}), claims: map[string]bool{}}
	for i, w := range c.Policy.Witnesses() {
		client, err := newClient(w, c.Policy.Origin(), c.Transport, c.Now)
		if err != nil {
			return nil, err
		}
		g.peers = append(g.peers, &peer{name: w.Name, index: i, client: client, pause: minPause})
		g.stats = append(g.stats, Stats{Witness: w.Name, Failures: map[string]uint64{}})
	}
	g.results = make(chan result, len(g.peers)) // each peer has one attempt at a time
	return g, nil
}

// Asked is closed once every witness has answered about the head that the log began with, has
// failed to, or was not heard of for Patience. Until then nothing should be committed: a
// witness that knows a longer log is heard first.
func (g *Gatherer) Asked() <-chan struct{} { return g.asked }

// Run sends heads and gathers cosignatures until the context ends. It returns nil then, and a
// *Contradiction if the log must not go on.
func (g *Gatherer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var attempts sync.WaitGroup
	defer attempts.Wait()
	defer cancel()
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	for {
		changed := g.config.Log.Changed()
		wake := time.NewTimer(g.step(ctx, &attempts))
		if !g.over(g.config.Now()) {
			changed = nil // the head that is on its way comes first
		}
		select {
		case <-ctx.Done():
			wake.Stop()
			return nil
		case r := <-g.results:
			if err := g.settle(r); err != nil {
				return err
			}
		case <-changed:
		case <-wake.C:
		case <-patience.C:
			g.begin()
		}
		wake.Stop()
	}
}

// begin lets the ledger commit.
func (g *Gatherer) begin() {
	select {
	case <-g.asked:
		return
	default:
	}
	silent := 0
	for _, p := range g.peers {
		if p.failing || p.busy > 0 {
			silent++
		}
	}
	if silent == len(g.peers) {
		g.config.Logger.Warn("no witness answered: the ledger goes on, and a rollback of its disk would not be noticed now", "witnesses", silent)
	}
	close(g.asked)
}

// step begins a round if it is time, and asks every witness that is due. It gives the time
// until there is something to do again.
func (g *Gatherer) step(ctx context.Context, attempts *sync.WaitGroup) time.Duration {
	now := g.config.Now()
	if g.over(now) {
		size, checkpoint := g.config.Log.Signed()
		if size > g.round.size {
			g.round = round{size: size, checkpoint: checkpoint, began: now, lines: map[string][]byte{}}
		}
	}
	next := maxPause
	idle := true
	for _, p := range g.peers {
		switch {
		case g.round.size == 0 || g.round.lines[p.name] != nil && p.busy == 0:
		case p.busy > 0:
			idle = false
		case now.Before(p.due):
			next = min(next, p.due.Sub(now))
		default:
			p.busy, idle = g.round.size, false
			attempts.Add(1)
			go func(size uint64, checkpoint []byte) {
				defer attempts.Done()
				g.results <- g.attempt(ctx, p, p.known, size, checkpoint)
			}(g.round.size, g.round.checkpoint)
		}
	}
	if idle && g.round.size > 0 {
		g.begin()
		if g.round.published == 0 {
			g.publish() // again, if the log could not keep it
		}
	}
	if rest := g.round.began.Add(Interval).Sub(now); rest > 0 {
		next = min(next, rest)
	}
	return next
}

// over says whether the round may give way to the next: its quorum is reached, or nobody is
// being asked about it, and the interval has passed.
func (g *Gatherer) over(now time.Time) bool {
	if g.round.size == 0 {
		return true
	}
	asked := slices.ContainsFunc(g.peers, func(p *peer) bool { return p.busy == g.round.size })
	return now.Sub(g.round.began) >= Interval && (g.round.published > 0 || !asked)
}

// attempt asks one witness, following the sizes that it names. It touches nothing of the loop's.
func (g *Gatherer) attempt(ctx context.Context, p *peer, known, size uint64, checkpoint []byte) result {
	r := result{peer: p, size: size, known: known}
	for range maxTurns {
		proof, err := g.config.Log.Consistency(r.known, size)
		if err != nil {
			r.err = fail(reasonAnswer, "prove from %d to %d: %w", r.known, size, err)
			return r
		}
		r.line, r.err = p.client.cosign(ctx, request{old: r.known, proof: proof, checkpoint: checkpoint})
		var other *conflict
		if !errors.As(r.err, &other) {
			break
		}
		if newest, _ := g.config.Log.Signed(); other.size > newest {
			r.err = &failure{reasonAhead, errKnowsMore}
			break
		}
		if other.size == size && r.known == size {
			r.err = &failure{reasonAhead, errKnowsOther}
			break
		}
		if other.size > size || other.size == r.known {
			r.err = fail(reasonAnswer, "in conflict about size %d", other.size)
			break
		}
		r.known = other.size
	}
	var moving *conflict
	if errors.As(r.err, &moving) {
		r.err = fail(reasonAnswer, "names one size after the other")
	}
	if errors.Is(r.err, errKnowsMore) || errors.Is(r.err, errKnowsOther) {
		r.evidence, _ = p.client.evidence(ctx) // without it, it is a claim
	}
	return r
}

// settle takes the end of an attempt into account.
func (g *Gatherer) settle(r result) error {
	p := r.peer
	p.busy, p.known = 0, r.known
	if r.err != nil {
		return g.failed(r)
	}
	p.known, p.pause, p.due = r.size, minPause, time.Time{}
	if p.failing {
		p.failing = false
		g.config.Logger.Info("a witness cosigns again", "witness", p.name)
	}
	delete(g.claims, p.name)
	g.count(p, "", r.size)
	if r.size == g.round.size {
		g.round.lines[p.name] = r.line
		g.publish()
	}
	return nil
}

// failed counts a failure, says so now and then, and judges what the witness claims.
func (g *Gatherer) failed(r result) error {
	p, reason := r.peer, reasonAnswer
	var f *failure
	if errors.As(r.err, &f) {
		reason = f.reason
	}
	now := g.config.Now()
	p.due, p.pause = now.Add(p.pause), min(2*p.pause, maxPause)
	if errors.Is(r.err, errKnowsOther) {
		p.known = 0 // let it name its size again
	}
	g.count(p, reason, 0)
	if !p.failing || now.Sub(p.said) >= quiet {
		level := slog.LevelWarn
		if reason == reasonAhead {
			level = slog.LevelError
		}
		g.config.Logger.Log(context.Background(), level, "a witness does not cosign", "witness", p.name, "reason", reason, "error", r.err)
		p.said = now
	}
	p.failing = true
	return g.judge(r)
}

// judge decides whether the log may go on. A head that the log itself signed is a proof,
// whoever shows it. Without one the word of a witness is a claim, and a quorum of them is
// believed, as in everything else.
func (g *Gatherer) judge(r result) error {
	if !errors.Is(r.err, errKnowsMore) && !errors.Is(r.err, errKnowsOther) {
		return nil
	}
	if yes, err := g.config.Log.Contradicted(r.evidence); err == nil && yes {
		return &Contradiction{Witnesses: []string{r.peer.name}, Evidence: r.evidence}
	}
	g.claims[r.peer.name] = true
	if g.config.Policy.AsksWitnesses() && g.config.Policy.Satisfied(g.claims) {
		c := &Contradiction{}
		for _, p := range g.peers {
			if g.claims[p.name] {
				c.Witnesses = append(c.Witnesses, p.name)
			}
		}
		return c
	}
	return nil
}

// publish hands the log the head with the cosignatures so far, once they are a quorum.
func (g *Gatherer) publish() {
	names := map[string]bool{}
	signed := slices.Clone(g.round.checkpoint)
	for _, p := range g.peers {
		if line := g.round.lines[p.name]; line != nil {
			names[p.name] = true
			signed = append(signed, line...)
		}
	}
	if !g.config.Policy.AsksWitnesses() || !g.config.Policy.Satisfied(names) {
		return
	}
	if err := g.config.Log.Cosign(signed); err != nil {
		g.config.Logger.Error("cannot publish a cosigned head", "size", g.round.size, "error", err)
		return
	}
	g.round.published = len(names)
}
