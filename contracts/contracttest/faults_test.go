package contracttest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aval/domain"
)

// stopped stands for the end of a test.
type stopped string

// stopper is a reporter that panics with stopped in place of ending the test.
type stopper struct{}

func (stopper) Helper()                           {}
func (stopper) Fatalf(format string, args ...any) { panic(stopped(fmt.Sprintf(format, args...))) }

// ended gives the message with which f would have ended its test, empty if it would not.
func ended(f func()) (message string) {
	defer func() {
		if s, ok := recover().(stopped); ok {
			message = string(s)
		}
	}()
	f()
	return ""
}

// broken is a kind whose one command gives whatever effects the test wants.
type broken struct {
	fx func() (domain.Effects, error)
}

func (broken) Kind() domain.Kind { return "broken/1" }

func (c broken) Apply(_ domain.View, in domain.Input) (domain.Effects, error) {
	if in.Command.Name == "Good" {
		return domain.Effects{}, nil
	}
	return c.fx()
}

func (broken) Show(string, []byte, domain.PartyID) (any, error) { return nil, nil }

func write(key string, final bool) domain.Write {
	w, _ := domain.Put(key, 1, "done")
	w.Final = final
	return w
}

// paid is an event that may cause a posting of acme's.
var paid = []domain.Event{{Name: "paid", Key: "pot/P", Body: []byte{1}, Parties: []domain.PartyID{"acme"}}}

// heldFor is an open record of acme's that holds money for a party.
func heldFor(seen, party domain.PartyID) domain.Write {
	w, _ := domain.Put("pot/P", 1, "open", seen)
	w.HeldFor = party
	return w
}

func TestEveryBrokenLawEndsTheTest(t *testing.T) {
	one := domain.Money{Minor: 1, Currency: "EUR"}
	toEscrow := domain.Posting{Debit: "party/acme", Credit: "escrow/broken/1/pot/P/part", Amount: one}
	calls := 0
	for name, c := range map[string]struct {
		want string
		fx   domain.Effects
		err  error
	}{
		"takes from another":  {"law effects", domain.Effects{Postings: []domain.Posting{{Debit: "party/other", Credit: "party/acme", Amount: one}}}, nil},
		"nothing moves":       {"law effects", domain.Effects{Postings: []domain.Posting{{Debit: "party/acme", Credit: "party/other"}}}, nil},
		"money left in final": {"law escrow", domain.Effects{Events: paid, Postings: []domain.Posting{toEscrow}, Writes: []domain.Write{write("pot/P", true)}}, nil},
		"money without cause": {"law effects", domain.Effects{Postings: []domain.Posting{toEscrow}}, nil},
		"held for a stranger": {"law effects", domain.Effects{Writes: []domain.Write{heldFor("acme", "other")}}, nil},
		"held for another":    {"law held", domain.Effects{Writes: []domain.Write{heldFor("acme", "acme"), heldFor("acme", "")}}, nil},
		"writes a final key":  {"law finality", domain.Effects{Writes: []domain.Write{write("pot/P", true), write("pot/P", false)}}, nil},
		"record not CBOR":     {"law encoding", domain.Effects{Writes: []domain.Write{{Key: "pot/P", Status: "x", Body: []byte{0x18, 1}}}}, nil},
		"event not CBOR":      {"law encoding", domain.Effects{Events: []domain.Event{{Name: "e", Key: "pot/P", Body: []byte("{}")}}}, nil},
		"event without name":  {"law effects", domain.Effects{Events: []domain.Event{{Key: "pot/P", Body: []byte{1}}}}, nil},
		"event seen by many":  {"law effects", domain.Effects{Events: []domain.Event{{Name: "e", Key: "pot/P", Body: []byte{1}, Parties: make([]domain.PartyID, domain.MaxRecordParties+1)}}}, nil},
		"plain error":         {"law refusal", domain.Effects{}, errors.New("bug")},
		"nil rejection":       {"law refusal", domain.Effects{}, (*domain.Rejection)(nil)},
		"deadline for anyone": {"law effects", domain.Effects{Deadlines: []domain.Deadline{{At: 1, Contract: "c", Name: "lower"}}}, nil},
	} {
		b := newBench(stopper{}, broken{func() (domain.Effects, error) { return c.fx, c.err }})
		b.Register("acme")
		b.Fund("acme", one)
		message := ended(func() { _ = b.Send(1, "acme", "broken/1", "c", "go", nil) })
		if !strings.HasPrefix(message, c.want) {
			t.Errorf("%s: ended with %q, want %q", name, message, c.want)
		}
	}
	b := newBench(stopper{}, broken{func() (domain.Effects, error) {
		calls++
		return domain.Effects{Writes: []domain.Write{write(fmt.Sprintf("pot/%d", calls), false)}}, nil
	}})
	b.Register("acme")
	if message := ended(func() { _ = b.Send(1, "acme", "broken/1", "c", "go", nil) }); !strings.HasPrefix(message, "law determinism") {
		t.Errorf("two results: ended with %q", message)
	}
}

