package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
	"aval/domain"
	"aval/domain/calendar"
)

// exporter writes the payments that are due as messages.
type exporter struct {
	treasury
	debtor    iso20022.Account
	executeOn string
	calendar  string
	currency  string
	dir       string
	limit     int
	now       time.Time
}

// exported is what became of an export.
type exported struct {
	Messages []exportedMessage `json:"messages"`
	Skipped  []skipped         `json:"skipped"`
}

type exportedMessage struct {
	Message   string        `json:"message"`
	File      string        `json:"file"`
	Hash      string        `json:"hash"`
	ExecuteOn domain.Date   `json:"executeOn"`
	Payments  []paymentLine `json:"payments"`
	// Again says that the message was made before and no word of it has come.
	Again   bool   `json:"again"`
	Awaited string `json:"awaited"`
}

type paymentLine struct {
	Redemption string       `json:"redemption"`
	Attempt    int          `json:"attempt"`
	EndToEndID string       `json:"endToEndId"`
	UETR       string       `json:"uetr"`
	Amount     domain.Money `json:"amount"`
}

// skipped is a redemption that cannot be paid now, and who must do what.
type skipped struct {
	Redemption string `json:"redemption"`
	Awaited    string `json:"awaited"`
}

func cashExportCommand() *cobra.Command {
	var x exporter
	c := &cobra.Command{
		Use: "export", Short: "Write the pain.001 of the payments that are due", Args: cobra.NoArgs,
		Long: `Write the redemptions that are due as messages to your bank or payment engine, pain.001.001.09, one file
for each currency and --limit payments, named by its MsgId. Each message is booked on the ledger before its
file is written. Run again, export writes those of which no word has come exactly as they were, byte for byte,
under the same MsgId: what was sent twice is refused outside as a duplicate, and paid once.

The day of execution is the next business day of --calendar, a file as in agreements ({"weekend": [6, 7], "holidays":
["2026-12-25"], "through": "2027-12-31"}); without one, the next day from Monday to Friday, UTC.`,
		Example: `  aval cash export --key bank.jwk --debtor-name "Settlement Bank" --debtor-account DE89370400440532013000 --out outbox
  xmllint --noout --schema pain.001.001.09.xsd outbox/*.xml`,
		RunE: func(c *cobra.Command, _ []string) error {
			x.now = time.Now()
			if err := x.check(); err != nil {
				return err
			}
			return x.enter(c, func(ctx context.Context) error { return x.export(ctx, c) })
		},
	}
	c.Flags().StringVar(&x.debtor.Name, "debtor-name", "", "holder of the account that pays, as its bank knows it (required)")
	c.Flags().StringVar(&x.debtor.Number, "debtor-account", "", "that account: an IBAN or another number (required)")
	c.Flags().StringVar(&x.debtor.BIC, "debtor-bic", "", "BIC of the bank that keeps it")
	c.Flags().StringVar(&x.executeOn, "execute-on", "", "day on which the bank shall pay, like 2026-11-26; by default the next business day")
	c.Flags().StringVar(&x.calendar, "calendar", "", "file with the business days of the debtor's bank")
	c.Flags().StringVar(&x.currency, "currency", "", "one currency alone")
	c.Flags().StringVar(&x.dir, "out", ".", "folder for the files; it must exist")
	c.Flags().IntVar(&x.limit, "limit", 100, fmt.Sprintf("payments in one message, at most %d", cash.MaxInstruction))
	x.flags(c)
	return c
}

// check finds what is wrong before anything is booked.
func (x *exporter) check() error {
	if err := x.debtor.Check("--debtor"); err != nil {
		return err
	}
	if x.limit < 1 || x.limit > cash.MaxInstruction {
		return fmt.Errorf("--limit %d: want 1 to %d", x.limit, cash.MaxInstruction)
	}
	if info, err := os.Stat(x.dir); err != nil || !info.IsDir() {
		return fmt.Errorf("--out %s: no folder", x.dir)
	}
	return x.setDay()
}

func (x *exporter) setDay() error {
	if x.executeOn != "" {
		return domain.Date(x.executeOn).Check("--execute-on")
	}
	days := calendar.Calendar{Weekend: []int64{6, 7}}
	if x.calendar != "" {
		days = calendar.Calendar{}
		if err := readAs(x.calendar, &days); err != nil {
			return err
		}
	}
	if err := days.Check(); err != nil {
		return err
	}
	day, err := days.AddBusinessDays(days.Day(domain.Millis(x.now.UnixMilli())), 0)
	x.executeOn = string(day)
	return err
}

func (x *exporter) export(ctx context.Context, c *cobra.Command) error {
	done := exported{Messages: []exportedMessage{}, Skipped: []skipped{}}
	err := x.again(ctx, &done)
	if err == nil {
		err = x.fresh(ctx, &done)
	}
	return errors.Join(err, x.print(c, done, done.write)) // what was done is said, whatever came after
}

