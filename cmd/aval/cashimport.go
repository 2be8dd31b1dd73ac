package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// importer turns the words of one bank message into commands.
type importer struct {
	treasury
	hash string
	done imported
	// bookings is the message if it is a camt.054.
	bookings *iso20022.Bookings
}

// imported is what became of a bank message, word by word.
type imported struct {
	File    string     `json:"file"`
	Message string     `json:"message"`
	Version string     `json:"version"`
	Hash    string     `json:"hash"`
	Words   []heard    `json:"words"`
	Doubts  []doubtful `json:"exceptions"`
}

type doubtful = iso20022.Exception

// heard is what became of one word.
type heard struct {
	Entry      string        `json:"entry"`
	EndToEndID string        `json:"endToEndId,omitempty"`
	Amount     *domain.Money `json:"amount,omitempty"`
	// Says is what the bank said: "BOOK DBIT", "RJCT AC04". Outcome is one of the words below.
	Says       string `json:"says"`
	Outcome    string `json:"outcome"`
	Detail     string `json:"detail,omitempty"`
	Redemption string `json:"redemption,omitempty"`
	Invoice    string `json:"invoice,omitempty"`
	Status     string `json:"status,omitempty"`
	Awaited    string `json:"awaited,omitempty"`
}

// The outcomes of a word.
const (
	// booked: the ledger took it. exceptional: it took it as an exception. repeated: it had heard it before.
	booked      = "booked"
	exceptional = "exception"
	repeated    = "repeated"
	// pending: nothing moved yet. foreign: it names no payment of this ledger. doubted: the message contradicts
	// itself there. unsaid: the status says nothing about this payment. refused: the ledger refused it.
	pending = "pending"
	foreign = "foreign"
	doubted = "doubted"
	unsaid  = "unsaid"
	refused = "refused"
)

func cashImportCommand() *cobra.Command {
	var x importer
	c := &cobra.Command{
		Use: "import FILE", Short: "Read a pain.002 or camt.054 and book what it says", Args: cobra.ExactArgs(1),
		Long: `Read a message of your bank ("-" for standard input), pain.002.001.03 to .10 or camt.054.001.02 to .08, and book
each word of it that is about a payment of this ledger, with the message's SHA-256. What was booked before has
no second effect, so a file may be imported again, also after an interruption. Only a booked entry (BOOK) of
the right ID, amount and currency settles a payment, or the status ACSC or ACCC; a return or reversal brings the debt back.
What the message contradicts itself in is listed and not booked.

If the key's party issues no money, a booked credit with the reference of an order that pays one of its invoices on
an open account confirms it to the last minor unit, and a return takes that back.

Exit code 0: every word was taken, or is none of this ledger's. 2: there are exceptions. 1: not readable, or no answer.`,
		Example: `  aval cash import --key bank.jwk camt054.xml
  aval cash import --key bank.jwk --json camt054.xml | jq -r '.words[] | [.outcome, .redemption, .awaited] | @tsv'`,
		RunE: func(c *cobra.Command, args []string) error { return x.run(c, args[0]) },
	}
	x.flags(c)
	return c
}

