package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/canon"
)

// proved puts entries into a log, one after the other, and gives the policy and the viewers' receipts.
func proved(t testing.TB, entries ...*entry) (Policy, []map[domain.PartyID][]byte) {
	t.Helper()
	keys, err := NewKeys("ledger.test/main", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return provedUnder(t, keys, testSalts(t), entries...)
}

// provedUnder does it under given keys. No entry stands for the seal of the one before.
func provedUnder(t testing.TB, keys *Keys, salt *salts, entries ...*entry) (Policy, []map[domain.PartyID][]byte) {
	t.Helper()
	var sealed []*sealedEntry
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, i := range indexes {
			found = append(found, hashes[i])
		}
		return found, nil
	})
	for i, e := range entries {
		s := &sealedEntry{}
		var err error
		if e != nil {
			e.Index = uint64(i)
			s, err = seal(e, salt)
		} else {
			last := entries[i-1]
			_, s.leaf, err = sealBatch(Batch{Sequence: last.Sequence, Now: last.BookedAt}, entries[i-1:i], newState(), salt)
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashes(int64(i), s.leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		sealed, hashes = append(sealed, s), append(hashes, more...)
	}
	root, rootErr := tlog.TreeHash(int64(len(entries)), reader)
	signer, signerErr := note.NewSigner(keys.LogSigner)
	text := log.Checkpoint{Origin: keys.Origin, Size: uint64(len(entries)), Hash: root[:]}.Marshal()
	checkpoint, signErr := note.Sign(&note.Note{Text: string(text)}, signer)
	policy, err := ParsePolicy(keys.Policy())
	if err := errors.Join(rootErr, signerErr, signErr, err); err != nil {
		t.Fatal(err)
	}
	receipts := make([]map[domain.PartyID][]byte, len(sealed))
	for i, s := range sealed {
		receipts[i] = map[domain.PartyID][]byte{}
		for n, viewer := range s.viewers {
			if n > 2 && n < len(s.viewers)-2 {
				continue // of a bulk, the first and last tell all
			}
			if receipts[i][viewer], err = formatReceipt(s, viewer, uint64(len(entries)), checkpoint, reader); err != nil {
				t.Fatal(err)
			}
		}
	}
	return policy, receipts
}

// transferPaths are the fields of its sender's view of transferEntry.
var transferPaths = []string{
	"header", "command", "sender", "events/0", "events/0/to", "events/0/from", "events/0/amount", "events/0/issuer", "events/0/reference",
	"postings/0", "balances/0",
}

func paths(fields []Field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Path)
	}
	return all
}

func extraOf(t testing.TB, receipt []byte) []byte {
	t.Helper()
	var p proof.TLogProof
	if err := p.Unmarshal(receipt); err != nil {
		t.Fatal(err)
	}
	return p.ExtraData
}

// Whatever is named is shown and verifies; of the rest neither value nor path nor salt is in the file.
func TestDiscloseHidesTheRest(t *testing.T) {
	policy, receipts := proved(t, transferEntry(t), transferEntry(t))
	full := receipts[1]["acme"]
	_, whole, err := parseReceipt(full)
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := ReadFields(full); err != nil || !slices.Equal(paths(shown), transferPaths) {
		t.Fatalf("fields %v, %v", paths(shown), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfDistinct(rapid.SampledFrom(transferPaths[1:]), rapid.ID[string]).Draw(t, "paths")
		partial, err := Disclose(full, wanted)
		if err != nil {
			t.Fatal(err)
		}
		d, err := OpenReceipt(policy, partial)
		if err != nil || len(d.Fields) != len(wanted)+1 || d.Hidden != len(transferPaths)-len(d.Fields) {
			t.Fatalf("%+v, %v", d, err)
		}
		if d.Index != 1 || d.Sequence != 1234 || d.Viewer != "acme" || d.BookedAt == 0 {
			t.Fatalf("header %+v", d)
		}
		var p proof.TLogProof
		if err := p.Unmarshal(partial); err != nil {
			t.Fatal(err)
		}
		for i, f := range whole.Fields {
			shown := i == 0 || slices.Contains(wanted, f.Path)
			// an amount could stand in several fields: what is looked for is value and salt, each with its head
			value, _ := canon.Marshal(f.Value)
			salt, _ := canon.Marshal(f.Salt)
			if bytes.Contains(p.ExtraData, value) != shown || bytes.Contains(p.ExtraData, salt) != shown {
				t.Fatalf("%s: shown %v, want %v", f.Path, !shown, shown)
			}
			if !shown && bytes.Contains(p.ExtraData, []byte(f.Path)) && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, f.Path) }) {
				t.Fatalf("%s: its path is shown", f.Path)
			}
		}
	})
}