// again writes the messages of which no word has come.
func (x *exporter) again(ctx context.Context, done *exported) error {
	waiting, err := x.redemptions(ctx, cash.Instructed, cash.Overdue)
	if err != nil {
		return err
	}
	known := map[string]cash.Redemption{}
	var messages []string
	for _, r := range waiting {
		if !r.InFlight() || r.Payment.BankStatus != "" {
			continue
		}
		known[r.ID] = r
		if !slices.Contains(messages, r.Payment.Message) {
			messages = append(messages, r.Payment.Message)
		}
	}
	slices.Sort(messages)
	for _, message := range messages {
		if err := x.resend(ctx, message, known, done); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) resend(ctx context.Context, message string, known map[string]cash.Redemption, done *exported) error {
	var i cash.Instruction
	if found, err := x.look(ctx, domain.CashKind, "instruction/"+message, &i); err != nil || !found {
		return errors.Join(err, notFound(found, "instruction/"+message))
	}
	var all []cash.Redemption
	for _, p := range i.Payments {
		r, waits := known[p.ID]
		if !waits || r.Payment.Message != message {
			return nil // a word about one of its payments has come, so the bank has the message
		}
		all = append(all, r)
	}
	text, err := i.Initiation(x.origin, x.bank, all).Encode()
	if err != nil {
		return err
	}
	if cash.MessageHash(text) != i.Hash {
		return fmt.Errorf("message %s: cannot be made again as it was: this program writes other bytes than the one that made it", message)
	}
	return x.put(i, all, text, true, done)
}

func notFound(found bool, what string) error {
	if found {
		return nil
	}
	return fmt.Errorf("%s: not found", what)
}

// fresh makes messages of what is due.
func (x *exporter) fresh(ctx context.Context, done *exported) error {
	due, err := x.due(ctx, done)
	if err != nil {
		return err
	}
	slices.SortFunc(due, func(a, b cash.Redemption) int {
		return cmp.Or(strings.Compare(string(a.Amount.Currency), string(b.Amount.Currency)), cmp.Compare(a.RequestedAt, b.RequestedAt), strings.Compare(a.ID, b.ID))
	})
	for len(due) > 0 {
		n := 1
		for n < len(due) && n < x.limit && due[n].Amount.Currency == due[0].Amount.Currency {
			n++
		}
		if err := x.send(ctx, due[:n], done); err != nil {
			return err
		}
		due = due[n:]
	}
	return nil
}

// due are the redemptions that can be paid now, each with its account.
func (x *exporter) due(ctx context.Context, done *exported) (due []cash.Redemption, err error) {
	open, err := x.redemptions(ctx, cash.Requested, cash.Accepted, cash.Queued, cash.Overdue)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if x.currency != "" && string(r.Amount.Currency) != x.currency || r.InFlight() {
			continue
		}
		var pinned cash.PayTo
		if _, err := x.look(ctx, domain.CashKind, "payto/"+string(r.Holder)+"/"+string(r.Amount.Currency), &pinned); err != nil {
			return nil, err
		}
		r.PayTo = r.Aim(pinned.Account)
		switch {
		case r.PayTo == nil:
			done.Skipped = append(done.Skipped, skipped{r.ID, fmt.Sprintf("payTo of %s, and your approvePayTo", r.Holder)})
		case r.Exceptions > 0:
			done.Skipped = append(done.Skipped, skipped{r.ID, fmt.Sprintf("your resolve of %d open exceptions", r.Exceptions)})
		case r.Attempt == cash.MaxAttempts:
			done.Skipped = append(done.Skipped, skipped{r.ID, "your refuse: there were as many attempts as are allowed"})
		default:
			due = append(due, r)
		}
	}
	return due, nil
}

// send books one message and writes it.
func (x *exporter) send(ctx context.Context, all []cash.Redemption, done *exported) error {
	i, text, err := cash.Instruct(x.origin, x.bank, domain.Millis(x.now.UnixMilli()), domain.Date(x.executeOn), x.debtor, all)
	if err != nil {
		return err
	}
	if _, err := x.book(ctx, domain.CashKind, string(x.bank), "instruct", i); err != nil {
		return fmt.Errorf("instruct %s: %w", i.Message, err)
	}
	return x.put(i, all, text, false, done)
}

// put writes the file of a message that is booked.
func (x *exporter) put(i cash.Instruction, all []cash.Redemption, text []byte, again bool, done *exported) error {
	file := filepath.Join(x.dir, i.Message+".xml")
	if err := replaceFile(file, text); err != nil {
		return fmt.Errorf("message %s is booked, and its file could not be written; run export again: %w", i.Message, err)
	}
	m := exportedMessage{
		Message: i.Message, File: file, Hash: i.Hash, ExecuteOn: i.ExecuteOn, Again: again,
		Awaited: "the bank's pain.002 or camt.054 about it, by \"aval cash import\"",
	}
	for n, p := range i.Payments {
		id, uetr := cash.PaymentID(x.origin, x.bank, p.ID, p.Attempt)
		m.Payments = append(m.Payments, paymentLine{p.ID, p.Attempt, id, uetr, all[n].Amount})
	}
	done.Messages = append(done.Messages, m)
	return nil
}

func (e exported) write(w io.Writer) {
	if len(e.Messages) == 0 {
		fmt.Fprintln(w, "nothing is due")
	}
	for _, m := range e.Messages {
		again := ""
		if m.Again {
			again = ", again as it was"
		}
		fmt.Fprintf(w, "%s: %d payments on %s%s\n", m.File, len(m.Payments), m.ExecuteOn, again)
		for _, p := range m.Payments {
			fmt.Fprintf(w, "  %s attempt %d: %s, end-to-end ID %s\n", p.Redemption, p.Attempt, p.Amount, p.EndToEndID)
		}
		fmt.Fprintf(w, "  awaited: %s\n", m.Awaited)
	}
	for _, s := range e.Skipped {
		fmt.Fprintf(w, "%s: not paid\n  awaited: %s\n", s.Redemption, s.Awaited)
	}
}
