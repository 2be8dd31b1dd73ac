package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
)

// payments is a node whose party pays one cent after the other, on a disk that may fail.
type payments struct {
	t       *testing.T
	w       *ledgertest.World
	disk    *faultdisk.Disk
	options []sqlite.Option
	store   *sqlite.Store
	node    *ledgertest.Node
	acme    *envelope.Signer
	// last is the newest command; answered are those that were, in order.
	last     []byte
	answered [][]byte
}

func newPayments(t *testing.T, options func(*faultdisk.Disk) []sqlite.Option) *payments {
	t.Helper()
	p := &payments{t: t, w: ledgertest.NewWorld(t), disk: newDisk(t)}
	p.options = append(options(p.disk), sqlite.OnVFS(p.disk.Name()))
	var err error
	if p.store, err = sqlite.Create(diskDatabase, p.options...); err != nil {
		t.Fatal(err)
	}
	p.node = p.w.MustStart(p.store)
	bank := p.node.Register("bank", domain.RoleBank)
	p.acme = p.node.Register("acme")
	p.node.MustSubmit(p.w.Command(bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(100_000)}))
	return p
}

// pay pays until an error, at most n times.
func (p *payments) pay(n int) error {
	for range n {
		p.last = p.w.Command(p.acme, domain.CashKind, "c", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
		if err := p.again(); err != nil {
			return err
		}
	}
	return nil
}

// again submits the newest command.
func (p *payments) again() error {
	_, err := p.node.Submit(context.Background(), ledger.CommandFormat, p.last, ledger.ForCommitted)
	if err == nil {
		p.answered = append(p.answered, p.last)
	}
	return err
}

// restart kills the process that found a fault and starts the next; lost says that the power went between.
func (p *payments) restart(lost bool) {
	p.t.Helper()
	p.node.Stop()
	if p.disk.Kill(); lost {
		p.disk.Crash(0)
	}
	p.store.Close()
	var err error
	if p.store, err = sqlite.Open(diskDatabase, p.options...); err != nil {
		p.t.Fatal(err)
	}
	p.node = p.w.MustStart(p.store)
	for i, raw := range p.answered {
		reply, err := p.node.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForCommitted)
		if err != nil || !reply.Duplicate {
			p.t.Fatalf("payment %d of %d was answered and is lost: %+v, %v", i, len(p.answered), reply, err)
		}
	}
}

