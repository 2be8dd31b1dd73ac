package ledger

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/canon"
)

func testSalts(t testing.TB) *salts {
	t.Helper()
	s, err := newSalts(bytes.Repeat([]byte{7}, 32), "ledger.test/main")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// transferEntry is a transfer as the ledger meets it most: a signed command, one event, one posting.
func transferEntry(t testing.TB) *entry {
	t.Helper()
	body, err := canon.Marshal(map[string]any{
		"from": "acme", "to": "globex", "amount": map[string]any{"minor": 50_000, "currency": "EUR"}, "issuer": "bank", "reference": "invoice 4711",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &entry{
		Index: 123_456, Sequence: 1234, BookedAt: 1_795_516_200_000, Format: CommandFormat, Raw: bytes.Repeat([]byte("x"), 620),
		Fingerprint: bytes.Repeat([]byte{3}, 32), ID: "01M86HPPDQAKBN2HTJ41ZRXWBT", Sender: "acme", Kind: "cash/1", Contract: "bank", Name: "transfer",
		Events: []domain.Event{{Name: "transferred", Key: "currency/EUR", Parties: []domain.PartyID{"acme", "globex"}, Body: body}},
		Postings: []domain.Posting{{
			Debit: "party/acme", Credit: "party/globex", Amount: domain.Money{Minor: 50_000, Currency: "EUR"}, Purpose: "transfer",
		}},
		Balances: []AccountBalances{
			{"party/acme", map[domain.Currency]int64{"EUR": 1_000_000}}, {"party/globex", map[domain.Currency]int64{"EUR": 50_000}},
		},
	}
}

// bulkEntry pays n parties, each of which sees its own event and posting.
func bulkEntry(n int) *entry {
	e := &entry{Index: 7, Sequence: 3, BookedAt: 5, Format: CommandFormat, Raw: make([]byte, 100*n), Sender: "payer", Kind: "cash/1", Contract: "bank", Name: "pay"}
	for i := range n {
		payee := domain.PartyID(fmt.Sprintf("payee-%06d", i))
		amount := domain.Money{Minor: int64(i + 1), Currency: "EUR"}
		event, err := domain.NewEvent("paid", "currency/EUR", map[string]any{"from": "payer", "to": payee, "amount": amount}, "payer", payee)
		if err != nil {
			panic(err)
		}
		e.Events = append(e.Events, event)
		e.Postings = append(e.Postings, domain.Posting{Debit: "party/payer", Credit: domain.PartyAccount(payee), Amount: amount, Purpose: "transfer", Cause: i})
		e.Balances = append(e.Balances, AccountBalances{domain.PartyAccount(payee), map[domain.Currency]int64{"EUR": int64(i)}})
	}
	return e
}

func BenchmarkSeal(b *testing.B) {
	for name, e := range map[string]*entry{"transfer": transferEntry(b), "bulk10": bulkEntry(10), "bulk100": bulkEntry(100), "bulk1000": bulkEntry(1000)} {
		b.Run(name, func(b *testing.B) {
			s := newSealer(testSalts(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.seal(e); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*max(1, len(e.Postings))), "ns/posting")
		})
	}
}

func BenchmarkDisclose(b *testing.B) {
	e := transferEntry(b)
	s, err := seal(e, testSalts(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.view(1)
	}
}

// drawEntry draws entries of any shape that execution can leave.
func drawEntry(t *rapid.T) *entry {
	text := rapid.StringMatching(`[a-zA-Z0-9 /é-]{0,12}`)
	party := rapid.SampledFrom([]domain.PartyID{"a", "b", "c", "long-name-of-a-party"})
	account := rapid.Custom(func(t *rapid.T) domain.AccountID {
		p := party.Draw(t, "owner")
		return rapid.SampledFrom([]domain.AccountID{
			domain.PartyAccount(p), domain.IssueAccount(p), domain.EscrowAccount("cash/1", "hold/x"),
		}).Draw(t, "account")
	})
	e := &entry{
		Index: rapid.Uint64().Draw(t, "index"), Sequence: rapid.Uint64().Draw(t, "sequence"), BookedAt: domain.Millis(rapid.Int64().Draw(t, "time")),
		Format: text.Draw(t, "format"), Raw: rapid.SliceOf(rapid.Byte()).Draw(t, "raw"), ID: text.Draw(t, "id"), Kind: domain.Kind(text.Draw(t, "kind")),
		Contract: text.Draw(t, "contract"), Name: text.Draw(t, "name"), Code: domain.Code(text.Draw(t, "code")), Detail: text.Draw(t, "detail"),
	}
	if rapid.Bool().Draw(t, "sent") {
		e.Sender, e.Fingerprint = party.Draw(t, "sender"), rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "fingerprint")
	}
	for range rapid.IntRange(0, 4).Draw(t, "events") {
		body := rapid.MapOfN(text, rapid.OneOf(rapid.Int64().AsAny(), text.AsAny(), rapid.SliceOf(rapid.Byte()).AsAny()), 0, 5).Draw(t, "body")
		event, err := domain.NewEvent(text.Draw(t, "event"), text.Draw(t, "key"), body, rapid.SliceOfN(party, 0, 3).Draw(t, "parties")...)
		if err != nil {
			t.Fatal(err)
		}
		e.Events = append(e.Events, event)
	}
	for range rapid.IntRange(0, 4).Draw(t, "postings") {
		p := domain.Posting{
			Debit: account.Draw(t, "debit"), Credit: account.Draw(t, "credit"), Purpose: text.Draw(t, "purpose"),
			Amount: domain.Money{Minor: rapid.Int64().Draw(t, "minor"), Currency: "EUR"}, ValueDate: domain.Date(text.Draw(t, "day")),
		}
		if rapid.Bool().Draw(t, "reversing") {
			p.Reverses = &domain.PostingRef{Index: rapid.Uint64().Draw(t, "reversed"), Number: rapid.Int().Draw(t, "number")}
		}
		e.Postings = append(e.Postings, causedByOne(t, e, p))
	}
	for range rapid.IntRange(0, 3).Draw(t, "balances") {
		minor := rapid.MapOfN(rapid.SampledFrom([]domain.Currency{"EUR", "USD", "AED", "X"}), rapid.Int64(), 0, 4).Draw(t, "minor")
		e.Balances = append(e.Balances, AccountBalances{account.Draw(t, "account"), minor})
	}
	for range rapid.IntRange(0, 3).Draw(t, "records") {
		e.Records = append(e.Records, recordMark{text.Draw(t, "key"), text.Draw(t, "status"), rapid.Bool().Draw(t, "final")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "private") {
		if e.Sender != "" { // only commands have private values
			e.Private = append(e.Private, domain.Private{
				Subject: party.Draw(t, "subject"), Readers: rapid.SliceOfN(party, 0, 2).Draw(t, "readers"), Digest: text.Draw(t, "digest"),
			})
		}
	}
	return e
}

// causedByOne gives a posting an event that names all owners, as domain.Effects.Check demands.
func causedByOne(t *rapid.T, e *entry, p domain.Posting) domain.Posting {
	parties := []domain.PartyID{p.Debit.Owner(), p.Credit.Owner()}
	event, err := domain.NewEvent("moved", "k", map[string]int{"n": 1}, parties...)
	if err != nil {
		t.Fatal(err)
	}
	e.Events, p.Cause = append(e.Events, event), len(e.Events)
	return p
}

// What is encoded by hand is what canon.Marshal gives, so that a field which is added to one
// of these types and forgotten here is found out.
func TestHandEncodingIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		got, err := e.encode()
		want, wantErr := canon.Marshal(e)
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %x, %v\nwant %x, %v", got, err, want, wantErr)
		}
		for _, v := range []interface{ encode(*canon.Writer) }{
			headerValue{e.Sender, e.Index, e.Sequence, e.BookedAt, e.Code}, commandValue{e.Kind, e.Contract, e.Name},
			senderValue{e.ID, e.Detail, e.Fingerprint}, eventValue{e.Name, e.Contract, e.Raw},
		} {
			var w canon.Writer
			v.encode(&w)
			got, err := w.Finish()
			if want, wantErr := canon.Marshal(v); err != nil || wantErr != nil || !bytes.Equal(got, want) {
				t.Fatalf("%T: got %x, %v, want %x, %v", v, got, err, want, wantErr)
			}
		}
	})
}

func TestEntriesThatCannotBeEncoded(t *testing.T) {
	for name, spoil := range map[string]func(*entry){
		"detail is not UTF-8":  func(e *entry) { e.Detail = "\xff" },
		"purpose is not UTF-8": func(e *entry) { e.Postings[0].Purpose = "\xff" },
		"event is not UTF-8":   func(e *entry) { e.Events[0].Name = "\xff" },
		"too large":            func(e *entry) { e.Raw = make([]byte, canon.MaxBytes) },
	} {
		e := transferEntry(t)
		spoil(e)
		if _, err := seal(e, testSalts(t)); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

// The fields of each view, read back, are what the party may see; nothing else is in them.
func TestFieldsAreTheDisclosure(t *testing.T) {
	salt := testSalts(t)
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		s, err := seal(e, salt)
		if err != nil {
			t.Fatal(err)
		}
		for n, viewer := range s.viewers {
			want := e.disclose(viewer)
			if n == 0 {
				want = e.audit()
			}
			got, err := disclosureOf(s.view(n))
			got.Fields = nil
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("view %d: got  %+v, %v\nwant %+v", n, got, err, want)
			}
		}
	})
}

