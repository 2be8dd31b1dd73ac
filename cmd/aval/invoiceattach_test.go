package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"aval/contracts/invoice"
	"aval/domain"
	"aval/domain/envelope"
	"aval/fixtures/trade"
)

// partsOf encloses a file and gives the parts as they come back.
func partsOf(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	i := documentImport{attach: true, raw: raw}
	var q request
	if err := i.enclose(&q, invoice.Agreement{Terms: invoice.Terms{Supplier: "acme", Buyer: "bistro"}}); err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, v := range q.Private {
		d, err := envelope.SealPrivate(envelope.PrivateValue{Salt: make([]byte, domain.MinSaltBytes), Name: v.Name, Value: v.Value})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]string{"disclosure": string(d)})
		if err != nil {
			t.Fatal(err)
		}
		if err := takePart(parts, body); err != nil {
			t.Fatal(err)
		}
	}
	return parts
}

func sumOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func TestAnAttachedFileComesBackWholeOrNotAtAll(t *testing.T) {
	noise := make([]byte, 10_000) // does not compress: three parts
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{[]byte(trade.Invoice()), noise, {}} {
		back, err := unpack(partsOf(t, raw), sumOf(raw))
		if err != nil || !bytes.Equal(back, raw) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
	}
	if _, err := unpack(partsOf(t, noise), sumOf([]byte("another"))); err == nil || !strings.Contains(err.Error(), "not the one whose hash") {
		t.Errorf("another file: %v", err)
	}
	for name, spoil := range map[string]func(map[string]string){
		"a part is missing": func(p map[string]string) { delete(p, "document.01") },
		"a part is spoilt":  func(p map[string]string) { p["document.01"] = "?" },
		"all were erased":   func(p map[string]string) { clear(p) },
	} {
		parts := partsOf(t, noise)
		if len(parts) != 3 {
			t.Fatalf("%d parts", len(parts))
		}
		spoil(parts)
		if _, err := unpack(parts, sumOf(noise)); err == nil {
			t.Errorf("%s: and is read", name)
		}
	}
	long := make([]byte, attachedPart*domain.MaxPrivate+1)
	if _, err := rand.Read(long); err != nil {
		t.Fatal(err)
	}
	i := documentImport{attach: true, raw: long}
	if err := i.enclose(&request{}, invoice.Agreement{}); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("too long: %v", err)
	}
}

func FuzzAttached(f *testing.F) {
	f.Add("H4sIAAAAAAAA/8pIzcnJBwQAAP//hqYQNgUAAAA=", "", "")
	f.Add("", "x", "00")
	f.Fuzz(func(t *testing.T, first, second, sum string) {
		raw, err := unpack(map[string]string{"document.00": first, "document.01": second}, sum)
		if err == nil && sum != "" && sumOf(raw) != sum {
			t.Error("a file of another hash was read")
		}
	})
}
