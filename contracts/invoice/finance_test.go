package invoice

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"

	"aval/contracts/invoice/fingerprint"
	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
)

func euro(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

// onAccount is a trip whose invoice is owed for 30 days on an open account.
func onAccount() Terms {
	t := byScan()
	t.PaymentDays = 30
	t.Settlement = OpenAccount
	t.Debt = &DebtTerms{
		Guarantor: "bank", Convention: calendar.Following,
		Calendar: calendar.Calendar{OffsetMinutes: 60, Weekend: []int64{6, 7}, Holidays: []domain.Date{"2026-04-03", "2026-04-06"}, Through: "2027-12-31"},
		Discount: &interest.Discount{Percent: "6", Basis: interest.Act360},
		Late: &interest.Late{
			Reference: interest.Table{{From: "2026-01-01", Percent: "2"}}, Points: "8", Basis: interest.Act365, FixedFee: 4000,
		},
		Retries: 2, RetryDays: 2, DefaultDays: 60, ReturnDays: 10,
	}
	return t
}

// market is a story with a bank, two financiers with 10,000.00 EUR each, and a registry.
func market(t testing.TB, terms Terms) *story {
	t.Helper()
	s := newStoryWith(t, terms, func(s *story) {
		s.Register("bank", domain.RoleBank)
		s.Register("factor", domain.RoleFinancier)
		s.Register("rival", domain.RoleFinancier)
		s.Register("registry", domain.RoleOracle)
	})
	for _, p := range []domain.PartyID{"bank", "factor", "rival"} {
		s.Fund(p, euro(1_000_000))
	}
	return s
}

// approved is a market in which invoice S of 1,000.00 EUR was accepted on 1 March and is due on 31 March 2026.
func owed(t testing.TB, terms Terms) *story {
	s := market(t, terms)
	s.bill1("S", "INV-1")
	return s
}

func (s *story) bill1(id, number string) {
	s.t.Helper()
	o := opening()
	o.SSCC, o.Number = sscc, number
	s.must("acme", "ship", id, o)
	s.must("bistro", "accept", id, Acceptance{})
}

func (s *story) receivable(id string) Receivable {
	s.t.Helper()
	var r Receivable
	if !s.Body(Kind, receivableKey(id), &r) {
		s.t.Fatalf("no receivable %s", id)
	}
	return r
}

func (s *story) has(party domain.PartyID, minor int64) {
	s.t.Helper()
	if got := s.Balance(domain.PartyAccount(party), "EUR"); got != minor {
		s.t.Errorf("%s has %d, want %d", party, got, minor)
	}
}

func (s *story) is(key, status string) {
	s.t.Helper()
	if got := s.Status(Kind, key); got != status {
		s.t.Errorf("%s is %q, want %q", key, got, status)
	}
}

func seed(n byte) []byte { return bytes.Repeat([]byte{n}, fingerprint.SeedBytes) }

// price advances 80 % at 9 % a year and 10.00 EUR, with notice.
func price() Price {
	return Price{AdvancePercent: "80", Percent: "9", Basis: interest.Act360, Flat: 1000, Notify: true, OverdueDays: 20, RepayMillis: 10 * Day}
}

func programmeOf(limit int64) Putting {
	return Putting{
		Currency: "EUR", Limit: limit, Buyers: []Line{{Party: "bistro", Limit: limit}}, Suppliers: []Line{{Party: "acme", Limit: limit}},
	}
}

// offered lists receivable S to both financiers; each has offered, as O-<name>.
func offered(t testing.TB, terms Terms, p Price) *story {
	s := owed(t, terms)
	s.must("acme", "invite", "S", Inviting{Financiers: []domain.PartyID{"factor", "rival"}, Seed: seed(1)})
	for _, f := range []domain.PartyID{"factor", "rival"} {
		s.must(f, "programme", "P-"+string(f), programmeOf(200_000))
		s.must(f, "offer", "O-"+string(f), Offering{
			Fingerprint: s.receivable("S").Fingerprint, Programme: "P-" + string(f), Price: p, ExpiresAt: s.Now() + Day,
		})
	}
	return s
}

// financedBy is that story after the factor's advance of 800.00 EUR on 1 March.
func financedBy(t testing.TB, terms Terms, p Price) *story {
	s := offered(t, terms, p)
	s.must("acme", "take", "O-factor", nil)
	s.must("factor", "advance", "S", nil)
	return s
}

func TestFinancingIsRepaidOutOfThePayment(t *testing.T) {
	s := financedBy(t, onAccount(), price())
	s.has("acme", 80_000)
	s.has("factor", 920_000)
	if r := s.receivable("S"); r.Status != Financed || r.Controller != "factor" {
		t.Errorf("%+v", r)
	}
	s.Advance(start + 31*Day)
	// 31 March is a Tuesday: 30 days at 9 % of 800.00 are 6.00, and 10.00 flat.
	s.has("factor", 1_001_600)
	s.has("acme", 98_400)
	s.is("receivable/S", Repaid)
	s.is("invoice/S", Settled)
	if !s.Final(Kind, "receivable/S") || !s.Final(Kind, "fingerprint/"+s.receivable("S").Fingerprint) {
		t.Error("the receivable is still open")
	}
}

func TestOneOfTwoFinanciersWins(t *testing.T) {
	s := offered(t, onAccount(), price())
	s.must("acme", "take", "O-rival", nil)
	refused(t, s.try("acme", "take", "O-factor", nil), domain.WrongState)
	refused(t, s.try("factor", "advance", "S", nil), domain.NotFound)
	s.must("rival", "advance", "S", nil)
	refused(t, s.try("rival", "advance", "S", nil), domain.WrongState)
	s.has("factor", 1_000_000)
}

// registryOf answers what the contract asks.
type registryOf struct{ key *oprf.PrivateKey }

func newRegistry(t testing.TB) (registryOf, []byte) {
	t.Helper()
	key, err := oprf.GenerateKey(oprf.SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return registryOf{key}, public
}

func (r registryOf) answer(t testing.TB, request fingerprint.Request) fingerprint.Answer {
	t.Helper()
	var elements []oprf.Blinded
	for _, raw := range [][]byte{request.Exact, request.Loose} {
		e := group.Ristretto255.NewElement()
		if err := e.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		elements = append(elements, e)
	}
	evaluation, err := oprf.NewVerifiableServer(oprf.SuiteRistretto255, r.key).Evaluate(&oprf.EvaluationRequest{Elements: elements})
	if err != nil {
		t.Fatal(err)
	}
	exact, _ := evaluation.Elements[0].MarshalBinaryCompress()
	loose, _ := evaluation.Elements[1].MarshalBinaryCompress()
	proof, _ := evaluation.Proof.MarshalBinary()
	return fingerprint.Answer{Exact: exact, Loose: loose, Proof: proof}
}

// evaluated lets the registry answer the request of a seed.
func (s *story) evaluated(r registryOf, by []byte) {
	s.t.Helper()
	var asked Asked
	key := requestKey(by)
	if !s.Body(Kind, key, &asked) {
		s.t.Fatal("the registry was not asked")
	}
	s.must("registry", "evaluate", key[len("request/"):], r.answer(s.t, asked.Request))
}

func registered(t testing.TB) (registryOf, Terms) {
	r, public := newRegistry(t)
	terms := onAccount()
	terms.Debt.Registry = &RegistryTerms{Party: "registry", PublicKey: public, Supplier: "724500A93Z8V1MJK9W10"}
	return r, terms
}

// The second ledger is another bench with the same registry: it hears of the first by the fingerprint alone.
func TestDoubleFinancingIsFoundAcrossLedgers(t *testing.T) {
	r, terms := registered(t)
	first, second := owed(t, terms), owed(t, terms)
	for i, s := range []*story{first, second} {
		s.must("acme", "invite", "S", Inviting{Financiers: []domain.PartyID{"factor"}, Seed: seed(byte(i))})
		s.is("receivable/S", Free)
		s.evaluated(r, seed(byte(i)))
		s.is("receivable/S", Offered)
		s.must("factor", "programme", "P", programmeOf(200_000))
		s.must("factor", "offer", "O", Offering{Fingerprint: s.receivable("S").Fingerprint, Programme: "P", Price: price(), ExpiresAt: s.Now() + Day})
		s.must("acme", "take", "O", nil)
		refused(t, s.try("factor", "advance", "S", nil), domain.TooEarly)
	}
	mark := first.receivable("S").Fingerprint
	if mark != second.receivable("S").Fingerprint {
		t.Fatal("one invoice has two fingerprints")
	}
	first.must("registry", "clear", mark, nil)
	first.must("factor", "advance", "S", nil)
	second.must("registry", "report", mark, nil)
	refused(t, second.try("factor", "advance", "S", nil), domain.NotFound)
	second.is("receivable/S", Offered)
	second.has("factor", 1_000_000)
	refused(t, second.try("acme", "invite", "S", Inviting{Financiers: []domain.PartyID{"rival"}}), domain.WrongState)
	// And if the word comes late, it is a trigger of recourse.
	first.must("registry", "report", mark, nil)
	first.must("factor", "recourse", "S", nil)
	first.Fund("acme", euro(1000)) // the flat fee
	first.must("acme", "repay", "S", nil)
	first.is("receivable/S", Recoursed)
}
