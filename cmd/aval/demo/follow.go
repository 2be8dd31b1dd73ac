package demo

import (
	"context"
	"errors"
	"fmt"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
)

// follow reads a party's event stream from the first entry to the present. The party marks
// the present by asking for a payment that it cannot make: refusals are entries with receipts too.
func (w *world) follow(ctx context.Context, p *party, each func(ledger.EntryView) error) error {
	last, err := p.overdraw(ctx)
	if err != nil {
		return err
	}
	end := errors.New("the present")
	err = p.client.Events(ctx, 0, func(e ledger.EntryView) error {
		if err := each(e); err != nil {
			return err
		}
		if e.Index >= last {
			return end
		}
		return nil
	})
	if errors.Is(err, end) {
		return nil
	}
	return err
}

// overdraw asks for more than anybody has and gives the index of the refusal.
func (p *party) overdraw(ctx context.Context) (uint64, error) {
	body := map[string]any{"to": bank, "amount": domain.Money{Minor: domain.MaxMinor, Currency: "EUR"}, "reference": "too much"}
	jws, err := p.sign(domain.CashKind, string(bank), "transfer", body)
	if err != nil {
		return 0, err
	}
	reply, err := p.client.Submit(ctx, jws, ledger.ForReceipt)
	var refusal *domain.Rejection
	if !errors.As(err, &refusal) || refusal.Code != domain.InsufficientFunds {
		return 0, fmt.Errorf("an overdraft of %s was not refused: %v", p.id, err)
	}
	p.world.check([]byte(reply.Receipt), p.id, reply.Index)
	return reply.Index, nil
}

func verifyFolder(dir string) (ledger.Report, error) {
	folder, err := node.OpenFolder(dir)
	if err != nil {
		return ledger.Report{}, err
	}
	return folder.Verify(nil)
}
