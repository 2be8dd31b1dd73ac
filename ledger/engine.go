package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
)

// Config is what an Engine is built from. All fields are required.
type Config struct {
	Keys      *Keys
	Store     Store
	Orderer   Orderer
	Contracts []domain.Contract
	// Codecs read the formats of observations.
	Codecs []domain.Codec
}

// Engine is one ledger. Run drives it; every other method is safe for concurrent use.
type Engine struct {
	executor
	store   Store
	orderer Orderer
	vault   *vault
	tree    *merkleTree
	signer  note.Signer
	policy  Policy
	// state and last belong to the goroutine in Run.
	state *State
	last  Batch

	published atomic.Pointer[published]
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
	entries, outcomes, err := e.run(newState(), noHistory{}, b, 0)
	if err != nil {
		return err
	}
	if outcomes[0].refused != nil {
		return outcomes[0].refused
	}
	if entries[0].Code != "" {
		return domain.Refuse(entries[0].Code, "%s", entries[0].Detail)
	}
	return nil
}

// noHistory is the past of a ledger that has none.
type noHistory struct{}

func (noHistory) Closed(domain.Kind, string) bool          { return false }
func (noHistory) Seen(string, []byte) (uint64, bool, bool) { return 0, false, false }

// Open loads a ledger, checks its state against the last seal, and signs the head if a
// crash came between the append and the signature. It refuses a store that contradicts itself.
func Open(c Config) (*Engine, error) {
	e, err := assemble(c)
	if err != nil {
		return nil, err
	}
	head, size, checkpoint, err := e.store.Head()
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	if e.tree, err = openTree(e.store, head.Size); err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	var t tail
	if head.Size > 0 {
		if t, err = e.readTail(head); err != nil {
			return nil, fmt.Errorf("read last batch: %w", err)
		}
	} else {
		t.closing.State = e.state.digest.sum()
	}
	if err := e.loadState(t.closing); err != nil {
		return nil, fmt.Errorf("load state: %w", err)
	}
	e.last = Batch{Sequence: head.Sequence, Now: head.Now}
	if checkpoint, err = e.resume(head, t, size, checkpoint); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	e.published.Store(&published{state: e.state.snapshot(), head: head, note: checkpoint})
	return e, nil
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
	v, err := newVault(c.Keys)
	if err != nil {
		return nil, err
	}
	return &Engine{
		executor: newExecutor(c.Keys.Origin, c.Contracts, c.Codecs), store: c.Store, orderer: c.Orderer, vault: v,
		signer: signer, policy: policy, state: newState(), stopped: make(chan struct{}), changed: make(chan struct{}),
		places: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}, nil
}

func newExecutor(origin string, contracts []domain.Contract, codecs []domain.Codec) executor {
	x := executor{origin: origin, kinds: map[domain.Kind]domain.Contract{}, codecs: map[string]domain.Codec{}}
	for _, contract := range contracts {
		x.kinds[contract.Kind()] = contract
	}
	for _, codec := range codecs {
		x.codecs[codec.Format()] = codec
	}
	return x
}

// Run commits batches until the context ends, then closes the orderer. It returns nil on a
// clean stop; any other error means that the state in memory is no longer trusted and the
// ledger must be opened again.
func (e *Engine) Run(ctx context.Context) error {
	defer e.stopOnce.Do(func() { close(e.stopped) })
	defer e.orderer.Close()
	for {
		b, err := e.orderer.Next(ctx, e.last, e.state.nextDue())
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("order: %w", err)
		}
		if err := e.commit(b); err != nil {
			return fmt.Errorf("batch %d: %w", b.Sequence, err)
		}
	}
}

// commit takes one batch through execute, seal, append and checkpoint, then wakes the waiters.
func (e *Engine) commit(b Batch) error {
	if b.Now <= e.last.Now || b.Sequence <= e.last.Sequence {
		return fmt.Errorf("batch time %d after %d, sequence %d after %d: both must increase", b.Now, e.last.Now, b.Sequence, e.last.Sequence)
	}
	head := e.published.Load().head
	h, err := e.prefetch(b)
	if err != nil {
		return err
	}
	entries, outcomes, err := e.run(e.state, h, b, head.Size)
	if err == nil {
		err = h.err // a history that could not be read gave answers that must not count
	}
	if err != nil {
		return err
	}
	e.last = Batch{Sequence: b.Sequence, Now: b.Now}
	var sealed []*sealedEntry
	if len(entries) > 0 {
		if sealed, err = e.persist(b, entries, head); err != nil {
			return err
		}
	}
	e.wake(b, outcomes, sealed, head.Size)
	return nil
}

// persist makes a batch durable and signs it. A crash before Append: nothing happened.
// After Append: Open signs the head. After the checkpoint: the waiters ask again.
func (e *Engine) persist(b Batch, entries []*entry, old Head) ([]*sealedEntry, error) {
	changes, err := e.state.settle()
	if err != nil {
		return nil, err
	}
	sealed, closing, err := sealBatch(b, entries, e.state.digest.sum(), e.vault.salt)
	if err != nil {
		return nil, err
	}
	c := e.commitOf(sealed, closing, changes)
	c.Head = Head{Size: old.Size + uint64(len(c.Entries)), Sequence: b.Sequence, Now: b.Now}
	if err := e.store.Append(c); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	checkpoint, err := e.sign(old.Size, c.Head.Size)
	if err != nil {
		return nil, err
	}
	e.published.Store(&published{state: e.state.snapshot(), head: c.Head, note: checkpoint})
	return sealed, nil
}

// wake answers the submitters of this node and everybody who waits for news.
func (e *Engine) wake(b Batch, outcomes []outcome, sealed []*sealedEntry, base uint64) {
	for i, item := range b.Items {
		if item.checked == nil || item.checked.pending == nil {
			continue
		}
		p := item.checked.pending
		p.outcome = outcomes[i]
		if at := outcomes[i].index - base; outcomes[i].refused == nil && outcomes[i].index >= base && at < uint64(len(sealed)) {
			p.sealed = sealed[at]
		}
		close(p.done)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(sealed) > 0 {
		close(e.changed)
		e.changed = make(chan struct{})
	}
}
