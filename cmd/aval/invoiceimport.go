package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/trade"
	"aval/contracts/cash"
	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	"aval/domain"
	"aval/domain/canon"
	"aval/ledger"
)

func invoiceImportCommand() *cobra.Command {
	var i documentImport
	c := &cobra.Command{
		Use: "import FILE.xml", Short: "Turn a UBL document into a command and submit it", Args: cobra.ExactArgs(1),
		Long: `Check a UBL document as "aval invoice check" does, turn it into a command of invoice/1, sign it with your key and
submit it. Prints what happened, what is awaited next and from whom.

  Order           proposes an agreement: --terms FILE holds the terms without their lines
  DespatchAdvice  opens a shipment: --device names each device that rides along
  ReceiptAdvice   receives a shipment
  Invoice         declares an invoice about the shipments of its despatch references, or of --shipment
  CreditNote      credits the invoice that it refers to; a negative invoice does so too
  ApplicationResponse  answers an invoice, as "aval invoice respond" does

IDs are made of the documents' numbers: the agreement has that of the order, the shipment that of the despatch advice,
the invoice its own. The hash of the file goes with an invoice; --attach sends the file itself beside the signed text,
for the other party to read. A document that does not add up is not submitted: exit 2, as with check.`,
		Example: `  aval invoice import --key buyer.jwk --terms terms.json order.xml
  aval invoice import --key supplier.jwk --device sensor-1 despatch-advice.xml
  aval invoice import --key supplier.jwk --attach invoice.xml`,
		RunE: func(c *cobra.Command, args []string) error { return i.run(c, args[0]) },
	}
	c.Flags().StringVar(&i.id, "id", "", "ID of the new record, by default made of the document's number")
	c.Flags().StringVar(&i.agreement, "agreement", "", "ID of the agreement, by default made of the order's number")
	c.Flags().StringVar(&i.terms, "terms", "", "order: file with the terms")
	c.Flags().DurationVar(&i.answerIn, "answer-in", 72*time.Hour, "order: how long the proposal stays open, at most until its terms expire")
	c.Flags().StringArrayVar(&i.devices, "device", nil, "despatch advice: a device that rides along; repeat for each")
	c.Flags().StringArrayVar(&i.shipments, "shipment", nil, "invoice: ID of a shipment that it covers; repeat for each")
	c.Flags().BoolVar(&i.keep, "keep", false, "receipt advice: consent to keep what was sent beyond the order")
	c.Flags().StringVar(&i.deduct, "deduct", "", "answer: amount in question, as 12.50")
	c.Flags().BoolVar(&i.attach, "attach", false, "send the file beside the signed text, readable by the other party")
	i.flags(c)
	return c
}

// documentImport is one run of import.
type documentImport struct {
	desk
	id, agreement, terms, deduct string
	answerIn                     time.Duration
	devices, shipments           []string
	keep, attach                 bool
	raw                          []byte
}

// importedDocument is what import prints.
type importedDocument struct {
	Document string       `json:"document"`
	Number   string       `json:"number"`
	SHA256   string       `json:"sha256"`
	Command  string       `json:"command"`
	Reply    ledger.Reply `json:"reply"`
	recordState
}

func (i *documentImport) run(c *cobra.Command, path string) error {
	raw, d, err := readDocument(path)
	if err != nil {
		return err
	}
	i.raw = raw
	if len(d.Exceptions) > 0 {
		return i.refuse(c, d)
	}
	return i.at(c, func(ctx context.Context) error {
		q, class, err := i.command(ctx, &d)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(d.Exceptions) > 0 {
			return i.refuse(c, d)
		}
		reply, err := i.book(ctx, q)
		if err != nil {
			return err
		}
		s, err := i.stand(ctx, class, q.Contract)
		if err != nil {
			return err
		}
		result := importedDocument{d.Kind, summaryOf(d).Number, d.SHA256, q.Name, reply, s}
		result.Fields = nil
		return i.printer.print(c, result, func(w io.Writer) {
			fmt.Fprintf(w, "%s %s: %s booked at index %d\n", d.Kind, printable(result.Number), q.Name, reply.Index)
			s.write(w)
		})
	})
}

// refuse shows what is wrong with a document, which is not submitted.
func (i *documentImport) refuse(c *cobra.Command, d ubl.Document) error {
	return errors.Join(i.print(c, summaryOf(d), func(w io.Writer) {
		summaryOf(d).write(w)
		fmt.Fprintln(w, "  not submitted")
	}), errExceptions)
}

func (i *documentImport) print(c *cobra.Command, v any, text func(io.Writer)) error {
	return i.printer.print(c, v, text)
}

