package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// byHand is an Orderer whose batches the test cuts itself.
type byHand struct {
	pool []ledger.Item
	next ledger.Batch
}

func (o *byHand) Propose(_ context.Context, item ledger.Item) error {
	o.pool = append(o.pool, item)
	return nil
}

func (o *byHand) Next(context.Context, ledger.Batch, domain.Millis) (ledger.Batch, error) {
	return o.next, nil
}

func (o *byHand) Close() error { return nil }

// hand is an engine whose batches the test cuts.
type hand struct {
	*ledger.Engine
	w      *ledgertest.World
	store  ledger.Store
	order  *byHand
	last   ledger.Batch
	bank   *envelope.Signer
	acme   *envelope.Signer
	closed bool
}

func openHand(t *testing.T, w *ledgertest.World, store ledger.Store) *hand {
	t.Helper()
	o := &byHand{}
	h := &hand{w: w, store: store, order: o}
	config := ledger.Config{Keys: w.Keys, Store: store, Orderer: o, Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(), TableInterval: ledgertest.TableInterval}
	head, _, err := store.Head()
	if err != nil {
		t.Fatal(err)
	}
	h.last = ledger.Batch{Sequence: head.Sequence, Now: head.Now}
	if head.Size == 0 {
		h.Engine, err = ledger.Create(t.Context(), config, genesis(t, w))
	} else {
		h.Engine, err = ledger.Open(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.close(t) })
	return h
}

func genesis(t testing.TB, w *ledgertest.World) []byte {
	t.Helper()
	text, err := json.Marshal(domain.Genesis{
		Ledger: ledgertest.Origin, Party: domain.Party{ID: "member", Roles: []domain.Role{domain.RoleMember}}, Key: w.Member.Key,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newHand is an engine with a bank and acme, which has 1000.
func newHand(t *testing.T) *hand {
	t.Helper()
	return newHandOn(t, ledgertest.NewMemory())
}

func newHandOn(t *testing.T, store ledger.Store) *hand {
	t.Helper()
	h := openHand(t, ledgertest.NewWorld(t), store)
	h.cut(t, 1, h.order.pool...) // the genesis that Create proposed
	h.bank, h.acme = ledgertest.NewSigner(t), ledgertest.NewSigner(t)
	h.cut(t, 1, h.register("bank", h.bank.Key), h.register("acme", h.acme.Key),
		h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(1000)}))
	h.want(t, "acme", 1000)
	return h
}

func (h *hand) register(id domain.PartyID, key domain.Key) ledger.Item {
	key.Class, key.Holder = domain.PartyHolder, string(id)
	raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Party: &domain.Party{ID: id}, Key: &key})
	return ledger.Item{Format: ledger.CommandFormat, Raw: raw}
}

func (h *hand) till(s *envelope.Signer, contract, name string, o ledgertest.Order) ledger.Item {
	return ledger.Item{Format: ledger.CommandFormat, Raw: h.w.Command(s, domain.CashKind, contract, name, o)}
}

// cut commits a batch later by so many milliseconds and waits until the engine asks for the next.
func (h *hand) cut(t *testing.T, later domain.Millis, items ...ledger.Item) {
	t.Helper()
	if err := h.tryCut(ledger.Batch{Sequence: h.last.Sequence + 3, Now: max(h.last.Now, h.w.Clock.Millis()) + later, Items: items}); err != nil {
		t.Fatal(err)
	}
}

func (h *hand) tryCut(b ledger.Batch) error {
	h.order.next = b
	err := h.Step(context.Background())
	if err == nil {
		h.last = b
	}
	return err
}

// pooled offers and gives the item that admission proposed, with the way to its answer.
func (h *hand) pooled(ctx context.Context, item ledger.Item) (ledger.Item, func() (ledger.Reply, error)) {
	ticket, err := h.Offer(ctx, item.Format, item.Raw)
	if err != nil {
		return item, func() (ledger.Reply, error) { return ledger.Reply{}, err }
	}
	return h.order.pool[len(h.order.pool)-1], func() (ledger.Reply, error) { return ticket.Reply(ctx, ledger.ForReceipt) }
}

