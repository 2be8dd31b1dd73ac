package witness

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func FuzzParseRequest(f *testing.F) {
	for _, text := range []string{
		"old 0\n\nlog.test\n1\nAAAA\n\n— log.test AAAA\n",
		"old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\nexample.com\n2\n",
		"old 1\n" + strings.Repeat("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n", MaxProofLines) + "\n",
		"old 01\n\n", "old 18446744073709551616\n\n", "old 1\r\n\r\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(body)
		if err != nil {
			return
		}
		if len(r.proof) > MaxProofLines || r.old > maxSize {
			t.Errorf("%d lines, old %d", len(r.proof), r.old)
		}
		if !bytes.Equal(r.format(), body) {
			t.Errorf("read %q as %q", body, r.format())
		}
	})
}

func FuzzReadHead(f *testing.F) {
	for _, text := range []string{
		"log.test\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "log.test\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nextension\n",
		"log.test\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "\n1\n\n", "a\n18446744073709551615\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := readHead(text)
		if err != nil {
			return
		}
		exact := fmt.Sprintf("%s\n%d\n%s\n", h.origin, h.size, base64.StdEncoding.EncodeToString(h.root[:]))
		if !strings.HasPrefix(text, exact) || h.size > maxSize || h.origin == "" {
			t.Errorf("read %q as %+v", text, h)
		}
	})
}
