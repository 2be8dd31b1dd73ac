package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
)

// Config is what an Engine is built from. All fields but Policy, TableInterval and NextEpoch are required.
type Config struct {
	Keys      *Keys
	Store     Store
	Orderer   Orderer
	Contracts []domain.Contract
	// Codecs read the formats of observations.
	Codecs []domain.Codec
	// Policy names the witnesses of this ledger; the zero value is that of Keys, without any.
	Policy Policy
	// Platform is the word for what the node runs on. Each head that this engine signs carries
	// it; a head that was signed before keeps its own. Empty: heads say nothing.
	Platform string
	// TableInterval is how many leaves the log grows before the tables follow; zero means
	// DefaultTableInterval. It decides when, never what: ledgers may be opened with another one.
	TableInterval uint64
	// NextEpoch gives the body key of an epoch that governance has begun. It returns when the key
	// is where the next start of this node finds it, and never before: right after that, bodies
	// are sealed under it. Whoever orders for others makes the key and hands it to them wrapped;
	// the engine does not ask where it comes from. Nil: a ledger that begins an epoch stops.
	NextEpoch func(number uint32) (Epoch, error)
}

// Engine is one ledger. Run drives it; every other method is safe for concurrent use.
type Engine struct {
	executor
	store   *tables
	orderer Orderer
	vault   *vault
	tree    *merkleTree
	signer  note.Signer
	// platform is that of the Config.
	platform string
	// nextEpoch is that of the Config.
	nextEpoch func(number uint32) (Epoch, error)
	// policy is that of the log's key alone, public the one that verifiers are handed.
	policy, public Policy
	// opened is what was published when the ledger was opened, cosigned is never nil.
	opened    *published
	cosigned  atomic.Pointer[cosignedHead]
	cosigning sync.Mutex // one head after the other
	// state, last, size and trails belong to the goroutine that executes: the state after batch
	// last, and a log of that size, both ahead of the disk by what trails remembers.
	state  *State
	last   Batch
	size   uint64
	trails []trail
	// durable is the sequence of the last batch on disk.
	durable atomic.Uint64

	published atomic.Pointer[published]
	rights    rights
	// roomy says that there was room on the disk since the last batch began.
	roomy atomic.Bool
	// places bounds the callers that compute at once, see enter.
	places   chan struct{}
	stopped  chan struct{}
	stopOnce sync.Once
	mu       sync.Mutex // guards changed
	changed  chan struct{}
}

// published is the last committed moment, for readers.
type published struct {
	state *State
	head  Head
	note  []byte
}

// Create opens a new, empty ledger and orders its genesis, which Run then commits first. A
// genesis that would be refused is a *domain.Rejection, and the store stays empty.
func Create(ctx context.Context, c Config, genesis []byte) (*Engine, error) {
	e, err := Open(c)
	if err != nil {
		return nil, err
	}
	if e.published.Load().head.Size != 0 {
		return nil, errors.New("create ledger: the store already holds one")
	}
	if err := e.rehearse(genesis); err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	return e, c.Orderer.Propose(ctx, Item{Format: genesisFormat, Raw: genesis})
}

// rehearse executes a genesis on an empty state and forgets it: a refused one, once logged,
// would be a ledger in which nobody can ever act.
func (e *Engine) rehearse(genesis []byte) error {
	b := Batch{Sequence: 1, Now: 1, Items: []Item{{Format: genesisFormat, Raw: genesis}}}
	r, err := e.execute(newState(), noHistory{}, b, 0)
	if err != nil {
		return err
	}
	if r.outcomes[0].refused != nil {
		return r.outcomes[0].refused
	}
	if first := r.entries[0]; first.Code != "" {
		return domain.Refuse(first.Code, "%s", first.Detail)
	}
	return nil
}

// noHistory is the past of a ledger that has none.
type noHistory struct{}

func (noHistory) Closed(domain.Kind, string) bool                  { return false }
func (noHistory) Seen(string, []byte) (uint64, bool, bool)         { return 0, false, false }
func (noHistory) Posting(domain.PostingRef) (domain.Posting, bool) { return domain.Posting{}, false }

// Open loads a ledger and checks its state against the last seal and its tree against the
// signed head. It refuses a store that contradicts itself.
func Open(c Config) (*Engine, error) {
	e, err := assemble(c)
	if err != nil {
		return nil, err
	}
	head, checkpoint, err := c.Store.Head()
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	if e.tree, err = openTree(c.Store, head.Size); err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	e.store = newTables(c.Store, head, cmp.Or(c.TableInterval, DefaultTableInterval))
	if err := e.load(head); err != nil {
		return nil, err
	}
	if err := e.checkSigned(head.Size, checkpoint); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	e.published.Store(&published{state: e.state.snapshot(), head: head, note: checkpoint})
	if err := e.openCosigned(); err != nil {
		return nil, fmt.Errorf("cosigned head: %w", err)
	}
	return e, e.rotateAgain()
}

func assemble(c Config) (*Engine, error) {
	signer, err := note.NewSigner(c.Keys.LogSigner)
	if err != nil {
		return nil, errors.New("log key does not parse")
	}
	policy, err := ParsePolicy(c.Keys.Policy())
	if err != nil {
		return nil, err
	}
	public := c.Policy
	if public.log == nil {
		public = policy
	}
	if public.log.Name() != c.Keys.Origin || public.log.KeyHash() != signer.KeyHash() {
		return nil, errors.New("the policy is that of another log")
	}
	v, err := newVault(c.Keys)
	if err != nil {
		return nil, err
	}
	return &Engine{
		executor: newExecutor(c.Keys.Origin, policy.log, c.Contracts, c.Codecs), orderer: c.Orderer, vault: v,
		signer: signer, platform: c.Platform, nextEpoch: c.NextEpoch, policy: policy, public: public, state: newState(), stopped: make(chan struct{}), changed: make(chan struct{}),
		places: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}, nil
}

func newExecutor(origin string, log note.Verifier, contracts []domain.Contract, codecs []domain.Codec) executor {
	x := executor{origin: origin, log: log, kinds: map[domain.Kind]domain.Contract{}, codecs: map[string]domain.Codec{}}
	for _, contract := range contracts {
		x.kinds[contract.Kind()] = contract
	}
	for _, codec := range codecs {
		x.codecs[codec.Format()] = codec
	}
	return x
}
