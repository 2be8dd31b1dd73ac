package flightdelay

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/canon"
)

// flight is the leg of another number, so another leg; late moves its schedule.
func flight(number int, late domain.Millis) Leg {
	l := theLeg()
	l.Number, l.ScheduledIn = fmt.Sprint(number), l.ScheduledIn+late
	return l
}

func (s *stage) bulk(sender domain.PartyID, items ...Cover) error {
	return s.Send(sold, sender, Kind, "P", "bulkBind", BulkBind{Premium: usd(9_90), Items: items})
}

// trace is what a refused command must leave as it is.
func (s *stage) trace() []int64 {
	return []int64{
		int64(len(s.Events())), int64(len(s.Postings())), int64(len(s.Watches())), s.reserved(), s.balance("alice"), s.balance("insurer"),
	}
}

// A bulk is the same as its policies bound one after the other: the same postings, events,
// records and watches, and the same refusal if one of them is refused.
func TestBulkEqualsSingleBinds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tight := rapid.Bool().Draw(r, "tight")
		change := func(terms *Terms) {
			terms.Sale.MaxPerHolder = 3
			if tight {
				terms.Sale.MaxPerLeg, terms.Sale.MaxTotal = 400_00, 1_000_00
			}
		}
		items := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Cover {
			return Cover{
				ID:  fmt.Sprint("P", rapid.IntRange(0, 40).Draw(r, "id")),
				Leg: flight(rapid.IntRange(1, 4).Draw(r, "number"), rapid.SampledFrom([]domain.Millis{0, 0, minute, 5 * minute, 6 * minute}).Draw(r, "late")),
			}
		}), 1, 7).Draw(r, "items")
		singles, whole := newStage(t, change), newStage(t, change)
		if rapid.Bool().Draw(r, "before") { // a leg that is covered already
			for _, s := range []*stage{singles, whole} {
				s.must(s.bind(sold, "bob", "B", flight(1, minute)))
				s.must(s.bind(sold, "alice", "A", flight(2, 0)))
			}
		}
		before := whole.trace()
		var refused error
		for i, item := range items {
			if err := singles.bind(sold, "alice", item.ID, item.Leg); err != nil {
				refused = domain.AtItem(i, err)
				break
			}
		}
		err := whole.bulk("alice", items...)
		if fmt.Sprint(err) != fmt.Sprint(refused) {
			r.Fatalf("bulk: %v, one by one: %v", err, refused)
		}
		if err != nil {
			if got := whole.trace(); !slices.Equal(got, before) {
				r.Fatalf("a refused bulk made of %v: %v", before, got)
			}
			return
		}
		compareStages(r, singles, whole)
		for _, s := range []*stage{singles, whole} {
			for number := range 4 { // a leg that nobody covers is refused
				for _, source := range []string{"cirium", "aero"}[number%2:] {
					_ = s.report(in+2*hour, source, domain.FlightStatus{Leg: flight(number, 0).Key(), Phase: domain.FlightLanded, ActualIn: in + 2*hour})
				}
			}
			s.Advance(in + 80*hour) // the rest is void
		}
		compareStages(r, singles, whole)
	})
}

// uncaused are the postings without the numbers of their causes, which count within a command.
func uncaused(s *stage) []domain.Posting {
	postings := s.Postings()
	for i := range postings {
		postings[i].Cause = 0
	}
	return postings
}

func compareStages(t *rapid.T, a, b *stage) {
	t.Helper()
	for what, pair := range map[string][2]any{
		"postings": {uncaused(a), uncaused(b)}, "watches": {a.Watches(), b.Watches()}, "events": {a.Events(), b.Events()},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Fatalf("%s: singles %.500v\nbulk %.500v", what, pair[0], pair[1])
		}
	}
	for _, class := range []string{"product/P", bookKey(flight(1, 0).Key(), "P"), bookKey(flight(3, 0).Key(), "P"), "policy/P1", "policy/P2"} {
		var x, y map[string]any
		a.Body(Kind, class, &x)
		b.Body(Kind, class, &y)
		if !reflect.DeepEqual(x, y) || a.Status(Kind, class) != b.Status(Kind, class) {
			t.Fatalf("%s: singles %v, bulk %v", class, x, y)
		}
	}
}

