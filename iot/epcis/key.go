package epcis

import (
	"strings"
	"time"

	"aval/domain"
)

// Key is an identification key of GS1: an application identifier and its value, and what tells
// one thing of a class from another, if anything does.
type Key struct {
	// AI is the primary identifier: 00 an SSCC, 01 a GTIN, 414 the GLN of a place, and so on.
	AI, Value string
	// Qualifier and Serial are the finest qualifier: 21 a serial number, 10 a batch, 254 part of a place.
	Qualifier, Serial string
}

// URI is the canonical GS1 Digital Link (URI Syntax 1.2, 4.11).
func (k Key) URI() string {
	uri := "https://id.gs1.org/" + k.AI + "/" + k.Value
	if k.Qualifier != "" {
		uri += "/" + k.Qualifier + "/" + k.Serial
	}
	return uri
}

// parseKey reads an EPC URN (TDS 2.0) or a GS1 Digital Link of any host. False for other URIs and for URNs
// that are not well formed. It does not judge check digits: see sound.
func parseKey(uri string) (Key, bool) {
	for _, start := range []string{"urn:epc:id:", "urn:epc:class:", "urn:epc:idpat:"} {
		if rest, found := strings.CutPrefix(uri, start); found {
			scheme, body, _ := strings.Cut(rest, ":")
			return parseURN(scheme, body)
		}
	}
	return parseLink(uri)
}

// scheme is how a URN maps to a key.
type scheme struct {
	ai string
	// length is that of company prefix and reference together; zero if the reference may be any text.
	length int
	// lead is put before, first moves the reference's first digit there; check adds a check digit.
	lead  string
	first bool
	check bool
	// qualifier takes what comes after the reference; joined if that is part of the value itself.
	qualifier string
	joined    bool
}

func schemeOf(name string) (scheme, bool) {
	switch name {
	case "sgtin":
		return scheme{ai: "01", length: 13, first: true, check: true, qualifier: "21"}, true
	case "lgtin":
		return scheme{ai: "01", length: 13, first: true, check: true, qualifier: "10"}, true
	case "upui":
		return scheme{ai: "01", length: 13, first: true, check: true, qualifier: "235"}, true
	case "sscc":
		return scheme{ai: "00", length: 17, first: true, check: true}, true
	case "sgln":
		return scheme{ai: "414", length: 12, check: true, qualifier: "254"}, true
	case "pgln":
		return scheme{ai: "417", length: 12, check: true}, true
	case "grai":
		return scheme{ai: "8003", length: 12, lead: "0", check: true, joined: true}, true
	case "gdti":
		return scheme{ai: "253", length: 12, check: true, joined: true}, true
	case "sgcn":
		return scheme{ai: "255", length: 12, check: true, joined: true}, true
	case "giai":
		return scheme{ai: "8004"}, true
	case "ginc":
		return scheme{ai: "401"}, true
	case "cpi":
		return scheme{ai: "8010", qualifier: "8011"}, true
	case "gsrn":
		return scheme{ai: "8018", length: 17, check: true}, true
	case "gsrnp":
		return scheme{ai: "8017", length: 17, check: true}, true
	case "gsin":
		return scheme{ai: "402", length: 16, check: true}, true
	case "itip":
		return scheme{ai: "8006", length: 13, first: true, check: true, qualifier: "21"}, true
	}
	return scheme{}, false
}

func parseURN(name, body string) (Key, bool) {
	s, known := schemeOf(name)
	parts := strings.Split(body, ".")
	if !known || len(parts) < 2 || !digits(parts[0]) || len(parts[0]) < 6 || len(parts[0]) > 12 {
		return Key{}, false
	}
	prefix, reference, rest := parts[0], parts[1], parts[2:]
	if s.length == 0 { // the reference may hold dots
		if s.qualifier == "" {
			reference, rest = strings.Join(parts[1:], "."), nil
		}
		return s.key(prefix+escape(reference), rest)
	}
	if len(prefix)+len(reference) != s.length || reference != "" && !digits(reference) {
		return Key{}, false
	}
	value := s.lead + prefix + reference
	if s.first {
		value = reference[:1] + prefix + reference[1:]
	}
	if s.check {
		value += checkDigit(value)
	}
	if name == "itip" && len(rest) > 2 {
		value, rest = value+rest[0]+rest[1], rest[2:]
	}
	return s.key(value, rest)
}

// key completes a key by what comes after the reference; "*" is a pattern for all of a class.
func (s scheme) key(value string, rest []string) (Key, bool) {
	serial := escape(strings.Join(rest, "."))
	if serial == "%2A" {
		serial = ""
	}
	switch {
	case s.joined:
		return Key{AI: s.ai, Value: value + serial}, true
	case s.qualifier == "" && len(rest) > 0:
		return Key{}, false
	case serial == "" || s.qualifier == "254" && serial == "0":
		return Key{AI: s.ai, Value: value}, true
	}
	return Key{AI: s.ai, Value: value, Qualifier: s.qualifier, Serial: serial}, true
}

// escape writes the characters that a Digital Link must not hold bare (table 7-1).
func escape(s string) string {
	return strings.NewReplacer("!", "%21", "(", "%28", ")", "%29", "*", "%2A", "+", "%2B", ",", "%2C", ":", "%3A").Replace(s)
}

func checkDigit(value string) string {
	sum := 0
	for i := range len(value) {
		sum += int(value[i]-'0') * (3 - (len(value)-1-i)%2*2)
	}
	return string(rune('0' + (10-sum%10)%10))
}

// primary gives the least and greatest length of a primary key's value in a Digital Link.
func primary(ai string) (least, most int, ok bool) {
	switch ai {
	case "00", "8017", "8018":
		return 18, 18, true
	case "01":
		return 8, 14, true
	case "402":
		return 17, 17, true
	case "414", "417":
		return 13, 13, true
	case "253", "255":
		return 13, 30, true
	case "401", "8004", "8010":
		return 1, 40, true
	case "8003":
		return 14, 40, true
	case "8006":
		return 18, 18, true
	}
	return 0, 0, false
}

// parseLink finds a primary key in the path of a web URI, and its finest qualifier.
func parseLink(uri string) (Key, bool) {
	rest, secure := strings.CutPrefix(uri, "https://")
	if !secure {
		var plain bool
		if rest, plain = strings.CutPrefix(uri, "http://"); !plain {
			return Key{}, false
		}
	}
	path, _, _ := strings.Cut(rest, "?")
	path, _, _ = strings.Cut(path, "#")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i := 1; i+1 < len(segments); i++ {
		least, most, known := primary(segments[i])
		value := segments[i+1]
		if !known || len(value) < least || len(value) > most || least == most && !digits(value) || segments[i] == "01" && !digits(value) {
			continue
		}
		k := Key{AI: segments[i], Value: value}
		if k.AI == "01" {
			k.Value = strings.Repeat("0", 14-len(value)) + value
		}
		return k.qualified(segments[i+2:])
	}
	return Key{}, false
}

// qualified adds the finest of the qualifiers that follow; pairs that are not complete make no link.
func (k Key) qualified(segments []string) (Key, bool) {
	if len(segments)%2 != 0 {
		return Key{}, false
	}
	finest := map[string][]string{"01": {"21", "235", "10"}, "8006": {"21", "10"}, "8010": {"8011"}, "414": {"254"}}[k.AI]
	for _, qualifier := range finest {
		for i := 0; i < len(segments); i += 2 {
			if segments[i] == qualifier {
				k.Qualifier, k.Serial = qualifier, segments[i+1]
				return k, true
			}
		}
	}
	return k, true
}

func utc(at domain.Millis) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.000Z")
}
