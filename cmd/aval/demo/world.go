package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// origin is the name of the demonstration's ledger.
const origin = "aval.example/demo"

// workers is how many clients are at work at once.
const workers = 128

// patience is the real time that any one step may take before the demonstration gives up.
const patience = time.Minute

// world is everything that a demonstration runs on.
type world struct {
	node     *node.Node
	clock    *clock
	policy   ledger.Policy
	progress io.Writer
	parties  map[domain.PartyID]*party
	issued   atomic.Int64
	verified atomic.Int64
	// refused is the first receipt that did not verify.
	refused atomic.Pointer[string]
}

// party is somebody with a key and a connection to the node's HTTP API.
type party struct {
	id     domain.PartyID
	signer *envelope.Signer
	client *client.Client
	world  *world
}

// newParty makes a key and a client; the party still has to be registered.
func (w *world) newParty(id domain.PartyID, transport http.RoundTripper) (*party, error) {
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return nil, err
	}
	return w.join(id, signer, transport)
}

func (w *world) join(id domain.PartyID, signer *envelope.Signer, transport http.RoundTripper) (*party, error) {
	c, err := client.New(client.Config{
		URL: "http://" + w.node.API.String(), Ledger: origin, Signer: signer, Transport: transport, Now: w.clock.Now,
	})
	p := &party{id: id, signer: signer, client: c, world: w}
	w.parties[id] = p
	return p, err
}

// send signs a command, submits it over HTTP, and verifies the receipt from its own bytes.
func (p *party) send(ctx context.Context, kind domain.Kind, contract, name string, body any) error {
	jws, err := p.sign(kind, contract, name, body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := p.client.Submit(ctx, jws, ledger.ForReceipt)
	if err != nil {
		return fmt.Errorf("%s %s of %s: %w", kind, name, p.id, err)
	}
	p.world.check([]byte(reply.Receipt), p.id, reply.Index)
	return nil
}

func (p *party) sign(kind domain.Kind, contract, name string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	c := domain.Command{Ledger: origin, Kind: kind, Contract: contract, Name: name, Body: text}
	return client.Sign(p.signer, c, p.world.clock.Now(), time.Hour)
}

// check verifies a receipt as a stranger would: policy and bytes, nothing else.
func (w *world) check(receipt []byte, viewer domain.PartyID, index uint64) {
	w.issued.Add(1)
	d, err := ledger.OpenReceipt(w.policy, receipt)
	if err == nil && (d.Viewer != viewer || d.Index != index) {
		err = errors.New("the receipt is for another party or entry")
	}
	if err != nil {
		text := err.Error()
		w.refused.CompareAndSwap(nil, &text)
		return
	}
	w.verified.Add(1)
}

// receipt fetches and verifies one entry's receipt.
func (p *party) receipt(ctx context.Context, index uint64) error {
	text, err := p.client.Get(ctx, fmt.Sprintf("/v1/receipts/%d", index))
	if err != nil {
		return fmt.Errorf("receipt %d of %s: %w", index, p.id, err)
	}
	p.world.check(text, p.id, index)
	return nil
}

// get reads a path of the API into v.
func (p *party) get(ctx context.Context, path string, v any) error {
	text, err := p.client.Get(ctx, path)
	if err != nil {
		return fmt.Errorf("get %s as %s: %w", path, p.id, err)
	}
	return json.Unmarshal(text, v)
}

// until waits for a condition.
func (w *world) until(ctx context.Context, what string, reached func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond) // for what changes beside the ledger
	defer look.Stop()
	for {
		changed := w.node.Engine.Changed()
		ok, err := reached()
		if ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}

// advance moves the clock and waits until the deadlines that have come are judged.
func (w *world) advance(ctx context.Context, to time.Time) error {
	w.clock.set(to)
	w.node.Solo.Wake()
	return w.until(ctx, "deadlines", func() (bool, error) {
		due := w.node.Engine.NextDue()
		return due == 0 || due > domain.Millis(w.clock.Now().UnixMilli()), nil
	})
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(w.progress, format+"\n", args...) }

// parallel runs do for 0 to n-1, many at a time, and stops at the first error.
func parallel(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
