package invoice

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

// Canaries stand where only the two sides of the trade may look.
const (
	canaryNumber   = "CANARY-NUMBER-7"
	canaryDocument = "cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe"
	canaryCredit   = "CANARY-CREDIT-9"
	canaryAmount   = "98765"
)

// raw keeps a record as it is stored.
type raw []byte

func (r *raw) UnmarshalCBOR(stored []byte) error {
	*r = slices.Clone(stored)
	return nil
}

func (r raw) MarshalCBOR() ([]byte, error) { return r, nil }

// told is everything that a party is shown: the records that name it, as Show gives them, and its events.
func (s *story) told(viewer domain.PartyID, keys ...string) string {
	s.t.Helper()
	var text strings.Builder
	for _, e := range s.Events() {
		keys = append(keys, e.Key)
		if slices.Contains(e.Parties, viewer) {
			body, err := canon.ToJSON(e.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			text.WriteString(e.Name + " " + e.Key + " " + string(body) + "\n")
		}
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		var body raw
		if !slices.Contains(s.Parties(Kind, key), viewer) || !s.Body(Kind, key, &body) {
			continue
		}
		shown, err := Contract.Show(key, body, viewer)
		if err != nil {
			s.t.Fatal(err)
		}
		line, err := json.Marshal(shown)
		if err != nil {
			s.t.Fatal(err)
		}
		text.WriteString(key + " " + s.Status(Kind, key) + " " + string(line) + "\n")
	}
	return text.String()
}

// Who sees what of a financing, by the table of what each must and must not be shown.
func TestFinanciersSeeNoMoreThanTheyNeed(t *testing.T) {
	r, terms := registered(t)
	s := market(t, terms)
	s.must("acme", "ship", "S", Opening{
		Agreement: "A", Number: canaryNumber, Payable: euro(98_765), DocumentSHA256: canaryDocument, Devices: []string{"probe"}, SSCC: sscc,
	})
	s.must("bistro", "accept", "S", Acceptance{})
	s.must("acme", "invite", "S", Inviting{Financiers: []domain.PartyID{"factor", "rival"}, Seed: seed(5)})
	s.evaluated(r, seed(5))
	mark := s.receivable("S").Fingerprint
	s.must("registry", "clear", mark, nil)
	for _, f := range []domain.PartyID{"factor", "rival"} {
		s.must(f, "programme", "P-"+string(f), programmeOf(200_000))
		p := price()
		p.Percent = map[domain.PartyID]string{"factor": "9.1111", "rival": "9.2222"}[f]
		s.must(f, "offer", "O-"+string(f), Offering{Fingerprint: mark, Programme: "P-" + string(f), Price: p, ExpiresAt: s.Now() + Day})
	}
	s.must("acme", "take", "O-factor", nil)
	s.must("factor", "advance", "S", nil)
	s.must("acme", "credit", "C", Crediting{Agreement: "A", Invoice: "S", Number: canaryCredit, TypeCode: "381", Amount: euro(1000)})
	secret := string(must(json.Marshal(seed(5))))
	secret = secret[1 : len(secret)-2]
	request := requestKey(seed(5))
	for _, c := range []struct {
		viewer domain.PartyID
		shows  []string
		hides  []string
	}{
		{"rival", []string{mark, Offered, Financed, "9.2222"}, []string{
			canaryNumber, canaryDocument, canaryCredit, canaryAmount, "79012", "9.1111", "2026-03-01", "receivable/S", "invoice/S", `"invoice":"S"`, secret, "DOCK-7",
		}},
		{"registry", []string{mark, `"request":`}, []string{
			canaryNumber, canaryDocument, canaryCredit, canaryAmount, "bistro", "factor", "9.1111", "2026-03-01", "receivable/S", "invoice/S", `"invoice":"S"`, secret, "724500A93Z8V1MJK9W10",
		}},
		{"factor", []string{mark, `"due":{"minor":97765,"currency":"EUR"}`, `"approvedOn":"2026-03-01"`, `"dueOn":"2026-03-31"`, "79012", "9.1111", "bistro"}, []string{
			canaryNumber, canaryDocument, canaryCredit, "9.2222", "DOCK-7", secret, "invoice/S ", "724500A93Z8V1MJK9W10",
		}},
		{"bistro", []string{canaryNumber, canaryCredit, `"controller":"factor"`}, []string{"79012", "9.1111", "9.2222", mark, secret}},
		{"hauler", []string{"shipment/S"}, []string{canaryNumber, canaryAmount, mark, "factor", secret}},
		{"acme", []string{canaryNumber, "79012", `"controller":"factor"`}, []string{secret}},
		{"bank", nil, []string{canaryNumber, canaryAmount, mark, "factor", secret}},
	} {
		told := s.told(c.viewer, request)
		for _, want := range c.shows {
			if !strings.Contains(told, want) {
				t.Errorf("%s is not shown %q:\n%s", c.viewer, want, told)
			}
		}
		for _, not := range c.hides {
			if i := strings.Index(told, not); i >= 0 {
				t.Errorf("%s is shown %q: ...%s", c.viewer, not, told[max(0, i-120):min(len(told), i+60)])
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
