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

// run measures each level of the ramp, or the one that the options name. The result is that of
// the last level, with all levels in it.
func (b *load) run(ctx context.Context) (r Result, err error) {
	if len(b.options.Ramp) == 0 {
		return b.level(ctx)
	}
	var levels []Result
	for _, n := range b.options.Ramp {
		if b.options.Rate > 0 {
			b.options.Rate = n
		} else {
			b.options.InFlight = n
		}
		if r, err = b.level(ctx); err != nil {
			return r, err
		}
		levels = append(levels, r)
	}
	r.Levels = levels
	return r, nil
}

// level warms up, measures, and sums up.
func (b *load) level(ctx context.Context) (Result, error) {
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
	curve := b.sample(began)
	tallies, err = b.phase(ctx, time.Duration(o.Seconds)*time.Second)
	took := time.Since(began).Seconds()
	points := curve()
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Mode: o.Mode, InFlight: o.InFlight, Accounts: o.Accounts, Bulk: max(o.Bulk, 1), Rate: o.Rate, Seconds: took,
		SignedAhead: min(int(b.next.Load()), len(b.ahead)), Curve: points,
		Fsync: "SQLite WAL, synchronous=FULL, one commit a batch, its signed checkpoint within",
	}
	r.sum(tallies)
	if r.Committed > 0 {
		r.BytesPerCommand = float64(b.disk()-disk) / float64(r.Committed)
		if batches := int(b.node.Engine.Size()-before) - r.Committed; batches > 0 {
			r.BatchMean = float64(r.Committed) / float64(batches)
		}
	}
	return r, nil
}

// sum adds up what the callers saw.
func (r *Result) sum(tallies []tally) {
	var all []time.Duration
	for _, t := range tallies {
		all = append(all, t.latencies...)
		r.Busy, r.Late, r.CommandBytes = r.Busy+t.busy, r.Late+t.late, max(r.CommandBytes, t.bytes)
	}
	sortDurations(all)
	r.Committed = len(all)
	r.PerSecond = float64(len(all)) / r.Seconds
	r.PostingsPerSecond = r.PerSecond * float64(r.Bulk) // a transfer is one posting
	r.P50, r.P90, r.P99, r.Max = percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.99), percentile(all, 1)
}

// curvePoints is how often a measured time is looked at.
const curvePoints = 20

// Point is one place of a run, at a log of that size: the rate since the point before it, and the
// processor time of a leaf, load included, which neighbours on the machine move less than the rate.
type Point struct {
	Leaves    uint64  `json:"leaves"`
	PerSecond float64 `json:"leaves_per_second"`
	CPU       float64 `json:"cpu_us_per_leaf"`
}

// sample watches the log grow; the result ends it and gives what was seen.
func (b *load) sample(began time.Time) func() []Point {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan []Point)
	engine := b.node.Engine
	go func() {
		ticker := time.NewTicker(time.Duration(b.options.Seconds) * time.Second / curvePoints)
		defer ticker.Stop()
		var points []Point
		for size, at, used := engine.Size(), began, cpuTime(); ; {
			select {
			case now := <-ticker.C:
				grown, spent := engine.Size(), cpuTime()
				leaves := float64(grown - size)
				points = append(points, Point{grown, leaves / now.Sub(at).Seconds(), float64((spent - used).Microseconds()) / max(leaves, 1)})
				size, at, used = grown, now, spent
			case <-ctx.Done():
				done <- points
				return
			}
		}
	}()
	return func() []Point { stop(); return <-done }
}

// maxAheadSeconds is the longest time whose commands are signed ahead: of a longer one, only
// the beginning could be, and the rest would look slower.
const maxAheadSeconds = 20

// foresee guesses the commands of the measured time from those of the warm-up, which signed its own.
func (b *load) foresee(tallies []tally, warm time.Duration) int {
	o := b.options
	if o.Seconds > maxAheadSeconds {
		return 0
	}
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
