package ledger_test

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// keyDisk stands for the key file of a node, which outlives it: it makes the key of an epoch, and
// fails once, before the key is kept or after.
type keyDisk struct {
	world *ledgertest.World
	failAt,
	calls int
	kept bool
}

func (d *keyDisk) next(number uint32) (ledger.Epoch, error) {
	d.calls++
	fails := d.calls == d.failAt
	if fails && !d.kept {
		return ledger.Epoch{}, fmt.Errorf("key file: %w, effect lost", ledgertest.ErrInjected)
	}
	epoch, err := ledger.NewEpoch(number, rand.Reader)
	if err != nil {
		return epoch, err
	}
	if d.world.Keys, err = d.world.Keys.With(epoch); err != nil {
		return epoch, err
	}
	if fails {
		return ledger.Epoch{}, fmt.Errorf("key file: %w, effect kept", ledgertest.ErrInjected)
	}
	return epoch, nil
}

// epochStory rotates twice between payments.
func epochStory(w *ledgertest.World) []step {
	bank := ledgertest.NewSigner(w.T)
	key := bank.Key
	key.Class, key.Holder = domain.PartyHolder, "bank"
	register := func(r ledgertest.Registration) []byte {
		return w.Command(w.Member, domain.GovernanceKind, "registry", "register", r)
	}
	issue := func() []byte {
		return w.Command(bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(1)})
	}
	steps := []step{
		{what: "register bank", raw: register(ledgertest.Registration{Party: &domain.Party{ID: "bank", Roles: []domain.Role{domain.RoleBank}}, Key: &key})},
		{what: "issue under 1", raw: issue()},
		{what: "begin 2", raw: register(ledgertest.Registration{Epoch: &domain.LedgerEpoch{Number: 2}})},
		{what: "issue under 2", raw: issue()},
		{what: "begin 5", raw: register(ledgertest.Registration{Epoch: &domain.LedgerEpoch{Number: 5}})},
		{what: "issue under 5", raw: issue()},
		{what: "issue again", raw: issue()},
	}
	for i := range steps {
		steps[i].format = ledger.CommandFormat
	}
	return steps
}

// sealedUnder lists the epochs of the bodies in the log, one a batch.
func sealedUnder(t *testing.T, store ledger.Store) (epochs []uint32) {
	t.Helper()
	err := store.Entries(0, 100, func(s ledger.StoredEntry) error {
		if len(s.Body) > 0 {
			epochs = append(epochs, binary.BigEndian.Uint32(s.Body))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return epochs
}

const wantEpochs = "[1 1 1 1 2 2 5 5]" // genesis first

// TestRotation: governance begins an epoch, and from the next batch on bodies are sealed under its
// key; those before it stay readable, and a key that was given up opens nothing later.
func TestRotation(t *testing.T) {
	w := ledgertest.NewWorld(t)
	first := w.Keys
	disk := &keyDisk{world: w}
	w.NextEpoch = disk.next
	store := newStore(t)
	tl := &teller{w: w, inner: store, store: store, answered: map[int]ledger.Reply{}}
	tl.start()
	steps := epochStory(w)
	for i, s := range steps {
		tl.tell(i, s)
	}
	if tl.node.KeyEpoch() != 5 || disk.calls != 2 {
		t.Errorf("epoch %d after %d new keys", tl.node.KeyEpoch(), disk.calls)
	}
	tl.recheck(steps)
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	tl.start()
	tl.recheck(steps)
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sealedUnder(t, store)); got != wantEpochs {
		t.Errorf("bodies under %s, want %s", got, wantEpochs)
	}
	w.MustVerify(store)
	if _, err := ledger.Verify(first, store, ledgertest.Contracts(), ledgertest.Codecs()); err == nil || !strings.Contains(err.Error(), "epoch 2 is not held") {
		t.Errorf("the first key alone: %v", err)
	}
}

// TestRotationCrashes: the node dies before or after the key is kept, and before or after the batch
// that asks for it; or it never could obtain a key. Nothing is ever sealed under a lost key or one given up.
func TestRotationCrashes(t *testing.T) {
	for nth := 1; nth <= 2; nth++ {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("key-%d-kept-%v", nth, kept), func(t *testing.T) {
				rotateWithFault(t, &keyDisk{failAt: nth, kept: kept}, "", 0, false, 2)
			})
		}
	}
	for nth := 1; nth <= 8; nth++ {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("append-%d-kept-%v", nth, kept), func(t *testing.T) {
				rotateWithFault(t, &keyDisk{}, ledgertest.OpAppend, nth, kept, 2)
			})
		}
	}
}