func (x *importer) run(c *cobra.Command, file string) error {
	raw, err := readInput(file)
	if err != nil {
		return err
	}
	hear, err := x.read(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	x.done.File = file
	err = x.open(c, func(ctx context.Context) error {
		if err := x.learn(ctx); err != nil {
			return err
		}
		if x.bank == "" {
			return x.hearAsPayee(ctx, x.bookings)
		}
		return hear(ctx)
	})
	if err := errors.Join(err, x.print(c, x.done, x.done.write)); err != nil {
		return err
	}
	for _, w := range x.done.Words {
		if w.Outcome == exceptional || w.Outcome == doubted || w.Outcome == refused {
			return errExceptions
		}
	}
	if len(x.done.Doubts) > 0 {
		return errExceptions
	}
	return nil
}

// read parses the message whole before anything of it is booked.
func (x *importer) read(raw []byte) (hear func(context.Context) error, err error) {
	kind, version, err := iso20022.Message(raw)
	if err != nil {
		return nil, err
	}
	x.hash = cash.MessageHash(raw)
	x.done = imported{Version: version, Hash: x.hash, Words: []heard{}, Doubts: []doubtful{}}
	if kind == iso20022.StatusReport {
		r, err := iso20022.ParseReport(raw)
		x.done.Message = r.MessageID
		return func(ctx context.Context) error { return x.hearReport(ctx, r) }, err
	}
	b, err := iso20022.ParseBookings(raw)
	x.done.Message, x.done.Doubts, x.bookings = b.MessageID, b.Exceptions, &b
	return func(ctx context.Context) error { return x.hearBookings(ctx, b) }, err
}

// take books a word about a payment, and notes what came of it.
func (x *importer) take(ctx context.Context, w heard, name string, a cash.Advice, body any) error {
	_, err := x.book(ctx, domain.CashKind, w.Redemption, name, body)
	var answered *client.Error
	switch {
	case err == nil:
		w.Outcome = booked
	case errors.As(err, &answered) && answered.Rejection != nil && answered.Rejection.Code == domain.AlreadyExists:
		w.Outcome, w.Detail = repeated, "heard before: nothing happens"
	case errors.As(err, &answered) && answered.Rejection != nil && (answered.Reply.ID != "" || answered.Status < 429):
		w.Outcome, w.Detail = refused, answered.Rejection.Error()
	default:
		return err // no answer: what was booked so far is booked, and the file can be imported again
	}
	var exception cash.Exception
	found, err := x.look(ctx, domain.CashKind, "exception/"+a.Name(x.bank), &exception)
	if err != nil {
		return err
	}
	if found && w.Outcome != refused {
		w.Detail = exception.Problem
		if w.Outcome == booked {
			w.Outcome = exceptional
		}
	}
	var r cash.Redemption
	if _, err := x.look(ctx, domain.CashKind, "redemption/"+w.Redemption, &r); err != nil {
		return err
	}
	w.Status, w.Awaited = r.Status, awaitedOf(r)
	if found && exception.ResolvedAt == 0 {
		w.Awaited = "your resolve of exception " + a.Name(x.bank)
	}
	x.note(w)
	return nil
}

func (x *importer) note(w heard) { x.done.Words = append(x.done.Words, w) }

// pointer finds the payment with an end-to-end ID.
func (x *importer) pointer(ctx context.Context, id string) (p cash.Pointer, found bool, err error) {
	if domain.CheckID("", id) != nil { // no payment of a ledger has such an ID
		return p, false, nil
	}
	found, err = x.look(ctx, domain.CashKind, "payment/"+id, &p)
	return p, found, err
}

// awaitedOf says what a redemption waits for, and from whom.
func awaitedOf(r cash.Redemption) string {
	switch r.Status {
	case cash.Requested:
		return fmt.Sprintf("your export, by %s; then the money is the holder's again", r.DueAt)
	case cash.Accepted:
		return "your export or settle"
	case cash.Instructed:
		return "a word of the bank's: pain.002 or camt.054"
	case cash.Acked:
		return "the booking, by camt.054 of the bank"
	case cash.Queued:
		return fmt.Sprintf("your export of attempt %d or your refuse, by %s; then the money is the holder's again", r.Attempt+1, r.DueAt)
	case cash.Overdue:
		return "a word of the bank's, or your settle or refuse"
	case cash.Settled:
		if r.EndedAt == 0 {
			return fmt.Sprintf("nothing; a return may come until %s", r.DueAt)
		}
	}
	return "nothing"
}

func (i imported) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %s %s, SHA-256 %s\n", i.File, i.Version, printable(i.Message), i.Hash)
	for _, h := range i.Words {
		fmt.Fprintf(w, "%s: %s: %s", h.Entry, h.Says, h.Outcome)
		if h.Detail != "" {
			fmt.Fprintf(w, ": %s", h.Detail)
		}
		fmt.Fprintln(w)
		if h.Redemption != "" || h.Invoice != "" {
			about := "redemption " + h.Redemption
			if h.Invoice != "" {
				about = "invoice " + h.Invoice
			}
			fmt.Fprintf(w, "  %s", about)
			if h.Amount != nil {
				fmt.Fprintf(w, ", %s", h.Amount)
			}
			fmt.Fprintf(w, ": %s\n", h.Status)
		}
		if h.Awaited != "" {
			fmt.Fprintf(w, "  awaited: %s\n", h.Awaited)
		}
	}
	for _, e := range i.Doubts {
		fmt.Fprintf(w, "exception %s at %s: %s\n", e.Rule, e.Path, e.Text)
	}
}
