// Package iso20022 writes and reads the messages between a payer and its bank: credit
// transfers out as pain.001.001.09, reports about them in as pain.002.001.03 to .10, and
// bookings on an account in as camt.054.001.02 to .08.
//
// What is read is what decides about a payment: identifiers, amounts, directions, statuses, reasons. Names and
// addresses are passed over. The versions between the first and the last of each message
// differ in elements that are not read here, and in where a status stands, which is read in both places.
//
// A document that breaks its form is refused whole with a *domain.Rejection that names the element
// and never its content. One that is well formed and does not add up is read, and
// its Exceptions say where: nothing that an exception touches is a payment.
//
// All functions are pure and safe for concurrent use.
package iso20022

import (
	"aval/domain"
	"aval/domain/xmlguard"
)

// Limits of one message.
const (
	// MaxBytes bounds a message that is read or written.
	MaxBytes = 4 << 20
	// MaxDepth bounds how deep elements nest, MaxElements how many there are, MaxAttributes those of one.
	MaxDepth      = 32
	MaxElements   = 200_000
	MaxAttributes = 16
	// MaxText bounds the text of one element, in bytes. The longest that a schema allows is 2,000 characters.
	MaxText = 8 << 10
	// MaxTransactions bounds the transactions of one message.
	MaxTransactions = 10_000
	// MaxID is the longest identifier, in characters (Max35Text).
	MaxID = 35
)

// Exception is a place where a message contradicts itself or says too little to be acted upon.
type Exception struct {
	// Rule is one of the names below, for programs; Text says it for people, without amounts or names.
	Rule string `json:"rule"`
	// Path is the element, counted from 1: "Ntfctn[1]/Ntry[2]".
	Path string `json:"path"`
	Text string `json:"text"`
}

// The rules.
const (
	// BatchCount: Btch/NbOfTxs is not the number of the transactions that are given.
	BatchCount = "batch-count"
	// BatchTotal: Btch/TtlAmt is not their sum.
	BatchTotal = "batch-total"
	// EntryTotal: the entry's amount is not the sum of its transactions, and no charges explain it.
	EntryTotal = "entry-total"
	// NoAmount: a transaction of several has no amount of its own.
	NoAmount = "no-amount"
	// UnknownCurrency: an amount in a currency that nobody is paid in.
	UnknownCurrency = "unknown-currency"
	// RepeatedID: an end-to-end ID or UETR that another transaction of the message has too.
	RepeatedID = "repeated-id"
)

func limits(namespace string) xmlguard.Limits {
	l := xmlguard.Limits{Bytes: MaxBytes, Depth: MaxDepth, Elements: MaxElements, Attributes: MaxAttributes, Text: MaxText}
	if namespace != "" {
		l.Namespaces = []string{namespace}
	}
	return l
}

// The messages that are read, by the middle of their namespace.
const (
	StatusReport = "pain.002"
	Notification = "camt.054"
)

const namespacePrefix = "urn:iso:std:iso:20022:tech:xsd:"

// versions are the first and the last version of each message that is read.
func versions(message string) (first, last string) {
	switch message {
	case StatusReport:
		return "03", "10"
	case Notification:
		return "02", "08"
	}
	return "", ""
}

// Message says which message a document is, StatusReport or Notification, and its version: "camt.054.001.08".
func Message(raw []byte) (message, version string, err error) {
	root, err := xmlguard.Root(raw, limits(""))
	if err != nil {
		return "", "", err
	}
	name := root.Space[min(len(namespacePrefix), len(root.Space)):]
	if root.Local == "Document" && root.Space == namespacePrefix+name && len(name) == len("camt.054.001.08") {
		message, version := name[:8], name[13:]
		if first, last := versions(message); name[8:13] == ".001." && first != "" && first <= version && version <= last {
			return message, name, nil
		}
	}
	return "", "", domain.Refuse(domain.Malformed, "document: want a Document of camt.054.001.02 to .08 or pain.002.001.03 to .10")
}

// decode reads a document that must be this message into v.
func decode(raw []byte, want string, v any) (version string, err error) {
	message, version, err := Message(raw)
	if err != nil {
		return "", err
	}
	if message != want {
		return "", domain.Refuse(domain.Malformed, "document: a %s, want a %s", message, want)
	}
	return version, xmlguard.Decode(raw, limits(namespacePrefix+version), v)
}
