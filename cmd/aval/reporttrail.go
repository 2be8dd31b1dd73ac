package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aval/cmd/aval/reports"
	"aval/contracts/cash"
	"aval/contracts/invoice"
	"aval/domain"
	"aval/ledger"
)

func trailCommand() *cobra.Command {
	var r reporter
	var receipts string
	c := &cobra.Command{
		Use: "trail INVOICE", Short: "Print the trail of one invoice, from order to bank statement", Args: cobra.ExactArgs(1),
		Long: `Print everything that happened to an invoice: agreement, shipments, invoice, dispute, credits, receivable, and the
redemptions that name its number, down to the messages of the bank; each event with its index, the money that it moved,
the hashes of documents, terms, evidence and messages, and where its receipt is. You see what is yours; an auditor what it was granted.

--receipts DIR saves the receipt of every entry, to be checked with "aval verify --policy FILE DIR/INDEX.tlog-proof".`,
		Example: "  aval report trail --key auditor.jwk --receipts proofs RE-2026-0815",
		RunE: func(c *cobra.Command, args []string) error {
			return r.run(c, func(ctx context.Context) (reports.Sheet, error) { return r.trail(ctx, args[0], receipts) })
		},
	}
	c.Flags().StringVar(&receipts, "receipts", "", "folder to save receipts in, as INDEX.tlog-proof")
	r.flags(c)
	return c
}

// excursions reads from a shipment's story what was outside of the band.
func (r *reporter) excursions(ctx context.Context, d *reports.Delivery) error {
	id := domain.NewRecordID(invoice.Kind, "shipment/"+d.Shipment)
	return r.client.History(ctx, id, func(page ledger.EntryPage) error {
		for _, e := range page.Entries {
			for _, event := range e.Events {
				var found invoice.Excursion
				if event.Name == "ExcursionFound" && event.Record == id && json.Unmarshal(event.Body, &found) == nil {
					d.Excursions = append(d.Excursions, found.DegreeMinutes)
				}
			}
		}
		return nil
	})
}

func (r *reporter) trail(ctx context.Context, id, receipts string) (reports.Sheet, error) {
	records, err := r.related(ctx, id)
	if err != nil {
		return reports.Sheet{}, err
	}
	var all []reports.Told
	saved := map[uint64]bool{}
	for _, record := range records {
		told := reports.Told{Record: record.ID, Fields: record.Fields}
		err := r.client.History(ctx, record.ID, func(page ledger.EntryPage) error {
			told.Entries = append(told.Entries, page.Entries...)
			return nil
		})
		if err != nil {
			return reports.Sheet{}, err
		}
		if len(told.Entries) == 0 { // a message has no events of its own: it was written with those of its payments
			told.Entries = writtenWith(told, all)
		}
		for _, e := range told.Entries {
			saved[e.Index] = true
		}
		all = append(all, told)
	}
	where := func(index uint64) string { return fmt.Sprintf("/v1/receipts/%d", index) }
	if receipts != "" {
		where = func(index uint64) string { return filepath.Join(receipts, fmt.Sprintf("%d.tlog-proof", index)) }
		if err := r.saveReceipts(ctx, receipts, saved, where); err != nil {
			return reports.Sheet{}, err
		}
	}
	return reports.Trail(r.party, r.asOf, all, where), nil
}