func (h *hand) want(t *testing.T, party domain.PartyID, minor int64) {
	t.Helper()
	accounts, err := h.Accounts(party)
	got := int64(0)
	for _, a := range accounts {
		if a.Account == domain.PartyAccount(party) {
			got = a.Balance.Minor
		}
	}
	if err != nil || got != minor {
		t.Errorf("%s has %d, %v, want %d", party, got, err, minor)
	}
}

// close stops the engine, verifies everything and opens it once more.
func (h *hand) close(t *testing.T) {
	t.Helper()
	if h.closed {
		return
	}
	h.closed = true
	h.w.MustVerify(h.store)
	if _, err := ledger.Open(ledger.Config{
		Keys: h.w.Keys, Store: h.store, Orderer: h.order, Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	}); err != nil {
		t.Error(err)
	}
}

func wantCode(t *testing.T, err error, code domain.Code) {
	t.Helper()
	var refusal *domain.Rejection
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestKeyRegisteredInTheBatchThatUsesIt(t *testing.T) {
	h := newHand(t)
	fresh := ledgertest.NewSigner(t)
	h.cut(t, 1, h.register("fresh", fresh.Key), h.till(h.acme, "t", "transfer", ledgertest.Order{To: "fresh", Amount: usd(10)}),
		h.till(fresh, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(4)}))
	h.want(t, "fresh", 6)
}

func TestKeyRevokedBetweenAdmissionAndExecution(t *testing.T) {
	for name, change := range map[string]func(*domain.Key){
		"revoked":            func(k *domain.Key) { k.Revoked = 1 },
		"not active yet":     func(k *domain.Key) { k.Since = 1 << 50 },
		"of another class":   func(k *domain.Key) { k.Class = domain.DeviceHolder },
		"with other bytes":   func(k *domain.Key) { k.Public = ledgertest.NewSigner(t).Key.Public },
		"without bytes":      func(k *domain.Key) { k.Public = nil },
		"of other algorithm": func(k *domain.Key) { k.Algorithm = envelope.ES256 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHand(t)
			item, answer := h.pooled(context.Background(), h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
			key := h.acme.Key
			key.Class, key.Holder = domain.PartyHolder, "acme"
			change(&key)
			raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Key: &key})
			size := h.Size()
			h.cut(t, 1, ledger.Item{Format: ledger.CommandFormat, Raw: raw}, item)
			if _, err := answer(); err == nil {
				t.Error("the command was executed")
			}
			h.want(t, "acme", 1000)
			if h.Size() != size+2 {
				t.Errorf("%d leaves, want the registration and a seal", h.Size()-size)
			}
		})
	}
}

