// Package sim is a deterministic simulation of one ledger: the real engine, the real
// contracts and the real receipts in a world in which every disk, clock and client
// misbehaves, driven by one goroutine and one seed.
//
// Every step draws its chances from the seed and its own number. Clients sign commands and
// observations, send them late, twice, out of order, expired, forged or broken; the orderer
// shuffles, repeats and loses what nobody was promised; the disk fails with its effect lost
// or kept, fills up, is slow, turns bits; the process dies between any two stages; the clock
// stands still, jumps and goes back.
//
// A model made of maps and slices, which shares no code with the engine, says what each
// submission may be answered, what every account then holds, which deadlines are open and
// who may see which entry. Everything that the engine says is compared with it: after each
// batch, after each crash and at the end, where the log must also verify from its files.
//
// The trace of a run is a hash over everything that happened. It depends on the options
// alone, so a seed that fails once fails again.
package sim

import (
	"fmt"
	"math/rand/v2"

	"aval/domain"
	"aval/ledger"
)

// Options say what is simulated. Keep them to replay a run.
type Options struct {
	Seed uint64
	// Commands is how many different messages the clients sign.
	Commands int
	// Contracts are the kinds of the ledger: governance/1 and cash/1 with their real rules,
	// any others, and Deposit.
	Contracts []domain.Contract
	// Solo orders with the real order.Solo; else an orderer that shuffles, repeats and loses.
	Solo bool
	// Storage holds the ledger; nil for memory.
	Storage Storage
	// Advance executes a batch and gives what makes it durable, so that batches overlap as in
	// Engine.Run; nil for Engine.Step.
	Advance func(e *ledger.Engine) (finish func() error, err error)
	// Without names the Troubles that this run is spared.
	Without []Trouble
	// Plant changes the parts of the run to test that it bites.
	Plant Plant
}

// Plant holds bugs on request. A nil field changes nothing.
type Plant struct {
	// Store stands between the engine and its disk, Answer between the engine and a client.
	Store  func(ledger.Store) ledger.Store
	Answer func(ledger.Reply) ledger.Reply
	// Opened is handed every engine before it works.
	Opened func(*ledger.Engine)
}

// Trouble is a class of what goes wrong in a run.
type Trouble string

// The classes.
const (
	Crashes   Trouble = "crash"    // the process dies
	DiskFails Trouble = "disk"     // writes fail, lost or kept; the disk is full or slow
	ReadFails Trouble = "read"     // reads fail
	BitFlips  Trouble = "flip"     // reads give turned bits
	ClockRuns Trouble = "clock"    // the clock jumps and goes back
	Repeats   Trouble = "repeat"   // messages come again
	Mischief  Trouble = "mischief" // messages are forged, broken, misdirected
	Orders    Trouble = "order"    // the orderer shuffles, loses, repeats
)

// Troubles lists all classes.
var Troubles = []Trouble{Crashes, DiskFails, ReadFails, BitFlips, ClockRuns, Repeats, Mischief, Orders}

// Report counts what a run did.
type Report struct {
	Commands, Submissions       int
	Entries, Refusals, Untraced int
	Duplicates, Deadlines       int
	Batches, Crashes, Faults    int
	Receipts, Steps             int
	// Seen counts entries by kind, command and refusal code ("cash/1 transfer insufficient-funds"),
	// and what left no entry.
	Seen map[string]int
	// Trace is the hash of the run, Root that of the log at its end.
	Trace, Root string
}

// Add sums up two reports.
func (r Report) Add(o Report) Report {
	seen := map[string]int{}
	for _, one := range []Report{r, o} {
		for what, n := range one.Seen {
			seen[what] += n
		}
	}
	return Report{
		Seen:     seen,
		Commands: r.Commands + o.Commands, Submissions: r.Submissions + o.Submissions, Entries: r.Entries + o.Entries,
		Refusals: r.Refusals + o.Refusals, Untraced: r.Untraced + o.Untraced, Duplicates: r.Duplicates + o.Duplicates,
		Deadlines: r.Deadlines + o.Deadlines, Batches: r.Batches + o.Batches, Crashes: r.Crashes + o.Crashes,
		Faults: r.Faults + o.Faults, Receipts: r.Receipts + o.Receipts, Steps: r.Steps + o.Steps,
	}
}

// String gives the counts.
func (r Report) String() string {
	return fmt.Sprintf("%d messages sent %d times in %d steps; %d batches with %d entries, of them %d refusals, %d deadlines; "+
		"%d refused without a trace, %d duplicates; %d crashes, %d faults of the disk; %d receipts",
		r.Commands, r.Submissions, r.Steps, r.Batches, r.Entries, r.Refusals, r.Deadlines, r.Untraced, r.Duplicates, r.Crashes, r.Faults, r.Receipts)
}

// Failure is where a run first differed from what it should be.
type Failure struct {
	Seed uint64
	// Commands were signed before it.
	Commands int
	// Last are the last lines of the trace.
	Last  []string
	Cause error
}

// Error names seed, place and cause.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d after %d commands: %v", f.Seed, f.Commands, f.Cause)
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Run simulates. The error is a *Failure.
func Run(o Options) (Report, error) {
	s, err := newSimulation(o)
	if err == nil {
		err = s.run()
	}
	if s == nil {
		return Report{}, err
	}
	s.close()
	if err != nil {
		return s.report, &Failure{Seed: o.Seed, Commands: s.report.Commands, Last: s.trace.last, Cause: err}
	}
	s.report.Trace = s.trace.sum()
	return s.report, nil
}

// chance is where all decisions come from.
type chance struct{ *rand.Rand }

// stepChance gives each step its own stream: what one step draws does not move the next.
func stepChance(seed, step uint64) chance { return chance{rand.New(rand.NewPCG(seed, step))} }

// percent is true in p of a hundred cases, permille in p of a thousand.
func (c chance) percent(p int) bool  { return c.IntN(100) < p }
func (c chance) permille(p int) bool { return c.IntN(1000) < p }

// between gives a number from low to high, both included.
func (c chance) between(low, high int64) int64 { return low + c.Int64N(high-low+1) }

func pick[T any](c chance, all []T) T { return all[c.IntN(len(all))] }
