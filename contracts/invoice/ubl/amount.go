package ubl

import (
	"strings"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// number is a decimal as it stands in a document. The zero value reads as zero.
type number struct {
	text  string
	value decimal.Decimal
	wrong string
}

// UnmarshalText is called by encoding/xml. A text that is no number is kept and reported, not refused.
func (n *number) UnmarshalText(data []byte) error {
	n.text = strings.Trim(string(data), whitespace)
	switch {
	case len(n.text) > MaxDigits:
		n.text, n.wrong = n.text[:MaxDigits]+"...", RuleLimit
	case !lexical(n.text):
		n.wrong = RuleNumber
	default:
		n.value, _ = decimal.NewFromString(strings.TrimPrefix(n.text, "+"))
	}
	return nil
}

// lexical says whether a text is an xs:decimal: a sign or none, digits, and at most one point. No exponent, no groups.
func lexical(text string) bool {
	if text != "" && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}

// decimals counts the digits behind the point as they are written.
func (n *number) decimals() int32 {
	_, fraction, _ := strings.Cut(n.text, ".")
	return int32(len(fraction))
}

// dec is the value, zero for what is missing or no number.
func (n *number) dec() decimal.Decimal {
	if n == nil {
		return decimal.Zero
	}
	return n.value
}

// amount is a number of money.
type amount struct {
	Number   number `xml:",chardata"`
	Currency text   `xml:"currencyID,attr"`
}

func (a *amount) dec() decimal.Decimal {
	if a == nil {
		return decimal.Zero
	}
	return a.Number.value
}

// quantity is a number of things.
type quantity struct {
	Number number `xml:",chardata"`
	Unit   text   `xml:"unitCode,attr"`
}

func (q *quantity) dec() decimal.Decimal {
	if q == nil {
		return decimal.Zero
	}
	return q.Number.value
}

// Quantity is an exact number of a unit of UN/ECE recommendation 20, as "KGM". An empty unit means that none is named.
type Quantity struct {
	Value decimal.Decimal `json:"value"`
	Unit  string          `json:"unit,omitempty"`
}

// counted gives a quantity, or reports why it is none. Nil for one that is missing.
func (r *report) counted(q *quantity, path string) *Quantity {
	if q == nil || !r.numeric(&q.Number, path) {
		return nil
	}
	return &Quantity{Value: q.Number.value, Unit: string(q.Unit)}
}

// numeric reports a text that is no number. True for one that is, or that is missing.
func (r *report) numeric(n *number, path string) bool {
	if n == nil || n.wrong == "" {
		return true
	}
	if n.wrong == RuleLimit {
		r.found(RuleLimit, path, "%s: more than %d characters", n.text, MaxDigits)
	} else {
		r.found(RuleNumber, path, "%.40q is not a decimal number", n.text)
	}
	return false
}

// priced reports an amount that is no number or is not in the currency of its document.
func (r *report) priced(a *amount, currency domain.Currency, rule, path string) bool {
	if a == nil {
		return false
	}
	if !r.numeric(&a.Number, path) {
		return false
	}
	if domain.Currency(a.Currency) != currency {
		r.found(rule, path, "in %.10q, the document in %.10q", string(a.Currency), string(currency))
		return false
	}
	return true
}

// money gives an amount in minor units, or reports the rule against decimals that the currency does not have.
func (r *report) money(a *amount, currency domain.Currency, rule, path string) *domain.Money {
	exponent, err := currency.Exponent()
	if err != nil || a == nil || a.Number.wrong != "" || domain.Currency(a.Currency) != currency {
		return nil // reported where it is priced
	}
	minor, rest, err := domain.Round(a.Number.value, currency)
	if err != nil {
		r.found(RuleLimit, path, "%s is beyond %d minor units", a.Number.text, int64(domain.MaxMinor))
		return nil
	}
	if !rest.IsZero() || a.Number.decimals() > max(exponent, 2) {
		r.found(rule, path, "%s has more decimals than %s", a.Number.text, currency)
	}
	if !rest.IsZero() {
		return nil
	}
	return &domain.Money{Minor: minor, Currency: currency}
}
