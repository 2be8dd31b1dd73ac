package iso20022

import (
	"strings"

	"aval/domain"
)

// fields reads one element after another and keeps the first error.
type fields struct{ err error }

func keep[V any](f *fields, v V, err error) V {
	if f.err == nil {
		f.err = err
	}
	return v
}

func (f *fields) required(path, text string) string {
	v, err := required(path, text)
	return keep(f, v, err)
}

func (f *fields) identifier(path, text string) string {
	v, err := identifier(path, text)
	return keep(f, v, err)
}

func (f *fields) endToEnd(path, text string) string {
	v, err := endToEnd(path, text)
	return keep(f, v, err)
}

func (f *fields) transactionID(path, text string) string {
	v, err := transactionID(path, text)
	return keep(f, v, err)
}

func (f *fields) code(path, text string) string {
	v, err := code(path, text)
	return keep(f, v, err)
}

func (f *fields) reason(path string, c choice) string {
	v, err := c.reason(path)
	return keep(f, v, err)
}

func (f *fields) date(path string, d day) domain.Date {
	v, err := d.date(path)
	return keep(f, v, err)
}

func (f *fields) money(path string, a amount) domain.Money {
	m, _, err := a.money(path)
	return keep(f, m, err)
}

func (f *fields) status(path string, c choice) string {
	v, err := c.code(path)
	if err == nil && v == "" && c.Proprietary == "" {
		err = domain.Refuse(domain.Malformed, "%s: missing", path)
	}
	return keep(f, v, err)
}

func (f *fields) direction(path, text string) Direction {
	d := Direction(strings.TrimSpace(text))
	var err error
	if d != Debit && d != Credit {
		err = domain.Refuse(domain.Malformed, "%s: want DBIT or CRDT", path)
	}
	return keep(f, d, err)
}

func (f *fields) flag(path, text string) bool {
	switch strings.TrimSpace(text) {
	case "true", "1":
		return true
	case "false", "0", "":
		return false
	}
	return keep(f, false, error(domain.Refuse(domain.Malformed, "%s: want true or false", path)))
}

// number is the account's IBAN without spaces, or another number.
func (f *fields) number(path string, a account) string {
	if a.IBAN != "" {
		return f.required(path+"/IBAN", strings.ReplaceAll(a.IBAN, " ", ""))
	}
	return f.required(path+"/Othr/Id", a.Other)
}
