// Package bench loads a node with signed transfers and measures what comes back, beside the
// limits of the machine measured in the same run. Latency counts from the moment a request
// was due, so that a stalled node cannot hide behind a client that waited (no coordinated omission).
package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// Limits of a run.
const (
	MaxInFlight = 4096
	MaxSeconds  = 3600
	MaxAccounts = 100_000
	MaxRate     = 1_000_000
	MaxLevels   = 32
)

const (
	origin                = "aval.local/bench"
	bank   domain.PartyID = "bank"
	member domain.PartyID = "member"
)

// Options say how to load.
type Options struct {
	// Mode is "process" (the engine called directly) or "http" (over loopback).
	Mode string
	// InFlight is how many commands wait for their receipt at once.
	InFlight int
	// Seconds is the measured time, after a tenth of it to warm up.
	Seconds int
	// Rate is the commands offered a second, an open loop; zero is a closed loop: each caller sends its next command when it has its answer.
	Rate int
	// Accounts is how many parties pay each other; 1 means one payer for all, the hot account.
	Accounts int
	// Bulk is the transfers under one signature; 0 and 1 send single transfers.
	Bulk int
	// Ramp are numbers in flight, or rates if Rate is set, to measure one after the other on one node; none for the one that is set.
	Ramp []int
	// Open is how many contracts are opened, and the node reopened, before the measured time; OpenKind says of
	// which kind: "policy" or "invoice".
	Open     int
	OpenKind string
	// Dir is where the node's files are made; empty for a temporary folder.
	Dir string
}

// Result is what a run measured.
type Result struct {
	Mode     string `json:"mode"`
	InFlight int    `json:"in_flight"`
	Accounts int    `json:"accounts"`
	// Bulk is the transfers in one command. SignedAhead says how many of the commands were signed before the measured time.
	Bulk        int `json:"bulk"`
	SignedAhead int `json:"signed_ahead"`
	// Rate is what was offered, 0 for a closed loop. Late counts offers that found nobody free and were sent late; their wait counts.
	Rate      int     `json:"rate"`
	Late      int     `json:"late"`
	Seconds   float64 `json:"seconds"`
	Committed int     `json:"committed"`
	// Busy counts answers that asked to come again later.
	Busy              int     `json:"busy"`
	PerSecond         float64 `json:"per_second"`
	P50               float64 `json:"p50_ms"`
	P90               float64 `json:"p90_ms"`
	P99               float64 `json:"p99_ms"`
	Max               float64 `json:"max_ms"`
	PostingsPerSecond float64 `json:"postings_per_second"`
	// CommandBytes is the size of one signed command, BytesPerCommand what the database grew by.
	CommandBytes    int     `json:"command_bytes"`
	BytesPerCommand float64 `json:"disk_bytes_per_command"`
	BatchMean       float64 `json:"batch_mean"`
	Fsync           string  `json:"fsync"`
	Machine         Machine `json:"machine"`
	// Opened is there if contracts were opened first.
	Opened *Opened `json:"opened,omitempty"`
	// Curve is the rate as the log grew; Levels are the results of a ramp.
	Curve  []Point  `json:"curve"`
	Levels []Result `json:"levels,omitempty"`
	// RatioToSignatureLimit is per_second over the machine's signature verifications a second on all cores.
	RatioToSignatureLimit float64 `json:"ratio_to_signature_limit"`
}