func rotateWithFault(t *testing.T, disk *keyDisk, op string, nth int, kept bool, keys int) {
	w := ledgertest.NewWorld(t)
	disk.world, w.NextEpoch = w, disk.next
	inner := ledgertest.NewMemory()
	tl := &teller{w: w, inner: inner, store: ledgertest.NewFaulty(inner, op, nth, kept), answered: map[int]ledger.Reply{}}
	steps := epochStory(w)
	tl.start()
	for i, s := range steps {
		tl.tell(i, s)
	}
	tl.recheck(steps)
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	if tl.crashes != 1 {
		t.Errorf("%d crashes", tl.crashes)
	}
	if got := fmt.Sprint(sealedUnder(t, inner)); got != wantEpochs {
		t.Errorf("bodies under %s, want %s", got, wantEpochs)
	}
	if len(w.Keys.Epochs) != 1+keys {
		t.Errorf("%d epochs", len(w.Keys.Epochs))
	}
	w.MustVerify(inner)
}

// TestRotationNeedsKeys: without a way to keys the ledger stops after the batch that begins the
// epoch, may be looked at, and seals nothing more; a key of another number is not taken.
func TestRotationNeedsKeys(t *testing.T) {
	w := ledgertest.NewWorld(t)
	store := ledgertest.NewMemory()
	steps := epochStory(w)
	run := func() error {
		n, err := w.Start(store)
		if err != nil {
			return err
		}
		for _, s := range steps[:4] {
			if _, err := n.Submit(t.Context(), s.format, s.raw, ledger.ForCommitted); err != nil {
				break
			}
		}
		return n.Stop()
	}
	for range 2 {
		if err := run(); err == nil || !strings.Contains(err.Error(), "no way to obtain its key") {
			t.Errorf("stopped with %v", err)
		}
	}
	w.NextEpoch = func(uint32) (ledger.Epoch, error) { return ledger.NewEpoch(3, rand.Reader) }
	if err := run(); err == nil || !strings.Contains(err.Error(), "was given that of 3") {
		t.Errorf("another key: %v", err)
	}
	if got := fmt.Sprint(sealedUnder(t, store)); got != "[1 1 1 1]" {
		t.Errorf("bodies under %s", got)
	}
	w.MustVerify(store)
}

// TestVerifyNamesBodiesUnderAnOldKey: a node that ignores a rotation is found out.
func TestVerifyNamesBodiesUnderAnOldKey(t *testing.T) {
	w := ledgertest.NewWorld(t)
	w.NextEpoch = (&keyDisk{world: w}).next
	store := ledgertest.NewMemory()
	tl := &teller{w: w, inner: store, store: store, answered: map[int]ledger.Reply{}}
	tl.start()
	for i, s := range epochStory(w) {
		tl.tell(i, s)
	}
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	stale := &restale{Memory: store, index: 8}
	_, err := ledger.Verify(w.Keys, stale, ledgertest.Contracts(), ledgertest.Codecs())
	var fault *ledger.Fault
	if !errors.As(err, &fault) || fault.Index != 8 || !strings.Contains(err.Error(), "epoch 2 had begun") {
		t.Errorf("found %v", err)
	}
}

// restale shows the body of one entry as sealed under epoch 1.
type restale struct {
	*ledgertest.Memory
	index uint64
}

func (r *restale) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	return r.Memory.Entries(from, limit, func(s ledger.StoredEntry) error {
		if s.Index == r.index {
			s.Body = append([]byte{0, 0, 0, 1}, s.Body[4:]...)
		}
		return visit(s)
	})
}
