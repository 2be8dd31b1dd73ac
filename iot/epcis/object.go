package epcis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"aval/domain"
)

// object reads the members of a JSON object and keeps the first fault. What nobody took by the
// end is an extension, or unknown.
type object struct {
	members []member
	taken   map[string]bool
	spaces  spaces
	err     error
}

// open starts to read an object.
func open(n node, s spaces) *object {
	o := &object{members: n.members, taken: map[string]bool{}, spaces: s}
	if n.kind != '{' {
		o.err = malformed("want an object")
	}
	return o
}

func (o *object) fail(name string, err error) {
	if o.err == nil && err != nil {
		o.err = under("."+name, err)
	}
}

// get takes a member.
func (o *object) get(name string) (node, bool) {
	i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return node{}, false
	}
	o.taken[name] = true
	return o.members[i].value, true
}

// need takes a member that must be there.
func (o *object) need(name string) node {
	n, ok := o.get(name)
	if !ok {
		o.fail(name, malformed("is missing"))
	}
	return n
}

func (o *object) text(name string) string {
	n, ok := o.get(name)
	if ok && (n.kind != '"' || n.text == "") {
		o.fail(name, malformed("want a text"))
	}
	return n.text
}

// uri takes an absolute URI, or a CURIE, which has the same shape.
func (o *object) uri(name string) string {
	s := o.text(name)
	if s != "" && !absolute(s) {
		o.fail(name, malformed("want a URI"))
	}
	return s
}

// word takes a word of a vocabulary in its bare form, or a URI outside of it.
func (o *object) word(name string, v vocabulary) string {
	n, ok := o.get(name)
	if !ok {
		return ""
	}
	word, err := v.read(n)
	o.fail(name, err)
	return word
}

// instant takes a time with an offset (ISO 8601, RFC 3339), to the millisecond; zero if it is absent.
func (o *object) instant(name string) domain.Millis {
	s := o.text(name)
	if s == "" {
		return 0
	}
	at, err := parseTime(s)
	o.fail(name, err)
	return at
}

func parseTime(s string) (domain.Millis, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || len(s) > maxTimeBytes || strings.Contains(s, ",") {
		return 0, malformed("want a date and time with an offset from UTC")
	}
	at := domain.Millis(t.UnixMilli())
	if at < MinTime || at > MaxTime {
		return 0, malformed("want a time of the years 1970 to 9999")
	}
	return at, nil
}

// number takes an exact decimal.
func (o *object) number(name string) *Decimal {
	n, ok := o.get(name)
	if !ok {
		return nil
	}
	d, err := parseNumber(n)
	o.fail(name, err)
	return &d
}

// list takes an array and reads each item.
func list[T any](o *object, name string, read func(node) (T, error)) []T {
	n, ok := o.get(name)
	if !ok {
		return nil
	}
	if n.kind != '[' {
		o.fail(name, malformed("want an array"))
		return nil
	}
	all := make([]T, 0, len(n.items))
	for i, item := range n.items {
		one, err := read(item)
		if err != nil {
			o.fail(name, under(step(i), err))
			return nil
		}
		all = append(all, one)
	}
	return all
}

// uris takes an array of URIs, none of them twice.
func (o *object) uris(name string) []string {
	seen := map[string]bool{}
	return list(o, name, func(n node) (string, error) {
		switch {
		case n.kind != '"' || !absolute(n.text):
			return "", malformed("want a URI")
		case seen[n.text]:
			return "", malformed("given twice")
		}
		seen[n.text] = true
		return n.text, nil
	})
}

// close refuses whatever nobody took, as the schema does where it allows no extension.
func (o *object) close() error {
	for _, m := range o.members {
		if !o.taken[m.name] {
			o.fail(m.name, malformed("unknown field"))
		}
	}
	return o.err
}

// extend refuses whatever nobody took and is no extension of a declared namespace.
func (o *object) extend() error {
	for _, m := range o.members {
		if !o.taken[m.name] {
			o.fail(m.name, o.spaces.extension(m.name))
		}
	}
	return o.err
}

// absolute says whether text has the form of a URI (RFC 3986): a scheme, a colon, and no blanks.
func absolute(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || rest == "" || scheme == "" || len(s) > MaxURIBytes {
		return false
	}
	for i, r := range scheme {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		other := r >= '0' && r <= '9' || strings.ContainsRune("+-._", r)
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return !strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("<>\"{}|\\^`", r) })
}

// refusef makes a fault with a text.
func refusef(format string, args ...any) error { return malformed(fmt.Sprintf(format, args...)) }
