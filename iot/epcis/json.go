package epcis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"aval/domain"
)

// node is one JSON value. Numbers keep their text: nothing here is ever a float.
type node struct {
	// kind is '{', '[', '"', '0' for a number, 't' for true and false, 'n' for null.
	kind    byte
	text    string
	members []member
	items   []node
}

// member is one name and value of an object, in the order of the document.
type member struct {
	name  string
	value node
}

// parser builds a tree within the limits.
type parser struct {
	tokens *json.Decoder
	values int
}

// parseJSON reads exactly one JSON value (RFC 8259). Twice the same name in an object, data after
// the value and text that is not UTF-8 are faults.
func parseJSON(raw []byte) (node, error) {
	if len(raw) > MaxBytes {
		return node{}, &fault{code: domain.TooLarge, text: fmt.Sprintf("%d bytes, limit %d", len(raw), MaxBytes)}
	}
	if !utf8.Valid(raw) {
		return node{}, malformed("not UTF-8")
	}
	p := parser{tokens: json.NewDecoder(bytes.NewReader(raw))}
	p.tokens.UseNumber()
	n, err := p.value(0)
	if err != nil {
		return node{}, err
	}
	if _, err := p.tokens.Token(); err != io.EOF {
		return node{}, malformed("data after the document")
	}
	return n, nil
}

func (p *parser) token() (json.Token, error) {
	t, err := p.tokens.Token()
	if err != nil {
		return nil, malformed("not JSON: " + err.Error())
	}
	return t, nil
}

func (p *parser) value(depth int) (node, error) {
	if p.values++; p.values > MaxValues {
		return node{}, tooMany(fmt.Sprintf("more than %d values", MaxValues))
	}
	if depth > MaxDepth {
		return node{}, tooMany(fmt.Sprintf("nested deeper than %d", MaxDepth))
	}
	t, err := p.token()
	if err != nil {
		return node{}, err
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case string:
		return node{kind: '"', text: v}, checkText(v)
	case json.Number:
		return node{kind: '0', text: v.String()}, nil
	case bool:
		return node{kind: 't', text: strconv.FormatBool(v)}, nil
	}
	return node{kind: 'n'}, nil
}

func (p *parser) object(depth int) (node, error) {
	n, seen := node{kind: '{'}, map[string]bool{}
	for p.tokens.More() {
		t, err := p.token()
		if err != nil {
			return n, err
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return n, under("."+name, malformed("given twice"))
		}
		if err := checkText(name); err != nil {
			return n, err
		}
		seen[name] = true
		value, err := p.value(depth + 1)
		if err != nil {
			return n, under("."+name, err)
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := p.token()
	return n, err
}

func (p *parser) array(depth int) (node, error) {
	n := node{kind: '['}
	for p.tokens.More() {
		value, err := p.value(depth + 1)
		if err == nil && len(n.items) == MaxList {
			err = tooMany(fmt.Sprintf("more than %d items", MaxList))
		}
		if err != nil {
			return n, under(step(len(n.items)), err)
		}
		n.items = append(n.items, value)
	}
	_, err := p.token()
	return n, err
}

// checkText bounds a text and refuses what a lone surrogate becomes: two texts must not read alike.
func checkText(s string) error {
	if len(s) > MaxTextBytes {
		return tooMany(fmt.Sprintf("text of %d bytes, limit %d", len(s), MaxTextBytes))
	}
	if strings.ContainsRune(s, utf8.RuneError) || strings.ContainsRune(s, 0) {
		return malformed("text that is not Unicode")
	}
	return nil
}

func step(i int) string { return "[" + strconv.Itoa(i) + "]" }
