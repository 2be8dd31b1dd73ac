package xmlguard

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"

	"aval/domain"
)

// xmlSpace is what the prefix xml is bound to without a declaration.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// guard hands on the tokens that the limits allow, with their names resolved and without
// declarations of prefixes, so that nobody resolves them again.
type guard struct {
	in       *xml.Decoder
	limits   Limits
	open     []opened
	elements int
	// declared are the namespaces bound to a prefix so far: a name in another one has a prefix that nobody declared.
	declared map[string]bool
	// tokens counts what was read, to know the beginning; begun says that the root was seen.
	tokens int
	begun  bool
	tree   *node
}

// opened is an element that has not ended: its text so far, and which children it had.
type opened struct {
	name string
	text int
	node *node
	seen map[string]bool
}

// Token gives the next token of the document proper. Comments and what lies before the root are dropped.
func (g *guard) Token() (xml.Token, error) {
	for {
		t, err := g.in.Token()
		if err != nil {
			return nil, err
		}
		g.tokens++
		switch t := t.(type) {
		case xml.StartElement:
			taken, err := g.start(&t)
			if err != nil {
				return nil, err
			}
			if taken {
				return t, nil
			}
		case xml.EndElement:
			g.open = g.open[:len(g.open)-1]
			return t, nil
		case xml.CharData:
			if len(g.open) > 0 {
				if err := g.text(t); err != nil {
					return nil, err // beside a token an error would not be heard
				}
				return t, nil
			}
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, domain.Refuse(domain.Malformed, "document: text outside of the root")
			}
		case xml.ProcInst:
			if err := g.instruction(t); err != nil {
				return nil, err
			}
		case xml.Directive:
			return nil, domain.Refuse(domain.Malformed, "document: a DOCTYPE or other declaration is not allowed")
		}
	}
}

// start judges an element. One of a namespace that is not read is skipped.
func (g *guard) start(t *xml.StartElement) (taken bool, err error) {
	if len(g.open) == 0 && g.begun {
		return false, domain.Refuse(domain.Malformed, "document: a second root")
	}
	g.begun = true
	if g.elements++; g.elements > g.limits.Elements {
		return false, domain.Refuse(domain.LimitExceeded, "document: elements, limit %d", g.limits.Elements)
	}
	if len(g.open) >= g.limits.Depth {
		return false, domain.Refuse(domain.LimitExceeded, "%s: nesting, limit %d", g.path(""), g.limits.Depth)
	}
	if len(t.Name.Local) > g.limits.Text {
		return false, domain.Refuse(domain.LimitExceeded, "%s: name of %d bytes, limit %d", g.path(""), len(t.Name.Local), g.limits.Text)
	}
	if err := g.attributes(t); err != nil {
		return false, err
	}
	if !g.declared[t.Name.Space] {
		return false, domain.Refuse(domain.Malformed, "%s: prefix of an element not declared", g.path(""))
	}
	if len(g.limits.Namespaces) > 0 && !slices.Contains(g.limits.Namespaces, t.Name.Space) {
		return false, g.skip()
	}
	return true, g.enter(t.Name.Local)
}

// enter notes an element as open, and refuses it if its like has come and there is room for one only.
func (g *guard) enter(name string) error {
	child, known := g.tree, true
	if len(g.open) > 0 {
		parent := &g.open[len(g.open)-1]
		child, known = parent.node.children[name]
		if known && !child.many {
			if parent.seen[name] {
				return domain.Refuse(domain.Malformed, "%s: given twice", g.path(name))
			}
			if parent.seen == nil {
				parent.seen = map[string]bool{}
			}
			parent.seen[name] = true
		}
	}
	if !known {
		child = &node{}
	}
	g.open = append(g.open, opened{name: name, node: child})
	return nil
}

// skip reads an element of another namespace to its end, under the same limits.
func (g *guard) skip() error {
	within := *g
	within.limits.Namespaces, within.open = nil, append(slices.Clone(g.open), opened{name: "*", node: &node{}})
	for len(within.open) > len(g.open) {
		if _, err := within.Token(); err != nil {
			return err
		}
	}
	g.elements, g.tokens = within.elements, within.tokens
	return nil
}

// attributes drops declarations of prefixes and refuses too many, two of one name and undeclared prefixes.
func (g *guard) attributes(t *xml.StartElement) error {
	if len(t.Attr) > g.limits.Attributes {
		return domain.Refuse(domain.LimitExceeded, "%s: %d attributes, limit %d", g.path(""), len(t.Attr), g.limits.Attributes)
	}
	names := map[xml.Name]bool{}
	kept := t.Attr[:0:0]
	for _, a := range t.Attr {
		if len(a.Name.Local) > g.limits.Text {
			return domain.Refuse(domain.LimitExceeded, "%s: name of %d bytes, limit %d", g.path(""), len(a.Name.Local), g.limits.Text)
		}
		if names[a.Name] {
			return domain.Refuse(domain.Malformed, "%s: an attribute given twice", g.path(""))
		}
		names[a.Name] = true
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			g.declared[a.Value] = true
			continue
		}
		if len(a.Value) > g.limits.Text {
			return domain.Refuse(domain.LimitExceeded, "%s: attribute of %d bytes, limit %d", g.path(""), len(a.Value), g.limits.Text)
		}
		kept = append(kept, a)
	}
	t.Attr = kept
	for _, a := range kept {
		if !g.declared[a.Name.Space] {
			return domain.Refuse(domain.Malformed, "%s: prefix of an attribute not declared", g.path(""))
		}
	}
	return nil
}

// text counts character data of the innermost element, but not the white space between its children.
func (g *guard) text(t xml.CharData) error {
	if len(bytes.TrimSpace(t)) == 0 {
		return nil
	}
	last := &g.open[len(g.open)-1]
	if last.text += len(t); last.text > g.limits.Text {
		return domain.Refuse(domain.LimitExceeded, "%s: text, limit %d bytes", g.path(""), g.limits.Text)
	}
	return nil
}

// instruction lets the XML declaration pass, and a style sheet named before the root.
func (g *guard) instruction(t xml.ProcInst) error {
	if strings.EqualFold(t.Target, "xml") && g.tokens > 1 {
		return domain.Refuse(domain.Malformed, "document: an XML declaration that is not at its beginning")
	}
	if g.begun {
		return domain.Refuse(domain.Malformed, "%s: a processing instruction is not allowed", g.path(""))
	}
	return nil
}

// path names the innermost open element from the root, and a child of it.
func (g *guard) path(child string) string {
	var names []string
	for _, o := range g.open {
		names = append(names, o.name)
	}
	if child != "" {
		names = append(names, child)
	}
	if len(names) == 0 {
		return "document"
	}
	if len(names) > maxPath {
		names = append(names[:maxPath], "...")
	}
	for i, name := range names {
		names[i] = name[:min(len(name), maxName)]
	}
	return strings.Join(names, "/")
}

// A path in a refusal names at most this many elements, each with this many bytes.
const (
	maxPath = 12
	maxName = 40
)
