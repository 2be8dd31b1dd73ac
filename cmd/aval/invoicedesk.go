package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/trade"
	"aval/contracts/invoice"
	"aval/domain"
	"aval/ledger"
)

// desk signs, sends and reads for the commands about invoices.
type desk struct {
	submitter
}

func (k *desk) flags(c *cobra.Command) {
	c.Flags().StringVar(&k.receipts, "receipts", "", "folder to save receipts in, as ID.tlog-proof")
	k.remote.flags(c)
	k.printer.flag(c)
	k.wait = ledger.ForReceipt
}

// at does work with a connection as the key's party.
func (k *desk) at(c *cobra.Command, work func(context.Context) error) error {
	ctx, cancel, err := k.remote.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	if k.client, err = k.remote.connect(ctx); err != nil {
		return err
	}
	return work(ctx)
}

// book signs a command and sends it.
func (k *desk) book(ctx context.Context, q request) (ledger.Reply, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return ledger.Reply{}, err
	}
	jws, fresh, err := k.prepare(ctx, text)
	if err != nil {
		return ledger.Reply{}, err
	}
	command, err := openSubmission(jws)
	if err != nil {
		return ledger.Reply{}, err
	}
	return k.deliver(ctx, jws, command.ID, fresh)
}

// recordState is a record of invoice/1 and what it waits for.
type recordState struct {
	Record  domain.RecordID `json:"record"`
	Status  string          `json:"status"`
	Awaited trade.Awaited   `json:"awaited"`
	Fields  json.RawMessage `json:"fields,omitempty"`
}

// look reads a record, "invoice/RE-1", into fields.
func (k *desk) look(ctx context.Context, key string, fields any) (recordState, error) {
	id := domain.NewRecordID(invoice.Kind, key)
	body, err := k.client.Get(ctx, "/v1/contracts/"+string(id))
	if err != nil {
		return recordState{}, fmt.Errorf("%s: %w", key, err)
	}
	s := recordState{Record: id}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", key, err)
	}
	s.Record = id
	return s, json.Unmarshal(s.Fields, fields)
}

// stand reads a record of a class and says what it waits for.
func (k *desk) stand(ctx context.Context, class, id string) (recordState, error) {
	switch class {
	case "agreement":
		var a invoice.Agreement
		s, err := k.look(ctx, "agreement/"+id, &a)
		s.Awaited = trade.OfAgreement(a)
		return s, err
	case "shipment":
		var g invoice.Shipment
		s, err := k.look(ctx, "shipment/"+id, &g)
		s.Awaited = trade.OfShipment(g)
		return s, err
	case "credit":
		var r invoice.Credit
		s, err := k.look(ctx, "credit/"+id, &r)
		s.Awaited = trade.OfCredit(r)
		return s, err
	}
	var b invoice.Bill
	s, err := k.look(ctx, "invoice/"+id, &b)
	s.Awaited = trade.OfInvoice(b)
	return s, err
}

// notThere says whether an error is the answer to a record that is not there, or not yours.
func notThere(err error) bool {
	var answered *client.Error
	return errors.As(err, &answered) && answered.Status == http.StatusNotFound
}

// write shows a record in two lines.
func (s recordState) write(w io.Writer) {
	fmt.Fprintf(w, "%s is %s\n  awaited: %s\n", s.Record, s.Status, s.Awaited)
}
