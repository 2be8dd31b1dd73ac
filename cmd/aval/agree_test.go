package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aval/contracts"
	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// handOrderer gives the batches that a test cuts.
type handOrderer struct {
	pool []ledger.Item
	next ledger.Batch
}

func (o *handOrderer) Propose(_ context.Context, item ledger.Item) error {
	o.pool = append(o.pool, item)
	return nil
}

func (o *handOrderer) Next(context.Context, ledger.Batch, domain.Millis) (ledger.Batch, error) {
	return o.next, nil
}

func (o *handOrderer) Close() error { return nil }

// twin is one ledger twice: the engine with its real kinds, and the bench on which kinds are
// tested. Whoever trusts a test on the bench trusts that the two decide alike.
type twin struct {
	t      *rapid.T
	world  *ledgertest.World
	store  ledger.Store
	order  *handOrderer
	engine *ledger.Engine
	bench  *contracttest.Bench
	keys   map[domain.PartyID]*envelope.Signer
	now    domain.Millis
	// places holds where each command stands, on the bench and in the log.
	places [][2]uint64
	// holds are the IDs that were tried, paid the places of payments, by payee.
	holds []string
	paid  map[domain.PartyID][][2]uint64
}

// traders can be paid, limited, and held for. bank issues EUR.
var traders = []domain.PartyID{"alice", "bob", "carol"}

