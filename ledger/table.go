package ledger

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// Table is a list as spreadsheets take it.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Write writes the table as RFC 4180 text in UTF-8: a header line, then the rows, each ended by CR LF.
func (t Table) Write(w io.Writer) error {
	writer := csv.NewWriter(w)
	writer.UseCRLF = true
	if err := writer.Write(t.Columns); err != nil {
		return err
	}
	return writer.WriteAll(t.Rows)
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Harmless marks text that somebody else wrote as text, where a spreadsheet would take it for a
// formula: an apostrophe goes before it. Our own numbers are not text and stay as they are.
func Harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// inUnits writes minor units as a decimal of the currency, "-12.34". Plain minor units if the currency is not known.
func inUnits(minor int64, c domain.Currency) string {
	exponent, err := c.Exponent()
	if err != nil {
		return strconv.FormatInt(minor, 10)
	}
	return decimal.New(minor, -exponent).StringFixed(exponent)
}

func index(n uint64) string { return strconv.FormatUint(n, 10) }

// Table has a line for each opening balance, posting and closing balance. Amounts are signed:
// debits are below zero.
func (s Statement) Table() Table {
	t := Table{Columns: []string{
		"type", "account", "index", "number", "bookedAt", "valueDate", "side", "amount", "balance", "currency", "amountMinor", "balanceMinor",
		"counter", "purpose", "reference", "command", "cause", "event", "reversesIndex", "reversesNumber",
	}}
	total := func(kind string, m domain.Money) {
		t.Add(kind, string(s.Account), "", "", "", "", "", "", inUnits(m.Minor, m.Currency), string(m.Currency), "", strconv.FormatInt(m.Minor, 10),
			"", "", "", "", "", "", "", "")
	}
	for _, m := range s.Opening {
		total("opening", m)
	}
	for _, l := range s.Lines {
		amount := l.Amount.Minor
		if l.Side == DebitSide {
			amount = -amount
		}
		var reversesIndex, reversesNumber string
		if l.Reverses != nil {
			reversesIndex, reversesNumber = index(l.Reverses.Index), strconv.Itoa(l.Reverses.Number)
		}
		t.Add("posting", string(s.Account), index(l.Index), strconv.Itoa(l.Number), l.BookedAt.String(), string(l.ValueDate), string(l.Side),
			inUnits(amount, l.Amount.Currency), inUnits(l.Balance.Minor, l.Amount.Currency), string(l.Amount.Currency),
			strconv.FormatInt(amount, 10), strconv.FormatInt(l.Balance.Minor, 10), string(l.Counter), Harmless(l.Purpose), Harmless(l.Reference),
			l.Command, string(l.Cause.Record), Harmless(l.Cause.Event), reversesIndex, reversesNumber)
	}
	for _, m := range s.Closing {
		total("closing", m)
	}
	return t
}

// Table has a line for each row, then one for each total.
func (b TrialBalance) Table() Table {
	t := Table{Columns: []string{
		"type", "account", "class", "owner", "currency", "debits", "credits", "balance", "debitsMinor", "creditsMinor", "balanceMinor",
	}}
	add := func(kind, account, class, owner string, c domain.Currency, sums ...int64) {
		row := []string{kind, account, class, owner, string(c)}
		for _, minor := range sums {
			row = append(row, inUnits(minor, c))
		}
		for _, minor := range sums {
			row = append(row, strconv.FormatInt(minor, 10))
		}
		t.Add(row...)
	}
	for _, r := range b.Rows {
		add("account", string(r.Account), string(r.Class), string(r.Owner), r.Currency, r.Debits, r.Credits, r.Balance)
	}
	for _, sum := range b.Totals {
		add("total", "", "", "", sum.Currency, sum.Debits, sum.Credits, sum.Balance)
	}
	return t
}

// Table has a line for each event and each posting, and one for an entry with neither: a refusal.
func (p EntryPage) Table() Table {
	t := Table{Columns: []string{
		"index", "sequence", "bookedAt", "kind", "contract", "name", "code", "detail", "type", "event", "record", "body",
		"number", "debit", "credit", "amount", "currency", "amountMinor", "purpose", "valueDate",
	}}
	for _, e := range p.Entries {
		add := func(rest ...string) {
			row := []string{
				index(e.Index), index(e.Sequence), e.BookedAt.String(), string(e.Kind), Harmless(e.Contract), Harmless(e.Name),
				string(e.Code), Harmless(e.Detail),
			}
			t.Add(append(append(row, rest...), make([]string, 12-len(rest))...)...)
		}
		for _, event := range e.Events {
			add("event", Harmless(event.Name), string(event.Record), Harmless(string(event.Body)))
		}
		for _, p := range e.Postings {
			add("posting", Harmless(p.Cause.Event), string(p.Cause.Record), "", strconv.Itoa(p.Number), string(p.Debit), string(p.Credit),
				inUnits(p.Amount.Minor, p.Amount.Currency), string(p.Amount.Currency), strconv.FormatInt(p.Amount.Minor, 10),
				Harmless(p.Purpose), string(p.ValueDate))
		}
		if len(e.Events)+len(e.Postings) == 0 {
			add("entry")
		}
	}
	return t
}
