package ledger

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// TestCheckpointNamesPlatform: the line is under the signature, and has one form.
func TestCheckpointNamesPlatform(t *testing.T) {
	keys, err := NewKeys("aval.example/trade", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := ParsePolicy(keys.Policy())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(keys.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	head := "aval.example/trade\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	sign := func(lines string) []byte {
		signed, err := note.Sign(&note.Note{Text: head + lines}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for lines, want := range map[string]string{"": "", "platform simulated\n": "simulated", "platform sev-snp\n": "sev-snp"} {
		if lines != platformLine(want) {
			t.Errorf("%q is written as %q", want, platformLine(want))
		}
		if c, err := OpenCheckpoint(policy, sign(lines)); err != nil || c.Platform != want || c.Size != 1 {
			t.Errorf("%q: %+v, %v", lines, c, err)
		}
	}
	for _, lines := range []string{
		"platform \n", "platform Simulated\n", "platform simulated \n", "platform simulated\nplatform tdx\n", "other\n", "platform " + strings.Repeat("a", 17) + "\n", "\n",
	} {
		if c, err := OpenCheckpoint(policy, sign(lines)); err == nil {
			t.Errorf("%q: taken as %+v", lines, c)
		}
	}
	hidden := bytes.Replace(sign("platform simulated\n"), []byte("platform simulated\n"), nil, 1)
	claimed := bytes.Replace(sign("platform simulated\n"), []byte("simulated"), []byte("sev-snp"), 1)
	for name, signed := range map[string][]byte{"line taken away": hidden, "line changed": claimed} {
		if c, err := OpenCheckpoint(policy, signed); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