// A key that is active from a later time on is judged by the time of the batch, not by that
// of the batch before.
func TestKeyThatBecomesActiveLater(t *testing.T) {
	h := newHand(t)
	late := ledgertest.NewSigner(t)
	key := late.Key
	key.Since = h.last.Now + 5000
	h.cut(t, 1, h.register("late", key), h.till(h.acme, "t", "transfer", ledgertest.Order{To: "late", Amount: usd(10)}))
	send := h.till(late, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	item, answer := h.pooled(context.Background(), send)
	h.cut(t, 1, item)
	_, err := answer()
	wantCode(t, err, domain.UnknownKey)
	item, answer = h.pooled(context.Background(), send)
	h.cut(t, 5000, item)
	if reply, err := answer(); err != nil || reply.Code != "" {
		t.Errorf("%+v, %v", reply, err)
	}
}

// Batches that leave no entry leave no trace: no leaf, no sequence, no time.
func TestBatchesWithoutEntries(t *testing.T) {
	h := newHand(t)
	send := h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	h.cut(t, 1, send)
	size := h.Size()
	stranger := ledgertest.NewSigner(t)
	h.cut(t, 1, send, send)
	h.cut(t, 1, ledger.Item{Format: ledger.CommandFormat, Raw: []byte("a.b.c")}, ledger.Item{Format: "unheard-of"}, ledger.Item{})
	h.cut(t, 1, h.till(stranger, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	h.cut(t, 1)
	if h.Size() != size {
		t.Errorf("%d leaves for nothing", h.Size()-size)
	}
	h.cut(t, 1, send, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}), send)
	h.want(t, "acme", 998)
	if h.Size() != size+2 {
		t.Errorf("%d leaves, want 2", h.Size()-size)
	}
}

func TestDuplicateInItsOwnBatch(t *testing.T) {
	h := newHand(t)
	send := h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	one, first := h.pooled(context.Background(), send)
	two, second := h.pooled(context.Background(), send)
	h.cut(t, 1, one, two)
	a, errA := first()
	b, errB := second()
	if errA != nil || errB != nil || a.Duplicate || !b.Duplicate || a.Index != b.Index || b.Receipt == "" {
		t.Errorf("%+v %v, %+v %v", a, errA, b, errB)
	}
	h.want(t, "acme", 999)
}

func TestSameIDOtherBytes(t *testing.T) {
	h := newHand(t)
	c := domain.Command{
		Ledger: ledgertest.Origin, ID: strings.Repeat("7", 26), Kind: domain.CashKind, Contract: "t", Name: "transfer",
		Body: json.RawMessage(`{"to":"bank","amount":{"minor":1,"currency":"USD"}}`), NotAfter: h.last.Now + 1000,
	}
	seal := func(s *envelope.Signer) ledger.Item {
		raw, err := envelope.SealCommand(s, c)
		if err != nil {
			t.Fatal(err)
		}
		return ledger.Item{Format: ledger.CommandFormat, Raw: raw}
	}
	first := seal(h.acme)
	c.NotAfter++
	other := seal(h.acme)
	h.cut(t, 1, first, seal(h.bank)) // an ID is its sender's own
	for range 2 {                    // from disk, then beside its first in one batch
		item, answer := h.pooled(context.Background(), other)
		h.cut(t, 1, first, item)
		_, err := answer()
		wantCode(t, err, domain.IDConflict)
	}
}

func TestGenesisHappensOnce(t *testing.T) {
	h := newHand(t)
	size, again := h.Size(), ledger.Item{Format: "genesis", Raw: genesis(t, h.w)}
	other := ledger.Item{Format: "genesis", Raw: genesis(t, ledgertest.NewWorld(t))}
	h.cut(t, 1, again, other, again)
	if h.Size() != size {
		t.Errorf("%d leaves from a second genesis", h.Size()-size)
	}
	_, err := h.Submit(context.Background(), "genesis", again.Raw, ledger.ForAccepted)
	wantCode(t, err, domain.NotPermitted)
	_, err = ledger.Create(context.Background(), ledger.Config{
		Keys: h.w.Keys, Store: h.store, Orderer: h.order, Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	}, again.Raw)
	if err == nil {
		t.Error("made a ledger where there is one")
	}
}

// A genesis that would be refused is never logged: nobody could act on that ledger.
func TestRefusedGenesisLeavesTheStoreEmpty(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "genesis", "unknown field": `{"more":1}`, "another ledger": `{"ledger":"ledger.test/other"}`, "empty": "",
	} {
		w, store := ledgertest.NewWorld(t), ledgertest.NewMemory()
		_, err := ledger.Create(context.Background(), ledger.Config{
			Keys: w.Keys, Store: store, Orderer: &byHand{}, Contracts: ledgertest.Contracts(),
		}, []byte(text))
		var refusal *domain.Rejection
		if head, _, _ := store.Head(); !errors.As(err, &refusal) || head.Size != 0 {
			t.Errorf("%s: %v, %d leaves", name, err, head.Size)
		}
	}
}

