package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/senml"
	"aval/ledger"
)

var (
	kills = flag.Int("kills", 6, "how often the kill tests kill a process; give it after the package")
	seed  = flag.Uint64("seed", 0, "seed of the moments at which they do; 0 draws one")
)

// moments draws the moments of a test from a seed that it prints.
func moments(t *testing.T) *rand.Rand {
	t.Helper()
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("-seed %d", from)
	return rand.New(rand.NewPCG(from, 0))
}

// TestNodeKilled kills a node with SIGKILL while parties and a sensor gateway load it. Nothing
// that was answered is ever lost or moves, what was not answered can be sent again, and each
// command and each message counts once.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	random := moments(t)
	h := newHouse(t)
	load := &load{house: h, sent: map[string][]byte{}, answered: map[string]ledger.Reply{}}
	for round := range *kills {
		node := h.start(t)
		load.resume(t, load.latest)
		done, stop := load.begin(t)
		time.Sleep(time.Duration(20+random.IntN(300)) * time.Millisecond) // the moment of the kill
		node.kill()
		stop()
		<-done
		report := h.verify(t)
		t.Logf("kill %d: %d answered, %d open, %d messages under way, %d leaves", round+1, len(load.answered), load.open(), load.pending(t), report.Leaves)
	}
	node := h.start(t)
	load.resume(t, slices.Collect(maps.Keys(load.sent)))
	load.settle(t)
	if err := node.stop(); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command("aval", "verify", "--policy", filepath.Join(h.dir, "policy.txt"), h.dir).CombinedOutput(); err != nil {
		t.Errorf("aval verify: %v: %s", err, out)
	}
	// The commands and messages of the load, those that set the house up, and the genesis: each stands once.
	want := uint64(len(load.sent)+load.messages) + h.setup + 1
	if report := h.verify(t); report.Entries != want {
		t.Errorf("%d entries, want %d", report.Entries, want)
	}
	if len(load.sent) < *kills || load.messages < *kills {
		t.Errorf("the node was loaded with %d commands and %d messages only", len(load.sent), load.messages)
	}
}

// load is what a node is loaded with, over all its lives.
type load struct {
	house *house

	mu sync.Mutex
	// sent are the signed commands by ID, answered the first answer to each.
	sent     map[string][]byte
	answered map[string]ledger.Reply
	// latest are the IDs sent since the latest start.
	latest []string
	// messages counts what was put into the gateway's store.
	messages int
}

const payers = 8

// begin loads the running node until stop, or until it is gone. done is closed when all is quiet.
func (l *load) begin(t *testing.T) (done <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range payers {
		all.Go(func() { l.pay(ctx, t, i) })
	}
	all.Go(func() { l.sense(ctx, t) })
	quiet := make(chan struct{})
	go func() {
		all.Wait()
		close(quiet)
	}()
	return quiet, cancel
}

// pay lets one trader pay the next a cent, again and again.
func (l *load) pay(ctx context.Context, t *testing.T, i int) {
	h := l.house
	for ctx.Err() == nil {
		jws, id := h.sign(t, h.keys[trader(i)], domain.CashKind, "bank", "transfer", cents(trader((i+1)%payers), 1))
		l.mu.Lock()
		l.sent[id], l.latest = jws, append(l.latest, id)
		l.mu.Unlock()
		l.submit(ctx, t, id, jws)
	}
}

// submit sends a command and compares the answer with the first one, if there was one.
func (l *load) submit(ctx context.Context, t *testing.T, id string, jws []byte) {
	reply, err := l.house.client(t, nil).Submit(ctx, jws, ledger.ForReceipt)
	var refusal *domain.Rejection
	switch {
	case err != nil && ctx.Err() != nil:
		return // nobody knows what became of it
	case errors.As(err, &refusal):
		t.Errorf("refused: %v", err)
		return
	case err != nil:
		return
	}
	d, err := ledger.OpenReceipt(l.house.policy, []byte(reply.Receipt))
	if err != nil || d.Index != reply.Index || d.ID != id {
		t.Errorf("receipt of %s: entry %d of %s, %v", id, d.Index, d.ID, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first, again := l.answered[id]
	if !again {
		l.answered[id] = reply
		return
	}
	if !reply.Duplicate || reply.Index != first.Index || reply.Sequence != first.Sequence || reply.BookedAt != first.BookedAt {
		t.Errorf("%s was answered as entry %d of batch %d, now %d of %d (duplicate: %v)",
			id, first.Index, first.Sequence, reply.Index, reply.Sequence, reply.Duplicate)
	}
}

// resume sends commands again after a start: answered ones must be where they were, open ones
// are answered now.
func (l *load) resume(t *testing.T, ids []string) {
	work := make(chan string)
	var all sync.WaitGroup
	for range 2 * payers {
		all.Go(func() {
			for id := range work {
				l.mu.Lock()
				jws := l.sent[id]
				l.mu.Unlock()
				l.submit(t.Context(), t, id, jws)
			}
		})
	}
	l.latest = nil
	for _, id := range ids {
		work <- id
	}
	close(work)
	all.Wait()
	if open := l.open(); open > 0 {
		t.Fatalf("%d commands have no answer from a node that runs", open)
	}
}

func (l *load) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent) - len(l.answered)
}

