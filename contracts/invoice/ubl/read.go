package ubl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"strings"

	"aval/domain"
	"aval/domain/xmlguard"
)

// Document is what a file holds: its kind, and one of the pointers.
type Document struct {
	// Kind is the name of the root element: Invoice, CreditNote, Order, DespatchAdvice, ReceiptAdvice or ApplicationResponse.
	Kind string
	// SHA256 is the hash of the file as it came, in lower-case hexadecimal.
	SHA256 string
	// Invoice is set for Invoice and CreditNote.
	Invoice  *Invoice
	Order    *Order
	Despatch *Despatch
	Receipt  *Receipt
	Response *Response
	// Exceptions are in the order in which they were found, forms before sums; none is a document that adds up.
	Exceptions []Exception
}

// Credits says whether a document gives money back: a credit note. An invoice of a negative amount does so too.
func (d Document) Credits() bool { return d.Kind == "CreditNote" }

// Kinds are the documents that Parse reads, by the name of their root element.
func Kinds() []string {
	return []string{"Invoice", "CreditNote", "Order", "DespatchAdvice", "ReceiptAdvice", "ApplicationResponse"}
}

// The namespaces of UBL 2: a document's own, and those of the components within.
const (
	schemas    = "urn:oasis:names:specification:ubl:schema:xsd:"
	aggregates = schemas + "CommonAggregateComponents-2"
	basics     = schemas + "CommonBasicComponents-2"
)

func rootName(kind string) xml.Name { return xml.Name{Space: schemas + kind + "-2", Local: kind} }

// limits are those of the guard. Its limit of text is that of attachments, which stand in the text of an element.
func limits(kind string) xmlguard.Limits {
	return xmlguard.Limits{
		Bytes: MaxBytes, Depth: MaxDepth, Elements: MaxElements, Attributes: MaxAttributes, Text: MaxBytes,
		Namespaces: []string{schemas + kind + "-2", aggregates, basics},
	}
}

// Parse reads a document. It fails, with domain.Malformed, domain.TooLarge or domain.LimitExceeded, for what is none
// of Kinds or beyond a limit.
func Parse(raw []byte) (Document, error) {
	root, err := xmlguard.Root(raw, limits(""))
	if err != nil {
		return Document{}, err
	}
	sum := sha256.Sum256(raw)
	d := Document{Kind: root.Local, SHA256: hex.EncodeToString(sum[:])}
	r := &report{}
	switch root {
	case rootName("Invoice"), rootName("CreditNote"):
		d.Invoice, err = read(raw, root.Local, func(x *invoiceXML) *Invoice { return x.plain(r, d.Credits()) })
	case rootName("Order"):
		d.Order, err = read(raw, root.Local, func(x *orderXML) *Order { return x.plain(r) })
	case rootName("DespatchAdvice"):
		d.Despatch, err = read(raw, root.Local, func(x *despatchXML) *Despatch { return x.plain(r) })
	case rootName("ReceiptAdvice"):
		d.Receipt, err = read(raw, root.Local, func(x *receiptXML) *Receipt { return x.plain(r) })
	case rootName("ApplicationResponse"):
		d.Response, err = read(raw, root.Local, func(x *responseXML) *Response { return x.plain(r) })
	default:
		err = domain.Refuse(domain.Malformed, "document: its root element is %.80s of %.120q, want a UBL 2 %s", root.Local, root.Space, strings.Join(Kinds(), ", "))
	}
	if err != nil {
		return Document{}, err
	}
	d.Exceptions = r.exceptions
	return d, nil
}

// bounded is a document as it stands in the file, which can count its lists.
type bounded[X any] interface {
	*X
	check() error
}

func read[X, D any, P bounded[X]](raw []byte, kind string, plain func(*X) *D) (*D, error) {
	var x X
	if err := xmlguard.Decode(raw, limits(kind), &x); err != nil {
		return nil, err
	}
	if err := P(&x).check(); err != nil {
		return nil, err
	}
	return plain(&x), nil
}

// list is a list of a document, with how long it is and may be.
type list struct {
	name     string
	n, limit int
}

func bound(lists ...list) error {
	for _, l := range lists {
		if l.n > l.limit {
			return domain.Refuse(domain.TooLarge, "document: %d times %s, limit %d", l.n, l.name, l.limit)
		}
	}
	return nil
}
