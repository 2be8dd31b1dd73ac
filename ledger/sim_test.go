package ledger_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aval/contracts"
	"aval/ledger"
	"aval/ledger/ledgertest/sim"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
)

var (
	simSeeds    = flag.Int("sim.seeds", 8, "simulate that many seeds")
	simSeed     = flag.Uint64("sim.seed", 1, "the first of them")
	simWithout  = flag.String("sim.without", "", "classes of trouble to spare, separated by commas")
	simCommands = flag.Int("sim.commands", 250, "messages that the clients of each seed sign")
)

// platters are a Storage: the real SQLite store on a disk that loses power and fails.
type platters struct {
	disk *faultdisk.Disk
	made bool
	// armed says that a fault waits; cut is the step at which the power goes, 0 for none.
	armed bool
	cut   int
}

// Open implements sim.Storage.
func (p *platters) Open() (ledger.Store, error) {
	open := sqlite.Open
	if !p.made {
		open, p.made = sqlite.Create, true
	}
	store, err := open(diskDatabase, sqlite.OnVFS(p.disk.Name()))
	if err != nil {
		return nil, err
	}
	return store, nil
}

// Crash implements sim.Storage.
func (p *platters) Crash(n uint64) {
	if _, dead := p.State(); dead || n%5 > 0 {
		p.disk.Crash(n / 5)
	}
	p.disk.Heal()
	p.disk.CutAt(0)
	p.disk.SetCapacity(0)
	p.armed, p.cut = false, 0
}

// Arm implements sim.Storage.
func (p *platters) Arm(what, nth int) {
	if p.armed {
		return
	}
	p.armed = true
	switch what % 6 {
	case 0:
		p.disk.Inject(faultdisk.Fault{Kind: faultdisk.WriteError, After: nth, Times: 1})
	case 1:
		p.disk.Inject(faultdisk.Fault{Kind: faultdisk.SyncError, After: nth % 4, Times: 1})
	case 2:
		p.disk.SetCapacity(p.disk.Used() + int64(nth)*1000)
	default:
		p.cut = p.disk.Steps() + nth
		p.disk.CutAt(nth)
	}
}

// State implements sim.Storage.
func (p *platters) State() (armed, dead bool) { return p.armed, p.cut > 0 && p.disk.Steps() >= p.cut }

// simulated are the options of a seed: which parts it runs with follows from its number.
func simulated(t testing.TB, seed uint64, commands int) (o sim.Options, done func()) {
	done = func() {}
	o = sim.Options{Seed: seed, Commands: commands, Contracts: append(contracts.Table(), sim.Deposit{}), Solo: seed%4 == 3}
	o.Without = troubles(*simWithout)
	if seed%2 == 0 {
		o.Advance = overlap
	}
	if seed%10 == 7 {
		disk, err := faultdisk.New()
		if err != nil {
			t.Fatal(err)
		}
		o.Storage, done = &platters{disk: disk}, func() { disk.Close() }
	}
	return o, done
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
		t.Errorf("%v\nreplay: %s", f, replay(f))
		if spared, smaller := blame(t, f); spared != "" {
			t.Logf("fails with less trouble too: %v\nreplay: %s -sim.without %s", smaller, replay(smaller), spared)
		}
	}
	t.Logf("%d seeds in %v: %v", *simSeeds, time.Since(begin).Round(time.Millisecond), total)
	for _, what := range reached {
		if total.Seen[what] == 0 && total.Commands >= 25_000 && *simWithout == "" {
			t.Errorf("none of these: %s", what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(total.Seen)) {
		t.Logf("%6d %s", total.Seen[what], what)
	}
}

// reached is what a run of some length must have seen, else it says little.
var reached = []string{
	"cash/1 bulkTransfer", "cash/1 settle", "cash/1 Return", "cash/1 Overdue", "cash/1 capture", "cash/1 Expire", "cash/1 reverse",
	"cash/1 transfer insufficient-funds", "cash/1 transfer limit-exceeded", "cash/1 transfer expired", "cash/1 reverse wrong-state",
	"deposit/1 Expire", "deposit/1 Remind", "deposit/1 Tick", "deposit/1 Equivocate", "deposit/1 observe", "deposit/1 observe no-watch",
	"governance/1 registerKey", "governance/1 revokeKey", "governance/1 setRoles", "governance/1 erase", "no trace of erased", "cash/1 transfer unknown-subject", "cash/1 transfer erased", "ghost/1 transfer unknown-kind", "cash/1 transfer wrong-ledger",
	"busy", "clock behind", "no trace of bad-signature", "no trace of id-conflict", "no trace of malformed", "no trace of unknown-key",
}

// replay is the command that runs into a failure again.
func replay(f *sim.Failure) string {
	return fmt.Sprintf("go test ./ledger -run 'TestSimulation$' -sim.seeds 1 -sim.seed %d -sim.commands %d -v", f.Seed, *simCommands)
}

// blame spares a failing seed as many classes of trouble as it can and still fail.
func blame(t testing.TB, f *sim.Failure) (spared string, smaller *sim.Failure) {
	smaller = f
	for _, trouble := range sim.Troubles {
		o, done := simulated(t, f.Seed, *simCommands)
		more := strings.TrimPrefix(spared+","+string(trouble), ",")
		o.Without = troubles(more)
		_, err := sim.Run(o)
		done()
		var again *sim.Failure
		if errors.As(err, &again) {
			spared, smaller = more, again
		}
	}
	return spared, smaller
}

func troubles(names string) (all []sim.Trouble) {
	for name := range strings.SplitSeq(names, ",") {
		all = append(all, sim.Trouble(name))
	}
	return all
}

// simulate runs seeds side by side, until one fails.
func simulate(t testing.TB, first uint64, seeds, commands int) (total sim.Report, failures []*sim.Failure) {
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for seed := range next {
				o, done := simulated(t, seed, commands)
				report, err := sim.Run(o)
				done()
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
	for seed := uint64(4); seed <= 7; seed++ {
		var traces [2]string
		for i := range traces {
			o, done := simulated(t, seed, 200)
			report, err := sim.Run(o)
			done()
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