func TestBulkBindsRefuseWhole(t *testing.T) {
	good := Cover{ID: "G", Leg: flight(1, 0)}
	price := func(minor int64, items ...Cover) BulkBind { return BulkBind{Premium: usd(minor), Items: items} }
	for _, c := range []struct {
		name     string
		sender   domain.PartyID
		id       string
		body     any
		want     domain.Code
		sentence string
	}{
		{"no items", "alice", "P", price(9_90), domain.LimitExceeded, "items: 0, want 1 to 1000"},
		{"no product", "alice", "N", price(9_90, good), domain.NotFound, "product N"},
		{"another premium", "alice", "P", price(9_91, good), domain.InvalidAmount, "premium"},
		{"an ID twice", "alice", "P", price(9_90, good, good), domain.AlreadyExists, "items[1]: policy G"},
		{"a used ID", "alice", "P", price(9_90, good, Cover{ID: "PA", Leg: flight(2, 0)}), domain.AlreadyExists, "items[1]: policy PA"},
		{"no ID", "alice", "P", price(9_90, good, Cover{Leg: flight(2, 0)}), domain.Malformed, "items[1]: policy"},
		{"a leg that is none", "alice", "P", price(9_90, good, Cover{ID: "H", Leg: Leg{}}), domain.Malformed, "items[1]: carrier"},
		{"too many for a holder", "alice", "P", price(9_90, good, Cover{ID: "H", Leg: flight(1, 0)}), domain.LimitExceeded, "items[1]: leg"},
		{"retimed within the bulk", "insurer", "P", price(9_90, Cover{"G", "alice", flight(1, 0)}, Cover{"H", "bob", flight(1, 6*minute)}), domain.InvalidTerms, "items[1]: scheduledOut"},
		{"for another", "alice", "P", price(9_90, good, Cover{"H", "bob", flight(1, 0)}), domain.NotPermitted, "items[1]: holder: only the insurer"},
		{"for the insurer", "insurer", "P", price(9_90, Cover{"H", "", flight(1, 0)}), domain.NotPermitted, "items[0]: the insurer"},
		{"for a stranger", "insurer", "P", price(9_90, Cover{"H", "nobody", flight(1, 0)}), domain.NotFound, "items[0]: holder: party nobody"},
		{"for a bad name", "insurer", "P", price(9_90, Cover{"H", "No/body", flight(1, 0)}), domain.Malformed, "items[0]: party"},
		{"beyond the reserve", "insurer", "P", price(9_90, Cover{"G", "bob", flight(1, 0)}, Cover{"H", "carol", flight(1, 0)}), domain.InsufficientFunds, "items[1]: the reserve"},
		{"without money", "pauper", "P", price(9_90, good), domain.InsufficientFunds, ""},
		{"an unknown field", "alice", "P", map[string]any{"items": []any{map[string]any{"quote": "Q"}}}, domain.Malformed, ".items[0].quote"},
	} {
		s := newStage(t)
		s.Register("pauper")
		s.cover(1)
		s.must(s.Send(sold, "insurer", Kind, "P", "withdraw", Amount{usd(50_000_00 - 200_00 - 200_00 - 199_99)})) // room for one policy
		before := s.trace()
		err := s.Send(sold, c.sender, Kind, c.id, "bulkBind", c.body)
		if codeOf(err) != c.want || !strings.Contains(err.Error(), c.sentence) {
			t.Errorf("%s: got %v, want %s: %s", c.name, err, c.want, c.sentence)
		}
		if got := s.trace(); !slices.Equal(got, before) || s.Status(Kind, "policy/G") != "" {
			t.Errorf("%s: something happened: %v, %v", c.name, before, got)
		}
	}
	s := newStage(t)
	s.must(s.Send(sold, "insurer", Kind, "P", "pause", nil))
	wantCode(t, s.bulk("alice", good), domain.WrongState)
}

// The insurer binds for its customers and pays their premiums; payout and refund are theirs.
func TestInsurerBindsForItsCustomers(t *testing.T) {
	s := newStage(t)
	s.must(s.bulk("insurer", Cover{"PA", "alice", theLeg()}, Cover{"PB", "bob", theLeg()}, Cover{"PC", "carol", flight(7, 0)}))
	if got := s.balance("insurer"); got != 50_000_00-3*9_90 {
		t.Fatalf("insurer has %d", got)
	}
	for i, id := range []string{"PA", "PB", "PC"} {
		if parties := s.Parties(Kind, "policy/"+id); !slices.Equal(parties, []domain.PartyID{holders[i], "insurer"}) {
			t.Fatalf("%s is seen by %v", id, parties)
		}
	}
	s.landBy(3*hour, "cirium", "aero")
	s.Advance(in + 80*hour)
	for id, want := range map[string]string{"PA": outcomePaid, "PB": outcomePaid, "PC": outcomeVoid} {
		if got := s.ended(id); got.Outcome != want {
			t.Errorf("%s is %s, want %s", id, got.Outcome, want)
		}
	}
	for p, want := range map[domain.PartyID]int64{"alice": 300_00, "bob": 300_00, "carol": 109_90, "insurer": 50_000_00 - 9_90} {
		if got := s.balance(p); got != want {
			t.Errorf("%s has %d, want %d", p, got, want)
		}
	}
}