func TestViewFindsThePostingsOfItsSenderAndEndsTheTestAtTooMany(t *testing.T) {
	b := newBench(stopper{})
	b.entries = [][]domain.Posting{{{Debit: "party/acme", Credit: "party/other"}, {Debit: "escrow/pot/1/pot/a", Credit: "party/other"}}, nil}
	for _, c := range []struct {
		sender domain.PartyID
		kind   domain.Kind
		ref    domain.PostingRef
		want   bool
	}{
		{"acme", "jar/1", domain.PostingRef{}, true}, {"other", "jar/1", domain.PostingRef{Number: 1}, true}, {"", "pot/1", domain.PostingRef{Number: 1}, true},
		{"third", "pot/1", domain.PostingRef{}, false}, {"acme", "jar/1", domain.PostingRef{Number: 1}, false}, {"", "jar/1", domain.PostingRef{}, false},
		{"acme", "jar/1", domain.PostingRef{Number: 2}, false}, {"acme", "jar/1", domain.PostingRef{Number: -1}, false},
		{"acme", "jar/1", domain.PostingRef{Index: 1}, false}, {"acme", "jar/1", domain.PostingRef{Index: 2}, false},
	} {
		if _, found := (&view{b: b, kind: c.kind, sender: c.sender}).Posting(c.ref); found != c.want {
			t.Errorf("%s of %s finds %+v: %v", c.sender, c.kind, c.ref, found)
		}
	}
	v := &view{b: b, kind: "pot/1", sender: "acme"}
	for range domain.MaxPostingReads {
		v.Posting(domain.PostingRef{})
	}
	if message := ended(func() { v.Posting(domain.PostingRef{}) }); message == "" {
		t.Error("one too many was looked up")
	}
}

func TestMoneySentToAFinalRecordEndsTheTest(t *testing.T) {
	fx := domain.Effects{Writes: []domain.Write{write("pot/P", true)}}
	b := newBench(stopper{}, broken{func() (domain.Effects, error) { return fx, nil }})
	b.Register("acme")
	b.Fund("acme", domain.Money{Minor: 1, Currency: "EUR"})
	if message := ended(func() { _ = b.Send(1, "acme", "broken/1", "c", "go", nil) }); message != "" {
		t.Fatal(message)
	}
	fx = domain.Effects{Events: paid, Postings: []domain.Posting{{Debit: "party/acme", Credit: "escrow/broken/1/pot/P", Amount: domain.Money{Minor: 1, Currency: "EUR"}}}}
	if message := ended(func() { _ = b.Send(2, "acme", "broken/1", "c", "go", nil) }); !strings.HasPrefix(message, "law escrow") {
		t.Errorf("ended with %q", message)
	}
}

func TestMoneyOutOfNothingAndDebtEndTheTest(t *testing.T) {
	for want, tampered := range map[string]map[balanceKey]int64{
		"law conservation": {{"party/acme", "EUR"}: 1},
		"law floor":        {{"party/acme", "EUR"}: -1, {"issue/bench", "EUR"}: 1},
	} {
		b := newBench(stopper{})
		b.balances = tampered
		if message := ended(b.checkLaws); !strings.HasPrefix(message, want) {
			t.Errorf("ended with %q, want %q", message, want)
		}
	}
}