// What a receipt hides cannot come back, and a part of a part is that part of the whole.
func TestDiscloseAgain(t *testing.T) {
	policy, receipts := proved(t, transferEntry(t))
	full := receipts[0]["acme"]
	one, err := Disclose(full, []string{"events/0/amount", "command"})
	if err != nil {
		t.Fatal(err)
	}
	less, err := Disclose(one, []string{"command"})
	direct, directErr := Disclose(full, []string{"command", "header"})
	if err != nil || directErr != nil || !bytes.Equal(less, direct) {
		t.Errorf("part of a part: %v, %v", err, directErr)
	}
	d, err := OpenReceipt(policy, one)
	if err != nil || d.Name != "transfer" || d.ID != "" || len(d.Postings) != 0 || len(d.Balances) != 0 || len(d.Events) != 1 || d.Events[0].Name != "" {
		t.Errorf("%+v, %v", d, err)
	}
	if body, err := canon.ToJSON(d.Events[0].Body); string(body) != `{"amount":{"currency":"EUR","minor":50000}}` {
		t.Errorf("body %s, %v", body, err)
	}
	if nothing, err := Disclose(full, nil); err != nil || len(nothing) >= len(one) {
		t.Errorf("nothing but the header: %d bytes, %v", len(nothing), err)
	}
	for name, c := range map[string]struct {
		receipt []byte
		path    string
	}{
		"hidden before": {less, "events/0/amount"}, "no such field": {full, "events/1"}, "empty": {full, ""}, "empty, of a part": {one, ""},
		"an auditor's": {receipts[0][""], "header"}, "no receipt": {[]byte("x"), "header"}, "cut": {full[:len(full)-1], "header"},
	} {
		if got, err := Disclose(c.receipt, []string{c.path}); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// withFields changes the extra line of a receipt.
func withFields(t testing.TB, receipt []byte, change func(*extra)) []byte {
	t.Helper()
	p, x, err := parseReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	change(&x)
	if p.ExtraData, err = canon.Marshal(x); err != nil {
		t.Fatal(err)
	}
	return p.Marshal()
}

// No exchange of what a partial receipt is made of verifies, nor any changed byte of it.
func TestPartialReceiptTampered(t *testing.T) {
	policy, receipts := proved(t, transferEntry(t), transferEntry(t))
	partial, err := Disclose(receipts[0]["acme"], []string{"command", "events/0/amount", "postings/0"})
	if err != nil {
		t.Fatal(err)
	}
	_, payee, _ := parseReceipt(receipts[0]["globex"])
	_, later, _ := parseReceipt(receipts[1]["acme"])
	at := func(path string) int { return slices.Index(transferPaths, path) }
	command, amount, hidden := at("command"), at("events/0/amount"), at("events/0/to")
	for name, change := range map[string]func(*extra){
		"two fields exchanged": func(x *extra) { x.Fields[command], x.Fields[amount] = x.Fields[amount], x.Fields[command] },
		"two salts exchanged": func(x *extra) {
			x.Fields[command].Salt, x.Fields[amount].Salt = x.Fields[amount].Salt, x.Fields[command].Salt
		},
		"two values exchanged": func(x *extra) {
			x.Fields[command].Value, x.Fields[amount].Value = x.Fields[amount].Value, x.Fields[command].Value
		},
		"path renamed": func(x *extra) { x.Fields[amount].Path = "events/0/refund" },
		"a letter moved to the value": func(x *extra) {
			x.Fields[amount].Path, x.Fields[amount].Value = "events/0/amoun", append([]byte("t"), x.Fields[amount].Value...)
		},
		"field of the other viewer":    func(x *extra) { x.Fields[command] = payee.Fields[command] },
		"field of another entry":       func(x *extra) { x.Fields[command] = later.Fields[command] },
		"all fields of another entry":  func(x *extra) { x.Fields = later.Fields },
		"fields and leaf of another":   func(x *extra) { x.Fields, x.Leaf = later.Fields, later.Leaf },
		"hidden one replaced":          func(x *extra) { x.Fields[hidden].Hash = x.Fields[hidden+1].Hash },
		"hidden one of the other view": func(x *extra) { x.Fields[hidden] = payee.Fields[hidden-1].hide() },
		"hidden one left out":          func(x *extra) { x.Fields = slices.Delete(x.Fields, hidden, hidden+1) },
		"last one left out":            func(x *extra) { x.Fields = x.Fields[:len(x.Fields)-1] },
		"one more":                     func(x *extra) { x.Fields = append(x.Fields, x.Fields[amount]) },
		"header hidden":                func(x *extra) { x.Fields[0] = x.Fields[0].hide() },
		"shown and hidden":             func(x *extra) { x.Fields[amount].Hash = x.Fields[amount].commitment() },
		"hidden, with a path":          func(x *extra) { x.Fields[hidden].Path = "events/0/to" },
		"salt cut":                     func(x *extra) { x.Fields[amount].Salt = x.Fields[amount].Salt[1:] },
		"hash cut":                     func(x *extra) { x.Fields[hidden].Hash = x.Fields[hidden].Hash[1:] },
		"neither shown nor hidden":     func(x *extra) { x.Fields[hidden] = committed{} },
		"all commitments as one hash": func(x *extra) {
			x.Fields = []committed{x.Fields[0], {Hash: slices.Concat(x.Fields[1].commitment(), x.Fields[2].commitment())}}
		},
		"number of views":               func(x *extra) { x.Count++ },
		"number of views, same shape":   func(x *extra) { x.Count = 4 },
		"place of the view":             func(x *extra) { x.N++ },
		"path that is empty, not null":  func(x *extra) { x.Fields, x.Path = nil, [][]byte{} },
		"no fields, and no place":       func(x *extra) { *x = extra{Leaf: later.Leaf} },
		"a view of nothing but a place": func(x *extra) { x.Fields = []committed{} },
		"no fields, in another text":    func(x *extra) { *x = extra{Leaf: x.Leaf, Fields: []committed{}} },
	} {
		if d, err := OpenReceipt(policy, withFields(t, partial, change)); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	for what, receipt := range map[string][]byte{"partial": partial, "full": receipts[0]["globex"], "auditor's": receipts[0][""]} {
		for i := range receipt {
			if _, err := OpenReceipt(policy, receipt[:i]); err == nil {
				t.Errorf("%s: its first %d bytes verify", what, i)
			}
			changed := bytes.Clone(receipt)
			changed[i] ^= 1 << (i % 7)
			if _, err := OpenReceipt(policy, changed); err == nil {
				t.Errorf("%s: verifies with byte %d changed", what, i)
			}
		}
		extraLine := extraOf(t, receipt)
		for i := range extraLine { // below the base64, where each bit is one of the content
			changed := bytes.Clone(extraLine)
			changed[i] ^= 1 << (i % 8)
			old, altered := base64.StdEncoding.EncodeToString(extraLine), base64.StdEncoding.EncodeToString(changed)
			if _, err := OpenReceipt(policy, bytes.Replace(receipt, []byte(old), []byte(altered), 1)); err == nil {
				t.Errorf("%s: verifies with byte %d of the extra line changed", what, i)
			}
		}
	}
}

// A view is read only in the form that the ledger gives it, whoever else commits to what.
func TestViewsOfAnotherForm(t *testing.T) {
	value := func(v any) []byte {
		b, err := canon.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	shown := func(path string, v any) committed {
		return committed{Path: path, Salt: make([]byte, saltSize), Value: value(v)}
	}
	header := shown(headerPath, headerValue{Viewer: "acme"})
	event, whole := shown("events/0", eventValue{Name: "n"}), shown("events/0", eventValue{Name: "n", Body: []byte{0xa0}})
	for name, fields := range map[string][]committed{
		"no header":                  {event},
		"header hidden":              {header.hide(), event},
		"header of nobody":           {shown(headerPath, headerValue{})},
		"header twice":               {header, header},
		"header of another form":     {shown(headerPath, commandValue{})},
		"unknown path":               {header, shown("price", 1)},
		"list without a number":      {header, shown("events", 1)},
		"no such number":             {header, shown("events/-1", eventValue{})},
		"number in another form":     {header, shown("events/00", eventValue{})},
		"number beyond the fields":   {header, shown("events/9999999", eventValue{})},
		"posting with a member":      {header, shown("postings/0/amount", 1)},
		"event after posting":        {header, shown("postings/0", DisclosedPosting{}), event},
		"member before its event":    {header, shown("events/0/a", 1), event},
		"members out of order":       {header, event, shown("events/0/b", 1), shown("events/0/a", 1)},
		"event twice":                {header, event, event},
		"body whole and in members":  {header, whole, shown("events/0/a", 1)},
		"... of the event before":    {header, whole, shown("events/0/a", 1), shown("events/1", eventValue{})},
		"posting of another form":    {header, shown("postings/0", 1)},
		"entry and more":             {shown(entryPath, &entry{}), event},
		"entry after the header":     {header, shown(entryPath, &entry{})},
		"entry of another form":      {shown(entryPath, 1)},
		"member that is not encoded": {header, event, {Path: "events/0/a", Salt: make([]byte, saltSize), Value: []byte{0xff}}},
	} {
		if d, err := disclosureOf(fields); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	d, err := disclosureOf([]committed{header, shown("events/2/a", 1), shown("postings/3", DisclosedPosting{Posting: domain.Posting{Cause: 1}}), event.hide()})
	if err != nil || len(d.Events) != 3 || d.Events[1].Name != "" || d.Hidden != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	if shown, err := d.Posting(d.Postings[0]); err != nil || shown.Cause.Event != "" {
		t.Errorf("posting whose cause is hidden: %+v, %v", shown, err)
	}
}

// A view counts for the entry and the batch that its leaf stands for, and for no other, even if the log had signed that.
func TestViewOfAnotherEntry(t *testing.T) {
	e := transferEntry(t)
	s, err := seal(e, testSalts(t))
	if err != nil {
		t.Fatal(err)
	}
	for n := range s.views {
		x := extra{Leaf: s.leaf, Fields: s.view(n), N: int64(n), Count: int64(len(s.views)), Path: viewsPath(s.views, n)}
		if _, err := x.open(e.Index); err != nil {
			t.Errorf("view %d: %v", n, err)
		}
		if d, err := x.open(e.Index + 1); err == nil {
			t.Errorf("view %d, as of another entry: %+v", n, d)
		}
		if x.Leaf, err = (leaf{Version: 1, Type: "e", Sequence: e.Sequence + 1, Root: s.leaf[len(s.leaf)-tlog.HashSize:]}).encode(); err != nil {
			t.Fatal(err)
		}
		if d, err := x.open(e.Index); err == nil {
			t.Errorf("view %d, as of another batch: %+v", n, d)
		}
	}
}

// A view with too much for a receipt shows what there is room for, and a payee of a bulk sees its own alone.
func TestReceiptsOfLargeViews(t *testing.T) {
	long := transferEntry(t)
	event, err := domain.NewEvent("noted", "currency/EUR", map[string]string{"a": "short", "text": strings.Repeat("x", MaxDisclosureBytes)}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	long.Events = append(long.Events, event)
	policy, receipts := proved(t, long, bulkEntry(400), bulkEntry(1000))
	d, err := OpenReceipt(policy, receipts[0]["acme"])
	if err != nil || d.Hidden != 1 || len(d.Postings) != 1 || string(d.Events[1].Body) != "\xa1\x61a\x65short" {
		t.Errorf("one long member: %+v, %v", d, err)
	}
	if d, err = OpenReceipt(policy, receipts[0][""]); err != nil || d.Kind != "" || len(d.Fields) != 0 {
		t.Errorf("an entry too long for an auditor's receipt: %+v, %v", d, err)
	}
	for i, payees := range []int{400, 1000} {
		for _, payee := range []int{0, payees - 1} {
			viewer := domain.PartyID(fmt.Sprintf("payee-%06d", payee))
			d, err := OpenReceipt(policy, receipts[1+i][viewer])
			if err != nil || d.Hidden != 0 || len(d.Events) != 1 || len(d.Postings) != 1 || d.Postings[0].Cause != 0 || d.Postings[0].Number != payee {
				t.Errorf("payee %d of %d: %+v, %v", payee, payees, d, err)
			}
		}
	}
	d, err = OpenReceipt(policy, receipts[2]["payer"])
	if want := []string{headerPath, commandPath, senderPath, restPath}; err != nil || !slices.Equal(paths(d.Fields), want) {
		t.Errorf("payer of 1,000: %v shown, %v", paths(d.Fields), err)
	}
	for viewer, receipt := range receipts[1] {
		if len(receipt) > MaxReceiptBytes {
			t.Errorf("%s: receipt of %d bytes", viewer, len(receipt))
		}
	}
}

// FuzzDisclose: what can be disclosed of a receipt that verifies, verifies; whatever the file, nothing panics.
func FuzzDisclose(f *testing.F) {
	policy, receipts := proved(f, transferEntry(f))
	for _, receipt := range receipts[0] {
		f.Add(receipt, "command", "events/0/amount")
		if partial, err := Disclose(receipt, []string{"command"}); err == nil {
			f.Add(partial, "command", "header")
		}
	}
	f.Fuzz(func(t *testing.T, receipt []byte, one, other string) {
		whole, wholeErr := OpenReceipt(policy, receipt)
		partial, err := Disclose(receipt, []string{one, other})
		if _, readErr := ReadFields(receipt); readErr != nil && err == nil {
			t.Fatalf("disclosed, and not to be read: %v", readErr)
		}
		if err != nil {
			return
		}
		d, err := OpenReceipt(policy, partial)
		if (err == nil) != (wholeErr == nil) {
			t.Fatalf("of %v came %v", wholeErr, err)
		}
		if err == nil && len(d.Fields)+d.Hidden != len(whole.Fields)+whole.Hidden {
			t.Fatalf("%d and %d fields of %d and %d", len(d.Fields), d.Hidden, len(whole.Fields), whole.Hidden)
		}
	})
}
