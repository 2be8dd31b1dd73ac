package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
)

func parser() executor {
	return newExecutor("ledger.test/main", nil, nil, []domain.Codec{envelope.ObservationCodec{}})
}

func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	command, err := envelope.SealCommand(signer, domain.Command{
		Ledger: "ledger.test/main", ID: strings.Repeat("0", 26), Kind: "cash/1", Contract: "c", Name: "issue", Body: json.RawMessage(`{}`), NotAfter: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	observation, err := envelope.SealObservation(signer, domain.Observation{
		Ledger: "ledger.test/main", Kind: "cash/1", Subject: "s", Epoch: 1, Sequence: 1, Flight: &domain.FlightStatus{Leg: "s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := json.Marshal(domain.Genesis{Ledger: "ledger.test/main", Party: domain.Party{ID: "m"}, Key: signer.Key})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{CommandFormat: command, envelope.ObservationType: observation, genesisFormat: genesis}
}

func TestParseEachFormat(t *testing.T) {
	for format, raw := range seeds(t) {
		s, err := parser().parse(format, raw)
		if err != nil || s.format != format || !bytes.Equal(s.raw, raw) || len(s.fingerprint) != 32 {
			t.Errorf("%s: %+v, %v", format, s, err)
		}
	}
	for _, format := range []string{"", deadlineFormat, sealFormat, "jws"} {
		if _, err := parser().parse(format, []byte("{}")); err == nil {
			t.Errorf("format %q is read", format)
		}
	}
}

func FuzzParse(f *testing.F) {
	for format, raw := range seeds(f) {
		f.Add(format, raw)
	}
	f.Add(CommandFormat, []byte("a.b.c"))
	f.Add(genesisFormat, []byte(`{"ledger":"x"}`))
	x := parser()
	f.Fuzz(func(t *testing.T, format string, raw []byte) {
		s, err := x.parse(format, raw)
		var refusal *domain.Rejection
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Errorf("not a rejection: %v", err)
			}
			return
		}
		again, err := x.parse(format, bytes.Clone(raw))
		if err != nil || !bytes.Equal(again.fingerprint, s.fingerprint) || again.identity("p") != s.identity("p") {
			t.Errorf("parsed again: %+v, %v", again, err)
		}
		if s.command.Kind.Check() != nil || domain.CheckID("contract", s.command.Contract) != nil {
			t.Errorf("names that could be taken for others: %q %q", s.command.Kind, s.command.Contract)
		}
	})
}

// A registration that changed since admission makes the signature be checked again.
func TestSignatureIsCheckedUnderTheKeyThatActs(t *testing.T) {
	one, two := domain.Key{ID: "k", Algorithm: envelope.EdDSA, Public: []byte{1}}, domain.Key{ID: "k", Algorithm: envelope.EdDSA, Public: []byte{2}}
	other := one
	other.Algorithm = envelope.ES256
	if !sameKey(one, one) || sameKey(one, two) || sameKey(one, other) {
		t.Error("keys are told apart by more or less than what a signature depends on")
	}
	raw := seeds(t)[CommandFormat]
	s, err := parser().parse(CommandFormat, raw)
	if err != nil {
		t.Fatal(err)
	}
	// a key without public bytes must not count as checked
	r := oneKey{domain.Key{ID: s.shell.KeyID, Algorithm: envelope.EdDSA, Class: domain.PartyHolder, Holder: "p"}}
	if _, err := s.speaker(r, 1); err == nil {
		t.Error("an empty key vouches for a command")
	}
}

type oneKey struct{ key domain.Key }

func (r oneKey) Party(domain.PartyID) (domain.Party, bool) { return domain.Party{}, true }
func (r oneKey) Key(string) (domain.Key, bool)             { return r.key, true }
func (r oneKey) Device(string) (domain.Device, bool)       { return domain.Device{}, false }
func (r oneKey) Approved(domain.Kind, string, domain.Millis) bool {
	return true
}
func (r oneKey) Source(string) (domain.Source, bool) { return domain.Source{}, false }

func TestRefusalSentencesAreBounded(t *testing.T) {
	var e entry
	e.refuse(domain.Refuse(domain.Malformed, "%s", strings.Repeat("é", maxDetail)+"\xff"))
	if len(e.Detail) > maxDetail+1 || strings.ToValidUTF8(e.Detail, "") != e.Detail {
		t.Errorf("%d bytes", len(e.Detail))
	}
	if _, err := seal(&e, testSalts(t)); err != nil {
		t.Error(err)
	}
}

func TestEffectBytesAreBounded(t *testing.T) {
	half := func(b domain.Event) domain.Event { b.Body = make([]byte, MaxEffectBytes/2-64-len(b.Key)); return b }
	fx := domain.Effects{
		Writes: []domain.Write{{Body: make([]byte, MaxRecordBytes/2)}, {Body: make([]byte, MaxRecordBytes/2)}},
		Events: []domain.Event{half(domain.Event{Key: "a/b"}), half(domain.Event{})},
	}
	if err := checkBytes(fx); err != nil {
		t.Error(err)
	}
	for name, more := range map[string]domain.Effects{
		"record":  {Writes: append(fx.Writes, domain.Write{Body: []byte{0}})},
		"event":   {Events: append(fx.Events, domain.Event{})},
		"posting": {Events: fx.Events, Postings: []domain.Posting{{}}},
		"parties": {Events: append(fx.Events[:1:1], domain.Event{Body: fx.Events[1].Body, Parties: []domain.PartyID{"a"}})},
	} {
		var refusal *domain.Rejection
		if err := checkBytes(more); !errors.As(err, &refusal) || refusal.Code != domain.TooLarge {
			t.Errorf("one %s more: %v", name, err)
		}
	}
}

// The largest entry that the limits allow is one that canon encodes.
func TestLargestEntryIsEncoded(t *testing.T) {
	e := entry{Raw: make([]byte, domain.MaxCommandBytes)}
	key := "k/" + strings.Repeat("k", 64) + "/" + strings.Repeat("k", 64) + "/" + strings.Repeat("k", 64)
	account := domain.EscrowAccount("abcdefghijklmnopqrstuvwxyz/12345", key)
	for range domain.MaxPostings {
		e.Postings = append(e.Postings, domain.Posting{Debit: account, Credit: account, Amount: domain.Money{Minor: domain.MaxMinor, Currency: "EUR"}, Purpose: "premium"})
	}
	for range domain.MaxEvents {
		e.Events = append(e.Events, domain.Event{Name: "PolicyBound", Key: key, Parties: []domain.PartyID{"a"}, Body: make([]byte, 256)})
	}
	room := func() int { // bytes of body that checkBytes still takes
		n := 0
		for step := MaxEffectBytes; step > 0; step /= 2 {
			more := append(slices.Clone(e.Events), domain.Event{Body: make([]byte, n+step)})
			if checkBytes(domain.Effects{Events: more, Postings: e.Postings}) == nil {
				n += step
			}
		}
		return n
	}()
	e.Events = append(e.Events, domain.Event{Body: make([]byte, room)})
	if room == 0 {
		t.Fatal("no room: the limit is reached before the last event")
	}
	money := map[domain.Currency]int64{} // more than ISO 4217 has
	for i := range 200 {
		money[domain.Currency(fmt.Sprintf("%03d", i))] = -domain.MaxMinor
	}
	for range domain.MaxBulk + 1 {
		e.Balances = append(e.Balances, AccountBalances{Account: domain.PartyAccount(domain.PartyID(strings.Repeat("p", 48))), Minor: money})
	}
	for range domain.MaxWrites {
		e.Records = append(e.Records, recordMark{Key: key, Status: "a status of some length", Final: true})
	}
	if _, err := seal(&e, testSalts(t)); err != nil {
		t.Error(err)
	}
}

// The digest follows from the changes in any order, and forgets nothing.
func TestDigest(t *testing.T) {
	var a, b stateDigest
	for _, x := range []string{"x", "y", "z"} {
		a.add(new(stretched).of([]byte(x)))
	}
	for _, x := range []string{"z", "w", "x", "y"} {
		b.add(new(stretched).of([]byte(x)))
	}
	if bytes.Equal(a.sum(), b.sum()) {
		t.Error("two sets, one digest")
	}
	b.remove(new(stretched).of([]byte("w")))
	if a != b {
		t.Error("one set, two digests")
	}
	a.remove(new(stretched).of([]byte("y")))
	a.add(new(stretched).of([]byte("y'")))
	if a == b {
		t.Error("a replaced element is not seen")
	}
}

// Slots are ordered by kind and key, deadlines by time first, whatever the numbers.
func TestSlotOrder(t *testing.T) {
	for _, c := range [][2]slot{
		{{Type: recordSlot, Kind: "cash/1", Key: "a/b"}, {Type: recordSlot, Kind: "cash/1", Key: "a/b-c"}},
		{{Type: recordSlot, Kind: "cash/1", Key: "a/b"}, {Type: recordSlot, Kind: "cash/1", Key: "a/b/c"}},
		{{Type: recordSlot, Kind: "cash/1", Key: "z/z"}, {Type: recordSlot, Kind: "cash/11", Key: "a/a"}},
	} {
		if c[0].name() >= c[1].name() {
			t.Errorf("%q does not come before %q", c[0].name(), c[1].name())
		}
	}
	times := []domain.Millis{0, 1, 9, 10, 1 << 32, math.MaxInt64}
	for i := 1; i < len(times); i++ {
		a, b := slot{Type: deadlineSlot, Key: "z", At: times[i-1]}, slot{Type: deadlineSlot, Key: "a", At: times[i]}
		if a.due() >= b.due() {
			t.Errorf("%d is not due before %d", a.At, b.At)
		}
	}
}