func TestAViewShowsOpenRecordsOfItsKindAndOwnMoney(t *testing.T) {
	b := newBench(stopper{})
	for _, key := range []string{"pot/b", "pot/a", "pot/c", "pan/a"} {
		b.records[recordKey{"pot/1", key}] = record{body: []byte(key)}
	}
	b.records[recordKey{"pot/1", "pot/d"}] = record{final: true}
	b.records[recordKey{"jar/1", "pot/e"}] = record{}
	for account, minor := range map[domain.AccountID]int64{"party/acme": 1, "party/other": 2, "escrow/pot/1/pot/a": 3, "escrow/jar/1/pot/a": 4, "issue/acme": 5} {
		b.balances[balanceKey{account, "EUR"}] = minor
	}
	v := &view{b: b, kind: "pot/1", sender: "acme"}
	found := v.Scan("pot/", "pot/a", 5)
	if len(found) != 2 || found[0].Key != "pot/b" || found[1].Key != "pot/c" || len(v.Scan("pot/", "", 1)) != 1 {
		t.Errorf("scan gives %v", found)
	}
	if _, open := v.Get("pot/d"); open || !v.Closed("pot/d") || v.Closed("pot/a") || v.Closed("pot/z") {
		t.Error("final records are not closed")
	}
	if body, open := v.Get("pot/a"); !open || string(body) != "pot/a" {
		t.Errorf("get gives %q", body)
	}
	for account, want := range map[domain.AccountID]int64{"party/acme": 1, "party/other": 0, "escrow/pot/1/pot/a": 3, "escrow/jar/1/pot/a": 0, "issue/acme": 0} {
		if got := v.Available(account, "EUR"); got != want {
			t.Errorf("%s: %d, want %d", account, got, want)
		}
	}
	if message := ended(func() { v.Scan("pot/", "", domain.MaxScan+1) }); message == "" {
		t.Error("an unbounded scan passed")
	}
}

func TestDeadlinesRunInOrderAndMustSucceed(t *testing.T) {
	fx := domain.Effects{Deadlines: []domain.Deadline{{At: 90, Contract: "b", Name: "Good"}, {At: 90, Contract: "a", Name: "Good"}, {At: 80, Contract: "c", Name: "Good"}}}
	b := newBench(stopper{}, broken{func() (domain.Effects, error) { return fx, nil }})
	b.Register("acme")
	if err := b.Send(1, "acme", "broken/1", "c", "go", nil); err != nil {
		t.Fatal(err)
	}
	b.Advance(79)
	if b.Now() != 79 || len(b.deadlines) != 3 {
		t.Fatalf("at %d with %d deadlines", b.Now(), len(b.deadlines))
	}
	if key, at, due := b.nextDeadline(90); !due || at != 80 || key.contract != "c" {
		t.Fatalf("next is %v at %d", key, at)
	}
	b.Advance(90)
	if b.Now() != 91 || len(b.deadlines) != 0 {
		t.Fatalf("at %d with %d deadlines", b.Now(), len(b.deadlines))
	}
	fx = domain.Effects{Deadlines: []domain.Deadline{{At: 1, Contract: "c", Name: "Bad"}}}
	if err := b.Send(100, "acme", "broken/1", "c", "go", nil); err != nil {
		t.Fatal(err)
	}
	bad := newBench(stopper{}, broken{func() (domain.Effects, error) { return domain.Effects{}, domain.Refuse(domain.WrongState, "no") }})
	bad.deadlines = b.deadlines
	if message := ended(func() { bad.Advance(200) }); !strings.Contains(message, "was refused") {
		t.Errorf("ended with %q", message)
	}
	b.deadlines = map[deadlineKey]domain.Millis{{"broken/1", "c", "Again"}: 1}
	fx = domain.Effects{Deadlines: []domain.Deadline{{At: 1, Contract: "c", Name: "Again"}}}
	if message := ended(func() { b.Advance(300) }); !strings.Contains(message, "more than") {
		t.Errorf("endless deadlines: ended with %q", message)
	}
}
