// Package xmlguard reads XML documents of strangers into plain structs: bounded, UTF-8
// only, without document types, entities of one's own or processing instructions.
//
// encoding/xml does the reading (XML 1.0, Namespaces in XML). This package adds what it lets
// pass: limits, a second root or text behind the first, attributes given twice, prefixes that
// nobody declared, and an element that comes twice where the struct has room for one, of which
// encoding/xml would silently keep the last.
//
// Every refusal is a *domain.Rejection that names what broke and where, never what stood
// there: documents hold prices and names. It is TooLarge for Limits.Bytes, LimitExceeded for
// the other limits, Malformed for the rest.
package xmlguard

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"unicode/utf8"

	"aval/domain"
)

// Limits bound one document. Zero allows nothing.
type Limits struct {
	// Bytes bounds the document, Depth how deep its elements nest (the root alone is 1).
	Bytes, Depth int
	// Elements bounds all elements of the document, Attributes those of one element.
	Elements, Attributes int
	// Text bounds the character data of one element, in bytes of UTF-8 after references are replaced.
	Text int
	// Namespaces are those that are read. Elements of others are skipped with all they
	// hold, as extensions are. Empty reads all.
	Namespaces []string
}

// Decode reads one document into v, a pointer to a struct with the tags of encoding/xml.
// Elements without a field are ignored; one that comes twice where v has one field is refused.
func Decode(raw []byte, limits Limits, v any) error {
	g, err := open(raw, limits, treeOf(reflect.TypeOf(v)))
	if err != nil {
		return err
	}
	if err := xml.NewTokenDecoder(g).Decode(v); err != nil {
		return refusal(err)
	}
	for { // what stands behind the root is read as strictly as the root
		if _, err := g.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return refusal(err)
		}
	}
}

// Root gives the name of the root element, by which a reader chooses what to decode into.
// It reads no further: a document whose root has a name may still be refused by Decode.
func Root(raw []byte, limits Limits) (xml.Name, error) {
	limits.Namespaces = nil
	g, err := open(raw, limits, &node{})
	if err != nil {
		return xml.Name{}, err
	}
	for {
		t, err := g.Token()
		if err != nil {
			return xml.Name{}, refusal(err)
		}
		if start, ok := t.(xml.StartElement); ok {
			return start.Name, nil
		}
	}
}

func open(raw []byte, limits Limits, tree *node) (*guard, error) {
	if len(raw) > limits.Bytes {
		return nil, domain.Refuse(domain.TooLarge, "document: %d bytes, limit %d", len(raw), limits.Bytes)
	}
	if !utf8.Valid(raw) {
		return nil, domain.Refuse(domain.Malformed, "document: not UTF-8")
	}
	if err := scan(raw); err != nil {
		return nil, err
	}
	in := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	in.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, domain.Refuse(domain.Malformed, "document: declares an encoding other than UTF-8")
	}
	return &guard{in: in, limits: limits, declared: map[string]bool{"": true, xmlSpace: true}, tree: tree}, nil
}

// refusal keeps a Rejection, also one that encoding/xml wrapped, and makes one of any other
// error: what encoding/xml says may quote the document, so only the line of it is kept.
func refusal(err error) error {
	var rejection *domain.Rejection
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &rejection):
		return rejection
	case errors.As(err, &syntax):
		return domain.Refuse(domain.Malformed, "document: not well-formed XML at line %d", syntax.Line)
	case err == io.EOF:
		return domain.Refuse(domain.Malformed, "document: no element")
	}
	return domain.Refuse(domain.Malformed, "document: not of the expected form")
}