func (o Options) check() error {
	for _, c := range []struct {
		name       string
		value, min int
		max        int
	}{
		{"in-flight", o.InFlight, 1, MaxInFlight}, {"seconds", o.Seconds, 1, MaxSeconds}, {"accounts", o.Accounts, 1, MaxAccounts}, {"rate", o.Rate, 0, MaxRate}, {"bulk", o.Bulk, 0, domain.MaxBulk},
		{"open", o.Open, 0, MaxOpen},
	} {
		if c.value < c.min || c.value > c.max {
			return fmt.Errorf("--%s %d: want %d to %d", c.name, c.value, c.min, c.max)
		}
	}
	if o.Open > 0 && o.OpenKind != "policy" && o.OpenKind != "invoice" {
		return fmt.Errorf("--open-kind %.20q: want policy or invoice", o.OpenKind)
	}
	if o.Open > 0 && o.Accounts < policiesPerLeg {
		return fmt.Errorf("--accounts %d: want at least %d with --open, one for each policy on a flight", o.Accounts, policiesPerLeg)
	}
	if len(o.Ramp) > MaxLevels {
		return fmt.Errorf("--ramp of %d levels: want at most %d", len(o.Ramp), MaxLevels)
	}
	for _, n := range o.Ramp {
		if top := map[bool]int{false: MaxInFlight, true: MaxRate}[o.Rate > 0]; n < 1 || n > top {
			return fmt.Errorf("--ramp %d: want levels of 1 to %d", n, top)
		}
	}
	if o.Mode != "process" && o.Mode != "http" {
		return fmt.Errorf("--mode %.20q: want process or http", o.Mode)
	}
	return nil
}

// Run measures the machine, then a fresh node under load.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	base := o.Dir
	if base == "" {
		dir, err := os.MkdirTemp("", "aval-bench-")
		if err != nil {
			return Result{}, err
		}
		defer os.RemoveAll(dir)
		base = dir
	}
	machine, err := measure(base)
	if err != nil {
		return Result{}, err
	}
	b := &load{options: o, dir: filepath.Join(base, "node")}
	result, err := b.measure(ctx)
	result.Machine = machine
	result.RatioToSignatureLimit = result.PerSecond / machine.VerifyAllCores
	return result, errors.Join(err, b.halt())
}

// load is a node and those who load it.
type load struct {
	options Options
	dir     string
	node    *node.Node
	stop    func() error
	bank    *envelope.Signer
	payers  []*envelope.Signer
	submit  func(ctx context.Context, jws []byte) (ledger.Reply, error)
	serial  atomic.Uint64
	// ahead are commands signed before they are due; next is the first not yet taken.
	ahead [][]byte
	next  atomic.Int64
}

// measure makes a node, populates it, and runs the load.
func (b *load) measure(ctx context.Context) (Result, error) {
	first, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return Result{}, err
	}
	if err := node.Create(ctx, b.dir, node.Founding{Ledger: origin, Member: member, Key: first.Key}); err != nil {
		return Result{}, err
	}
	if err := b.launch(ctx); err != nil {
		return Result{}, err
	}
	b.submit = b.direct
	if err := b.populate(ctx, first); err != nil {
		return Result{}, err
	}
	var opened *Opened
	if b.options.Open > 0 {
		o, err := b.open(ctx, first)
		if err != nil {
			return Result{}, fmt.Errorf("open policies: %w", err)
		}
		opened = &o
	}
	if b.options.Mode == "http" {
		if b.submit, err = b.overHTTP(); err != nil {
			return Result{}, err
		}
	}
	result, err := b.run(ctx)
	result.Opened = opened
	return result, err
}

func (b *load) direct(ctx context.Context, jws []byte) (ledger.Reply, error) {
	return b.node.Engine.Submit(ctx, ledger.CommandFormat, jws, ledger.ForReceipt)
}

// overHTTP makes one client that all callers share, with a connection for each.
func (b *load) overHTTP() (func(context.Context, []byte) (ledger.Reply, error), error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	most := slices.Max(append([]int{b.options.InFlight}, b.options.Ramp...))
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*most, 2*most
	c, err := client.New(client.Config{URL: "http://" + b.node.API.String(), Ledger: origin, Transport: t})
	return func(ctx context.Context, jws []byte) (ledger.Reply, error) {
		return c.Submit(ctx, jws, ledger.ForReceipt)
	}, err
}

