package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/domain"
	"aval/ledger"
)

// tally is what one caller saw.
type tally struct {
	latencies []time.Duration
	busy      int
	late      int
	bytes     int
}

// run warms up, measures, and sums up.
func (b *load) run(ctx context.Context) (Result, error) {
	o := b.options
	warm := max(time.Duration(o.Seconds)*time.Second/10, 500*time.Millisecond)
	tallies, err := b.phase(ctx, warm)
	if err != nil {
		return Result{}, err
	}
	if err := b.signAhead(b.foresee(tallies, warm)); err != nil {
		return Result{}, err
	}
	before, disk, began := b.node.Engine.Size(), b.disk(), time.Now()
	tallies, err = b.phase(ctx, time.Duration(o.Seconds)*time.Second)
	if err != nil {
		return Result{}, err
	}
	took := time.Since(began).Seconds()
	r := Result{
		Mode: o.Mode, InFlight: o.InFlight, Accounts: o.Accounts, Bulk: max(o.Bulk, 1), Rate: o.Rate, Seconds: took,
		SignedAhead: min(int(b.next.Load()), len(b.ahead)),
		Fsync:       "SQLite WAL, synchronous=FULL, one commit a batch, its signed checkpoint within",
	}
	var all []time.Duration
	for _, t := range tallies {
		all = append(all, t.latencies...)
		r.Busy, r.Late, r.CommandBytes = r.Busy+t.busy, r.Late+t.late, max(r.CommandBytes, t.bytes)
	}
	sortDurations(all)
	r.Committed = len(all)
	r.PerSecond = float64(len(all)) / took
	r.PostingsPerSecond = r.PerSecond * float64(r.Bulk) // a transfer is one posting
	r.P50, r.P90, r.P99, r.Max = percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.99), percentile(all, 1)
	if len(all) > 0 {
		r.BytesPerCommand = float64(b.disk()-disk) / float64(len(all))
		if batches := int(b.node.Engine.Size()-before) - len(all); batches > 0 {
			r.BatchMean = float64(len(all)) / float64(batches)
		}
	}
	return r, nil
}

// foresee guesses the commands of the measured time from those of the warm-up, which signed its own.
func (b *load) foresee(tallies []tally, warm time.Duration) int {
	o := b.options
	if o.Rate > 0 {
		return o.Rate * o.Seconds
	}
	sent := o.InFlight
	for _, t := range tallies {
		sent += len(t.latencies)
	}
	return int(2.5 * float64(sent) * float64(o.Seconds) / warm.Seconds())
}

// disk is the size of the database with its write-ahead log.
func (b *load) disk() int64 {
	total := int64(0)
	for _, name := range []string{"ledger.db", "ledger.db-wal"} {
		if info, err := os.Stat(filepath.Join(b.node.Folder.Dir, name)); err == nil {
			total += info.Size()
		}
	}
	return total
}

// phase runs all callers for a time.
func (b *load) phase(ctx context.Context, length time.Duration) ([]tally, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	tallies := make([]tally, b.options.InFlight)
	for i := range tallies {
		group.Go(func() error { return b.caller(ctx, began, length, i, &tallies[i]) })
	}
	return tallies, group.Wait()
}

// caller sends one command after another. In an open loop the i-th of n callers is due at
// every n-th place of the schedule; an answer's latency counts from there, sent late or not.
func (b *load) caller(ctx context.Context, began time.Time, length time.Duration, i int, t *tally) error {
	for turn := 0; ; turn++ {
		due := time.Now()
		if b.options.Rate > 0 {
			place := turn*b.options.InFlight + i
			due = began.Add(time.Duration(float64(place) / float64(b.options.Rate) * float64(time.Second)))
		}
		if due.Sub(began) >= length || time.Since(began) >= length+10*time.Second {
			return nil
		}
		if wait := time.Until(due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		} else if b.options.Rate > 0 && wait < -time.Millisecond {
			t.late++
		}
		if err := b.one(ctx, due, t); err != nil {
			return err
		}
	}
}

// one sends a command; "busy" is counted and not an error.
func (b *load) one(ctx context.Context, due time.Time, t *tally) error {
	jws, err := b.command()
	if err != nil {
		return err
	}
	t.bytes = len(jws)
	reply, err := b.submit(ctx, jws)
	if errors.Is(err, ledger.ErrBusy) {
		t.busy++
		return nil
	}
	if err != nil {
		return err
	}
	if reply.Code != "" {
		return domain.Refuse(reply.Code, "%s", reply.Detail)
	}
	t.latencies = append(t.latencies, time.Since(due))
	return nil
}