func (r *reporter) saveReceipts(ctx context.Context, dir string, indexes map[uint64]bool, where func(uint64) string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for index := range indexes {
		text, err := r.client.Get(ctx, fmt.Sprintf("/v1/receipts/%d", index))
		if err != nil {
			return fmt.Errorf("receipt of entry %d: %w", index, err)
		}
		if err := os.WriteFile(where(index), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// related finds the records that belong to an invoice, as far as the party sees them.
func (r *reporter) related(ctx context.Context, id string) (all []row, err error) {
	var b invoice.Bill
	var number string
	found := false
	shipments := map[string]bool{}
	err = r.class(ctx, "invoice", func(record row) error {
		if record.key() != "invoice/"+id {
			return nil
		}
		found = true
		var form struct {
			Payment *json.RawMessage `json:"payment"`
		}
		if err := json.Unmarshal(record.Fields, &form); err != nil || form.Payment == nil {
			return err
		}
		err := json.Unmarshal(record.Fields, &b)
		for _, s := range b.Shipments {
			shipments[s] = true
		}
		number = b.Number
		return err
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("invoice %s: not found, or not yours", printable(id))
	}
	belongs := func(record row) bool {
		class, name, _ := strings.Cut(record.key(), "/")
		switch class {
		case "invoice", "receivable", "dispute", "guarantee", "debt":
			return name == id || strings.HasPrefix(name, id+"/")
		case "agreement":
			return name == b.Agreement
		case "shipment":
			return shipments[name]
		case "credit":
			var credit invoice.Credit
			return json.Unmarshal(record.Fields, &credit) == nil && credit.Invoice == id
		}
		return false
	}
	err = r.list(ctx, invoice.Kind, "", func(record row) error {
		if belongs(record) {
			all = append(all, record)
		}
		return nil
	})
	if err == nil && number != "" {
		err = r.list(ctx, domain.CashKind, "", func(record row) error {
			if paysFor(record, number, b.Payment.Supplier) {
				all = append(all, record)
			}
			return nil
		})
	}
	if err == nil {
		all, err = r.messages(ctx, all)
	}
	return all, err
}

// messages adds the bank's records of the messages about redemptions, with their hashes, for who may see them: the bank, and auditors.
func (r *reporter) messages(ctx context.Context, all []row) ([]row, error) {
	paid := map[string]bool{}
	for _, record := range all {
		if id, is := strings.CutPrefix(record.key(), "redemption/"); is {
			paid[id] = true
		}
	}
	if len(paid) == 0 {
		return all, nil
	}
	var payments, others []row
	ids := map[string]bool{}
	err := r.list(ctx, domain.CashKind, "", func(record row) error {
		switch class, name, _ := strings.Cut(record.key(), "/"); class {
		case "payment":
			var p cash.Pointer
			if err := json.Unmarshal(record.Fields, &p); err != nil {
				return err
			}
			if paid[p.Redemption] {
				ids[name], ids[p.Message] = true, true
			}
		case "instruction":
			payments = append(payments, record)
		case "advice":
			if !strings.Contains(name, "/") { // each stands twice, the second time under its hash
				others = append(others, record)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, record := range payments {
		if ids[strings.TrimPrefix(record.key(), "instruction/")] {
			all = append(all, record)
		}
	}
	for _, record := range others {
		var a cash.Advice
		if err := json.Unmarshal(record.Fields, &a); err != nil {
			return nil, err
		}
		if ids[a.EndToEndID] {
			all = append(all, record)
		}
	}
	return all, nil
}

// paysFor says whether a record is a redemption by that party that names the document.
func paysFor(record row, number string, holder domain.PartyID) bool {
	var p cash.Redemption
	if !strings.HasPrefix(record.key(), "redemption/") || json.Unmarshal(record.Fields, &p) != nil || p.Payout == nil || p.Holder != holder {
		return false
	}
	for _, d := range p.Payout.Documents {
		if d.Number == number {
			return true
		}
	}
	return false
}

// writtenWith finds the entry that wrote a record of a bank message, by what a redemption told in it.
func writtenWith(message reports.Told, all []reports.Told) []ledger.EntryView {
	var m struct {
		Message string `json:"message"`
		Entry   string `json:"entry"`
	}
	if json.Unmarshal(message.Fields, &m) != nil || m.Message == "" {
		return nil
	}
	for _, told := range all {
		for _, e := range told.Entries {
			for _, event := range e.Events {
				var r cash.Redemption
				if json.Unmarshal(event.Body, &r) != nil || r.Payment == nil {
					continue
				}
				heard := r.Payment.Heard
				if m.Entry == "" && e.Name == "instruct" && r.Payment.Message == m.Message || heard != nil && *heard == (cash.Place{Message: m.Message, Entry: m.Entry}) {
					return []ledger.EntryView{{Index: e.Index, BookedAt: e.BookedAt, Name: e.Name}}
				}
			}
		}
	}
	return nil
}
