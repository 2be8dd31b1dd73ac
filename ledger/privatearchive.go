package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// privateDir holds the files of private values in an archive, each before the bodies that name its values.
const privateDir = "private/"

func privateName(n int) string { return fmt.Sprintf("%s%d", privateDir, n) }

func isPrivate(name string) bool { return strings.HasPrefix(name, privateDir) }

// archivedPrivate is a private value as an archive carries it, as sealed as it was stored.
type archivedPrivate struct {
	Index   uint64 `json:"index"`
	Number  int    `json:"number"`
	Subject []byte `json:"subject"`
	Digest  []byte `json:"digest"`
	Body    []byte `json:"body"`
	// Key is the sealed key of the subject, with the first of its values.
	Key []byte `json:"key,omitempty"`
}

// privateExport is what an export remembers of private values: their files, and the keys by the subject's tag.
type privateExport struct {
	chunks chunks[archivedPrivate]
	sealed map[string][]byte
	open   map[string]*xaes
}

// subjects reads the keys ahead of the values.
func (x *export) subjects() error {
	x.beside = privateExport{chunks: chunks[archivedPrivate]{put: x.put, name: privateName}, sealed: map[string][]byte{}, open: map[string]*xaes{}}
	return x.archive.Subjects(func(s StoredSubject) error {
		x.beside.sealed[string(s.Tag)] = s.Key
		return nil
	})
}

// private writes the private values that a range of entries names. Each must open under its subject's key.
func (x *export) private(first uint64, width int) error {
	err := x.archive.Private(PrivateQuery{From: first, To: first + uint64(width)}, func(s StoredPrivate) error {
		a, err := x.archived(s)
		if err != nil {
			return &Fault{s.Index, err}
		}
		return x.beside.chunks.add(a, len(s.Body))
	})
	if err != nil {
		return err
	}
	return x.beside.chunks.flush()
}

func (x *export) archived(s StoredPrivate) (a archivedPrivate, err error) {
	a = archivedPrivate{Index: s.Index, Number: s.Number, Subject: bytes.Clone(s.Subject), Digest: bytes.Clone(s.Digest), Body: bytes.Clone(s.Body)}
	tag := string(s.Subject)
	if x.beside.open[tag] == nil {
		a.Key = x.beside.sealed[tag]
		if x.beside.open[tag], err = x.vault.openSubject(StoredSubject{Tag: s.Subject, Key: a.Key}); err != nil {
			return a, err
		}
	}
	_, err = openRow(x.beside.open[tag], s)
	return a, err
}

// privateReplay holds the private values of an archive against the entries that are executed again.
type privateReplay struct {
	files int
	// rows wait for the batch that names them.
	rows []archivedPrivate
	keys map[string]*xaes
	// kept and absent are the subjects with a value and those that lack one, each with the first index.
	kept, absent map[domain.PartyID]uint64
	// erased are the subjects whose values are left out, though the archive does not know that they were erased.
	erased map[domain.PartyID]bool
}

func newPrivateReplay() privateReplay {
	return privateReplay{keys: map[string]*xaes{}, kept: map[domain.PartyID]uint64{}, absent: map[domain.PartyID]uint64{}, erased: map[domain.PartyID]bool{}}
}

// take reads a file of private values.
func (p *privateReplay) take(name string, data []byte) error {
	var rows []archivedPrivate
	if err := canon.Unmarshal(data, &rows); err != nil {
		return err
	}
	if name != privateName(p.files) || len(rows) == 0 {
		return fmt.Errorf("the archive goes on with %.100q, want %s", name, privateName(p.files))
	}
	p.files++
	p.rows = append(p.rows, rows...)
	return nil
}

// of gives what the entries of a batch have beside the log: exactly the values that they name,
// but for those of subjects that are erased later.
func (p *privateReplay) of(v *vault, entries []*entry) (c PrivateChange, err error) {
	for _, e := range entries {
		for n, item := range e.Private {
			if len(p.rows) == 0 || p.rows[0].Index != e.Index || p.rows[0].Number != n {
				first(p.absent, item.Subject, e.Index)
				continue
			}
			row := p.rows[0]
			p.rows = p.rows[1:]
			first(p.kept, item.Subject, e.Index)
			to := &c
			if p.erased[item.Subject] {
				to = &PrivateChange{} // checked like any other, and not written
			}
			if err := p.add(to, v, row, item); err != nil {
				return c, &Fault{e.Index, err}
			}
		}
		if len(p.rows) > 0 && p.rows[0].Index <= e.Index {
			return c, &Fault{p.rows[0].Index, errors.New("the archive holds a private value that no entry names")}
		}
	}
	return c, nil
}

func first(at map[domain.PartyID]uint64, subject domain.PartyID, index uint64) {
	if _, known := at[subject]; !known {
		at[subject] = index
	}
}

func (p *privateReplay) add(c *PrivateChange, v *vault, row archivedPrivate, item domain.Private) (err error) {
	s := StoredPrivate{Index: row.Index, Number: row.Number, Subject: row.Subject, Digest: row.Digest, Body: row.Body}
	tag := string(row.Subject)
	if (p.keys[tag] == nil) != (row.Key != nil) {
		return errors.New("the key of a private party is missing, or there twice")
	}
	if row.Key != nil {
		subject := StoredSubject{Tag: row.Subject, Key: row.Key}
		if p.keys[tag], err = v.openSubject(subject); err != nil {
			return err
		}
		c.Subjects = append(c.Subjects, subject)
	}
	c.Rows = append(c.Rows, s)
	return compareRow(v, p.keys[tag], s, item)
}

// finish wants exactly the erased subjects to be without values, and names those of whom the log does not know it.
func (p *privateReplay) finish(r domain.Registry) (unknown []domain.PartyID, err error) {
	if len(p.rows) > 0 {
		return nil, &Fault{p.rows[0].Index, errors.New("the archive holds a private value that no entry names")}
	}
	alive := func(subject domain.PartyID) bool {
		party, ok := r.Party(subject)
		return ok && party.Erased == 0
	}
	for _, subject := range slices.Sorted(maps.Keys(p.kept)) {
		if !alive(subject) {
			return nil, &Fault{p.kept[subject], errors.New("the archive holds a private value of an erased party")}
		}
		if p.erased[subject] {
			unknown = append(unknown, subject)
		}
	}
	for _, subject := range slices.Sorted(maps.Keys(p.absent)) {
		if !alive(subject) {
			continue
		}
		if !p.erased[subject] {
			return nil, &Fault{p.absent[subject], errors.New("the archive lacks a private value, and nothing says that its subject was erased")}
		}
		if _, both := p.kept[subject]; !both {
			unknown = append(unknown, subject)
		}
	}
	slices.Sort(unknown)
	return unknown, nil
}
