package iso20022

import (
	"fmt"
	"strconv"
	"strings"

	"aval/domain"
)

// check finds what does not add up in bookings.
func (b *Bookings) check(raw []notification) {
	i := 0
	for _, n := range raw {
		for _, e := range n.Entries {
			b.checkEntry(b.Entries[i], e)
			i++
		}
	}
	b.checkIDs()
}

func (b *Bookings) except(rule, path, text string) {
	b.Exceptions = append(b.Exceptions, Exception{rule, path, text})
}

func (b *Bookings) checkEntry(e Entry, raw entry) {
	if e.Amount.Currency == "" {
		b.except(UnknownCurrency, e.Path, "the amount is in a currency that nobody is paid in")
		return
	}
	for i, t := range e.Transactions {
		if t.Amount.Currency == "" {
			b.except(NoAmount, e.Transactions[i].Path, "the transaction has no amount of its own in a known currency")
		}
	}
	b.checkTotal(e)
	at := 0
	for i, d := range raw.Details {
		own := e.Transactions[at : at+len(d.Transactions)]
		at += len(d.Transactions)
		if d.Batch != nil {
			b.checkBatch(fmt.Sprintf("%s/NtryDtls[%d]", e.Path, i+1), *d.Batch, own)
		}
	}
}

// total adds up transactions. ok is false if one has no amount or another currency.
func total(all []Transaction) (sum domain.Money, ok bool) {
	for i, t := range all {
		if i == 0 {
			sum = t.Amount
			continue
		}
		var err error
		if sum, err = sum.Add(t.Amount); err != nil {
			return sum, false
		}
	}
	return sum, len(all) > 0 && sum.Currency != ""
}

// checkTotal holds an entry against its transactions. Where they are in another currency, or charges
// lie between, there is nothing to compare.
func (b *Bookings) checkTotal(e Entry) {
	sum, ok := total(e.Transactions)
	if ok && sum.Currency == e.Amount.Currency && !e.charged && sum != e.Amount {
		b.except(EntryTotal, e.Path, "the entry is not the sum of its transactions")
	}
}

// checkBatch holds what a batch says of itself against its transactions. A bank that gives no details of a batch says nothing wrong.
func (b *Bookings) checkBatch(path string, raw batch, all []Transaction) {
	if len(all) == 0 {
		return
	}
	if text := strings.TrimSpace(raw.Count); text != "" {
		if n, err := strconv.Atoi(text); err != nil || n != len(all) {
			b.except(BatchCount, path, "the batch counts other transactions than it gives")
		}
	}
	if raw.Total == nil {
		return
	}
	want, known, err := raw.Total.money(path)
	if sum, ok := total(all); err != nil || !known || ok && sum != want {
		b.except(BatchTotal, path, "the batch's total is not the sum of its transactions")
	}
}

// checkIDs finds transactions that nobody could tell apart. A payment and its return may stand in one message.
func (b *Bookings) checkIDs() {
	type key struct {
		id                   string
		direction            Direction
		reversal, comingBack bool
	}
	seen := map[key]bool{}
	for _, e := range b.Entries {
		for _, t := range e.Transactions {
			for _, id := range []string{t.EndToEndID, t.UETR} {
				k := key{id, e.Direction, e.Reversal, t.Returned}
				if id != "" && seen[k] {
					b.except(RepeatedID, t.Path, "another transaction of the message has the same ID")
				}
				seen[k] = true
			}
		}
	}
}