func TestNotAfterEdges(t *testing.T) {
	for name, c := range map[string]struct {
		offset domain.Millis
		code   domain.Code
	}{
		"at the batch time": {0, ""}, "a millisecond before": {-1, domain.Expired}, "never": {-1 << 60, domain.Expired},
		"a whole life ahead": {domain.MaxCommandLifetime, ""}, "more than a life": {domain.MaxCommandLifetime + 1, domain.Expired},
		"for ever": {1 << 60, domain.Expired},
	} {
		h := newHand(t)
		now := max(h.last.Now, h.w.Clock.Millis()) + 1
		raw, err := envelope.SealCommand(h.acme, domain.Command{
			Ledger: ledgertest.Origin, ID: strings.Repeat("8", 26), Kind: domain.CashKind, Contract: "t", Name: "transfer",
			Body: json.RawMessage(`{"to":"bank","amount":{"minor":1,"currency":"USD"}}`), NotAfter: now + c.offset,
		})
		if err != nil {
			t.Fatal(err)
		}
		item, answer := h.pooled(context.Background(), ledger.Item{Format: ledger.CommandFormat, Raw: raw})
		h.cut(t, 1, item)
		if reply, err := answer(); err != nil || reply.Code != c.code || reply.Receipt == "" {
			t.Errorf("%s: %+v, %v, want code %q", name, reply, err, c.code)
		}
	}
}

// What one batch does to one thing and undoes again still replays.
func TestCreatedAndClosedInOneBatch(t *testing.T) {
	h := newHand(t)
	hold := ledgertest.Order{Amount: usd(100), At: h.last.Now + 10_000}
	h.cut(t, 1, h.till(h.acme, "x", "hold", hold), h.till(h.acme, "x", "close", ledgertest.Order{}), h.till(h.acme, "x", "hold", hold),
		h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}),
		h.till(h.bank, "t", "transfer", ledgertest.Order{To: "acme", Amount: usd(1)}))
	h.want(t, "acme", 1000)
	if due := h.NextDue(); due != 0 {
		t.Errorf("a deadline is left at %d", due)
	}
	record, err := h.Record("acme", domain.NewRecordID(domain.CashKind, "hold/x"))
	if err != nil || !record.Final {
		t.Errorf("record %+v, %v", record, err)
	}
	item, answer := h.pooled(context.Background(), h.till(h.acme, "x", "hold", hold))
	h.cut(t, 20_000, item)
	if reply, err := answer(); err != nil || reply.Code != domain.AlreadyExists {
		t.Errorf("a closed key was used again: %+v, %v", reply, err)
	}
}

func TestMoreDeadlinesThanABatchTakes(t *testing.T) {
	h := newHand(t)
	const holds = ledger.MaxBatchDeadlines + 200
	h.cut(t, 1, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(holds)}))
	due := h.last.Now + 10_000
	for first := 0; first < holds; first += 600 {
		var items []ledger.Item
		for i := first; i < first+600; i++ {
			items = append(items, h.till(h.acme, fmt.Sprintf("h%d", i), "hold", ledgertest.Order{Amount: usd(1), At: due}))
		}
		h.cut(t, 1, items...)
	}
	h.want(t, "acme", 1000)
	h.cut(t, 20_000)
	h.want(t, "acme", 1000+ledger.MaxBatchDeadlines)
	if h.NextDue() != due {
		t.Errorf("next due at %d, want %d", h.NextDue(), due)
	}
	h.cut(t, 1)
	h.want(t, "acme", 1000+holds)
	if h.NextDue() != 0 {
		t.Errorf("next due at %d, want none", h.NextDue())
	}
}

// A contract that asks for more at once gets one turn a batch, so that it cannot hold a batch for ever.
func TestDeadlineThatAsksAtOnce(t *testing.T) {
	h := newHand(t)
	h.cut(t, 1, h.till(h.acme, "x", "tick", ledgertest.Order{}))
	for range 3 {
		size := h.Size()
		h.cut(t, 1)
		if h.Size() != size+2 {
			t.Fatalf("%d leaves in one batch, want a turn and a seal", h.Size()-size)
		}
	}
}

