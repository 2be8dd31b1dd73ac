package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"aval/contracts/cash"
	"aval/domain"
)

func cashCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "cash", Short: "Pay out by bank messages: export pain.001, import pain.002 and camt.054", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(cashExportCommand(), cashImportCommand(), cashCheckCommand())
	return c
}

// treasury is a teller of a bank that issues money.
type treasury struct {
	teller
	bank domain.PartyID
}

// learn finds out from a currency's record, which its issuer alone sees, whose treasury this is; nobody's if the party issues no money.
func (t *treasury) learn(ctx context.Context) error {
	return t.list(ctx, domain.CashKind, cash.Issued, func(r row) error {
		var currency cash.Currency
		err := json.Unmarshal(r.Fields, &currency)
		t.bank = currency.Issuer
		return err
	})
}

// enter opens a session of a bank that issues money.
func (t *treasury) enter(c *cobra.Command, work func(context.Context) error) error {
	return t.open(c, func(ctx context.Context) error {
		if err := t.learn(ctx); err != nil {
			return err
		}
		if t.bank == "" {
			return errors.New("the key's party issues no money on this ledger, so it has nothing to pay out")
		}
		return work(ctx)
	})
}

// redemptions reads those of the bank in any of these statuses.
func (t *treasury) redemptions(ctx context.Context, statuses ...string) (all []cash.Redemption, err error) {
	for _, status := range statuses {
		err := t.list(ctx, domain.CashKind, status, func(r row) error {
			var one cash.Redemption
			if err := json.Unmarshal(r.Fields, &one); err != nil || one.Bank != t.bank || r.key() != "redemption/"+one.ID {
				return err
			}
			all = append(all, one)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
