package ledger

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
)

// signedOpening is the note in which the holder of a log key says how a node was opened.
func signedOpening(t testing.TB, keys *Keys, heading string, o domain.Opening) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(keys.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: heading + string(text) + "\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func openingExecutor(t testing.TB) (executor, *Keys, *Keys) {
	t.Helper()
	own, err := NewKeys("ledger.test/main", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKeys("ledger.test/main", rand.Reader) // the same name under another key
	if err != nil {
		t.Fatal(err)
	}
	log, err := note.NewVerifier(own.LogVerifier)
	if err != nil {
		t.Fatal(err)
	}
	return newExecutor(own.Origin, log, nil, nil), own, other
}

// TestOpeningsAreOfTheLogKey: nobody but the holder of the keys says how a node came by them.
func TestOpeningsAreOfTheLogKey(t *testing.T) {
	x, own, other := openingExecutor(t)
	o := domain.Opening{ID: "one", Way: domain.OpenedByShares, Platform: "simulated", Measurement: strings.Repeat("ab", 32)}
	good := signedOpening(t, own, openingHeading, o)
	s, err := x.parse(openingFormat, good)
	if err != nil || s.command.Name != "Opened" || s.identity("") != "command  one" {
		t.Fatalf("%+v, %v", s, err)
	}
	nameless := o
	nameless.ID = ""
	for name, bad := range map[string][]byte{
		"another log key":   signedOpening(t, other, openingHeading, o),
		"another heading":   signedOpening(t, own, "aval opening 2\n", o),
		"without an ID":     signedOpening(t, own, openingHeading, nameless),
		"altered":           []byte(strings.Replace(string(good), "shares", "peer", 1)),
		"no note":           []byte(openingHeading),
		"longer than it is": append(good[:len(good):len(good)], strings.Repeat("x", maxOpening)...),
	} {
		if _, err := x.parse(openingFormat, bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := (executor{}).parse(openingFormat, good); err == nil {
		t.Error("taken without a log key to check it under")
	}
}

func FuzzParseOpening(f *testing.F) {
	x, own, _ := openingExecutor(f)
	good := signedOpening(f, own, openingHeading, domain.Opening{ID: "one", Way: domain.OpenedByPeer})
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := x.parse(openingFormat, data); err == nil && s.command.ID != "one" {
			t.Errorf("nobody signed %q", data)
		}
	})
}