// What sealing kept of the sender's view is what a later receipt makes of the entry again.
func TestKeptFieldsAreTheView(t *testing.T) {
	salt := testSalts(t)
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		s, err := seal(e, salt)
		if err != nil {
			t.Fatal(err)
		}
		n := slices.Index(s.viewers, e.Sender)
		kept := s.view(n)
		s.own = nil
		if again := s.view(n); n > 0 && !reflect.DeepEqual(kept, again) {
			t.Fatalf("kept %+v\nagain %+v", kept, again)
		}
	})
}

// A receipt has the text that the library gives a tlog-proof.
func TestProofTextIsTheLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := proof.TLogProof{
			Index: rapid.Uint64().Draw(t, "index"), ExtraData: rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "extra"), Checkpoint: []byte("log\n1\nroot\n\nsignature\n"),
		}
		var hashes []tlog.Hash
		for i := range rapid.IntRange(0, 20).Draw(t, "hashes") {
			hashes = append(hashes, tlog.RecordHash([]byte{byte(i)}))
			p.Hashes = append(p.Hashes, hashes[i])
		}
		if got := appendProof(nil, p.Index, p.ExtraData, hashes, p.Checkpoint); string(got) != string(p.Marshal()) {
			t.Fatalf("%s\nwant\n%s", got, p.Marshal())
		}
	})
}

