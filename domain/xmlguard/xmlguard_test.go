package xmlguard_test

import (
	"encoding/xml"
	"errors"
	"runtime"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/xmlguard"
)

type amount struct {
	Currency string `xml:"Ccy,attr"`
	Text     string `xml:",chardata"`
}

type line struct {
	ID string `xml:"Id"`
}

type paper struct {
	ID    string `xml:"Id"`
	Due   amount `xml:"Sum>Due"`
	Paid  amount `xml:"Sum>Paid"`
	Lines []line `xml:"Line"`
}

var limits = xmlguard.Limits{Bytes: 2000, Depth: 4, Elements: 12, Attributes: 3, Text: 20}

func TestDecode(t *testing.T) {
	for name, raw := range map[string]string{
		"plain":                 `<Paper><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"byte order mark":       "\xef\xbb\xbf" + `<?xml version="1.0" encoding="UTF-8"?><Paper><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"declaration":           `<?xml version="1.0" encoding="utf-8"?><?xml-stylesheet href="x.xsl"?><!-- c --><Paper><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper> <!-- d -->`,
		"references and CDATA":  `<Paper><Id>&#65;-<![CDATA[1]]></Id><Sum><Due Ccy="EU&#82;">1.<!-- c -->50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"unknown elements":      `<Paper><Id>A-1</Id><Other/><Other/><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"prefix":                `<p:Paper xmlns:p="urn:p"><p:Id>A-1</p:Id><p:Sum><p:Due Ccy="EUR">1.50</p:Due></p:Sum><p:Line><p:Id>1</p:Id></p:Line><p:Line><p:Id>2</p:Id></p:Line></p:Paper>`,
		"white space":           `<Paper>` + strings.Repeat("\n", 500) + `<Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"xml:lang":              `<Paper xml:lang="en"><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line></Paper>`,
		"a name redeclared":     `<a:Paper xmlns:a="b" xmlns:b="c"><a:Id>A-1</a:Id><a:Sum><a:Due Ccy="EUR">1.50</a:Due></a:Sum><a:Line><a:Id>1</a:Id></a:Line><a:Line><a:Id>2</a:Id></a:Line></a:Paper>`,
		"most elements allowed": `<Paper><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line><Line><Id>2</Id></Line><a/><a/><a/><a/></Paper>`,
	} {
		var p paper
		if err := xmlguard.Decode([]byte(raw), limits, &p); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if p.ID != "A-1" || p.Due != (amount{"EUR", "1.50"}) || len(p.Lines) != 2 || p.Lines[1].ID != "2" {
			t.Errorf("%s: read %+v", name, p)
		}
	}
}

func TestRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		raw, want string
		code      domain.Code
	}{
		"bytes":             {"<Paper>" + strings.Repeat(" ", 2000) + "</Paper>", "document: 2015 bytes, limit 2000", domain.TooLarge},
		"depth":             {"<Paper><a><b><c><d/></c></b></a></Paper>", "Paper/a/b/c: nesting, limit 4", domain.LimitExceeded},
		"elements":          {"<Paper>" + strings.Repeat("<a/>", 12) + "</Paper>", "document: elements, limit 12", domain.LimitExceeded},
		"attributes":        {`<Paper a="" b="" c="" d=""/>`, "document: 4 attributes, limit 3", domain.LimitExceeded},
		"text":              {"<Paper><Id>123456789012345678901</Id></Paper>", "Paper/Id: text, limit 20 bytes", domain.LimitExceeded},
		"text in pieces":    {"<Paper><Id>1234567890<!-- c -->12345678901</Id></Paper>", "Paper/Id: text, limit 20 bytes", domain.LimitExceeded},
		"attribute's text":  {`<Paper a="123456789012345678901"/>`, "document: attribute of 21 bytes, limit 20", domain.LimitExceeded},
		"name":              {`<Paper><a23456789012345678901/></Paper>`, "Paper: name of 21 bytes, limit 20", domain.LimitExceeded},
		"attribute's name":  {`<Paper a23456789012345678901=""/>`, "document: name of 21 bytes, limit 20", domain.LimitExceeded},
		"document type":     {`<!DOCTYPE Paper><Paper/>`, "a DOCTYPE", domain.Malformed},
		"bomb":              {`<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Paper><Id>&b;</Id></Paper>`, "a DOCTYPE", domain.Malformed},
		"entity":            {`<Paper><Id>&b;</Id></Paper>`, "not well-formed XML at line 1", domain.Malformed},
		"external":          {`<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><Paper><Id>&x;</Id></Paper>`, "a DOCTYPE", domain.Malformed},
		"instruction":       {`<Paper><?php echo?></Paper>`, "Paper: a processing instruction", domain.Malformed},
		"late declaration":  {` <?xml version="1.0"?><Paper/>`, "not at its beginning", domain.Malformed},
		"two declarations":  {`<?xml version="1.0"?><?xml version="1.0"?><Paper/>`, "not at its beginning", domain.Malformed},
		"Latin 1":           {`<?xml version="1.0" encoding="ISO-8859-1"?><Paper/>`, "an encoding other than UTF-8", domain.Malformed},
		"Latin 1 bytes":     {"<Paper><Id>\xe4</Id></Paper>", "not UTF-8", domain.Malformed},
		"UTF-16":            {"\xff\xfe<\x00P\x00/\x00>\x00", "not UTF-8", domain.Malformed},
		"UTF-16 by name":    {`<?xml version="1.0" encoding="UTF-16"?><Paper/>`, "an encoding other than UTF-8", domain.Malformed},
		"XML 1.1":           {`<?xml version="1.1"?><Paper/>`, "not of the expected form", domain.Malformed},
		"nothing":           {"", "document: no element", domain.Malformed},
		"only comments":     {"<!-- c -->", "document: no element", domain.Malformed},
		"cut":               {"<Paper><Id>A</Id>", "not well-formed XML", domain.Malformed},
		"second root":       {"<Paper/><Paper/>", "document: a second root", domain.Malformed},
		"text behind":       {"<Paper/>x", "text outside of the root", domain.Malformed},
		"text before":       {"x<Paper/>", "text outside of the root", domain.Malformed},
		"document behind":   {"<Paper/><!DOCTYPE l>", "a DOCTYPE", domain.Malformed},
		"twice":             {"<Paper><Id>A</Id><Id>B</Id></Paper>", "Paper/Id: given twice", domain.Malformed},
		"twice in a line":   {"<Paper><Line><Id>A</Id></Line><Line><Id>A</Id><Id>B</Id></Line></Paper>", "Paper/Line/Id: given twice", domain.Malformed},
		"path twice":        {"<Paper><Sum><Due>1</Due></Sum><Sum><Paid>1</Paid></Sum></Paper>", "Paper/Sum: given twice", domain.Malformed},
		"end of path twice": {"<Paper><Sum><Due>1</Due><Due>1</Due></Sum></Paper>", "Paper/Sum/Due: given twice", domain.Malformed},
		"attribute twice":   {`<Paper a="1" a="2"/>`, "an attribute given twice", domain.Malformed},
		"undeclared":        {`<p:Paper/>`, "prefix of an element not declared", domain.Malformed},
		"undeclared below":  {`<Paper><p:Id>A</p:Id></Paper>`, "Paper: prefix of an element not declared", domain.Malformed},
		"attribute's":       {`<Paper p:a="1"/>`, "prefix of an attribute not declared", domain.Malformed},
		"wrong end":         {`<Paper><Id></Paper></Id>`, "not well-formed XML", domain.Malformed},
	} {
		var p paper
		err := xmlguard.Decode([]byte(c.raw), limits, &p)
		var r *domain.Rejection
		if !errors.As(err, &r) || r.Code != c.code || !strings.Contains(r.Detail, c.want) {
			t.Errorf("%s: %v, want %s ...%s", name, err, c.code, c.want)
		}
	}
}

// TestSilence: no refusal quotes the document.
func TestSilence(t *testing.T) {
	for _, raw := range []string{"<Paper><Id>secret</Paper>", "<Paper><Id>&secret;</Id></Paper>", `<?xml version="secret"?><Paper/>`, `<?xml encoding="secret"?><Paper/>`} {
		var p paper
		if err := xmlguard.Decode([]byte(raw), limits, &p); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestNamespaces(t *testing.T) {
	only := limits
	only.Namespaces = []string{"urn:p"}
	const raw = `<Paper xmlns="urn:p" xmlns:x="urn:x"><x:Id>evil<x:Id/></x:Id><Id>A-1</Id><x:Id>evil</x:Id></Paper>`
	var p paper
	if err := xmlguard.Decode([]byte(raw), only, &p); err != nil || p.ID != "A-1" {
		t.Errorf("%+v, %v", p, err)
	}
	root, err := xmlguard.Root([]byte(raw), only)
	if err != nil || root != (xml.Name{Space: "urn:p", Local: "Paper"}) {
		t.Errorf("root %v, %v", root, err)
	}
	for name, c := range map[string]struct{ raw, want string }{
		"deep in a foreign element": {`<Paper xmlns="urn:p"><x xmlns="urn:x"><y><z><w/></z></y></x></Paper>`, "nesting, limit 4"},
		"many in a foreign element": {`<Paper xmlns="urn:p"><x xmlns="urn:x">` + strings.Repeat("<y/>", 20) + `</x></Paper>`, "elements, limit 12"},
		"root of another":           {`<Paper xmlns="urn:x"/>`, "no element"},
	} {
		if err := xmlguard.Decode([]byte(c.raw), only, &paper{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ...%s", name, err, c.want)
		}
	}
}

// TestMemory: what is refused costs a bounded multiple of its own size.
func TestMemory(t *testing.T) {
	const size = 4 << 20
	wide := limits
	wide.Bytes = size + 10
	for name, raw := range map[string]string{
		"too large": strings.Repeat("<a>", size),
		"deep":      strings.Repeat("<a>", size/3),
		"long text": "<a>" + strings.Repeat("x", size-10) + "</a>",
		"wide":      "<a>" + strings.Repeat("<b/>", size/4-10) + "</a>",
		"long tag":  "<" + strings.Repeat("x", size) + "/>",
		"long name": "<a " + strings.Repeat("x", size-100) + `=""/>`,
		"long list": "<a" + strings.Repeat(` b=""`, size/5-10) + "/>",
	} {
		document := []byte(raw)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := xmlguard.Decode(document, wide, &paper{})
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) / size; err == nil || used > 100 {
			t.Errorf("%s: %v, allocated %d times its size", name, err, used)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`<Paper><Id>A-1</Id><Sum><Due Ccy="EUR">1.50</Due></Sum><Line><Id>1</Id></Line></Paper>`, "<Paper/><Paper/>",
		`<!DOCTYPE l [<!ENTITY a "aa">]><Paper><Id>&a;</Id></Paper>`, `<p:Paper xmlns:p="urn:p"><Id p:a=""/></p:Paper>`, `<?xml version="1.0"?><a>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p paper
		err := xmlguard.Decode(raw, limits, &p)
		var r *domain.Rejection
		switch {
		case err != nil && !errors.As(err, &r):
			t.Errorf("%v is no Rejection", err)
		case err != nil:
		case len(p.ID) > limits.Text || len(p.Lines) > limits.Elements:
			t.Errorf("beyond the limits: %+v", p)
		case strings.Contains(string(raw), "<!DOCTYPE") && !strings.Contains(string(raw), "<![CDATA[") && !strings.Contains(string(raw), "<!--"):
			t.Error("a DOCTYPE passed")
		}
		if err == nil { // what Decode reads has a root
			if _, err := xmlguard.Root(raw, limits); err != nil {
				t.Error(err)
			}
		}
	})
}
