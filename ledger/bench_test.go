package ledger_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
	"aval/ledger/sqlite"
)

// The figures of this file mean something only beside each other, in one run: what a
// signature, a row and an fsync cost on this machine is the measure of the rest.

func perSecond(b *testing.B, what string, each int) {
	b.ReportMetric(float64(b.N*each)/b.Elapsed().Seconds(), what+"/s")
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
		b.Run(algorithm, func(b *testing.B) {
			s, err := envelope.NewSigner(algorithm, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			raw, err := envelope.SealCommand(s, domain.Command{
				Ledger: ledgertest.Origin, ID: "01M86CKHCHPK4N8BDAE3TNDJ1S", Kind: domain.CashKind, Contract: "c", Name: "transfer",
			})
			if err != nil {
				b.Fatal(err)
			}
			_, shell, err := envelope.OpenCommand(raw)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := envelope.Verify(s.Key, shell); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, "signatures", 1)
		})
	}
}

// BenchmarkFsync writes 4 KiB to the end of a file and waits for the disk.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, "fsyncs", 1)
}

// BenchmarkBareRows inserts rows of 500 bytes, a thousand to a transaction, and nothing else.
func BenchmarkBareRows(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 500)
	for b.Loop() {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		insert, err := tx.Prepare("INSERT INTO bare (body) VALUES (?)")
		if err != nil {
			b.Fatal(err)
		}
		for range 1000 {
			if _, err := insert.Exec(body); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, "rows", 1000)
}

// benchLedger is a prepared ledger, opened for single steps.
type benchLedger struct {
	ledger.Steps
	w     *ledgertest.World
	bank  *envelope.Signer
	users []*envelope.Signer
}

func newBenchLedger(b *testing.B, store ledger.Store, users int) *benchLedger {
	b.Helper()
	w := ledgertest.NewWorld(b)
	n, err := w.Start(store)
	if err != nil {
		b.Fatal(err)
	}
	l := &benchLedger{w: w, bank: n.Register("bank", domain.RoleBank)}
	for i := range users {
		name := domain.PartyID(fmt.Sprintf("u%d", i))
		l.users = append(l.users, n.Register(name))
		n.MustSubmit(w.Command(l.bank, domain.CashKind, "c", "issue", ledgertest.Order{To: name, Amount: usd(1 << 40)}))
	}
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
	e, err := ledger.Open(ledger.Config{
		Keys: w.Keys, Store: store, Orderer: order.NewSolo(w.Clock.Now), Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	})
	if err != nil {
		b.Fatal(err)
	}
	l.Steps = ledger.Steps{Engine: e}
	return l
}

// transfers admits n transfers: all to one account, or from each user to the next.
func (l *benchLedger) transfers(b *testing.B, n int, spread bool) []ledger.Item {
	b.Helper()
	items := make([]ledger.Item, n)
	for i := range items {
		from, to := l.users[i%len(l.users)], domain.PartyID("bank")
		if spread {
			to = domain.PartyID(fmt.Sprintf("u%d", (i+1)%len(l.users)))
		}
		raw := l.w.Command(from, domain.CashKind, "c", "transfer", ledgertest.Order{To: to, Amount: usd(1)})
		var err error
		if items[i], err = l.Admit(ledger.Item{Format: ledger.CommandFormat, Raw: raw}); err != nil {
			b.Fatal(err)
		}
	}
	return items
}

func BenchmarkAdmit(b *testing.B) {
	l := newBenchLedger(b, ledgertest.NewMemory(), 1)
	raw := l.w.Command(l.users[0], domain.CashKind, "c", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	for b.Loop() {
		if _, err := l.Admit(ledger.Item{Format: ledger.CommandFormat, Raw: raw}); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, "commands", 1)
}

func BenchmarkExecute(b *testing.B) {
	for name, spread := range map[string]bool{"hot": false, "spread": true} {
		b.Run(name, func(b *testing.B) {
			l := newBenchLedger(b, ledgertest.NewMemory(), 100)
			items := l.transfers(b, 1000, spread)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Execute(l.Next(items)); err != nil {
					b.Fatal(err)
				}
				l.Forget()
			}
			perSecond(b, "commands", 1000)
		})
	}
}

func BenchmarkSealAppend(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := newBenchLedger(b, newStore(b), 100)
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				batch := l.Next(l.transfers(b, size, true))
				work, err := l.Execute(batch)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := l.Persist(work); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, "commands", size)
		})
	}
}

func BenchmarkReceipt(b *testing.B) {
	l := newBenchLedger(b, newStore(b), 4)
	var last uint64
	for range 20 {
		batch := l.Next(l.transfers(b, 500, true))
		work, err := l.Execute(batch)
		if err == nil {
			err = l.Persist(work)
		}
		if err != nil {
			b.Fatal(err)
		}
		last = l.Size()
	}
	feed, err := l.Feed("u0", ledger.FeedFilter{From: last / 2, Limit: ledger.MaxPage})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		if _, err := l.Receipt(context.Background(), "u0", feed.Entries[i*7%len(feed.Entries)].Index); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, "receipts", 1)
}

// BenchmarkSubmit is the whole path, closed loop: sign nothing, submit, wait for the receipt.
func BenchmarkSubmit(b *testing.B) {
	for _, inFlight := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(inFlight), func(b *testing.B) {
			store, w := newStore(b), ledgertest.NewWorld(b)
			w.Clock.Add(time.Since(w.Clock.Now()))
			n, err := w.Start(store)
			if err != nil {
				b.Fatal(err)
			}
			defer n.Stop()
			bank := n.Register("bank", domain.RoleBank)
			n.Register("acme")
			n.MustSubmit(w.Command(bank, domain.CashKind, "c", "issue", ledgertest.Order{To: "bank", Amount: usd(1 << 50)}))
			raws := make([][]byte, b.N)
			for i := range raws {
				raws[i] = w.Command(bank, domain.CashKind, "c", "transfer", ledgertest.Order{To: "acme", Amount: usd(1)})
			}
			var next atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for range inFlight {
				all.Go(func() {
					for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
						if reply, err := n.Submit(context.Background(), ledger.CommandFormat, raws[i], ledger.ForReceipt); err != nil || reply.Code != "" {
							b.Errorf("%+v, %v", reply, err)
							return
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
			perSecond(b, "commands", 1)
		})
	}
}

var _ ledger.Store = (*sqlite.Store)(nil)
