// Package ubl reads the documents of trade in UBL 2.1 (ISO/IEC 19845) that companies exchange already: invoice and
// credit note as EN 16931 and Peppol BIS Billing 3 use them, order, despatch advice, receipt advice, and the
// application response that answers an invoice (Invoice Response, T111), which it also writes.
//
// Parse takes the bytes of a file as they came and gives plain structs. It is strict where money is concerned: each
// amount is an exact decimal in the minor units of its currency, and what does not add up becomes an Exception that
// carries the name of the rule in the standard, beside the amounts as they were declared; nothing is repaired. It is
// tolerant of what carries no meaning: prefixes, white space, the order of attributes, a byte order mark, comments,
// elements and extensions that it does not know.
//
// A file that is no such document, or is made to hurt its reader, is refused as a whole, in time and memory bounded by
// MaxBytes: document type declarations, entities, encodings other than UTF-8, elements that stand twice where
// UBL allows one. Refusals are domain.Malformed or domain.TooLarge.
//
// The functions are pure and safe for concurrent use.
package ubl

// Limits of one document.
const (
	// MaxBytes bounds a file. Invoices carry attachments, so it is large; 16 MiB.
	MaxBytes = 16 << 20
	// MaxDepth bounds how deep elements nest, MaxElements how many there are, MaxAttributes those of one element.
	MaxDepth      = 64
	MaxElements   = 250_000
	MaxAttributes = 64
	// MaxText bounds a text that is read, in bytes. Attachments are not read.
	MaxText = 64 << 10
	// MaxLines bounds the lines of a document, MaxList any other list in it.
	MaxLines = 10_000
	MaxList  = 1_000
	// MaxDigits bounds the characters of a number.
	MaxDigits = 40
	// MaxExceptions bounds the exceptions of a document; a last one says that there are more.
	MaxExceptions = 200
)
