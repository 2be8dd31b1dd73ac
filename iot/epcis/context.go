package epcis

import (
	"maps"
	"slices"
	"strings"
)

// spaces are the namespaces in force: what each prefix stands for.
type spaces map[string]string

// standardSpaces are those that the EPCIS context itself declares.
func standardSpaces() spaces {
	return spaces{
		"epcis": "https://ref.gs1.org/epcis/", "cbv": "https://ref.gs1.org/cbv/", "gs1": "https://gs1.org/voc/",
		"cbvmda": "urn:epcglobal:cbv:mda:", "xsd": "http://www.w3.org/2001/XMLSchema#",
		"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
		"owl": "http://www.w3.org/2002/07/owl#", "dcterms": "http://purl.org/dc/terms/", "schema": "http://schema.org/",
	}
}

// with adds what an "@context" declares: a URI, an object, or an array of both. Nothing is fetched:
// what the EPCIS context says is built in, and a context that is known by its address alone
// declares nothing here.
func (s spaces) with(o *object) spaces {
	n, ok := o.get("@context")
	if !ok {
		return s
	}
	all := maps.Clone(s)
	parts := n.items
	if n.kind != '[' {
		parts = []node{n}
	}
	for i, part := range parts {
		if err := all.declare(part); err != nil {
			if n.kind == '[' {
				err = under(step(i), err)
			}
			o.fail("@context", err)
			return s
		}
	}
	return all
}

func (s spaces) declare(n node) error {
	switch {
	case n.kind == '"' && absolute(n.text):
		return nil
	case n.kind != '{':
		return malformed("want a URI or an object of namespaces")
	}
	for _, m := range n.members {
		if err := s.declareOne(m); err != nil {
			return under("."+m.name, err)
		}
	}
	return nil
}

// declareOne takes one namespace. The terms of EPCIS keep their meaning: a document that gave
// "action" another one would read differently to whoever expands it.
func (s spaces) declareOne(m member) error {
	uri := m.value.text
	if m.value.kind == '{' {
		for _, inner := range m.value.members {
			if inner.name == "@id" {
				uri = inner.value.text
			}
		}
		if uri == "" {
			return nil // a definition of a term's type
		}
	}
	switch {
	case strings.HasPrefix(m.name, "@") || slices.Contains(terms(), m.name):
		return malformed("redefines what EPCIS defines")
	case m.name == "" || m.value.kind != '"' && m.value.kind != '{' || !absolute(uri):
		return malformed("want a namespace: a prefix and a URI")
	}
	s[m.name] = uri
	return nil
}

// extension refuses a name that is not one of a declared namespace, as prefix:name or as a URI.
func (s spaces) extension(name string) error {
	prefix, local, found := strings.Cut(name, ":")
	if !found {
		return malformed("unknown field, or an extension without a namespace")
	}
	_, declared := s[prefix]
	whole := strings.HasPrefix(local, "//") || strings.EqualFold(prefix, "urn")
	if local == "" || !declared && (!whole || !absolute(name)) {
		return refusef("an extension of namespace %.40q, which is not declared", prefix)
	}
	return nil
}

// expand writes a name as {namespace}local, as the canonical form of an event wants it.
func (s spaces) expand(name string) string {
	prefix, local, found := strings.Cut(name, ":")
	if uri, declared := s[prefix]; found && declared {
		return "{" + uri + "}" + local
	}
	return name
}
