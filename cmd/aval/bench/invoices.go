package bench

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"aval/contracts/invoice"
	"aval/domain"
	"aval/domain/envelope"
)

// The parties of the agreement under which invoices are opened.
const (
	supplier  = domain.PartyID("supplier")
	buyer     = domain.PartyID("buyer")
	agreement = "supply"
	payable   = 100_00
)

// invoices readies a funded agreement and gives what ships under it: one invoice a command, each
// with its number, its device, its watch, its deadlines and an escrow of its own.
func (b *load) invoices(ctx context.Context, first *envelope.Signer) (opener, error) {
	ship, err := b.register(ctx, first, supplier, domain.RoleSupplier)
	if err != nil {
		return nil, err
	}
	pay, err := b.register(ctx, first, buyer, domain.RoleBuyer)
	if err != nil {
		return nil, err
	}
	if err := b.agree(ctx, ship, pay); err != nil {
		return nil, err
	}
	for from := 0; from < b.options.Open; from += domain.MaxBulk {
		err := together(ctx, from, min(from+domain.MaxBulk, b.options.Open), func(ctx context.Context, i int) error { return b.device(ctx, first, deviceID(i)) })
		if err != nil {
			return nil, err
		}
	}
	amount := domain.Money{Minor: payable, Currency: "USD"}
	return func(ctx context.Context, from, to int) error {
		return together(ctx, from, to, func(ctx context.Context, i int) error {
			id := "s-" + strconv.Itoa(i)
			return b.must(ctx, ship, invoice.Kind, id, "ship", invoice.Opening{Agreement: agreement, Number: id, Payable: amount, Devices: []string{deviceID(i)}})
		})
	}, nil
}

// together does everything from one number to another at once.
func together(ctx context.Context, from, to int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := from; i < to; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

func deviceID(i int) string { return "d-" + strconv.Itoa(i) }

// device registers a device, which only one open shipment may use.
func (b *load) device(ctx context.Context, first *envelope.Signer, id string) error {
	s, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return err
	}
	body := map[string]any{"device": id, "operator": supplier, "gateway": "gateway", "key": s.Key}
	return b.must(ctx, first, domain.GovernanceKind, id, "registerDevice", body)
}

// agree makes the agreement and pays all of it in.
func (b *load) agree(ctx context.Context, ship, pay *envelope.Signer) error {
	const hour domain.Millis = 3_600_000
	now := domain.Millis(time.Now().UnixMilli())
	terms := invoice.Terms{
		Supplier: supplier, Buyer: buyer, Operators: []domain.PartyID{supplier}, Currency: "USD", MaxPayable: payable, ExpiresAt: now + 30*invoice.Day,
		Triggers: []invoice.Trigger{invoice.Delivered},
		Delivery: invoice.Delivery{
			Proof: invoice.ByFence, WithinMillis: 48 * hour, GraceMillis: hour,
			Fence: &invoice.Fence{Latitude: 53_0000000, Longitude: 10_0000000, RadiusMetres: 200, Readings: 2, DwellMillis: hour},
		},
		Sampling:         invoice.Sampling{IntervalMillis: hour, MaxGapMillis: 2 * hour, WaitMillis: hour},
		InspectionMillis: 24 * hour, ResponseMillis: 24 * hour, SilencePercent: "50", DisputePercent: "50",
	}
	hash, err := terms.Hash()
	if err != nil {
		return err
	}
	funds := domain.Money{Minor: int64(b.options.Open) * payable, Currency: "USD"}
	return b.steps(ctx, []step{
		{ship, invoice.Kind, agreement, "propose", invoice.Proposal{Terms: terms, AnswerBy: now + invoice.Day}},
		{pay, invoice.Kind, agreement, "agree", invoice.Agreeing{TermsHash: hash}},
		{b.bank, domain.CashKind, string(bank), "issue", payment{buyer, funds, ""}},
		{pay, invoice.Kind, agreement, "fund", invoice.Funding{Amount: funds}},
	})
}
