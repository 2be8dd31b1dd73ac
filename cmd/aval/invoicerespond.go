package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	"aval/domain"
	"aval/ledger"
)

func invoiceRespondCommand() *cobra.Command {
	var a answering
	c := &cobra.Command{
		Use: "respond ID CODE", Short: "Answer an invoice in the codes of the Peppol Invoice Response", Args: cobra.ExactArgs(2),
		Long: `Answer an invoice as its buyer. CODE is that of a Peppol Invoice Response:

  AB  received          IP  in process       PD  paid                        these are heard and change nothing
  AP  accepted          CA  accepted less --deduct        RE  rejected       UQ  under query, --deduct or all of it

CA, RE and UQ need a --reason: REF, LEG, REC, QUA, DEL, PRI, QTY, ITM, PAY, UNR, FIN, PPD or OTH. --action asks for
something: NOA, PIN, NIN, CNF, CNP, CNA or OTH. --out also writes the answer as a UBL ApplicationResponse
for the supplier's own programs; --document gives the invoice file, for the names and addresses in it.`,
		Example: `  aval invoice respond --key buyer.jwk RE-2026-0815 AP
  aval invoice respond --key buyer.jwk RE-2026-0815 UQ --reason QTY --action CNP --deduct 3883.08 --out answer.xml`,
		RunE: func(c *cobra.Command, args []string) error { return a.run(c, args[0], args[1]) },
	}
	c.Flags().StringVar(&a.reason, "reason", "", "why: a code of Peppol's list OPStatusReason")
	c.Flags().StringVar(&a.action, "action", "", "what the supplier shall do: a code of Peppol's list OPStatusAction")
	c.Flags().StringVar(&a.deduct, "deduct", "", "amount in question, in the currency of the invoice, as 3883.08")
	c.Flags().StringVar(&a.words, "text", "", "the reason in words, for the file")
	c.Flags().StringVar(&a.document, "document", "", "the invoice file that is answered, for --out")
	c.Flags().StringVar(&a.out, "out", "", "file to write the answer to, as a UBL ApplicationResponse")
	a.flags(c)
	return c
}

// answering is one run of respond.
type answering struct {
	desk
	reason, action, deduct, words, document, out string
}

// answered is what respond prints.
type answered struct {
	Command string       `json:"command"`
	Reply   ledger.Reply `json:"reply"`
	File    string       `json:"file,omitempty"`
	recordState
}

func (a *answering) run(c *cobra.Command, id, code string) error {
	if err := domain.CheckID("ID", id); err != nil {
		return err
	}
	return a.at(c, func(ctx context.Context) error {
		var b invoice.Bill
		if _, err := a.look(ctx, "invoice/"+id, &b); err != nil {
			return err
		}
		body, err := answerOf(b, code, a.reason, a.action, a.deduct)
		if err != nil {
			return err
		}
		text, err := a.file(b, code)
		if err != nil {
			return err
		}
		q := request{Kind: invoice.Kind, Contract: id, Name: "respond", Body: body}
		reply, err := a.book(ctx, q)
		if err != nil {
			return err
		}
		if a.out != "" {
			if err := os.WriteFile(a.out, text, 0o600); err != nil {
				return fmt.Errorf("the answer is booked, its file is not written: %w", err)
			}
		}
		s, err := a.stand(ctx, "invoice", id)
		if err != nil {
			return err
		}
		s.Fields = nil
		return a.printer.print(c, answered{q.Name, reply, a.out, s}, func(w io.Writer) {
			fmt.Fprintf(w, "%s answered %s at index %d\n", id, code, reply.Index)
			s.write(w)
		})
	})
}

// answerOf makes the body of an answer. The ledger knows which codes want which fields.
func answerOf(b invoice.Bill, code, reason, action, deduct string) (json.RawMessage, error) {
	body := invoice.Response{Code: code, Reason: reason, Action: action}
	if deduct != "" {
		amount, err := decimal.NewFromString(deduct)
		if err != nil || len(deduct) > ubl.MaxDigits || strings.Trim(deduct, "0123456789.") != "" { // no exponents
			return nil, fmt.Errorf("--deduct %.40q: want an amount such as 3883.08", deduct)
		}
		minor, rest, err := domain.Round(amount, b.Payment.Currency)
		if err != nil || !rest.IsZero() || minor <= 0 {
			return nil, fmt.Errorf("--deduct %.40q: want more than zero, and no more decimals than %s has", deduct, b.Payment.Currency)
		}
		body.Deduction = minor
	}
	return json.Marshal(body)
}

// file writes the answer as a document, before anything is sent: an answer that makes no document is none.
func (a *answering) file(b invoice.Bill, code string) ([]byte, error) {
	if a.out == "" {
		return nil, nil
	}
	now := time.Now()
	r := ubl.Response{
		ID: fmt.Sprintf("%s-%s-%d", b.ID, code, now.Unix()), Issued: domain.Day(domain.Millis(now.UnixMilli())), Code: code,
		Invoice: ubl.Reference{ID: b.Number, TypeCode: b.TypeCode},
		Sender:  ubl.Party{Name: string(b.Payment.Buyer)}, Receiver: ubl.Party{Name: string(b.Payment.Supplier)},
	}
	if a.document != "" {
		_, d, err := readDocument(a.document)
		if err != nil {
			return nil, err
		}
		if d.Invoice == nil || b.DocumentSHA256 != "" && b.DocumentSHA256 != d.SHA256 {
			return nil, errors.New("--document is not the file that the ledger's invoice was made of")
		}
		r.Invoice, r.Sender, r.Receiver = ubl.Reference{ID: d.Invoice.Number, Date: string(d.Invoice.Issued), TypeCode: d.Invoice.TypeCode}, d.Invoice.Buyer, d.Invoice.Supplier
	}
	for _, reason := range []ubl.Reason{{List: ubl.StatusReason, Code: a.reason, Text: a.words}, {List: ubl.StatusAction, Code: a.action}} {
		if reason.Code != "" {
			r.Reasons = append(r.Reasons, reason)
		}
	}
	return r.Format()
}
