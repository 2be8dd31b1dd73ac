package canon

import (
	"encoding/json"
	"unicode/utf8"
)

// reader goes once over a JSON text (RFC 8259) and decodes it on the way. It only says
// whether the text is one that DecodeJSON takes: what is wrong with another, explain says.
type reader struct {
	data []byte
	at   int
}

// peek skips white space and gives the byte that comes then, zero at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.data); r.at++ {
		if c := r.data[r.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// take passes the byte c, with white space before it.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

// word passes true, false or null.
func (r *reader) word(w string) bool {
	if len(r.data)-r.at < len(w) || string(r.data[r.at:r.at+len(w)]) != w {
		return false
	}
	r.at += len(w)
	return true
}

// text passes a string and gives its bytes between the quotes, and whether escapes stand in them.
func (r *reader) text() (raw []byte, escaped, ok bool) {
	from := r.at + 1
	for i := from; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.at = i + 1
			return r.data[from:i], escaped, true
		case c < ' ':
			return nil, false, false
		case c == '\\':
			n := escape(r.data[i+1:])
			if n == 0 {
				return nil, false, false
			}
			escaped = true
			i += n
		}
	}
	return nil, false, false
}

// escape is the length of the escape after a backslash, zero if there is none.
func escape(after []byte) int {
	if len(after) == 0 {
		return 0
	}
	switch after[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(after) < 5 {
			return 0
		}
		for _, c := range after[1:5] {
			if !digit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 5
	}
	return 0
}

// name passes a key with its colon and gives the name that it spells.
func (r *reader) name() ([]byte, bool) {
	if r.peek() != '"' {
		return nil, false
	}
	from := r.at
	raw, escaped, ok := r.text()
	if !ok || !r.take(':') {
		return nil, false
	}
	if !escaped {
		return raw, true
	}
	name, ok := unescape(r.data[from : from+len(raw)+2])
	return []byte(name), ok
}

// unescape reads a string with its quotes as encoding/json does.
func unescape(quoted []byte) (text string, ok bool) {
	return text, json.Unmarshal(quoted, &text) == nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits passes one digit or more.
func (r *reader) digits() bool {
	from := r.at
	for r.at < len(r.data) && digit(r.data[r.at]) {
		r.at++
	}
	return r.at > from
}

// number passes a number.
func (r *reader) number() bool {
	r.word("-")
	if !r.word("0") && !r.digits() {
		return false
	}
	if r.word(".") && !r.digits() {
		return false
	}
	if r.word("e") || r.word("E") {
		if !r.word("+") {
			r.word("-")
		}
		return r.digits()
	}
	return true
}

// skip passes a value of any form in which no object names a key twice, and gives its bytes.
func (r *reader) skip(depth int) (span []byte, ok bool) {
	opens := r.peek()
	from := r.at
	switch opens {
	case '{':
		ok = r.skipObject(depth)
	case '[':
		ok = r.members(']', depth, func(int) bool {
			_, ok := r.skip(depth + 1)
			return ok
		})
	case '"':
		_, _, ok = r.text()
	case 't':
		ok = r.word("true")
	case 'f':
		ok = r.word("false")
	case 'n':
		ok = r.word("null")
	default:
		ok = r.number()
	}
	return r.data[from:r.at], ok
}

func (r *reader) skipObject(depth int) bool {
	var seen names
	return r.members('}', depth, func(int) bool {
		name, ok := r.name()
		if !ok || !seen.add(name) {
			return false
		}
		_, ok = r.skip(depth + 1)
		return ok
	})
}

// members passes an object or array, calling member at each of its members in turn.
func (r *reader) members(closing byte, depth int, member func(i int) bool) bool {
	if depth >= MaxDepth {
		return false
	}
	r.at++ // the opening bracket
	if r.take(closing) {
		return true
	}
	for i := 0; ; i++ {
		if !member(i) {
			return false
		}
		if r.take(closing) {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

// names are the keys seen in one object: the first few in a row, more in a map, so that
// neither small objects nor hostile ones are slow.
type names struct {
	few  [8][]byte
	n    int
	more map[string]bool
}

// add says whether the name is new.
func (s *names) add(name []byte) bool {
	for _, known := range s.few[:s.n] {
		if string(known) == string(name) {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.more[string(name)] {
		return false
	}
	if s.more == nil {
		s.more = map[string]bool{}
	}
	s.more[string(name)] = true
	return true
}

// readJSON decodes data into v, a pointer, if it is a text that DecodeJSON takes and of which
// all forms are known here; on false v may hold a part of it.
func readJSON(data []byte, v any) bool {
	into, ok := pointed(v)
	if !ok || !utf8.Valid(data) {
		return false
	}
	r := reader{data: data}
	return planOf(into.Type()).read(&r, into, 0) && r.peek() == 0 && r.at == len(data)
}
