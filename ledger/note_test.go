package ledger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
)

// signedNote is one in which the holder of a log key says something of a node.
func signedNote(t testing.TB, keys *Keys, heading string, what any) []byte {
	t.Helper()
	text, err := json.Marshal(what)
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
	good := signedNote(t, own, openingHeading, o)
	s, err := x.parse(openingFormat, good)
	if err != nil || s.command.Name != "Opened" || s.identity("") != "command  one" {
		t.Fatalf("%+v, %v", s, err)
	}
	nameless := o
	nameless.ID = ""
	for name, bad := range map[string][]byte{
		"another log key":   signedNote(t, other, openingHeading, o),
		"another heading":   signedNote(t, own, "aval opening 2\n", o),
		"without an ID":     signedNote(t, own, openingHeading, nameless),
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

// TestAccessesAreOfTheLogKey: nobody but the holder of the keys says who read, and he says it in order.
func TestAccessesAreOfTheLogKey(t *testing.T) {
	x, own, other := openingExecutor(t)
	a := domain.Access{ID: "one", Part: 2, Viewer: "acme", Route: "/v1/accounts", Of: []domain.RowsOf{{Party: "a", Rows: 1}, {Party: "b", Rows: 1}}}
	good := signedNote(t, own, accessHeading, a)
	s, err := x.parse(accessFormat, good)
	if err != nil || s.command.Name != domain.Accessed || s.identity("") != "command  one-2" || !s.unsigned() {
		t.Fatalf("%+v, %v", s, err)
	}
	change := func(f func(*domain.Access)) []byte {
		bad := a
		bad.Of = slices.Clone(a.Of)
		f(&bad)
		return signedNote(t, own, accessHeading, bad)
	}
	for name, bad := range map[string][]byte{
		"another log key":      signedNote(t, other, accessHeading, a),
		"an opening's heading": signedNote(t, own, openingHeading, a),
		"an opening":           signedNote(t, own, openingHeading, domain.Opening{ID: "one"}),
		"altered":              []byte(strings.Replace(string(good), "acme", "bcme", 1)),
		"nobody":               change(func(a *domain.Access) { a.Viewer = "" }),
		"without an ID":        change(func(a *domain.Access) { a.ID = "" }),
		"nowhere":              change(func(a *domain.Access) { a.Route = "" }),
		"a long route":         change(func(a *domain.Access) { a.Route = strings.Repeat("/", 65) }),
		"a long target":        change(func(a *domain.Access) { a.Target = strings.Repeat("x", 257) }),
		"less than no rows":    change(func(a *domain.Access) { a.Rows = -1 }),
		"a part before all":    change(func(a *domain.Access) { a.Part = -1 }),
		"out of order":         change(func(a *domain.Access) { slices.Reverse(a.Of) }),
		"a party twice":        change(func(a *domain.Access) { a.Of[1] = a.Of[0] }),
		"nobody's rows":        change(func(a *domain.Access) { a.Of[0].Party = "" }),
		"no rows of somebody":  change(func(a *domain.Access) { a.Of[0].Rows = 0 }),
		"too many parties":     change(func(a *domain.Access) { a.Of = manyRows(domain.MaxReadOf + 1) }),
		"longer than it is":    append(good[:len(good):len(good)], strings.Repeat("x", maxAccess)...),
	} {
		if _, err := x.parse(accessFormat, bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := x.parse(accessFormat, change(func(a *domain.Access) { a.Of = manyRows(domain.MaxReadOf) })); err != nil {
		t.Errorf("as many parties as there may be: %v", err)
	}
}

func manyRows(n int) (of []domain.RowsOf) {
	for i := range n {
		of = append(of, domain.RowsOf{Party: domain.PartyID(fmt.Sprintf("%048d", i)), Rows: 1000})
	}
	return of
}

func FuzzParseAccess(f *testing.F) {
	x, own, _ := openingExecutor(f)
	f.Add(signedNote(f, own, accessHeading, domain.Access{ID: "one", Viewer: "acme", Route: "/v1/accounts"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := x.parse(accessFormat, data); err == nil && s.command.ID != "one" {
			t.Errorf("nobody signed %q", data)
		}
	})
}

func FuzzParseOpening(f *testing.F) {
	x, own, _ := openingExecutor(f)
	good := signedNote(f, own, openingHeading, domain.Opening{ID: "one", Way: domain.OpenedByPeer})
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := x.parse(openingFormat, data); err == nil && s.command.ID != "one" {
			t.Errorf("nobody signed %q", data)
		}
	})
}
