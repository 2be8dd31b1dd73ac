package domain_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

func TestPartyIDCheck(t *testing.T) {
	for id, code := range map[domain.PartyID]domain.Code{
		"acme": "", "a": "", "7up": "", "acme.co-op.2": "", "a-": "",
		domain.PartyID(strings.Repeat("a", 48)): "",
		domain.PartyID(strings.Repeat("a", 49)): domain.Malformed,
		"":                                      domain.Malformed, ".": domain.Malformed, "..": domain.Malformed, ".acme": domain.Malformed, "-acme": domain.Malformed,
		"Acme": domain.Malformed, "a/b": domain.Malformed, "a:b": domain.Malformed, "a b": domain.Malformed, "a_b": domain.Malformed,
		"a\n": domain.Malformed, "é": domain.Malformed, "a\x00": domain.Malformed,
	} {
		wantCode(t, string(id), id.Check(), code)
	}
}

func TestKindCheck(t *testing.T) {
	for kind, code := range map[domain.Kind]domain.Code{
		"invoice/1": "", "flightdelay/12": "", domain.CashKind: "", domain.GovernanceKind: "",
		domain.Kind(strings.Repeat("a", 30) + "/1"): "",
		domain.Kind(strings.Repeat("a", 31) + "/1"): domain.Malformed,
		"": domain.Malformed, "invoice": domain.Malformed, "invoice/": domain.Malformed, "/1": domain.Malformed, "/": domain.Malformed,
		"Invoice/1": domain.Malformed, "in-voice/1": domain.Malformed, "in voice/1": domain.Malformed, "invoice1/1": domain.Malformed,
		"invoice/1a": domain.Malformed, "invoice/1/2": domain.Malformed, "invoice/-1": domain.Malformed, "invoice/1\n": domain.Malformed,
	} {
		wantCode(t, string(kind), kind.Check(), code)
	}
}

func TestCheckID(t *testing.T) {
	for id, code := range map[string]domain.Code{
		"S-1": "", "a": "", "A_b.9": "", "...": "", "-": "", strings.Repeat("z", 64): "",
		strings.Repeat("z", 65): domain.Malformed,
		"":                      domain.Malformed, ".": domain.Malformed, "..": domain.Malformed, "a/b": domain.Malformed, "a:b": domain.Malformed,
		"a b": domain.Malformed, "ä": domain.Malformed, "a\x00": domain.Malformed, "%41": domain.Malformed,
	} {
		wantCode(t, id, domain.CheckID("contract", id), code)
	}
}

func TestCheckIDNamesTheField(t *testing.T) {
	if err := domain.CheckID("subject", ""); !strings.Contains(err.Error(), "subject") {
		t.Errorf("got %v", err)
	}
}

func TestCheckKey(t *testing.T) {
	part := strings.Repeat("k", 64)
	for key, code := range map[string]domain.Code{
		"shipment/S-1": "", "a/b/c": "", "a/b/c/d": "",
		part + "/" + part + "/" + part + "/" + "12345":  "", // 200 bytes
		part + "/" + part + "/" + part + "/" + "123456": domain.Malformed,
		"": domain.Malformed, "shipment": domain.Malformed, "a/b/c/d/e": domain.Malformed, "/": domain.Malformed, "a/": domain.Malformed,
		"/a": domain.Malformed, "a//b": domain.Malformed, "a/../b": domain.Malformed, "a/b:c": domain.Malformed,
	} {
		wantCode(t, key, domain.CheckKey(key), code)
	}
}

func TestRecordIDSplitRefuses(t *testing.T) {
	for _, id := range []domain.RecordID{
		"", "invoice", "invoice:1", "invoice:1:", "invoice:1:shipment", "invoice:1:a:b:c:d:e",
		"Invoice:1:a:b", "invoice:x:a:b", "invoice::a:b", ":1:a:b",
		"invoice/1:a:b", "invoice:1:a/b", "invoice:1:a/b:c", "invoice:1:a::b", "invoice:1:..:b",
	} {
		kind, key, err := id.Split()
		wantCode(t, string(id), err, domain.Malformed)
		if kind != "" || key != "" {
			t.Errorf("%s: refused, and yet gave %q, %q", id, kind, key)
		}
	}
}

func kinds() *rapid.Generator[domain.Kind] {
	return rapid.Custom(func(r *rapid.T) domain.Kind {
		return domain.Kind(rapid.StringMatching(`[a-z]{1,20}/[0-9]{1,3}`).Draw(r, "kind"))
	})
}

func keys() *rapid.Generator[string] {
	return rapid.Custom(func(r *rapid.T) string {
		part := rapid.StringMatching(`[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}`)
		return strings.Join(rapid.SliceOfN(part, 2, 4).Draw(r, "parts"), "/")
	})
}

// The law of record names: each kind and key has one name, and the name gives them back.
func TestRecordIDComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind, key := kinds().Draw(r, "kind"), keys().Draw(r, "key")
		id := domain.NewRecordID(kind, key)
		if strings.ContainsAny(string(id), "/?#%") {
			r.Fatalf("%s does not fit a URL path segment", id)
		}
		if k, back, err := id.Split(); err != nil || k != kind || back != key {
			r.Fatalf("%s gave %s, %s, %v, want %s, %s", id, k, back, err, kind, key)
		}
	})
}

func FuzzRecordIDSplit(f *testing.F) {
	f.Add("invoice:1:shipment:S-1")
	f.Add("invoice:1:a/b:c")
	f.Fuzz(func(t *testing.T, text string) {
		kind, key, err := domain.RecordID(text).Split()
		if err == nil && domain.NewRecordID(kind, key) != domain.RecordID(text) {
			t.Fatalf("%q is a second name of %s %s", text, kind, key)
		}
	})
}

func TestMillisShowsUTC(t *testing.T) {
	for at, want := range map[domain.Millis]string{
		0: "1970-01-01T00:00:00.000Z", 1_420_070_400_123: "2015-01-01T00:00:00.123Z", -1: "1969-12-31T23:59:59.999Z",
	} {
		if at.String() != want {
			t.Errorf("got %s, want %s", at, want)
		}
	}
}

func TestLegKeyIsAnIdentifier(t *testing.T) {
	key := domain.LegKey("AS", "98", "ANC", "SEA", "2015-01-01")
	if key != "AS-98-ANC-SEA-2015-01-01" {
		t.Errorf("got %s", key)
	}
	wantCode(t, key, domain.CheckID("subject", key), "")
	wantCode(t, key, domain.CheckKey("leg/"+key), "")
}
