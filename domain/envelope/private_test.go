package envelope_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
)

// The example of RFC 9901 sections 4.2.1 and 4.2.3.
const (
	rfcDisclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
	rfcDigest     = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
)

func TestDisclosureOfTheRFC(t *testing.T) {
	v, err := envelope.OpenPrivate([]byte(rfcDisclosure))
	if err != nil || v.Name != "family_name" || string(v.Value) != `"M\u00f6bius"` && string(v.Value) != `"Möbius"` || len(v.Salt) < 16 {
		t.Errorf("%+v %s, %v", v, v.Value, err)
	}
	if got := envelope.Digest([]byte(rfcDisclosure)); got != rfcDigest {
		t.Errorf("digest %s, want %s", got, rfcDigest)
	}
}

func encoded(text string) []byte { return []byte(base64.RawURLEncoding.EncodeToString([]byte(text))) }

func TestOpenPrivateRefuses(t *testing.T) {
	const salt = `"AAAAAAAAAAAAAAAAAAAAAA"`
	for name, c := range map[string]struct {
		disclosure []byte
		code       domain.Code
	}{
		"good":          {encoded(`[` + salt + `,"a",{"b":[1,null]}]`), ""},
		"null":          {encoded(`[` + salt + `,"a",null]`), ""},
		"short salt":    {encoded(`["AAAAAAAAAAAAAAAAAAAA","a",1]`), domain.WeakSalt},
		"no salt":       {encoded(`["","a",1]`), domain.WeakSalt},
		"salt no text":  {encoded(`[1,"a",1]`), domain.Malformed},
		"salt no base":  {encoded(`["!!!!!!!!!!!!!!!!!!!!!!","a",1]`), domain.Malformed},
		"two":           {encoded(`[` + salt + `,"a"]`), domain.Malformed},
		"four":          {encoded(`[` + salt + `,"a",1,2]`), domain.Malformed},
		"object":        {encoded(`{"a":1}`), domain.Malformed},
		"key twice":     {encoded(`[` + salt + `,"a",{"b":1,"b":2}]`), domain.Malformed},
		"more behind":   {encoded(`[` + salt + `,"a",1] 2`), domain.Malformed},
		"name empty":    {encoded(`[` + salt + `,"",1]`), domain.Malformed},
		"name a path":   {encoded(`[` + salt + `,"a/b",1]`), domain.Malformed},
		"not base64url": {[]byte("WyJ+"), domain.Malformed},
		"line break":    {append(encoded(`[`+salt+`,"a",1]`), '\n'), domain.Malformed},
		"too large":     {encoded(`[` + salt + `,"a","` + strings.Repeat("x", domain.MaxPrivateBytes) + `"]`), domain.TooLarge},
		"nothing":       {nil, domain.Malformed},
	} {
		_, err := envelope.OpenPrivate(c.disclosure)
		if codeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		if err != nil && strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: the error quotes what came: %v", name, err)
		}
	}
}