// Each different message under one identity is kept once, whatever batch it comes in.
func TestEquivocation(t *testing.T) {
	h := newHand(t)
	source := ledgertest.NewSigner(t)
	key := source.Key
	key.Class, key.Holder = domain.SourceHolder, "src"
	raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register",
		ledgertest.Registration{Source: &domain.Source{ID: "src", Operator: "bank"}, Key: &key})
	h.cut(t, 1, ledger.Item{Format: ledger.CommandFormat, Raw: raw},
		h.till(h.acme, "s", "hold", ledgertest.Order{Amount: usd(1), At: h.last.Now + 100_000}))
	var messages []ledger.Item
	for range 4 {
		messages = append(messages, ledger.Item{Format: envelope.ObservationType, Raw: observe(h.w, source, "s", 1, 1)})
	}
	size := h.Size()
	h.cut(t, 1, messages[0], messages[1], messages[0], messages[1])
	h.cut(t, 1, messages[1], messages[2], messages[0])
	h.cut(t, 1, messages[2])
	item, answer := h.pooled(context.Background(), messages[3])
	h.cut(t, 1, item)
	if reply, err := answer(); err != nil || reply.Code != "" || reply.Receipt == "" {
		t.Errorf("%+v, %v", reply, err)
	}
	if got := h.Size() - size; got != 3+2+2 {
		t.Errorf("%d leaves, want 4 messages and 3 seals", got)
	}
	feed, err := h.Feed("bank", ledger.FeedFilter{From: size})
	if err != nil || len(feed.Entries) != 4 || feed.Entries[0].Name != domain.Observe || feed.Entries[3].Name != domain.Equivocate {
		t.Errorf("feed %+v, %v", feed, err)
	}
}

// A contract that breaks a law stops the engine before anything of the batch is kept.
func TestBrokenContractStopsTheEngine(t *testing.T) {
	for name, broken := range map[string]string{"final with money inside": "break", "a closed key again": "reopen", "held for another": "give"} {
		t.Run(name, func(t *testing.T) {
			h := newHand(t)
			h.cut(t, 1, h.till(h.acme, "x", "hold", ledgertest.Order{Amount: usd(5), At: h.last.Now + 90_000}),
				h.till(h.acme, "gone", "hold", ledgertest.Order{Amount: usd(5), At: h.last.Now + 90_000}))
			h.cut(t, 1, h.till(h.acme, "gone", "close", ledgertest.Order{}))
			contract := map[string]string{"break": "x", "reopen": "gone", "give": "x"}[broken]
			item, answer := h.pooled(context.Background(), h.till(h.acme, contract, broken, ledgertest.Order{To: "bank"}))
			size := h.Size()
			err := h.tryCut(ledger.Batch{Sequence: h.last.Sequence + 1, Now: h.last.Now + 1, Items: []ledger.Item{
				h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}), item,
			}})
			if err == nil {
				t.Fatal("the engine went on")
			}
			if _, err := answer(); !errors.Is(err, ledger.ErrClosed) {
				t.Errorf("the waiter got %v", err)
			}
			if h.Size() != size || h.Ready() == nil {
				t.Errorf("%d leaves kept, ready %v", h.Size()-size, h.Ready())
			}
			h.want(t, "acme", 995)
		})
	}
}