// finish goes on, and checks everything.
func (p *payments) finish() {
	p.t.Helper()
	if err := p.pay(5); err != nil {
		p.t.Errorf("going on: %v", err)
	}
	p.restart(true)
	if err := p.node.Stop(); err != nil {
		p.t.Error(err)
	}
	p.w.MustVerify(p.store)
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

func (p *payments) wantStop(fault error) {
	p.t.Helper()
	if err := p.node.Stop(); !errors.Is(err, fault) {
		p.t.Errorf("the engine stopped with %v, want %v", err, fault)
	}
}

const (
	testCapacity = 1<<20 + 128<<10
	testReserve  = 400 << 10
)

// bounded is a disk with a bound, and a reserve within it.
func bounded(reserve uint64) func(*faultdisk.Disk) []sqlite.Option {
	return func(d *faultdisk.Disk) []sqlite.Option {
		d.SetCapacity(testCapacity)
		return []sqlite.Option{sqlite.Reserve(reserve), sqlite.Room(func() (uint64, error) { return uint64(max(0, testCapacity-d.Used())), nil })}
	}
}

// A disk that fills: the node refuses what is new at its reserve, goes on reading, and goes on by itself once there is room.
func TestDiskNearlyFull(t *testing.T) {
	p := newPayments(t, bounded(testReserve))
	err := p.pay(10_000)
	var full *ledger.NoSpace
	if !errors.As(err, &full) || full.Reserve != testReserve || full.Free >= testReserve || full.Free < testReserve/2 {
		t.Fatalf("after %d payments: %v", len(p.answered), err)
	}
	if len(p.answered) < 10 {
		t.Errorf("only %d payments fit", len(p.answered))
	}
	if err := p.node.Ready(); !errors.Is(err, sqlite.ErrFull) {
		t.Errorf("ready: %v", err)
	}
	if err := p.node.Quarantine(context.Background(), domain.Malformed, []byte("x")); !errors.Is(err, sqlite.ErrFull) {
		t.Errorf("quarantine: %v", err)
	}
	if feed, err := p.node.Accounts("acme"); err != nil || feed[0].Balance.Minor != 100_000-int64(len(p.answered)) {
		t.Errorf("reading: %v, %v", feed, err)
	}
	p.options = append(p.options, sqlite.Reserve(0))
	if err := p.node.Stop(); err != nil { // by the test: it did not stop by itself
		t.Fatal(err)
	}
	p.disk.SetCapacity(0)
	p.restart(false)
	p.finish()
}

// Room comes back under a running node.
func TestRoomComesBack(t *testing.T) {
	free := uint64(testReserve)
	p := newPayments(t, func(*faultdisk.Disk) []sqlite.Option {
		return []sqlite.Option{sqlite.Reserve(testReserve), sqlite.Room(func() (uint64, error) { return free, nil })}
	})
	if err := p.pay(1); err != nil {
		t.Fatal(err)
	}
	free--
	if err := p.pay(1); !errors.Is(err, ledger.ErrFull) {
		t.Fatal(err)
	}
	free++
	p.finish()
}

// Without a reserve the disk fills to the last byte: the batch is not there, the engine stops, and goes on after a start with room.
func TestDiskFull(t *testing.T) {
	p := newPayments(t, bounded(0))
	if err := p.pay(10_000); !errors.Is(err, ledger.ErrClosed) {
		t.Fatalf("after %d payments: %v", len(p.answered), err)
	}
	p.wantStop(sqlite.ErrFull)
	p.disk.SetCapacity(0)
	p.restart(false)
	p.finish()
}

// What goes wrong once and stops the engine with a named fault. Nothing answered is lost, whether
// only the process starts again or the power went too.
func TestDiskFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault faultdisk.Fault
		want  error
	}{
		{"write", faultdisk.Fault{Kind: faultdisk.WriteError, After: 7}, sqlite.ErrDisk},
		{"sync of the log", faultdisk.Fault{Kind: faultdisk.SyncError, File: "-wal", After: 3, Times: 1}, sqlite.ErrDisk},
		{"read", faultdisk.Fault{Kind: faultdisk.ReadError}, sqlite.ErrDisk},
		{"flipped on the way", faultdisk.Fault{Kind: faultdisk.ReadFlip}, sqlite.ErrCorrupt},
		{"read-only", faultdisk.Fault{Kind: faultdisk.ReadOnly}, sqlite.ErrDisk},
		{"locked", faultdisk.Fault{Kind: faultdisk.Locked}, sqlite.ErrLocked},
	} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, power lost %v", c.name, lost), func(t *testing.T) {
				p := newPayments(t, func(*faultdisk.Disk) []sqlite.Option {
					return []sqlite.Option{sqlite.Patience(50 * time.Millisecond)}
				})
				if err := p.pay(5); err != nil {
					t.Fatal(err)
				}
				p.disk.Inject(c.fault)
				if err := p.pay(10); !errors.Is(err, ledger.ErrClosed) {
					t.Fatalf("after %d payments: %v", len(p.answered), err)
				}
				p.wantStop(c.want)
				p.disk.Heal()
				p.restart(lost)
				p.finish()
			})
		}
	}
}

// A sync that failed may leave the commit visible, though it is not durable. The next start either
// forgets it or makes it durable before it says that it is there.
func TestFailedSyncIsSettled(t *testing.T) {
	for after := range 8 {
		p := newPayments(t, func(*faultdisk.Disk) []sqlite.Option { return nil })
		p.disk.Inject(faultdisk.Fault{Kind: faultdisk.SyncError, File: "-wal", After: after, Times: 1})
		if err := p.pay(20); !errors.Is(err, ledger.ErrClosed) {
			t.Fatalf("after %d payments: %v", len(p.answered), err)
		}
		p.wantStop(sqlite.ErrDisk)
		p.restart(false)
		// Whatever the next process answers, old or new, holds even if the power goes at once.
		if err := p.again(); err != nil {
			t.Fatal(err)
		}
		p.finish()
	}
}

// A batch costs one sync, of the log, with its signature in it; a slow disk delays nobody twice.
func TestOneSyncABatch(t *testing.T) {
	p := newPayments(t, func(*faultdisk.Disk) []sqlite.Option { return nil })
	const batches = 20
	syncs, others := 0, 0
	p.disk.Observe(func(op faultdisk.Operation) {
		switch {
		case op.Kind == faultdisk.Sync && op.File == diskDatabase+"-wal":
			syncs++
		case op.Kind == faultdisk.Sync:
			others++
		}
	})
	if err := p.pay(batches); err != nil {
		t.Fatal(err)
	}
	p.disk.Observe(nil)
	if syncs != batches || others != 0 {
		t.Errorf("%d syncs of the log and %d others for %d batches", syncs, others, batches)
	}
	p.finish()
}
