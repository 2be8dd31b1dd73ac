package witness

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
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

// Gatherer collects cosignatures for one log. Stats is safe for concurrent use.
type Gatherer struct {
	config GathererConfig
	peers  []*peer
	// asked is closed once every witness was asked about the head that the log was opened with.
	asked chan struct{}
	// confirmed: a quorum has cosigned a head since Run.
	confirmed atomic.Bool
	results   chan result
	round     round
	// claims are the names of the witnesses that say, without proof, that they know another history.
	claims map[string]bool

	mu    sync.Mutex
	stats []Stats
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

// Confirmed says whether a quorum has cosigned a head of this log since Run began. Once it is asked, and before anything is
// committed, that is the head that the log began with: no such witness knows a newer one.
func (g *Gatherer) Confirmed() bool { return g.confirmed.Load() }

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
