//go:build unix

package witness_test

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/witness"
)

// BenchmarkCommit is a commit with and without three witnesses, which here take their share of
// the same processors: with -cpu 1, all that witnessing costs is in the difference.
func BenchmarkCommit(b *testing.B) {
	for name, witnesses := range map[string]int{"alone": 0, "three witnesses": 3} {
		b.Run(name, func(b *testing.B) {
			w := ledgertest.NewWorld(b)
			text := "log " + w.Keys.LogVerifier + "\n"
			names := ""
			for i := range witnesses {
				h := newHouse(b, w.Keys.LogVerifier)
				text += fmt.Sprintf("witness w%d %s %s\n", i, h.vkey, h.url)
				names += fmt.Sprintf(" w%d", i)
			}
			if witnesses > 0 {
				policy, err := ledger.ParsePolicy([]byte(text + "group g 2" + names + "\nquorum g\n"))
				if err != nil {
					b.Fatal(err)
				}
				w.Policy = policy
			}
			n := w.MustStart(ledgertest.NewMemory())
			acme := n.Register("acme")
			if witnesses > 0 {
				g, err := witness.NewGatherer(witness.GathererConfig{Log: n, Policy: w.Policy, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- g.Run(ctx) }()
				defer func() {
					cancel()
					if err := <-ended; err != nil {
						b.Error(err)
					}
				}()
			}
			var commands [][]byte
			for range b.N {
				commands = append(commands, w.Command(acme, domain.CashKind, "c", "issue", ledgertest.Order{To: "acme", Amount: domain.Money{Minor: 1, Currency: "EUR"}}))
			}
			before := processor(b)
			b.ResetTimer()
			var last *ledger.Ticket
			for _, raw := range commands {
				t, err := n.Offer(b.Context(), ledger.CommandFormat, raw)
				for err == ledger.ErrBusy {
					time.Sleep(time.Millisecond)
					t, err = n.Offer(b.Context(), ledger.CommandFormat, raw)
				}
				if err != nil {
					b.Fatal(err)
				}
				last = t
			}
			<-last.Done()
			b.StopTimer()
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(n.CosignedSize()), "cosigned-leaves")
		})
	}
}

// processor is the time that this process has had, on machines where others work too.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