// largest is the largest bulk: every policy of the longest names, under the longest terms, on a leg of its own.
func largest(n int) (BulkBind, Terms) {
	var sources []string
	for i := range MaxSources {
		sources = append(sources, fmt.Sprintf("%064d", i))
	}
	terms := ReferenceTerms(sources...)
	terms.Payouts.Tiers = nil
	for i := range int64(MaxTiers) {
		terms.Payouts.Tiers = append(terms.Payouts.Tiers, Tier{100 + i, 1_000_000_000 + i})
	}
	terms.Sale.MaxPerLeg, terms.Sale.MaxTotal = domain.MaxMinor, domain.MaxMinor
	body := BulkBind{Premium: usd(9_90)}
	for i := range n {
		body.Items = append(body.Items, Cover{
			ID: fmt.Sprintf("%064d", i), Holder: domain.PartyID(fmt.Sprintf("%048d", i)), Leg: Leg{
				Carrier: "ABC", Number: fmt.Sprintf("%dZ", 1000+i), Origin: "KAAA", Destination: "KBBB", Date: "2015-01-01", ScheduledOut: out, ScheduledIn: in,
			},
		})
	}
	return body, terms
}

type everybody struct{ domain.Registry }

func (everybody) Approved(domain.Kind, string, domain.Millis) bool { return true }

func (everybody) Party(id domain.PartyID) (domain.Party, bool) { return domain.Party{ID: id}, true }

func bulkInput(t testing.TB, body BulkBind) domain.Input {
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > domain.MaxCommandBytes*3/4 {
		t.Fatalf("%d bytes are too many for a signed command", len(text))
	}
	return domain.Input{Now: sold, Sender: "insurer", Registry: everybody{}, Command: domain.Command{
		Kind: Kind, Contract: strings.Repeat("p", 64), Name: "bulkBind", Body: text,
	}}
}

func bulkView(t testing.TB, terms Terms) *counted {
	body, err := canon.Marshal(product{Insurer: "insurer", Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	return &counted{records: map[string][]byte{"product/" + strings.Repeat("p", 64): body}}
}

// The largest bulk is within the limits of a command and of the engine, at its largest.
func TestLargestBulkFitsTheLimits(t *testing.T) {
	body, terms := largest(domain.MaxBulk)
	in := bulkInput(t, body)
	fx, err := Contract.Apply(bulkView(t, terms), in)
	if err == nil {
		err = fx.Check(Kind, in)
	}
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for _, w := range fx.Writes {
		records += len(w.Body)
	}
	if len(fx.Events) != domain.MaxBulk || len(fx.Postings) != domain.MaxPostings || len(fx.Watches) != domain.MaxWatches || len(fx.Deadlines) != domain.MaxDeadlines {
		t.Errorf("%d events, %d postings, %d watches, %d deadlines", len(fx.Events), len(fx.Postings), len(fx.Watches), len(fx.Deadlines))
	}
	for i, p := range fx.Postings {
		if e := fx.Events[p.Cause]; p.Cause != i/2 || e.Key != "policy/"+body.Items[i/2].ID {
			t.Fatalf("posting %d is caused by %s of %s", i, e.Name, e.Key)
		}
	}
	if records > 4<<20 { // ledger.MaxRecordBytes
		t.Errorf("%d bytes of records", records)
	}
	body, _ = largest(domain.MaxBulk + 1)
	_, err = Contract.Apply(bulkView(t, terms), bulkInput(t, body))
	var refusal *domain.Rejection
	if !errors.As(err, &refusal) || refusal.Code != domain.LimitExceeded || !strings.Contains(refusal.Detail, "items: 1001") {
		t.Errorf("one too many: %v", err)
	}
}

func BenchmarkBulkBind(b *testing.B) {
	for _, legs := range []int{1, domain.MaxBulk} {
		b.Run(fmt.Sprint(legs, "legs"), func(b *testing.B) {
			body, _ := largest(domain.MaxBulk)
			terms := ReferenceTerms("cirium", "aero")
			terms.Sale.MaxPerLeg, terms.Sale.MaxTotal = domain.MaxMinor, domain.MaxMinor
			for i := range body.Items {
				body.Items[i].Leg = body.Items[i%legs].Leg
			}
			in, v := bulkInput(b, body), bulkView(b, terms)
			b.ReportAllocs()
			for b.Loop() {
				fx, err := Contract.Apply(v, in)
				if err == nil {
					err = fx.Check(Kind, in)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*domain.MaxBulk), "ns/posting")
		})
	}
}
