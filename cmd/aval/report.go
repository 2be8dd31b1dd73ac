package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/reports"
	"aval/contracts/invoice"
	"aval/domain"
)

func reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "report", Short: "List what is owed, expected, financed and carried, and the trail of an invoice", Args: cobra.NoArgs,
		Long: `Lists for people and for spreadsheets, out of the records that the key's party may see. Each is a page for the
terminal, with --csv a table, with --json an object with rows and totals. Amounts are those of the ledger; nothing is judged here.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		listCommand("payables", "What a buyer has to pay, by due day",
			"Invoices that the key's party has to pay, by due day, with what was taken off, what is in question, what lateness has cost and whom to pay.", payables),
		listCommand("receivables", "What a supplier is owed, and what will come in by week",
			"Invoices of the key's party by due day, how each is financed and who is owed, and a forecast by week: a financed\ninvoice brings what the financier's claim leaves of it.", receivables),
		listCommand("exposure", "What a financier has out, what it earned, and the yield",
			"Receivables that the key's party reserved or financed: face, advance, what came back, the claim on the day of the report, the price\nso far and what that is in a year, with sums for each buyer.", exposure),
		listCommand("deliveries", "What a carrier brought, when and how warm, and what that cost",
			"Shipments by the time they were due, how late they came, the degree-minutes outside of the band, and, for supplier and buyer, the\npenalties. A carrier sees no amounts on this ledger, and so none here.", deliveries),
		trailCommand(),
	)
	return c
}

// reporter reads what a report is made of.
type reporter struct {
	teller
	asCSV bool
	all   bool
	day   string
	party domain.PartyID
	asOf  domain.Date
}

func (r *reporter) flags(c *cobra.Command) {
	r.teller.flags(c)
	c.Flags().BoolVar(&r.asCSV, "csv", false, "print a table, RFC 4180 with a header line, instead of a page")
}

func listCommand(name, short, long string, make func(context.Context, *reporter) (reports.Sheet, error)) *cobra.Command {
	var r reporter
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Long: long,
		Example: "  aval report " + name + " --key acme.jwk --csv > " + name + ".csv",
		RunE: func(c *cobra.Command, _ []string) error {
			return r.run(c, func(ctx context.Context) (reports.Sheet, error) { return make(ctx, &r) })
		},
	}
	c.Flags().BoolVar(&r.all, "all", false, "also what is settled or over")
	c.Flags().StringVar(&r.day, "as-of", "", "day up to which interest and prices count, like 2026-11-30; by default today, UTC")
	r.flags(c)
	return c
}

func (r *reporter) run(c *cobra.Command, make func(context.Context) (reports.Sheet, error)) error {
	if r.asJSON && r.asCSV {
		return errors.New("--json and --csv: want one of them")
	}
	r.asOf = domain.Day(domain.Millis(time.Now().UnixMilli()))
	if r.day != "" {
		r.asOf = domain.Date(r.day)
		if err := r.asOf.Check("--as-of"); err != nil {
			return err
		}
	}
	return r.open(c, func(ctx context.Context) error {
		var err error
		if r.party, err = r.whose(ctx); err != nil {
			return err
		}
		sheet, err := make(ctx)
		if err != nil {
			return err
		}
		if r.asCSV {
			return sheet.Table().Write(c.OutOrStdout())
		}
		return r.print(c, sheet, func(w io.Writer) { sheet.Write(w) })
	})
}

// class reads all records of a class of invoice/1 that the party may see.
func (r *reporter) class(ctx context.Context, class string, visit func(row) error) error {
	return r.list(ctx, invoice.Kind, "", func(record row) error {
		if !strings.HasPrefix(record.key(), class+"/") {
			return nil
		}
		if err := visit(record); err != nil {
			return fmt.Errorf("read %s: %w", record.ID, err)
		}
		return nil
	})
}

func (r *reporter) bills(ctx context.Context) (all []reports.Bill, err error) {
	err = r.class(ctx, "invoice", func(record row) error {
		b, ok, err := reports.ReadBill(record.Fields, r.asOf)
		if ok {
			all = append(all, b)
		}
		return err
	})
	return all, err
}

func payables(ctx context.Context, r *reporter) (reports.Sheet, error) {
	bills, err := r.bills(ctx)
	if err != nil {
		return reports.Sheet{}, err
	}
	assigned := map[string]domain.PartyID{}
	err = r.class(ctx, "receivable", func(record row) error {
		var a invoice.Assignment
		err := json.Unmarshal(record.Fields, &a)
		if a.NoticeAt != 0 {
			assigned[a.Invoice] = a.Controller
		}
		return err
	})
	if err != nil {
		return reports.Sheet{}, err
	}
	return reports.Payables(r.party, r.asOf, bills, assigned, r.all)
}

func receivables(ctx context.Context, r *reporter) (reports.Sheet, error) {
	bills, err := r.bills(ctx)
	if err != nil {
		return reports.Sheet{}, err
	}
	pledged := map[string]invoice.Receivable{}
	err = r.class(ctx, "receivable", func(record row) error {
		var whole struct {
			Supplier domain.PartyID  `json:"supplier"`
			Currency domain.Currency `json:"currency"`
		}
		if err := json.Unmarshal(record.Fields, &whole); err != nil || whole.Supplier != r.party || whole.Currency == "" {
			return err // somebody else's, of which the party sees less
		}
		var p invoice.Receivable
		err := json.Unmarshal(record.Fields, &p)
		pledged[p.Invoice] = p
		return err
	})
	if err != nil {
		return reports.Sheet{}, err
	}
	return reports.Receivables(r.party, r.asOf, bills, pledged, r.all)
}

func exposure(ctx context.Context, r *reporter) (reports.Sheet, error) {
	var claims []invoice.Claim
	err := r.class(ctx, "receivable", func(record row) error {
		var seen struct {
			Due  json.RawMessage `json:"due"`
			Deal *invoice.Deal   `json:"deal"`
		}
		if err := json.Unmarshal(record.Fields, &seen); err != nil || seen.Deal == nil || seen.Deal.Financier != r.party || !strings.HasPrefix(string(seen.Due), "{") {
			return err // not financed by the party
		}
		var c invoice.Claim
		err := json.Unmarshal(record.Fields, &c)
		claims = append(claims, c)
		return err
	})
	if err != nil {
		return reports.Sheet{}, err
	}
	return reports.Exposures(r.party, r.asOf, claims, r.all)
}

func deliveries(ctx context.Context, r *reporter) (reports.Sheet, error) {
	var all []*reports.Delivery
	byID := map[string]*reports.Delivery{}
	err := r.class(ctx, "shipment", func(record row) error {
		d, err := reports.ReadDelivery(record.Fields)
		all, byID[d.Shipment] = append(all, &d), &d
		return err
	})
	if err == nil {
		err = r.class(ctx, "invoice", func(record row) error { return reports.Penalise(byID, record.Fields) })
	}
	if err != nil {
		return reports.Sheet{}, err
	}
	var list []reports.Delivery
	for _, d := range all {
		if len(d.Excursions) == 0 { // a carrier finds them in the story of the shipment
			if err := r.excursions(ctx, d); err != nil {
				return reports.Sheet{}, err
			}
		}
		list = append(list, *d)
	}
	return reports.Deliveries(r.party, r.asOf, list)
}