// populate registers the bank and the payers and gives each payer money for the whole run.
func (b *load) populate(ctx context.Context, first *envelope.Signer) error {
	var err error
	if b.bank, err = b.register(ctx, first, bank, domain.RoleBank); err != nil {
		return err
	}
	b.payers = make([]*envelope.Signer, b.options.Accounts)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i := range b.payers {
		group.Go(func() error {
			var err error
			if b.payers[i], err = b.register(ctx, first, payerID(i), domain.RoleBuyer); err != nil {
				return err
			}
			amount := domain.Money{Minor: 1_000_000_000, Currency: "EUR"}
			return b.must(ctx, b.bank, domain.CashKind, string(bank), "issue", payment{payerID(i), amount, ""})
		})
	}
	return group.Wait()
}

// register makes a party with a key of its own.
func (b *load) register(ctx context.Context, first *envelope.Signer, id domain.PartyID, role domain.Role) (*envelope.Signer, error) {
	s, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"party": id, "roles": []domain.Role{role}, "keys": []domain.Key{s.Key}}
	return s, b.must(ctx, first, domain.GovernanceKind, string(id), "registerParty", body)
}

// payment is the body of issue and transfer.
type payment struct {
	To        domain.PartyID `json:"to"`
	Amount    domain.Money   `json:"amount"`
	Reference string         `json:"reference"`
}

func payerID(i int) domain.PartyID { return domain.PartyID("payer-" + strconv.Itoa(i)) }

func (b *load) must(ctx context.Context, s *envelope.Signer, kind domain.Kind, contract, name string, body any) error {
	jws, err := b.sign(s, kind, contract, name, body)
	if err != nil {
		return err
	}
	reply, err := b.direct(ctx, jws)
	if err == nil && reply.Code != "" {
		err = fmt.Errorf("%s was refused: %s %s", name, reply.Code, reply.Detail)
	}
	return err
}

func (b *load) sign(s *envelope.Signer, kind domain.Kind, contract, name string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	c := domain.Command{Ledger: origin, Kind: kind, Contract: contract, Name: name, Body: text}
	return client.Sign(s, c, time.Now(), time.Hour)
}

// MaxSignedAhead bounds the commands signed before the measured time, and MaxAheadBytes their memory.
const (
	MaxSignedAhead = 1_000_000
	maxAheadBytes  = 1 << 30
)

// signAhead signs commands for the measured time on all processors, so that the load does not
// measure its own signing; what it has not foreseen is signed when it is sent.
func (b *load) signAhead(n int) error {
	sample, err := b.transfer()
	if err != nil {
		return err
	}
	b.ahead = make([][]byte, min(n, MaxSignedAhead, maxAheadBytes/len(sample)))
	b.next.Store(0)
	var group errgroup.Group
	workers := runtime.NumCPU()
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(b.ahead); i += workers {
				var err error
				if b.ahead[i], err = b.transfer(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// command gives the next signed command.
func (b *load) command() ([]byte, error) {
	if i := b.next.Add(1) - 1; i < int64(len(b.ahead)) {
		return b.ahead[i], nil
	}
	return b.transfer()
}

// transfer signs the next command: one cent from a payer to each of the next ones, or to the bank from the one hot account.
func (b *load) transfer() ([]byte, error) {
	i := int(b.serial.Add(1) % uint64(len(b.payers)))
	pay := func(n int) payment {
		to := bank
		if len(b.payers) > 1 {
			to = payerID((i + 1 + n%(len(b.payers)-1)) % len(b.payers))
		}
		return payment{to, domain.Money{Minor: 1, Currency: "EUR"}, ""}
	}
	if b.options.Bulk <= 1 {
		return b.sign(b.payers[i], domain.CashKind, string(bank), "transfer", pay(0))
	}
	body := struct {
		Items []payment `json:"items"`
	}{make([]payment, b.options.Bulk)}
	for n := range body.Items {
		body.Items[n] = pay(n)
	}
	return b.sign(b.payers[i], domain.CashKind, string(bank), "bulkTransfer", body)
}

// percentile gives the value below which a share of the sorted values lies, in milliseconds.
func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := min(int(share*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[at].Microseconds()) / 1000
}

func sortDurations(all []time.Duration) []time.Duration {
	slices.Sort(all)
	return all
}
