package ubl

import "fmt"

// Exception is one thing in a document that does not add up.
type Exception struct {
	// Rule is the name in the standard, BR-CO-16 of EN 16931 or PEPPOL-EN16931-R120, or one of ours, which begin with AVAL.
	Rule string `json:"rule"`
	// Path is where in the document, in the manner of XPath with the usual prefixes, lines counted from 1.
	Path string `json:"path"`
	// Text says what is wrong, with the numbers.
	Text string `json:"text"`
}

// Rules of ours, for what the schemas of UBL would refuse and for what a ledger cannot hold.
const (
	// RuleNumber is a text that is no decimal number: 1e9, 1,000.00, NaN.
	RuleNumber = "AVAL-NUMBER"
	// RuleLimit is a number beyond domain.MaxMinor or MaxDigits.
	RuleLimit = "AVAL-LIMIT"
	// RuleDate is a text that is no day.
	RuleDate = "AVAL-DATE"
	// RuleLineID is a line without an identifier of its own.
	RuleLineID = "AVAL-LINE-ID"
	// RuleUnits are quantities that are counted in different units where they are compared.
	RuleUnits = "AVAL-UNITS"
	// RuleQuantity are quantities that contradict each other.
	RuleQuantity = "AVAL-QUANTITY"
	// RuleVAT is a VAT category, of none that EN 16931 has such a rule for, whose taxable amount is not what falls under it.
	RuleVAT = "AVAL-VAT"
	// RuleMore stands for exceptions beyond MaxExceptions.
	RuleMore = "AVAL-MORE"
)

// report gathers exceptions, at most MaxExceptions and one that says there are more.
type report struct{ exceptions []Exception }

func (r *report) found(rule, path, format string, args ...any) {
	switch len(r.exceptions) {
	case MaxExceptions + 1:
		return
	case MaxExceptions:
		rule, path, format, args = RuleMore, "/", "there are more than these %d exceptions", []any{MaxExceptions}
	}
	r.exceptions = append(r.exceptions, Exception{Rule: rule, Path: path, Text: fmt.Sprintf(format, args...)})
}