func newTwin(outer *testing.T, t *rapid.T) *twin {
	w := &twin{
		t: t, world: ledgertest.NewWorld(outer), store: ledgertest.NewMemory(), order: &handOrderer{},
		bench: contracttest.New(outer, cash.Contract), keys: map[domain.PartyID]*envelope.Signer{},
		paid: map[domain.PartyID][][2]uint64{},
	}
	w.now = w.world.Clock.Millis()
	genesis, err := json.Marshal(domain.Genesis{
		Ledger: ledgertest.Origin, Party: domain.Party{ID: "member", Roles: []domain.Role{domain.RoleMember}}, Key: w.world.Member.Key,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.engine, err = ledger.Create(context.Background(), ledger.Config{
		Keys: w.world.Keys, Store: w.store, Orderer: w.order, Contracts: contracts.Table(),
	}, genesis)
	if err != nil {
		t.Fatal(err)
	}
	w.cut(w.order.pool...)
	for _, party := range append([]domain.PartyID{"bank"}, traders...) {
		roles := []domain.Role{domain.RoleBuyer}
		if party == "bank" {
			roles = []domain.Role{domain.RoleBank}
		}
		w.keys[party] = ledgertest.NewSigner(outer)
		w.bench.Register(party, roles...)
		w.cut(w.item(w.world.Member, domain.GovernanceKind, string(party), "registerParty", map[string]any{
			"party": party, "roles": roles, "keys": []domain.Key{w.keys[party].Key},
		}))
	}
	return w
}

func (w *twin) item(s *envelope.Signer, kind domain.Kind, contract, name string, body any) ledger.Item {
	return ledger.Item{Format: ledger.CommandFormat, Raw: w.world.Command(s, kind, contract, name, body)}
}

// cut commits a batch at the present, which must be later than the one before.
func (w *twin) cut(items ...ledger.Item) {
	w.now++
	w.order.next = ledger.Batch{Sequence: w.order.next.Sequence + 1, Now: w.now, Items: items}
	if err := w.engine.Step(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

type object map[string]any

// send plays one command on both, after the deadlines that are due by then.
func (w *twin) send(wait domain.Millis, sender domain.PartyID, contract, name string, body object) {
	w.sendAs(wait, sender, contract, name, body, body)
}

// sendAs is send for a command that is written otherwise for the bench.
func (w *twin) sendAs(wait domain.Millis, sender domain.PartyID, contract, name string, body, onBench object) {
	at := w.now + wait
	for due := w.engine.NextDue(); due != 0 && due <= at; due = w.engine.NextDue() {
		w.now = max(w.now, due-1)
		w.cut()
	}
	w.world.Clock.Add(time.Duration(at-w.world.Clock.Millis()) * time.Millisecond)
	w.now = max(w.now, at)
	before := w.engine.Size()
	w.cut(w.item(w.keys[sender], domain.CashKind, contract, name, body))
	var refusal domain.Rejection
	if err := w.bench.Send(w.now, sender, domain.CashKind, contract, name, onBench); err != nil {
		var r *domain.Rejection
		if !errors.As(err, &r) {
			w.t.Fatal(err)
		}
		refusal = *r
	}
	w.places = append(w.places, [2]uint64{w.bench.Size() - 1, before})
	if payee, ok := body["to"].(domain.PartyID); ok && refusal.Code == "" && name != "hold" {
		w.paid[payee] = append(w.paid[payee], w.places[len(w.places)-1])
	}
	entry, err := w.engine.Feed(sender, ledger.FeedFilter{From: before})
	if err != nil || len(entry.Entries) != 1 || entry.Entries[0].Code != refusal.Code {
		w.t.Fatalf("%s by %s: the engine says %+v, %v, the bench %v", name, sender, entry, err, refusal)
	}
}

// compare wants the same money on every account, and the same held beside it.
func (w *twin) compare() {
	for _, party := range traders {
		balance, held := int64(0), int64(0)
		accounts, err := w.engine.Accounts(party)
		for _, a := range accounts {
			balance, held = a.Balance.Minor, a.Held.Minor
		}
		if err != nil || balance != w.bench.Balance(domain.PartyAccount(party), "EUR") || held != w.bench.Held(party, "EUR") {
			w.t.Fatalf("%s has %d and %d held, on the bench %d and %d", party, balance, held,
				w.bench.Balance(domain.PartyAccount(party), "EUR"), w.bench.Held(party, "EUR"))
		}
	}
}

// draw sends one command, mostly one that may succeed.
func (w *twin) draw() {
	pick := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(w.t, what) }
	from := pick("sender", len(traders))
	sender, to := traders[from], traders[(from+1+pick("to", len(traders)))%len(traders)] // seldom oneself
	amount := domain.Money{Minor: rapid.Int64Range(1, 4000).Draw(w.t, "minor"), Currency: "EUR"}
	wait := domain.Millis(rapid.SampledFrom([]int64{1000, 1000, 30_000, 86_400_000}).Draw(w.t, "wait"))
	id := fmt.Sprintf("H%d", pick("id", 6))
	switch pick("command", 9) { // the more telling ones first: small numbers are drawn more often
	case 0:
		w.send(wait, sender, "bank", "transfer", object{"to": to, "amount": amount})
	case 1:
		id = fmt.Sprintf("H%d", len(w.holds)+pick("again", 2))
		w.holds = append(w.holds, id)
		expires := w.now + wait + domain.Millis(60_000*(1+pick("life", 4000)))
		w.send(wait, sender, "bank", "hold", object{"id": id, "to": to, "amount": amount, "expiresAt": expires})
	case 2:
		w.reverse(wait, sender, pick("number", 2), amount)
	case 3:
		by := []domain.PartyID{sender, "bank"}[pick("by", 2)]
		bounds := domain.Bounds{MinimumBalance: amount.Minor / 4, DailyOutflow: int64(pick("daily", 6000)), MaximumBalance: int64(4000 * pick("maximum", 4))}
		w.send(wait, by, "bank", "limit", object{"party": sender, "currency": "EUR", "bounds": bounds})
	case 4, 5:
		var h cash.Hold
		if len(w.holds) > 0 {
			id = w.holds[len(w.holds)-1-pick("hold", len(w.holds))]
		}
		if w.bench.Body(domain.CashKind, "hold/"+id, &h) {
			sender = h.Payee
		}
		if name := []string{"capture", "release"}[pick("end", 2)]; name == "release" {
			w.send(wait, sender, id, name, nil)
		} else {
			w.send(wait, sender, id, name, object{"amount": amount, "final": pick("final", 2) == 1})
		}
	case 6:
		w.send(wait, sender, "bank", "bulkTransfer", object{"items": []cash.Payment{{To: to, Amount: amount}, {To: to, Amount: amount}}})
	case 7:
		w.send(wait, sender, "bank", "redeem", object{"id": id, "amount": amount})
	case 8:
		w.send(wait, "bank", "bank", "issue", object{"to": to, "amount": amount})
	}
}

// reverse gives back, mostly what the sender was paid.
func (w *twin) reverse(wait domain.Millis, sender domain.PartyID, number int, amount domain.Money) {
	place := rapid.SampledFrom(w.places).Draw(w.t, "place")
	if of := w.paid[sender]; len(of) > 0 {
		place, number = rapid.SampledFrom(of).Draw(w.t, "payment"), 0
	}
	w.sendAs(wait, sender, "bank", "reverse", object{"index": place[1], "number": number, "amount": amount},
		object{"index": place[0], "number": number, "amount": amount})
}

// The engine and the bench decide alike about every command of cash/1 with accounts, limits, holds
// and reversals in it, and what the engine made of it stands a replay.
func TestEngineAndBenchAgree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newTwin(t, r)
		for _, party := range traders {
			w.send(1000, "bank", "bank", "issue", object{"to": party, "amount": domain.Money{Minor: 10_000, Currency: "EUR"}})
		}
		for range rapid.IntRange(10, 30).Draw(r, "commands") {
			w.draw()
			w.compare()
		}
		if _, err := ledger.Verify(w.world.Keys, w.store, contracts.Table(), nil); err != nil {
			r.Fatal(err)
		}
	})
}
