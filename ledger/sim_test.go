package ledger_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"aval/contracts"
	"aval/ledger"
	"aval/ledger/ledgertest/sim"
)

var (
	simSeeds    = flag.Int("sim.seeds", 12, "simulate that many seeds")
	simSeed     = flag.Uint64("sim.seed", 1, "the first of them")
	simCommands = flag.Int("sim.commands", 300, "messages that the clients of each seed sign")
)

// simulated are the options of a seed: which parts it runs with follows from its number.
func simulated(t testing.TB, seed uint64, commands int) sim.Options {
	o := sim.Options{Seed: seed, Commands: commands, Contracts: append(contracts.Table(), sim.Deposit{}), Solo: seed%8 == 3}
	if seed%2 == 0 {
		o.Advance = overlap
	}
	return o
}

// overlap executes a batch and gives what makes it durable, as the two goroutines of Run do.
func overlap(e *ledger.Engine) (func() error, error) {
	return ledger.Steps{Engine: e}.Advance(context.Background())
}

// TestSimulation runs seeds of the simulation, on all processors. A long run:
//
//	go test ./ledger -run TestSimulation -sim.seeds 1000 -sim.commands 1000 -timeout 0 -v
func TestSimulation(t *testing.T) {
	begin := time.Now()
	total, failures := simulate(t, *simSeed, *simSeeds, *simCommands)
	for _, f := range failures {
		for _, line := range f.Last {
			t.Log(line)
		}
		t.Errorf("%v\nreplay: go test ./ledger -run 'TestSimulation$' -sim.seeds 1 -sim.seed %d -sim.commands %d -v", f, f.Seed, *simCommands)
	}
	t.Logf("%d seeds in %v: %v", *simSeeds, time.Since(begin).Round(time.Millisecond), total)
	for _, what := range slices.Sorted(maps.Keys(total.Seen)) {
		t.Logf("%6d %s", total.Seen[what], what)
	}
}

// simulate runs seeds side by side, until one fails.
func simulate(t testing.TB, first uint64, seeds, commands int) (total sim.Report, failures []*sim.Failure) {
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for seed := range next {
				report, err := sim.Run(simulated(t, seed, commands))
				var f *sim.Failure
				mu.Lock()
				total = total.Add(report)
				if errors.As(err, &f) {
					failures = append(failures, f)
				} else if err != nil {
					failures = append(failures, &sim.Failure{Seed: seed, Cause: err})
				}
				mu.Unlock()
			}
		})
	}
	for n := range seeds {
		mu.Lock()
		failed := len(failures) > 0
		mu.Unlock()
		if failed {
			break
		}
		next <- first + uint64(n)
	}
	close(next)
	group.Wait()
	return total, failures
}

// The same options give the same trace and the same log, byte for byte.
func TestSimulationReplays(t *testing.T) {
	for seed := uint64(1); seed <= 4; seed++ {
		var traces [2]string
		for i := range traces {
			report, err := sim.Run(simulated(t, seed, 200))
			if err != nil {
				t.Fatal(err)
			}
			traces[i] = report.Trace + report.Root
		}
		if traces[0] != traces[1] {
			t.Errorf("seed %d: traces differ: %v", seed, traces)
		}
	}
}
