package xmlguard

import (
	"reflect"
	"slices"
	"strings"
)

// node says which children an element may have once only, from the struct that it is read into.
type node struct {
	children map[string]*node
	many     bool
}

// treeOf walks a struct, or a pointer or slice of one, by the tags of encoding/xml. Structs
// that hold themselves are followed once: below, nothing is known and all may repeat.
func treeOf(t reflect.Type) *node { return grow(t, nil) }

func grow(t reflect.Type, above []reflect.Type) *node {
	n := &node{children: map[string]*node{}}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || slices.Contains(above, t) {
		return n
	}
	n.addFields(t, append(above, t))
	return n
}

func (n *node) addFields(t reflect.Type, above []reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			n.addFields(f.Type, above)
			continue
		case !f.IsExported(), f.Name == "XMLName", name == "-", options != "" && options != "omitempty":
			continue
		case name == "":
			name = f.Name
		}
		if _, local, spaced := strings.Cut(name, " "); spaced {
			name = local
		}
		child := grow(f.Type, above)
		child.many = f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() != reflect.Uint8
		n.add(strings.Split(name, ">"), child)
	}
}

// add puts a child at the end of a path of elements that hold it, each of which comes once.
func (n *node) add(path []string, child *node) {
	between, known := n.children[path[0]]
	if len(path) == 1 {
		child.many = child.many || known // one name in two namespaces
		n.children[path[0]] = child
		return
	}
	if !known {
		between = &node{children: map[string]*node{}}
		n.children[path[0]] = between
	}
	between.add(path[1:], child)
}
