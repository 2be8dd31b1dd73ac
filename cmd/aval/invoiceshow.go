package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aval/contracts/invoice"
	"aval/domain"
)

func invoiceShowCommand() *cobra.Command {
	var k desk
	var document string
	c := &cobra.Command{
		Use: "show ID", Short: "Show an invoice, a shipment, an agreement or a credit, and what it waits for", Args: cobra.ExactArgs(1),
		Long: `Show how an invoice stands: what was declared, what lowers it and why, what is paid, what is awaited next, from
whom, and what happens otherwise. ID is that of an invoice, else of a shipment, an agreement or a credit; invoice/ID,
shipment/ID and so on say which. --document writes the file that was sent beside it with "aval invoice
import --attach", once its hash is found to be the one that the ledger has.`,
		Example: "  aval invoice show --key buyer.jwk RE-2026-0815",
		RunE: func(c *cobra.Command, args []string) error {
			return k.at(c, func(ctx context.Context) error {
				s, err := k.find(ctx, args[0])
				if err != nil {
					return err
				}
				if document != "" {
					if err := k.fetch(ctx, s, document); err != nil {
						return err
					}
				}
				return k.printer.print(c, s, s.describe)
			})
		},
	}
	c.Flags().StringVar(&document, "document", "", "file to write the document to that was sent beside the record")
	k.remote.flags(c)
	k.printer.flag(c)
	return c
}

// fetch writes the document of a record.
func (k *desk) fetch(ctx context.Context, s recordState, path string) error {
	var hash struct {
		DocumentSHA256 string `json:"documentSha256"`
	}
	if err := json.Unmarshal(s.Fields, &hash); err != nil {
		return err
	}
	raw, err := k.attached(ctx, s.Record, hash.DocumentSHA256)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// find looks an ID up in each class of record until one has it.
func (k *desk) find(ctx context.Context, id string) (s recordState, err error) {
	classes := []string{"invoice", "shipment", "agreement", "credit"}
	if class, rest, named := strings.Cut(id, "/"); named {
		if !slices.Contains(classes, class) {
			return s, fmt.Errorf("%s: want an ID, or %s/ID", id, strings.Join(classes, "/ID, "))
		}
		classes, id = []string{class}, rest
	}
	if err := domain.CheckID("ID", id); err != nil {
		return s, err
	}
	for _, class := range classes {
		if s, err = k.stand(ctx, class, id); !notThere(err) {
			return s, err
		}
	}
	return s, fmt.Errorf("%s: no invoice, shipment, agreement or credit of yours: %w", id, err)
}

// describe shows a record and, of an invoice, its money.
func (s recordState) describe(w io.Writer) {
	s.write(w)
	var b invoice.Bill
	if !strings.HasPrefix(string(s.Record), string(domain.NewRecordID(invoice.Kind, "invoice/"))) || json.Unmarshal(s.Fields, &b) != nil {
		return
	}
	money := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: b.Payment.Currency} }
	fmt.Fprintf(w, "  number %s, type %s, from %s to %s\n  payable %s\n", b.Number, b.TypeCode, b.Payment.Supplier, b.Payment.Buyer, money(b.Payable))
	for _, d := range b.Deductions {
		fmt.Fprintf(w, "  less %s for %s\n", money(d.Minor), strings.Join(strings.Fields(fmt.Sprint(d.Kind, " ", d.Shipment, " ", d.Line, " ", d.Reason)), " "))
	}
	if b.Claim > 0 {
		fmt.Fprintf(w, "  in question %s, %s\n", money(b.Claim), b.Reason)
	}
	if b.Paid > 0 {
		fmt.Fprintf(w, "  paid %s\n", money(b.Paid))
	}
	if b.DocumentSHA256 != "" {
		fmt.Fprintf(w, "  document sha256 %s\n", b.DocumentSHA256)
	}
}