// gateway opens the store anew, for the node as it runs now.
func (l *load) gateway(t *testing.T) *gateway.Gateway {
	h := l.house
	g, err := gateway.Open(gateway.Config{
		Broker: h.broker, Net: "main", Org: "trader-0", ID: "gw-1", Path: filepath.Join(filepath.Dir(h.dir), "gw.wal"), Verify: gateway.VerifyUnder(h.policy),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sense lets a sensor report, through a gateway that stores what it says.
func (l *load) sense(ctx context.Context, t *testing.T) {
	g := l.gateway(t)
	defer g.Close()
	running := make(chan error, 1)
	go func() { running <- g.Run(ctx) }()
	device := l.device(t)
	for ctx.Err() == nil {
		l.put(t, g, device)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond): // a sensor's pace
		}
	}
	if err := <-running; err != nil {
		t.Error(err)
	}
}

func (l *load) put(t *testing.T, g *gateway.Gateway, device *gateway.Device) {
	now := domain.Millis(time.Now().UnixMilli())
	raw, err := device.Sign(now, domain.ClockRTC, []domain.Reading{{Name: "temperature", Unit: "Cel", Value: 4200, Scale: 3, At: now}})
	if err == nil {
		err = g.Put(device.Name(), iot.Readings, raw)
	}
	if err != nil {
		t.Error(err)
	}
	l.messages++ // only the one goroutine of sense does
}

// device begins an epoch, as a sensor does that starts.
func (l *load) device(t *testing.T) *gateway.Device {
	head := senml.Pack{Ledger: origin, Kind: "invoice/1", Subject: "s-1", Device: "sensor-1", Epoch: uint64(time.Now().UnixMilli())}
	device, err := gateway.NewDevice(l.house.keys["sensor-1"], head, senml.FormatCOSE)
	if err != nil {
		t.Fatal(err)
	}
	return device
}

func (l *load) pending(t *testing.T) int {
	g := l.gateway(t)
	defer g.Close()
	return g.Stats().Pending
}

// settle lets the gateway deliver what it still holds, and counts the money.
func (l *load) settle(t *testing.T) {
	g := l.gateway(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	running := make(chan error, 1)
	go func() { running <- g.Run(ctx) }()
	for g.Stats().Pending > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if left := g.Stats().Pending; left > 0 {
		t.Errorf("%d messages have no receipt from a node that runs", left)
	}
	cancel()
	if err := errors.Join(<-running, g.Close()); err != nil {
		t.Error(err)
	}
	// Each payment happened once: who pays is paid by another, so count both.
	balance := map[domain.PartyID]int64{}
	for i := range payers {
		balance[trader(i)] = opening
	}
	for id := range l.answered {
		payer := l.house.senders[id]
		balance[payer]--
		balance[trader((number(payer)+1)%payers)]++
	}
	for i := range payers {
		if got := l.house.balance(t, trader(i)); got != balance[trader(i)] {
			t.Errorf("%s has %d, want %d", trader(i), got, balance[trader(i)])
		}
	}
}

// TestGatewayKilled kills a gateway with SIGKILL while it sends a recorded trip. Started again
// on its store it goes on, and every message is on the ledger once.
func TestGatewayKilled(t *testing.T) {
	t.Parallel()
	random := moments(t)
	h := newHouse(t)
	node := h.start(t)
	const messages = 400
	args := h.trip(t, messages)
	before := h.size(t)
	for range *kills {
		g, err := start(exec.Command("aval", args...))
		if err != nil {
			t.Fatal(err)
		}
		h.grown(t, before, g) // the telemetry is stored, and something of it has arrived
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		g.kill()
		before = h.size(t)
		args = h.again(args)
		left := h.waiting(t, args)
		t.Logf("kill: %d of %d messages wait", left, messages)
		if left == 0 {
			break
		}
	}
	if out, err := exec.Command("aval", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := node.stop(); err != nil {
		t.Error(err)
	}
	if report := h.verify(t); report.Entries != messages+h.setup+1 || report.Refusals != messages {
		t.Errorf("%d entries, %d of them refusals, want %d and %d", report.Entries, report.Refusals, messages+h.setup+1, messages)
	}
}

func trader(i int) domain.PartyID { return domain.PartyID(fmt.Sprintf("trader-%d", i)) }

func number(p domain.PartyID) (i int) {
	_, _ = fmt.Sscanf(strings.TrimPrefix(string(p), "trader-"), "%d", &i) // the names are ours
	return i
}
