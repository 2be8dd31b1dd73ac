package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain/canon"
)

// extra is what the extra line of a tlog-proof carries: the leaf, the fields of one view, and
// that view's audit path inside the leaf. C2SP does not authenticate the line; the leaf's hash does.
type extra struct {
	Leaf []byte `json:"leaf"`
	// Fields are those of view number N of Count, all of them, in order; none in a proof without disclosure.
	Fields []committed `json:"fields"`
	N      int64       `json:"n"`
	Count  int64       `json:"count"`
	Path   [][]byte    `json:"path"`
}

// committed is one field, shown by path, salt and value, or hidden behind the hash of these.
type committed struct {
	Path  string `json:"path,omitempty"`
	Salt  []byte `json:"salt,omitempty"`
	Value []byte `json:"value,omitempty"`
	Hash  []byte `json:"hash,omitempty"`
}

func (c committed) hidden() bool { return len(c.Hash) > 0 }

// check refuses a field that is neither shown nor hidden, or both.
func (c committed) check() error {
	if c.hidden() {
		if len(c.Hash) != tlog.HashSize || c.Path != "" || len(c.Salt) > 0 || len(c.Value) > 0 {
			return errors.New("field: want a hash and nothing else, or no hash")
		}
		return nil
	}
	if len(c.Salt) != saltSize || c.Path == "" || len(c.Path) > maxPath || len(c.Value) == 0 {
		return errors.New("field: want path, salt and value, or a hash")
	}
	return nil
}

// commitment is the hash that stands for the field in its view.
func (c committed) commitment() []byte {
	if c.hidden() {
		return c.Hash
	}
	h := sha256.Sum256(appendField(append([]byte{fieldPrefix}, c.Salt...), []byte(c.Path), c.Value))
	return h[:]
}

// hide gives the field as whoever shall not see it gets it.
func (c committed) hide() committed { return committed{Hash: c.commitment()} }

// Sizes in the extra line, a little more than what they come to: names, heads and the salt of a shown field, a hidden one.
const (
	shownBytes  = 48
	hiddenBytes = 41
)

// fit hides what would make the disclosure larger than MaxDisclosureBytes: fields are shown
// in their order, and those that there is no room for are left as hashes. Nothing is left of
// a view whose first field or whose hashes are too many for that.
func fit(fields []committed) []committed {
	room := MaxDisclosureBytes - hiddenBytes*len(fields)
	for i, f := range fields {
		more := shownBytes + len(f.Path) + len(f.Value) - hiddenBytes
		if room < 0 || i == 0 && more > room {
			return nil
		}
		if more > room {
			fields[i] = f.hide()
			continue
		}
		room -= more
	}
	return fields
}

// open checks the view against the leaf and reads it.
func (x extra) open(index uint64) (Disclosure, error) {
	l, err := x.checkView()
	if err != nil {
		return Disclosure{}, err
	}
	d, err := disclosureOf(x.Fields)
	if err == nil && (d.Index != index || d.Sequence != l.Sequence) {
		err = errors.New("the view speaks of another entry")
	}
	return d, err
}

// checkView reads the leaf and checks that it commits to the view.
func (x extra) checkView() (l leaf, err error) {
	if err := canon.Unmarshal(x.Leaf, &l); err != nil {
		return l, fmt.Errorf("leaf: %w", err)
	}
	if l.Version != 1 || l.Type != "e" || len(l.Root) != tlog.HashSize || x.N < 0 || x.N >= x.Count || x.Count > canon.MaxElements {
		return l, errors.New("leaf or view number out of range")
	}
	path := make(tlog.RecordProof, len(x.Path))
	for i, h := range x.Path {
		if len(h) != tlog.HashSize {
			return l, errors.New("view path: hash of wrong length")
		}
		path[i] = tlog.Hash(h)
	}
	view := appendPlace(nil, int(x.N), int(x.Count))
	for _, f := range x.Fields {
		if err := f.check(); err != nil {
			return l, err
		}
		view = append(view, f.commitment()...)
	}
	if err := tlog.CheckRecord(path, x.Count, tlog.Hash(l.Root), x.N, tlog.RecordHash(view)); err != nil {
		return l, fmt.Errorf("view in the leaf: %w", err)
	}
	return l, nil
}