// command makes the command that a document stands for, and says which class of record it is about. What the ledger
// knows and the document contradicts is added to its exceptions.
func (i *documentImport) command(ctx context.Context, d *ubl.Document) (q request, class string, err error) {
	var body any
	switch {
	case d.Order != nil:
		q.Name, class = "propose", "agreement"
		body, err = i.proposal(d.Order)
		err = errors.Join(err, i.name(&q, d.Order.ID))
	case d.Despatch != nil:
		q.Name, class = "ship", "shipment"
		var a invoice.Agreement
		if a, err = i.under(ctx, d.Despatch.Order); err == nil {
			body, err = trade.Opening(d.Despatch, a, i.devices)
			err = errors.Join(err, i.enclose(&q, a))
		}
		err = errors.Join(err, i.name(&q, d.Despatch.ID))
	case d.Receipt != nil:
		q.Name, class = "receive", "shipment"
		body, err = trade.Receipt(d.Receipt, i.keep)
		err = errors.Join(err, i.name(&q, d.Receipt.Despatch))
	case d.Response != nil:
		q.Name, class = "respond", "invoice"
		if err = i.name(&q, d.Response.Invoice.ID); err == nil {
			body, err = i.answer(ctx, q.Contract, d.Response)
		}
	default:
		q.Name, class = "invoice", "invoice"
		var a invoice.Agreement
		if a, err = i.under(ctx, d.Invoice.Order); err == nil {
			if trade.Credits(*d) {
				q.Name, class = "credit", "credit"
				body, err = trade.Crediting(*d, a)
			} else {
				body, err = trade.Declaration(*d, a, i.shipments)
				err = errors.Join(err, i.payee(ctx, d, a))
			}
			err = errors.Join(err, i.enclose(&q, a))
		}
		err = errors.Join(err, i.name(&q, d.Invoice.Number))
	}
	if err != nil {
		return q, class, err
	}
	q.Kind = invoice.Kind
	q.Body, err = json.Marshal(body)
	return q, class, err
}

// name gives a command its record: --id, or an ID made of a number.
func (i *documentImport) name(q *request, number string) (err error) {
	if q.Contract = i.id; i.id == "" {
		q.Contract, err = trade.ID(number)
	}
	return err
}

// under reads the agreement that a document belongs to.
func (i *documentImport) under(ctx context.Context, order string) (invoice.Agreement, error) {
	id, err := i.agreement, error(nil)
	if id == "" {
		if id, err = trade.ID(order); err != nil {
			return invoice.Agreement{}, errors.New("the document names no order: give --agreement")
		}
	}
	var a invoice.Agreement
	if _, err = i.look(ctx, "agreement/"+id, &a); notThere(err) {
		err = fmt.Errorf("agreement %s: none of yours; name another with --agreement", id)
	}
	return a, err
}

// payee compares whom a document asks to pay with whom the ledger pays.
func (i *documentImport) payee(ctx context.Context, d *ubl.Document, a invoice.Agreement) error {
	id := domain.NewRecordID(domain.CashKind, fmt.Sprintf("payto/%s/%s", a.Terms.Supplier, a.Terms.Currency))
	var record struct {
		Fields cash.PayTo `json:"fields"`
	}
	body, err := i.client.Get(ctx, "/v1/contracts/"+string(id))
	if err == nil {
		err = json.Unmarshal(body, &record)
	} else if notThere(err) {
		err = nil
	}
	d.Exceptions = append(d.Exceptions, trade.CheckPayee(d.Invoice, record.Fields.Account)...)
	return err
}

// answer makes the body of an answer to an invoice, in whose currency the amount in question is.
func (i *documentImport) answer(ctx context.Context, id string, r *ubl.Response) (json.RawMessage, error) {
	var b invoice.Bill
	if _, err := i.look(ctx, "invoice/"+id, &b); err != nil {
		return nil, err
	}
	reason := r.First(ubl.StatusReason)
	if slices.Contains([]string{ubl.Acknowledged, ubl.InProcess, ubl.Accepted, ubl.Paid}, r.Code) {
		reason = "" // what is heard or accepted in full may be explained in a file; the ledger asks for a reason where something is refused
	}
	return answerOf(b, r.Code, reason, r.First(ubl.StatusAction), i.deduct)
}

// proposal reads the terms beside an order.
func (i *documentImport) proposal(o *ubl.Order) (invoice.Proposal, error) {
	if i.terms == "" {
		return invoice.Proposal{}, errors.New("an order says what is bought, not what proves its delivery: give --terms FILE")
	}
	text, err := readInput(i.terms)
	if err != nil {
		return invoice.Proposal{}, err
	}
	var terms invoice.Terms
	if err := canon.DecodeJSON(text, &terms); err != nil {
		return invoice.Proposal{}, fmt.Errorf("%s: %w", i.terms, err)
	}
	answerBy := domain.Millis(time.Now().Add(i.answerIn).UnixMilli())
	return trade.Proposal(o, terms, min(answerBy, terms.ExpiresAt))
}
