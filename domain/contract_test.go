package domain_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aval/domain"
)

type terms struct {
	Buyer domain.PartyID `json:"buyer"`
	Price domain.Money   `json:"price"`
}

// view is a map of open records: just enough of a View for Load.
type view map[string][]byte

func (v view) Get(key string) ([]byte, bool)                   { b, ok := v[key]; return b, ok }
func (view) Closed(string) bool                                { return false }
func (view) Scan(string, string, int) []domain.Record          { return nil }
func (view) Available(domain.AccountID, domain.Currency) int64 { return 0 }
func (view) Posting(domain.PostingRef) (domain.Posting, bool)  { return domain.Posting{}, false }

func TestPutComesBackThroughLoad(t *testing.T) {
	want := terms{Buyer: "acme", Price: domain.Money{Minor: 500, Currency: "EUR"}}
	w, err := domain.Put("agreement/A-1", want, "open", "bolt", "", "acme", "bolt")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.Parties, []domain.PartyID{"acme", "bolt"}) || w.Status != "open" || w.Final {
		t.Errorf("got %+v, want sorted parties, each once, none empty", w)
	}
	got, found, err := domain.Load[terms](view{w.Key: w.Body}, w.Key)
	if err != nil || !found || got != want {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
	if _, found, err := domain.Load[terms](view{}, w.Key); found || err != nil {
		t.Errorf("no record: found %v, %v", found, err)
	}
	if _, _, err := domain.Load[terms](view{w.Key: append(w.Body, 0)}, w.Key); err == nil {
		t.Error("a damaged record was loaded")
	}
}

func TestPutLeavesTheCallersPartiesAlone(t *testing.T) {
	parties := []domain.PartyID{"bolt", "acme"}
	if _, err := domain.Put("a/b", terms{}, "open", parties...); err != nil {
		t.Fatal(err)
	}
	if parties[0] != "bolt" {
		t.Error("the caller's slice was sorted")
	}
}

func TestPutAndNewEventRefuseAFloat(t *testing.T) {
	state := map[string]any{"rate": math.Pi}
	if _, err := domain.Put("a/b", state, "open"); err == nil {
		t.Error("Put took a float")
	}
	if _, err := domain.NewEvent("Opened", "a/b", state); err == nil {
		t.Error("NewEvent took a float")
	}
}

func TestNewEventSortsParties(t *testing.T) {
	e, err := domain.NewEvent("Opened", "agreement/A-1", terms{}, "bolt", "acme", "acme")
	if err != nil || !slices.Equal(e.Parties, []domain.PartyID{"acme", "bolt"}) {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestInternalNamesBeginUpperCase(t *testing.T) {
	for name, want := range map[string]bool{
		"Lapse": true, "Z": true, domain.Equivocate: true,
		"": false, "lapse": false, domain.Observe: false, "_Lapse": false, "1": false, "É": false, "[": false, "@": false,
	} {
		if domain.Internal(name) != want {
			t.Errorf("%q: got %v", name, !want)
		}
	}
}

func TestInputSenderAndRoles(t *testing.T) {
	in := domain.Input{Sender: "acme", Roles: []domain.Role{domain.RoleBuyer}}
	if !in.Has(domain.RoleBuyer) || in.Has(domain.RoleBank) || in.FromDeadline() {
		t.Errorf("got %+v", in)
	}
	if !(domain.Input{}).FromDeadline() {
		t.Error("no sender is a deadline")
	}
}

func TestDecodeBodyIsStrict(t *testing.T) {
	for body, code := range map[string]domain.Code{
		`{"buyer":"acme","price":{"minor":5,"currency":"EUR"}}`: "",
		`{}`:                              "",
		``:                                "", // a command without a body
		` {"buyer":"acme"} `:              "",
		`{"buyer":"acme"`:                 domain.Malformed,
		`{"buyer":"acme"}{}`:              domain.Malformed,
		`{"buyer":7}`:                     domain.Malformed,
		`[]`:                              domain.Malformed,
		`{"seller":"bolt"}`:               domain.Malformed,
		`{"Buyer":"bolt"}`:                domain.Malformed,
		`{"buyer":"acme","buyer":"bolt"}`: domain.Malformed,
		`{"buyer":"acme","BUYER":"bolt"}`: domain.Malformed,
		`{"price":{"minor":1,"minor":2}}`: domain.Malformed,
		`{"price":{"minor":1.0}}`:         domain.Malformed,
		`{"price":{"minor":1e3}}`:         domain.Malformed,
		`{"price":{"minor":9223372036854775808}}`:                               domain.Malformed,
		`{"buyer":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: domain.Malformed,
	} {
		var got terms
		err := domain.Command{Name: "open", Body: []byte(body)}.DecodeBody(&got)
		wantCode(t, body, err, code)
		if err != nil && !strings.Contains(err.Error(), "body of open") {
			t.Errorf("%s: %v does not name the command", body, err)
		}
	}
}

func TestDecodeBodyNamesTheField(t *testing.T) {
	var got terms
	err := domain.Command{Name: "open", Body: []byte(`{"price":{"minor":1,"vat":2}}`)}.DecodeBody(&got)
	if err == nil || !strings.Contains(err.Error(), ".price.vat") {
		t.Errorf("got %v, want the path .price.vat", err)
	}
}

func TestKeyIsActiveFromSinceUntilRevoked(t *testing.T) {
	for _, c := range []struct {
		since, revoked, now domain.Millis
		want                bool
	}{
		{10, 0, 9, false}, {10, 0, 10, true}, {10, 0, math.MaxInt64, true},
		{10, 20, 9, false}, {10, 20, 10, true}, {10, 20, 19, true}, {10, 20, 20, false}, {10, 20, 21, false},
		{10, 10, 10, false}, // revoked at once
		{0, 0, 0, true},
	} {
		if got := (domain.Key{Since: c.since, Revoked: c.revoked}).ActiveAt(c.now); got != c.want {
			t.Errorf("since %d, revoked %d, now %d: got %v", c.since, c.revoked, c.now, got)
		}
	}
}

func TestOnlyThreePhasesAreFinal(t *testing.T) {
	for phase, want := range map[domain.FlightPhase]bool{
		domain.FlightLanded: true, domain.FlightCancelled: true, domain.FlightDiverted: true,
		domain.FlightPending: false, domain.FlightUnknown: false, "": false, "Landed": false,
	} {
		if (domain.FlightStatus{Phase: phase}).Final() != want {
			t.Errorf("%q: got %v", phase, !want)
		}
	}
}