func TestTimeAndSequenceMustIncrease(t *testing.T) {
	for name, change := range map[string]func(*ledger.Batch){
		"same time":       func(b *ledger.Batch) { b.Now-- },
		"same sequence":   func(b *ledger.Batch) { b.Sequence-- },
		"time backwards":  func(b *ledger.Batch) { b.Now = 1 },
		"sequence from 0": func(b *ledger.Batch) { b.Sequence = 0 },
	} {
		h := newHand(t)
		b := ledger.Batch{Sequence: h.last.Sequence + 1, Now: h.last.Now + 1}
		change(&b)
		if err := h.tryCut(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Who stops waiting loses nothing: the same bytes find the first entry.
func TestSubmitWhoseContextEnds(t *testing.T) {
	h := newHand(t)
	send := h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	ctx, cancel := context.WithCancel(context.Background())
	item, answer := h.pooled(ctx, send)
	cancel()
	if _, err := answer(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.cut(t, 1, item)
	h.want(t, "acme", 999)
	item, answer = h.pooled(context.Background(), send)
	h.cut(t, 1, item)
	if reply, err := answer(); err != nil || !reply.Duplicate {
		t.Errorf("%+v, %v", reply, err)
	}
	h.want(t, "acme", 999)
}

func TestSubmitWhoseEngineStops(t *testing.T) {
	h := newHand(t)
	_, answer := h.pooled(context.Background(), h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if h.Step(ended) == nil {
		t.Error("the engine went on after its end")
	}
	if _, err := answer(); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := h.Quarantine(context.Background(), domain.Malformed, []byte("x")); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("quarantine: %v", err)
	}
}

// Two engines on one store: the second to append stops, and the log stays one.
func TestSecondEngineOnOneStoreStops(t *testing.T) {
	one := newHand(t)
	two := openHand(t, one.w, one.store)
	two.acme = one.acme
	one.cut(t, 1, one.till(one.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	err := two.tryCut(ledger.Batch{Sequence: two.last.Sequence + 9, Now: two.last.Now + 9, Items: []ledger.Item{
		two.till(two.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(2)}),
	}})
	if err == nil {
		t.Error("two engines wrote one log")
	}
}

func TestSubmitRefusals(t *testing.T) {
	h := newHand(t)
	now := h.last.Now
	command := func(change func(*domain.Command)) []byte {
		c := domain.Command{
			Ledger: ledgertest.Origin, ID: strings.Repeat("9", 26), Kind: domain.CashKind, Contract: "t", Name: "transfer", NotAfter: now + 1000,
		}
		change(&c)
		raw, err := envelope.SealCommand(h.acme, c)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	changed := command(func(*domain.Command) {})
	if at := len(changed) - 20; changed[at] == 'A' { // another letter of base64url
		changed[at] = 'B'
	} else {
		changed[at] = 'A'
	}
	for name, c := range map[string]struct {
		format string
		raw    []byte
		code   domain.Code
	}{
		"format":         {"unheard-of", nil, domain.Malformed},
		"empty":          {ledger.CommandFormat, nil, domain.Malformed},
		"too large":      {ledger.CommandFormat, make([]byte, domain.MaxCommandBytes+1), domain.TooLarge},
		"ledger":         {ledger.CommandFormat, command(func(c *domain.Command) { c.Ledger = "ledger.test/other" }), domain.WrongLedger},
		"kind":           {ledger.CommandFormat, command(func(c *domain.Command) { c.Kind = "none/1" }), domain.UnknownKind},
		"signature":      {ledger.CommandFormat, changed, domain.BadSignature},
		"unknown key":    {ledger.CommandFormat, h.till(ledgertest.NewSigner(t), "t", "transfer", ledgertest.Order{}).Raw, domain.UnknownKey},
		"key of a party": {envelope.ObservationType, observe(h.w, h.acme, "s", 1, 1), domain.UnknownKey},
	} {
		_, err := h.Submit(context.Background(), c.format, c.raw, ledger.ForAccepted)
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	item, answer := h.pooled(context.Background(), ledger.Item{Format: ledger.CommandFormat, Raw: command(func(c *domain.Command) { c.Name = "Release" })})
	h.cut(t, 1, item)
	if reply, err := answer(); err != nil || reply.Code != domain.NotPermitted {
		t.Errorf("the engine's own command from outside: %+v, %v", reply, err)
	}
}
