package sim

import (
	"context"
	"errors"
	"slices"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/order"
)

// errIdle says that there is nothing to order.
var errIdle = errors.New("nothing to order")

// maxPool bounds the shuffling orderer's pool, so that it is full now and then.
const maxPool = 25

// line is the orderer of a simulation. It writes down each batch that it gives.
type line interface {
	ledger.Orderer
	// ready says that Next gives a batch at once.
	ready(due domain.Millis) bool
	// slip puts an item in that came from elsewhere and that this node never admitted.
	slip(ledger.Item)
	// taken is the last batch that Next gave.
	taken() ledger.Batch
}

// shuffler orders as a network of nodes might: items overtake each other, come twice, or get
// lost before they are ordered; sequences have gaps.
type shuffler struct {
	s      *simulation
	pool   []ledger.Item
	last   ledger.Batch
	closed bool
}

// Propose implements ledger.Orderer.
func (o *shuffler) Propose(_ context.Context, item ledger.Item) error {
	if o.closed {
		return ledger.ErrClosed
	}
	if len(o.pool) >= maxPool {
		return ledger.ErrBusy
	}
	if o.s.happens(Orders, 5) {
		o.s.trace.line("lost on the way")
		return nil
	}
	o.pool = append(o.pool, item)
	return nil
}

func (o *shuffler) slip(item ledger.Item) { o.pool = append(o.pool, item) }

func (o *shuffler) taken() ledger.Batch { return o.last }

func (o *shuffler) ready(due domain.Millis) bool {
	return !o.closed && (len(o.pool) > 0 || due != 0 && due <= o.s.clock)
}

// Next implements ledger.Orderer.
func (o *shuffler) Next(_ context.Context, last ledger.Batch, due domain.Millis) (ledger.Batch, error) {
	if !o.ready(due) {
		return ledger.Batch{}, errIdle
	}
	c, sequence := o.s.luck[Orders], last.Sequence+1
	if o.s.troubled(Orders) {
		c.Shuffle(len(o.pool), func(i, j int) { o.pool[i], o.pool[j] = o.pool[j], o.pool[i] })
		sequence += uint64(c.IntN(3)) * uint64(c.IntN(2))
	}
	n := int(o.s.chance.between(min(1, int64(len(o.pool))), int64(len(o.pool))))
	items := slices.Clone(o.pool[:n])
	o.pool = slices.Delete(o.pool, 0, n)
	if o.s.happens(Orders, 100) && n > 0 {
		items = append(items, o.s.copyOf(pick(c, items)))
	}
	o.last = ledger.Batch{Sequence: sequence, Now: max(o.s.clock, last.Now+1), Items: items}
	return o.last, nil
}

// Close implements ledger.Orderer.
func (o *shuffler) Close() error {
	o.closed = true
	return nil
}

// solo is the real order.Solo on the simulated clock.
type solo struct {
	*order.Solo
	s      *simulation
	pooled int
	last   ledger.Batch
}

// Propose implements ledger.Orderer.
func (o *solo) Propose(ctx context.Context, item ledger.Item) error {
	err := o.Solo.Propose(ctx, item)
	if err == nil {
		o.pooled++
	}
	return err
}

func (o *solo) slip(item ledger.Item) { o.Propose(context.Background(), item) }

func (o *solo) taken() ledger.Batch { return o.last }

func (o *solo) ready(due domain.Millis) bool { return o.pooled > 0 || due != 0 && due <= o.s.clock }

// Next implements ledger.Orderer.
func (o *solo) Next(ctx context.Context, last ledger.Batch, due domain.Millis) (ledger.Batch, error) {
	if !o.ready(due) {
		return ledger.Batch{}, errIdle
	}
	b, err := o.Solo.Next(ctx, last, due)
	if err == nil {
		o.last, o.pooled = b, o.pooled-len(b.Items)
	}
	return b, err
}
