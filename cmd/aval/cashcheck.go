package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
)

// checked is what a bank message says, whoever it is for.
type checked struct {
	Message string           `json:"message"`
	Version string           `json:"version"`
	Hash    string           `json:"hash"`
	Entries []iso20022.Entry `json:"entries,omitempty"`
	Report  *iso20022.Report `json:"report,omitempty"`
	Doubts  []doubtful       `json:"exceptions"`
}

func cashCheckCommand() *cobra.Command {
	var p printer
	c := &cobra.Command{
		Use: "check FILE", Short: "Read a pain.002 or camt.054 and say what it says; no node needed", Args: cobra.ExactArgs(1),
		Long: `Read a message of a bank ("-" for standard input), pain.002.001.03 to .10 or camt.054.001.02 to .08, and print its
entries and transactions, or its words on an earlier message, and where it contradicts itself. Nothing is booked.

Exit code 0: read, and it adds up. 2: read, with exceptions. 1: not readable.`,
		Example: "  aval cash check --json camt054.xml | jq -r '.exceptions[].rule'",
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := readInput(args[0])
			if err != nil {
				return err
			}
			m, err := checkMessage(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := p.print(c, m, m.write); err != nil {
				return err
			}
			if len(m.Doubts) > 0 {
				return errExceptions
			}
			return nil
		},
	}
	p.flag(c)
	return c
}

func checkMessage(raw []byte) (m checked, err error) {
	kind, version, err := iso20022.Message(raw)
	if err != nil {
		return m, err
	}
	m = checked{Version: version, Hash: cash.MessageHash(raw), Doubts: []doubtful{}}
	if kind == iso20022.StatusReport {
		r, err := iso20022.ParseReport(raw)
		m.Message, m.Report = r.MessageID, &r
		return m, err
	}
	b, err := iso20022.ParseBookings(raw)
	m.Message, m.Entries, m.Doubts = b.MessageID, b.Entries, b.Exceptions
	return m, err
}

func (m checked) write(w io.Writer) {
	fmt.Fprintf(w, "%s %s, SHA-256 %s\n", m.Version, printable(m.Message), m.Hash)
	for _, e := range m.Entries {
		fmt.Fprintf(w, "%s: %s, %s on %s\n", e.Path, says(e, iso20022.Transaction{}), amountOr(e.Amount), printable(e.Account))
		for _, t := range e.Transactions {
			id := t.EndToEndID
			if id == "" {
				id = "no end-to-end ID"
			}
			fmt.Fprintf(w, "  %s: %s, %s\n", printable(id), says(e, t), amountOr(t.Amount))
		}
	}
	if m.Report != nil {
		m.writeReport(w)
	}
	for _, e := range m.Doubts {
		fmt.Fprintf(w, "exception %s at %s: %s\n", e.Rule, e.Path, e.Text)
	}
}

func (m checked) writeReport(w io.Writer) {
	fmt.Fprintf(w, "about %s: %s\n", printable(m.Report.OriginalMessageID), word(m.Report.Group))
	for _, b := range m.Report.Blocks {
		fmt.Fprintf(w, "  block %s: %s\n", printable(b.PaymentInfoID), word(b.Word))
		for _, t := range b.Transactions {
			fmt.Fprintf(w, "    %s: %s %s\n", printable(t.EndToEndID), word(t.Word), printable(t.Text))
		}
	}
}