func codeOf(err error) domain.Code {
	var refused *domain.Rejection
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func TestPrivateLimits(t *testing.T) {
	digest := func(n int) string { return envelope.Digest([]byte{byte(n)}) }
	readers := func(n int) (all []domain.PartyID) {
		for i := range n {
			all = append(all, domain.PartyID("reader-"+string(rune('a'+i))))
		}
		return all
	}
	items := func(n int) (all []domain.Private) {
		for i := range n {
			all = append(all, domain.Private{Subject: "rosa", Digest: digest(i)})
		}
		return all
	}
	for name, c := range map[string]struct {
		items []domain.Private
		code  domain.Code
	}{
		"none":             {nil, ""},
		"all":              {items(domain.MaxPrivate), ""},
		"too many":         {items(domain.MaxPrivate + 1), domain.LimitExceeded},
		"readers":          {[]domain.Private{{Subject: "rosa", Digest: digest(1), Readers: readers(domain.MaxPrivateReaders)}}, ""},
		"too many readers": {[]domain.Private{{Subject: "rosa", Digest: digest(1), Readers: readers(domain.MaxPrivateReaders + 1)}}, domain.LimitExceeded},
		"reader twice":     {[]domain.Private{{Subject: "rosa", Digest: digest(1), Readers: []domain.PartyID{"a", "a"}}}, domain.Malformed},
		"reader no name":   {[]domain.Private{{Subject: "rosa", Digest: digest(1), Readers: []domain.PartyID{"A"}}}, domain.Malformed},
		"no subject":       {[]domain.Private{{Digest: digest(1)}}, domain.Malformed},
		"no digest":        {[]domain.Private{{Subject: "rosa"}}, domain.Malformed},
		"padded digest":    {[]domain.Private{{Subject: "rosa", Digest: digest(1) + "="}}, domain.Malformed},
		"loose digest":     {[]domain.Private{{Subject: "rosa", Digest: strings.Repeat("_", 43)}}, domain.Malformed},
		"digest twice":     {append(items(2), items(1)...), domain.PrivateMismatch},
	} {
		if err := domain.CheckPrivate(c.items); codeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
	many := envelope.Join([]byte("a.b.c"), bytes.Split([]byte(strings.Repeat("x", domain.MaxPrivate+1)), nil)...)
	if _, _, err := envelope.Split(many); codeOf(err) != domain.LimitExceeded {
		t.Errorf("too many disclosures: %v", err)
	}
	if _, _, err := envelope.Split(make([]byte, domain.MaxSubmissionBytes+1)); codeOf(err) != domain.TooLarge {
		t.Errorf("too many bytes: %v", err)
	}
	if _, _, err := envelope.Split(envelope.Join([]byte("a.b.c"), make([]byte, domain.MaxPrivateBytes+1))); codeOf(err) != domain.TooLarge {
		t.Errorf("a disclosure too large: %v", err)
	}
}

func TestAttach(t *testing.T) {
	values := []envelope.Value{{Subject: "rosa", Name: "name", Value: []byte(`"Rosa"`)}, {Subject: "rosa", Name: "name", Value: []byte(`"Rosa"`)}}
	c, disclosures, err := envelope.Attach(domain.Command{}, values, strings.NewReader(strings.Repeat("0123456789abcdefABCDEF9876543210", 1)))
	if err != nil || envelope.CheckDisclosures(c.Private, disclosures) != nil {
		t.Fatal(err)
	}
	if c.Private[0].Digest == c.Private[1].Digest {
		t.Error("equal values have one digest: the salts are the same")
	}
	if _, _, err := envelope.Attach(domain.Command{}, values, strings.NewReader("0123456789abcdef")); err == nil {
		t.Error("without chance for a salt there is a value")
	}
}

// What is taken apart and put together again is what it was, and every disclosure that opens has one digest.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("a.b.c"))
	f.Add(envelope.Join([]byte("a.b.c"), []byte(rfcDisclosure), []byte("x")))
	f.Add([]byte("a.b.c~~"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		jws, disclosures, err := envelope.Split(raw)
		if err != nil {
			return
		}
		if again := envelope.Join(jws, disclosures...); !bytes.Equal(again, raw) {
			t.Errorf("%q became %q", raw, again)
		}
		for _, d := range disclosures {
			if domain.CheckDigest(envelope.Digest(d)) != nil {
				t.Errorf("the digest of %q is none", d)
			}
		}
	})
}

func FuzzOpenPrivate(f *testing.F) {
	f.Add([]byte(rfcDisclosure))
	f.Add(encoded(`["AAAAAAAAAAAAAAAAAAAAAA","a",{"b":1}]`))
	f.Add([]byte("W10"))
	f.Fuzz(func(t *testing.T, disclosure []byte) {
		v, err := envelope.OpenPrivate(disclosure)
		if err != nil {
			return
		}
		if len(v.Salt) < domain.MinSaltBytes || v.Name == "" || len(v.Value) == 0 {
			t.Errorf("%q opened as %+v", disclosure, v)
		}
		sealed, err := envelope.SealPrivate(v)
		if err != nil {
			return // spaces less, but escapes more
		}
		again, err := envelope.OpenPrivate(sealed)
		if err != nil || again.Name != v.Name || !bytes.Equal(again.Salt, v.Salt) {
			t.Errorf("%q, sealed again, opens as %+v, %v", disclosure, again, err)
		}
	})
}
