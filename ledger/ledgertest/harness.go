package ledgertest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/order"
)

// Origin is the name of every test ledger.
const Origin = "ledger.test/main"

// TableInterval makes the tables of a test ledger follow its log every few batches.
const TableInterval = 7

// Clock is a clock that tests set. Safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at 1 January 2026.
func NewClock() *Clock { return &Clock{now: time.UnixMilli(1_767_225_600_000)} }

// Now gives the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock, backwards too.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Millis is the time as the ledger counts it.
func (c *Clock) Millis() domain.Millis { return domain.Millis(c.Now().UnixMilli()) }

// World is what outlives a node: its keys, its clock, its parties. Store may be reopened.
type World struct {
	T     testing.TB
	Keys  *ledger.Keys
	Clock *Clock
	// Member is the bootstrap member "member", registered by genesis.
	Member *envelope.Signer
	// Policy names witnesses; the zero value none.
	Policy ledger.Policy
	// TableInterval is the ledger's; TableInterval, the constant, unless a test sets another.
	TableInterval uint64
	// Contracts are the kinds; nil means those of this package.
	Contracts []domain.Contract
	// NextEpoch obtains the keys of later epochs; nil for none.
	NextEpoch func(number uint32) (ledger.Epoch, error)
}

// NewWorld makes keys and a member.
func NewWorld(t testing.TB) *World {
	t.Helper()
	keys, err := ledger.NewKeys(Origin, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &World{T: t, Keys: keys, Clock: NewClock(), Member: NewSigner(t), TableInterval: TableInterval}
}

// NewSigner makes an Ed25519 key.
func NewSigner(t testing.TB) *envelope.Signer {
	t.Helper()
	s, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Contracts and Codecs are the tables of a test ledger.
func Contracts() []domain.Contract { return []domain.Contract{Governance{}, Till{}} }

func (w *World) contracts() []domain.Contract {
	if w.Contracts != nil {
		return w.Contracts
	}
	return Contracts()
}

// Codecs reads oracle observations.
func Codecs() []domain.Codec { return []domain.Codec{envelope.ObservationCodec{}} }

// Node is a running engine.
type Node struct {
	*ledger.Engine
	World *World
	Store ledger.Store
	Solo  *order.Solo
	stop  context.CancelFunc
	done  chan error
}

// Start opens a node on the store, creating the ledger when the store is empty.
func (w *World) Start(store ledger.Store) (*Node, error) {
	solo := order.NewSolo(w.Clock.Now)
	config := ledger.Config{Keys: w.Keys, Store: store, Orderer: solo, Contracts: w.contracts(), Codecs: Codecs(), Policy: w.Policy, TableInterval: w.TableInterval, NextEpoch: w.NextEpoch}
	head, _, err := store.Head()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &Node{World: w, Store: store, Solo: solo, stop: cancel, done: make(chan error, 1)}
	if head.Size == 0 {
		genesis, err := json.Marshal(domain.Genesis{
			Ledger: Origin, Party: domain.Party{ID: "member", Roles: []domain.Role{domain.RoleMember}}, Key: w.Member.Key,
		})
		if err != nil {
			return nil, err
		}
		n.Engine, err = ledger.Create(ctx, config, genesis)
		if err != nil {
			cancel()
			return nil, err
		}
	} else if n.Engine, err = ledger.Open(config); err != nil {
		cancel()
		return nil, err
	}
	changed := n.Changed()
	go func() { n.done <- n.Run(ctx) }()
	if head.Size == 0 {
		select {
		case <-changed:
		case err := <-n.done:
			n.done <- err
			return n, err
		}
	}
	return n, nil
}

// MustStart is Start, ending the test on an error, and stopping the node at its end.
func (w *World) MustStart(store ledger.Store) *Node {
	w.T.Helper()
	n, err := w.Start(store)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { n.Stop() })
	return n
}

// Stop ends Run and returns its result.
func (n *Node) Stop() error {
	n.stop()
	err := <-n.done
	n.done <- err
	return err
}

// Command signs a Till or Governance command that is valid for an hour.
func (w *World) Command(s *envelope.Signer, kind domain.Kind, contract, name string, body any) []byte {
	w.T.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.T.Fatal(err)
	}
	raw, err := envelope.SealCommand(s, domain.Command{
		Ledger: Origin, ID: ulid.Make().String(), Kind: kind, Contract: contract, Name: name, Body: text,
		NotAfter: w.Clock.Millis() + 3_600_000,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return raw
}

// Register registers a party under a new key and returns the key. An auditor is granted everything.
func (n *Node) Register(id domain.PartyID, roles ...domain.Role) *envelope.Signer {
	n.World.T.Helper()
	s := NewSigner(n.World.T)
	key := s.Key
	key.Class, key.Holder = domain.PartyHolder, string(id)
	r := Registration{Party: &domain.Party{ID: id, Roles: roles}, Key: &key}
	if slices.Contains(roles, domain.RoleAuditor) {
		r.Grant = Everything(id)
	}
	n.MustSubmit(n.World.Command(n.World.Member, domain.GovernanceKind, "registry", "register", r))
	return s
}

// MustSubmit submits a command, waits for its receipt, and ends the test on a refusal.
func (n *Node) MustSubmit(raw []byte) ledger.Reply {
	n.World.T.Helper()
	r, err := n.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForReceipt)
	if err == nil && r.Code != "" {
		err = fmt.Errorf("refused: %s %s", r.Code, r.Detail)
	}
	if err != nil {
		n.World.T.Fatal(err)
	}
	return r
}

// MustVerify re-derives the whole ledger from the store.
func (w *World) MustVerify(archive ledger.Archive) ledger.Report {
	w.T.Helper()
	report, err := ledger.Verify(w.Keys, archive, w.contracts(), Codecs())
	if err != nil {
		w.T.Fatal(err)
	}
	return report
}
