package iso20022

import (
	"strings"
	"time"
	"unicode/utf8"

	"aval/domain"
)

// identifier reads a Max35Text: trimmed, without control characters. Empty if it is not given.
func identifier(path, text string) (string, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > MaxID {
		return "", domain.Refuse(domain.LimitExceeded, "%s: more than %d characters", path, MaxID)
	}
	if strings.ContainsFunc(text, control) {
		return "", domain.Refuse(domain.Malformed, "%s: control character", path)
	}
	return text, nil
}

// control finds what could forge lines on a screen. The ranges are spelt out because Unicode
// tables grow with the compiler.
func control(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// required is identifier for what must be there.
func required(path, text string) (string, error) {
	id, err := identifier(path, text)
	if err == nil && id == "" {
		err = domain.Refuse(domain.Malformed, "%s: missing", path)
	}
	return id, err
}

// code reads a code of at most four upper-case letters and digits. Empty if it is not given.
func code(path, text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) > 4 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return "", domain.Refuse(domain.Malformed, "%s: not a code of at most four letters or digits", path)
	}
	return text, nil
}

// choice is a code or a text of the bank's own. Its text directly is the form of camt.054 up to .05.
type choice struct {
	Text        string `xml:",chardata"`
	Code        string `xml:"Cd"`
	Proprietary string `xml:"Prtry"`
}

func (c choice) code(path string) (string, error) {
	if c.Code == "" && c.Proprietary == "" {
		return code(path, c.Text)
	}
	return code(path+"/Cd", c.Code)
}

// reason is a code, or else the bank's own word, of at most 35 characters.
func (c choice) reason(path string) (string, error) {
	if c.Code != "" {
		return code(path+"/Cd", c.Code)
	}
	return identifier(path+"/Prtry", c.Proprietary)
}

// narrative joins additional information to at most 140 bytes of whole characters, the length of a reason on the ledger.
func narrative(parts []string) string {
	text := strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
	text = strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, text)
	for len(text) > 140 {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}

// day is a date, or the date of an instant where it was written.
type day struct {
	Date    string `xml:"Dt"`
	Instant string `xml:"DtTm"`
}

func (d day) date(path string) (domain.Date, error) {
	text := strings.TrimSpace(d.Date)
	if text == "" && d.Instant != "" {
		text = strings.TrimSpace(d.Instant)
		if _, _, ok := strings.Cut(text, "T"); !ok {
			return "", domain.Refuse(domain.Malformed, "%s: not an instant", path)
		}
	}
	if text == "" {
		return "", nil
	}
	date := domain.Date(text[:min(len(text), len(time.DateOnly))])
	if date.Check(path) != nil { // says no content
		return "", domain.Refuse(domain.Malformed, "%s: not a day from 1970 on", path)
	}
	return date, nil
}

// transactionID is a UETR, a UUID of version 4 in lower case. Empty if it is not given.
func transactionID(path, text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return "", nil
	}
	for i := range len(text) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if len(text) != 36 || dash != (text[i] == '-') || !dash && !strings.Contains("0123456789abcdef", text[i:i+1]) {
			return "", domain.Refuse(domain.Malformed, "%s: not a UUID", path)
		}
	}
	return text, nil
}

// notProvided is what stands for an end-to-end ID that the payer did not give.
const notProvided = "NOTPROVIDED"

func endToEnd(path, text string) (string, error) {
	id, err := identifier(path, text)
	if strings.EqualFold(id, notProvided) {
		id = ""
	}
	return id, err
}
