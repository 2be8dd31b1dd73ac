package demo

import (
	"context"
	"fmt"

	"aval/cmd/aval/trade"
	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	papers "aval/fixtures/trade"
)

// The first delivery is told by the documents that its parties exchange. Their numbers are IDs on the ledger.
const (
	orderID     = "KF-2026-0117"
	warmInvoice = "RE-2026-0815"
)

// paper reads one document of the trade, and wants it to add up.
func paper(text string) (ubl.Document, error) {
	d, err := ubl.Parse([]byte(text))
	if err == nil && len(d.Exceptions) > 0 {
		err = fmt.Errorf("%s: %v", d.Kind, d.Exceptions)
	}
	return d, err
}

// order makes an agreement of the buyer's order and the terms, and funds it.
func (w *world) order(ctx context.Context) (invoice.Agreement, error) {
	d, err := paper(papers.Order())
	if err != nil {
		return invoice.Agreement{}, err
	}
	proposal, err := trade.Proposal(d.Order, terms(w.millis()+30*invoice.Day), w.millis()+invoice.Day)
	if err != nil {
		return invoice.Agreement{}, err
	}
	w.say("   order %s: %d lines for %s", d.Order.ID, len(d.Order.Lines), d.Order.Totals.Payable)
	a := invoice.Agreement{ID: orderID, Terms: proposal.Terms}
	return a, w.conclude(ctx, orderID, buyer, supplier, proposal, *d.Order.Totals.Payable)
}

// despatch opens the shipment that a despatch advice announces.
func (w *world) despatch(ctx context.Context, a invoice.Agreement, s *sensor) error {
	d, err := paper(papers.DespatchAdvice())
	if err != nil {
		return err
	}
	body, err := trade.Opening(d.Despatch, a, []string{s.id})
	if err != nil {
		return err
	}
	w.say("   despatch advice %s: %d lines, SSCC %s", d.Despatch.ID, len(body.Lines), body.SSCC)
	return w.parties[supplier].send(ctx, invoice.Kind, s.shipment, "ship", body)
}

// bill declares the invoice about what was despatched.
func (w *world) bill(ctx context.Context, a invoice.Agreement) error {
	d, err := paper(papers.Invoice())
	if err != nil {
		return err
	}
	body, err := trade.Declaration(d, a, nil)
	if err != nil {
		return err
	}
	w.say("   invoice %s: %s, of sha256 %.16s..., about %s", body.Number, body.Payable, body.DocumentSHA256, body.Shipments[0])
	return w.parties[supplier].send(ctx, invoice.Kind, warmInvoice, "invoice", body)
}
