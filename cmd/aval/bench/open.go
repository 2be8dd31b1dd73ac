package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/cmd/aval/node"
	"aval/contracts/flightdelay"
	"aval/domain"
	"aval/domain/envelope"
)

// MaxOpen bounds the policies that a run opens first, policiesPerLeg those on one flight.
const (
	MaxOpen        = 10_000_000
	policiesPerLeg = 100
)

const (
	insurer = domain.PartyID("insurer")
	product = "cover"
	premium = 9_90
)

// Opened is what open contracts cost: a policy with its escrow and a share of its leg, or an invoice with its number and escrow.
type Opened struct {
	Kind      string  `json:"kind"`
	Contracts int     `json:"contracts"`
	Seconds   float64 `json:"seconds"`
	// MemoryEach and DiskEach are bytes: of the heap after a collection, of the database.
	MemoryEach float64 `json:"memory_bytes_each"`
	DiskEach   float64 `json:"disk_bytes_each"`
	// ReopenSeconds is from the start of opening the stopped node's folder until it can commit.
	ReopenSeconds float64 `json:"reopen_seconds"`
}

// opener opens the contracts with these numbers.
type opener func(ctx context.Context, from, to int) error

// open opens contracts, then stops the node and opens it again.
func (b *load) open(ctx context.Context, first *envelope.Signer) (Opened, error) {
	o := Opened{Contracts: b.options.Open, Kind: b.options.OpenKind}
	prepare := map[string]func(context.Context, *envelope.Signer) (opener, error){"policy": b.policies, "invoice": b.invoices}[o.Kind]
	openSome, err := prepare(ctx, first)
	if err != nil {
		return o, err
	}
	heap, disk, began := heapBytes(), b.disk(), time.Now()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(map[string]int{"policy": 16, "invoice": 1}[o.Kind])
	for from := 0; from < o.Contracts; from += domain.MaxBulk {
		group.Go(func() error { return openSome(groupCtx, from, min(from+domain.MaxBulk, o.Contracts)) })
	}
	if err := group.Wait(); err != nil {
		return o, err
	}
	o.Seconds = time.Since(began).Seconds()
	o.MemoryEach = float64(heapBytes()-heap) / float64(o.Contracts)
	o.DiskEach = float64(b.disk()-disk) / float64(o.Contracts)
	if err := b.halt(); err != nil {
		return o, err
	}
	began = time.Now()
	err = b.launch(ctx)
	o.ReopenSeconds = time.Since(began).Seconds()
	return o, err
}

// policies readies a product and gives what sells it, a thousand policies under one signature.
func (b *load) policies(ctx context.Context, first *envelope.Signer) (opener, error) {
	seller, err := b.offer(ctx, first)
	depart := domain.Millis(time.Now().Add(30 * 24 * time.Hour).UnixMilli())
	return func(ctx context.Context, from, to int) error {
		body := flightdelay.BulkBind{Premium: domain.Money{Minor: premium, Currency: "USD"}}
		for i := from; i < to; i++ {
			body.Items = append(body.Items, b.cover(i, depart))
		}
		return b.must(ctx, seller, flightdelay.Kind, product, "bulkBind", body)
	}, err
}

// cover is policy i: holders take turns, and so do the flights of a day.
func (b *load) cover(i int, depart domain.Millis) flightdelay.Cover {
	leg := i / policiesPerLeg
	out := depart + domain.Millis(leg)*60_000
	return flightdelay.Cover{ID: "p-" + strconv.Itoa(i), Holder: payerID(i % len(b.payers)), Leg: flightdelay.Leg{
		Carrier: "XX", Number: strconv.Itoa(1 + leg%9999), Origin: "XAA", Destination: fmt.Sprintf("X%03d", leg/9999),
		Date: time.UnixMilli(int64(out)).UTC().Format(time.DateOnly), ScheduledOut: out, ScheduledIn: out + 3_600_000,
	}}
}

// offer registers an insurer and a source, and puts a product with enough money on sale.
func (b *load) offer(ctx context.Context, first *envelope.Signer) (*envelope.Signer, error) {
	seller, err := b.register(ctx, first, insurer, domain.RoleInsurer)
	if err != nil {
		return nil, err
	}
	source, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return nil, err
	}
	terms := flightdelay.ReferenceTerms("flights")
	reserve := domain.Money{Minor: int64(b.options.Open) * terms.Payouts.Highest(), Currency: "USD"}
	terms.Sale.MaxPerLeg, terms.Sale.MaxTotal = policiesPerLeg*terms.Payouts.Highest(), max(reserve.Minor, policiesPerLeg*terms.Payouts.Highest())
	funds := domain.Money{Minor: reserve.Minor + int64(b.options.Open)*premium, Currency: "USD"}
	return seller, b.steps(ctx, []step{
		{first, domain.GovernanceKind, "flights", "registerSource",
			map[string]any{"source": "flights", "operator": insurer, "family": "flights", "key": source.Key}},
		{b.bank, domain.CashKind, string(bank), "issue", payment{insurer, funds, ""}},
		{seller, flightdelay.Kind, product, "offer", flightdelay.Offer{Terms: terms}},
		{seller, flightdelay.Kind, product, "reserve", flightdelay.Amount{Amount: reserve}},
	})
}

// step is one command that must succeed before the next.
type step struct {
	by             *envelope.Signer
	kind           domain.Kind
	contract, name string
	body           any
}

func (b *load) steps(ctx context.Context, all []step) error {
	for _, s := range all {
		if err := b.must(ctx, s.by, s.kind, s.contract, s.name, s.body); err != nil {
			return err
		}
	}
	return nil
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC() // what the first one found unreachable is free after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// launch opens the node's folder and runs it; halt stops it.
func (b *load) launch(ctx context.Context) error {
	folder, err := node.OpenFolder(b.dir)
	if err != nil {
		return err
	}
	folder.Config.Listen, folder.Config.Admin = "127.0.0.1:0", ""
	if b.node, err = node.Open(folder, node.Options{}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- b.node.Run(ctx) }()
	b.stop = func() error { cancel(); return <-done }
	return nil
}

func (b *load) halt() error {
	if b.stop == nil {
		return nil
	}
	err := b.stop()
	b.stop, b.node = nil, nil
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