// The small trees inside leaves are those of golang.org/x/mod.
func TestViewTreeIsRFC6962(t *testing.T) {
	var hashes []tlog.Hash
	for size := 1; size <= 70; size++ {
		hashes = append(hashes, tlog.RecordHash([]byte{byte(size)}))
		root := viewsRoot(hashes)
		for n := range hashes {
			var path tlog.RecordProof
			for _, h := range viewsPath(hashes, n) {
				path = append(path, tlog.Hash(h))
			}
			if err := tlog.CheckRecord(path, int64(size), root, int64(n), hashes[n]); err != nil {
				t.Fatalf("leaf %d of %d: %v", n, size, err)
			}
		}
	}
}

// An event that is no flat struct of moderate size stays one field, whole.
func TestEventsThatAreNotSplit(t *testing.T) {
	wide := map[string]int{}
	for i := range maxMembers + 1 {
		wide[fmt.Sprint(i)] = i
	}
	for name, body := range map[string]any{
		"a list": []int{1, 2}, "a text": "x", "numbers for names": map[int]int{1: 2}, "many members": wide,
		"a long name": map[string]int{strings.Repeat("n", maxMemberName+1): 1},
	} {
		e := transferEntry(t)
		var err error
		if e.Events[0].Body, err = canon.Marshal(body); err != nil {
			t.Fatal(err)
		}
		s, err := seal(e, testSalts(t))
		if err != nil {
			t.Fatal(err)
		}
		fields := s.view(1)
		d, err := disclosureOf(fields)
		if err != nil || len(fields) != 6 || !bytes.Equal(d.Events[0].Body, e.Events[0].Body) {
			t.Errorf("%s: %d fields, %+v, %v", name, len(fields), d, err)
		}
	}
}

// Every field has a salt of its own, in every view of every entry; an equal state digest shows as another in each batch.
func TestSaltsDiffer(t *testing.T) {
	salt, seen := testSalts(t), map[string]bool{}
	other, err := newSalts(bytes.Repeat([]byte{8}, 32), "ledger.test/main")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*salts{salt, other} {
		for i := range 4096 {
			place := make([]byte, saltSize)
			s.field(place, uint64(i%16), i/16%16, i/256)
			seen[string(place)] = true
			seen[string(s.digest(uint64(i), []byte("same")))] = true
		}
	}
	if len(seen) != 4*4096 {
		t.Errorf("%d different values, want %d", len(seen), 4*4096)
	}
}
