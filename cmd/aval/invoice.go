package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"aval/contracts/invoice/ubl"
	"aval/domain"
)

// errExceptions is returned for a document that was read and does not add up; the exit code is 2.
var errExceptions = errors.New("exceptions")

func invoiceCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "invoice", Short: "Check, import, show and answer the documents of trade",
		Long: `Orders, despatch advices, receipt advices, invoices, credit notes and the answers to them, in UBL 2.1
as EN 16931 and Peppol BIS 3 use it.`,
	}
	c.AddCommand(invoiceCheckCommand(), invoiceImportCommand(), invoiceShowCommand(), invoiceRespondCommand())
	return c
}

func invoiceCheckCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "check FILE.xml", Short: "Read a UBL document and check that it adds up; no node needed", Args: cobra.ExactArgs(1),
		Long: `Read a UBL 2.1 document ("-" for standard input) and check its sums, by EN 16931 (BR-CO-10 to 17 and the
breakdown of VAT) and by Peppol BIS Billing 3 for the lines (R040 to R046, R120). Amounts are printed as the document
declares them; what does not add up is listed with the name of the rule. Besides Invoice and CreditNote it reads
Order, DespatchAdvice, ReceiptAdvice and ApplicationResponse.

Exit code 0: read, and it adds up. 2: read, with exceptions. 1: not readable.`,
		Example: `  aval invoice check invoice.xml
  aval invoice check --json invoice.xml | jq -r '.exceptions[].rule'`,
		RunE: func(c *cobra.Command, args []string) error {
			_, d, err := readDocument(args[0])
			if err != nil {
				return err
			}
			if err := p.print(c, summaryOf(d), func(w io.Writer) { summaryOf(d).write(w) }); err != nil {
				return err
			}
			if len(d.Exceptions) > 0 {
				return errExceptions
			}
			return nil
		},
	}
	p.flag(c)
	return c
}

// readDocument reads a file and gives its bytes beside what they mean.
func readDocument(path string) ([]byte, ubl.Document, error) {
	raw, err := readFile(path, ubl.MaxBytes)
	if err != nil {
		return nil, ubl.Document{}, err
	}
	d, err := ubl.Parse(raw)
	if err != nil {
		return nil, ubl.Document{}, fmt.Errorf("%s: %w", path, err)
	}
	return raw, d, nil
}

// summary is what a person wants to know of a document first. Names are those that issue trackers and accounting programs use.
type summary struct {
	Document string `json:"document"`
	Number   string `json:"number"`
	// TypeCode is that of an invoice, credit note or order, or the code of an answer.
	TypeCode  string          `json:"type_code"`
	IssueDate domain.Date     `json:"issue_date,omitempty"`
	DueDate   domain.Date     `json:"due_date,omitempty"`
	Currency  domain.Currency `json:"currency,omitempty"`
	// PayableMinor is as declared, null if it is missing or no amount.
	PayableMinor *int64          `json:"payable_minor"`
	From         string          `json:"from,omitempty"`
	To           string          `json:"to,omitempty"`
	About        []string        `json:"about,omitempty"`
	Lines        int             `json:"lines"`
	SHA256       string          `json:"sha256"`
	Exceptions   []ubl.Exception `json:"exceptions"`
}

func summaryOf(d ubl.Document) summary {
	s := summary{Document: d.Kind, SHA256: d.SHA256, Exceptions: append([]ubl.Exception{}, d.Exceptions...)}
	switch {
	case d.Invoice != nil:
		i := d.Invoice
		s.Number, s.TypeCode, s.IssueDate, s.DueDate, s.Currency = i.Number, i.TypeCode, i.Issued, i.Due, i.Currency
		s.From, s.To, s.Lines, s.PayableMinor = i.Supplier.Name, i.Buyer.Name, len(i.Lines), minorOf(i.Totals.Payable)
		s.About = append(labelled("order", i.Order), append(referred("despatch", i.Despatches), referred("invoice", i.Preceding)...)...)
	case d.Order != nil:
		o := d.Order
		s.Number, s.TypeCode, s.IssueDate, s.Currency = o.ID, o.TypeCode, o.Issued, o.Currency
		s.From, s.To, s.Lines, s.PayableMinor = o.Buyer.Name, o.Supplier.Name, len(o.Lines), minorOf(o.Totals.Payable)
	case d.Despatch != nil:
		s.Number, s.IssueDate, s.Lines = d.Despatch.ID, d.Despatch.Issued, len(d.Despatch.Lines)
		s.From, s.To, s.About = d.Despatch.Supplier.Name, d.Despatch.Receiver.Name, labelled("order", d.Despatch.Order)
	case d.Receipt != nil:
		s.Number, s.TypeCode, s.IssueDate, s.Lines = d.Receipt.ID, d.Receipt.About, d.Receipt.Issued, len(d.Receipt.Lines)
		s.From, s.To, s.About = d.Receipt.Receiver.Name, d.Receipt.Supplier.Name, labelled("despatch", d.Receipt.Despatch)
	case d.Response != nil:
		s.Number, s.TypeCode, s.IssueDate = d.Response.ID, d.Response.Code, d.Response.Issued
		s.From, s.To, s.About = d.Response.Sender.Name, d.Response.Receiver.Name, labelled("invoice", d.Response.Invoice.ID)
	}
	return s
}

func minorOf(m *domain.Money) *int64 {
	if m == nil {
		return nil
	}
	return &m.Minor
}

func labelled(label, id string) []string {
	if id == "" {
		return nil
	}
	return []string{label + " " + id}
}

func referred(label string, all []ubl.Reference) (list []string) {
	for _, r := range all {
		list = append(list, labelled(label, r.ID)...)
	}
	return list
}

// write shows a document in a terminal. What stands in it is a stranger's text.
func (s summary) write(w io.Writer) {
	fmt.Fprintf(w, "%s %s", s.Document, printable(s.Number))
	if s.TypeCode != "" {
		fmt.Fprintf(w, ", type %s", printable(s.TypeCode))
	}
	if s.IssueDate != "" {
		fmt.Fprintf(w, ", of %s", s.IssueDate)
	}
	fmt.Fprintf(w, "\n  from %s to %s\n", printable(s.From), printable(s.To))
	if len(s.About) > 0 {
		fmt.Fprintf(w, "  about %s\n", printable(strings.Join(s.About, ", ")))
	}
	if s.PayableMinor != nil {
		fmt.Fprintf(w, "  payable %s", domain.Money{Minor: *s.PayableMinor, Currency: s.Currency})
		if s.DueDate != "" {
			fmt.Fprintf(w, " by %s", s.DueDate)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "  %d lines, sha256 %s\n", s.Lines, s.SHA256)
	if len(s.Exceptions) == 0 {
		fmt.Fprintln(w, "  adds up")
	}
	for _, e := range s.Exceptions {
		fmt.Fprintf(w, "  %s at %s: %s\n", e.Rule, e.Path, printable(e.Text))
	}
}

// printable takes out of a stranger's text what could steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
