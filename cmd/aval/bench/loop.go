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
	if _, err := b.phase(ctx, time.Duration(o.Seconds)*time.Second/10); err != nil {
		return Result{}, err
	}
	before, disk, began := b.node.Engine.Size(), b.disk(), time.Now()
	tallies, err := b.phase(ctx, time.Duration(o.Seconds)*time.Second)
	if err != nil {
		return Result{}, err
	}
	took := time.Since(began).Seconds()
	r := Result{
		Mode: o.Mode, InFlight: o.InFlight, Accounts: o.Accounts, Rate: o.Rate, Seconds: took,
		Fsync: "SQLite WAL, synchronous=FULL, one commit and one signed checkpoint a batch",
	}
	var all []time.Duration
	for _, t := range tallies {
		all = append(all, t.latencies...)
		r.Busy, r.Late, r.CommandBytes = r.Busy+t.busy, r.Late+t.late, max(r.CommandBytes, t.bytes)
	}
	sortDurations(all)
	r.Committed = len(all)
	r.PerSecond = float64(len(all)) / took
	r.PostingsPerSecond = r.PerSecond // a transfer is one posting
	r.P50, r.P90, r.P99, r.Max = percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.99), percentile(all, 1)
	if len(all) > 0 {
		r.BytesPerCommand = float64(b.disk()-disk) / float64(len(all))
		if batches := int(b.node.Engine.Size()-before) - len(all); batches > 0 {
			r.BatchMean = float64(len(all)) / float64(batches)
		}
	}
	return r, nil
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
	signer, jws, err := b.transfer()
	if err != nil {
		return err
	}
	t.bytes = len(jws)
	reply, err := b.submit(ctx, signer, jws)
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
