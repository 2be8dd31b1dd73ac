package ubl

import (
	"strings"
	"time"

	"aval/domain"
)

// whitespace is what XML takes for it, no more.
const whitespace = " \t\r\n"

// text is the content of an element without the white space around it.
type text string

// UnmarshalText is called by encoding/xml. It refuses more than MaxText.
func (t *text) UnmarshalText(data []byte) error {
	if len(data) > MaxText {
		return domain.Refuse(domain.LimitExceeded, "document: a text of %d bytes, limit %d", len(data), MaxText)
	}
	*t = text(strings.Trim(string(data), whitespace))
	return nil
}

// Identifier is an identifier and the scheme it belongs to, for example "0088" for a GLN (ISO/IEC 6523) or "IBAN".
type Identifier struct {
	Scheme string `json:"scheme,omitempty"`
	Value  string `json:"value"`
}

type identifier struct {
	Value  text `xml:",chardata"`
	Scheme text `xml:"schemeID,attr"`
}

func (i *identifier) plain() Identifier {
	if i == nil {
		return Identifier{}
	}
	return Identifier{Scheme: string(i.Scheme), Value: string(i.Value)}
}

func strung(all []text) []string {
	list := make([]string, len(all))
	for i, t := range all {
		list[i] = string(t)
	}
	return list
}

// day reads an xs:date. A zone behind it names the same day and is left out.
func (r *report) day(t text, path string) domain.Date {
	if t == "" {
		return ""
	}
	date := domain.Date(t[:min(len(t), 10)])
	if zone := string(t[len(date):]); date.Check("date") != nil || !isZone(zone) {
		r.found(RuleDate, path, "%.40q is not a day", string(t))
		return ""
	}
	return date
}

// isZone says whether a text is what XML Schema lets stand behind a date: nothing, Z, or an offset.
func isZone(zone string) bool {
	if zone == "" {
		return true
	}
	_, err := time.Parse("Z07:00", zone)
	return err == nil
}
