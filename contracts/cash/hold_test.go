package cash_test

import (
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
)

const (
	day        domain.Millis = 24 * 60 * 60 * 1000
	holdEscrow               = domain.AccountID("escrow/cash/1/hold/H-1")
)

// held is a bench on which acme set 40.00 EUR of its 100.00 aside for initech, for a week.
func held(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "hold", object{
		"id": "H-1", "to": "initech", "amount": eur(4000), "expiresAt": start + 7*day, "reference": "room 12",
	}))
	return b
}

func wantHold(t *testing.T, b *contracttest.Bench, status string, payer, escrow, payee int64) {
	t.Helper()
	got := [3]int64{b.Balance("party/acme", "EUR"), b.Balance(holdEscrow, "EUR"), b.Balance("party/initech", "EUR")}
	if b.Status("cash/1", "hold/H-1") != status || got != [3]int64{payer, escrow, payee} || b.Held("acme", "EUR") != escrow {
		t.Fatalf("hold is %s with payer, escrow and payee at %d and %d held; want %s, %d, %d, %d",
			b.Status("cash/1", "hold/H-1"), got, b.Held("acme", "EUR"), status, payer, escrow, payee)
	}
	if b.Final("cash/1", "hold/H-1") != (status != cash.Held) {
		t.Fatalf("a hold that is %s is final: %v", status, b.Final("cash/1", "hold/H-1"))
	}
}

func TestHoldEndsInEachWay(t *testing.T) {
	type step struct {
		at     domain.Millis
		sender domain.PartyID
		verb   string
		body   object
	}
	capture := func(minor int64, final bool) step {
		return step{start + day, "initech", "capture", object{"amount": eur(minor), "final": final}}
	}
	for name, c := range map[string]struct {
		steps                []step
		status               string
		payer, escrow, payee int64
	}{
		"nothing yet":             {nil, cash.Held, 6000, 4000, 0},
		"captured whole":          {[]step{capture(4000, false)}, cash.Captured, 6000, 0, 4000},
		"captured in part":        {[]step{capture(1500, false)}, cash.Held, 6000, 2500, 1500},
		"captured in two parts":   {[]step{capture(1500, false), capture(2500, false)}, cash.Captured, 6000, 0, 4000},
		"captured for good":       {[]step{capture(1500, true)}, cash.Captured, 8500, 0, 1500},
		"then for good":           {[]step{capture(1500, false), capture(1, true)}, cash.Captured, 8499, 0, 1501},
		"released by the payee":   {[]step{{start, "initech", "release", nil}}, cash.Released, 10_000, 0, 0},
		"the rest released":       {[]step{capture(1500, false), {start + day, "initech", "release", nil}}, cash.Released, 8500, 0, 1500},
		"expired":                 {[]step{{start + 7*day, "acme", "advance", nil}}, cash.Expired, 10_000, 0, 0},
		"almost expired":          {[]step{{start + 7*day - 1, "acme", "advance", nil}}, cash.Held, 6000, 4000, 0},
		"captured and expired":    {[]step{capture(1500, false), {start + 7*day, "acme", "advance", nil}}, cash.Expired, 8500, 0, 1500},
		"ended long before":       {[]step{capture(4000, true), {start + 400*day, "acme", "advance", nil}}, cash.Captured, 6000, 0, 4000},
		"released before expiry":  {[]step{{start + 1, "initech", "release", nil}, {start + 8*day, "acme", "advance", nil}}, cash.Released, 10_000, 0, 0},
		"captured for its buyer":  {[]step{{start + day, "initech", "capture", object{"amount": eur(4000), "valueDate": "2023-11-20"}}}, cash.Captured, 6000, 0, 4000},
		"captured at the last ms": {[]step{{start + 7*day - 1, "initech", "capture", object{"amount": eur(4000)}}}, cash.Captured, 6000, 0, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			b := held(t)
			for _, s := range c.steps {
				if s.verb == "advance" {
					b.Advance(s.at)
				} else {
					must(t, b.Send(s.at, s.sender, "cash/1", "H-1", s.verb, s.body))
				}
			}
			wantHold(t, b, c.status, c.payer, c.escrow, c.payee)
		})
	}
}

func TestHoldsRefuse(t *testing.T) {
	hold := func(change object) object {
		body := object{"id": "H-2", "to": "initech", "amount": eur(100), "expiresAt": start + day}
		for name, value := range change {
			body[name] = value
		}
		return body
	}
	for name, c := range map[string]struct {
		sender         domain.PartyID
		contract, verb string
		body           object
		code           domain.Code
	}{
		"hold for oneself":           {"acme", "bank", "hold", hold(object{"to": "acme"}), domain.InvalidTerms},
		"hold for a stranger":        {"acme", "bank", "hold", hold(object{"to": "nobody"}), domain.NotFound},
		"hold at another bank":       {"acme", "rival", "hold", hold(nil), domain.NotFound},
		"hold of nothing":            {"acme", "bank", "hold", hold(object{"amount": eur(0)}), domain.InvalidAmount},
		"hold of too much":           {"acme", "bank", "hold", hold(object{"amount": eur(6001)}), domain.InsufficientFunds},
		"hold under a taken ID":      {"acme", "bank", "hold", hold(object{"id": "H-1"}), domain.AlreadyExists},
		"hold under a bad ID":        {"acme", "bank", "hold", hold(object{"id": "H/2"}), domain.Malformed},
		"hold with two lines":        {"acme", "bank", "hold", hold(object{"reference": "a\nb"}), domain.Malformed},
		"hold that has expired":      {"acme", "bank", "hold", hold(object{"expiresAt": start}), domain.InvalidTerms},
		"hold without end":           {"acme", "bank", "hold", hold(object{"expiresAt": 0}), domain.InvalidTerms},
		"hold for too long":          {"acme", "bank", "hold", hold(object{"expiresAt": start + cash.MaxHold + 1}), domain.InvalidTerms},
		"hold with another field":    {"acme", "bank", "hold", hold(object{"memo": ""}), domain.Malformed},
		"capture of nothing there":   {"initech", "H-9", "capture", object{"amount": eur(1)}, domain.NotFound},
		"capture by a stranger":      {"rival", "H-1", "capture", object{"amount": eur(1)}, domain.NotFound},
		"capture by the bank":        {"bank", "H-1", "capture", object{"amount": eur(1)}, domain.NotFound},
		"capture by the payer":       {"acme", "H-1", "capture", object{"amount": eur(1)}, domain.NotPermitted},
		"capture of too much":        {"initech", "H-1", "capture", object{"amount": eur(4001)}, domain.InvalidAmount},
		"capture of zero":            {"initech", "H-1", "capture", object{"amount": eur(0), "final": true}, domain.InvalidAmount},
		"capture in other money":     {"initech", "H-1", "capture", object{"amount": object{"minor": 1, "currency": "USD"}}, domain.CurrencyMismatch},
		"capture with an odd day":    {"initech", "H-1", "capture", object{"amount": eur(1), "valueDate": "2023-02-29"}, domain.Malformed},
		"capture with a distant day": {"initech", "H-1", "capture", object{"amount": eur(1), "valueDate": "2031-01-01"}, domain.LimitExceeded},
		"release of nothing there":   {"initech", "H-9", "release", nil, domain.NotFound},
		"release by a stranger":      {"rival", "H-1", "release", nil, domain.NotFound},
		"release by the payer":       {"acme", "H-1", "release", nil, domain.TooEarly},
		"release with a body":        {"initech", "H-1", "release", object{"amount": eur(1)}, domain.Malformed},
		"expiry from outside":        {"acme", "H-1", "Expire", nil, domain.NotPermitted},
	} {
		b := held(t)
		before := len(b.Events())
		if err := b.Send(start, c.sender, "cash/1", c.contract, c.verb, c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		wantHold(t, b, cash.Held, 6000, 4000, 0)
		if len(b.Events()) != before {
			t.Errorf("%s: something happened", name)
		}
	}
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "hold", hold(object{"expiresAt": start + cash.MaxHold})))
	if err := b.Send(start, "", "cash/1", "H-9", "Expire", nil); code(err) != domain.NotFound {
		t.Errorf("expiry of nothing: %v", err)
	}
}

// An engine with more deadlines due than one batch runs may be asked by the payer first.
func TestPayerReleasesAnExpiredHold(t *testing.T) {
	b := held(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "hold", object{"id": "H-2", "to": "initech", "amount": eur(1), "expiresAt": start + day}))
	must(t, b.Forget("cash/1", "H-1", "Expire"))
	if err := b.Send(start+7*day-1, "acme", "cash/1", "H-1", "release", nil); code(err) != domain.TooEarly {
		t.Fatalf("before it expired: %v", err)
	}
	must(t, b.Send(start+7*day, "acme", "cash/1", "H-1", "release", nil))
	wantHold(t, b, cash.Released, 10_000, 0, 0)
}

func TestOnlyPayerAndPayeeSeeAHold(t *testing.T) {
	b := held(t)
	events := b.Events()
	seen := [][]domain.PartyID{b.Parties("cash/1", "hold/H-1"), events[len(events)-1].Parties}
	for _, parties := range seen {
		if len(parties) != 2 || parties[0] != "acme" || parties[1] != "initech" {
			t.Errorf("seen by %v", parties)
		}
	}
}

func TestRedemptionCountsAsHeld(t *testing.T) {
	b := requested(t)
	if b.Held("acme", "EUR") != 4000 || b.Held("bank", "EUR") != 0 {
		t.Fatalf("%d held for acme", b.Held("acme", "EUR"))
	}
	must(t, b.Send(start+1, "bank", "cash/1", "R-1", "settle", object{"reference": "wire 5"}))
	if b.Held("acme", "EUR") != 0 {
		t.Fatalf("%d held after settlement", b.Held("acme", "EUR"))
	}
}

// Whatever payer, payee and time do to a hold: its money is with the payer, in escrow or with
// the payee, never more is captured than was held, and at the end nothing is left in escrow.
func TestNoMoneyIsLostInAHold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := held(t)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			at := b.Now() + domain.Millis(rapid.Int64Range(0, int64(2*day)).Draw(r, "wait"))
			sender := rapid.SampledFrom([]domain.PartyID{"acme", "initech", "bank"}).Draw(r, "sender")
			verb, body := "release", object{}
			if rapid.IntRange(0, 3).Draw(r, "verb") > 0 {
				verb, body = "capture", object{"amount": eur(rapid.Int64Range(1, 2000).Draw(r, "minor")), "final": rapid.Bool().Draw(r, "final")}
			}
			_ = b.Send(at, sender, "cash/1", "H-1", verb, body)
			var h cash.Hold
			b.Body("cash/1", "hold/H-1", &h)
			payer, escrow, payee := b.Balance("party/acme", "EUR"), b.Balance(holdEscrow, "EUR"), b.Balance("party/initech", "EUR")
			if payer+escrow+payee != 10_000 || payee != h.Captured.Minor || payee > 4000 || b.Held("acme", "EUR") != escrow {
				r.Fatalf("payer %d, escrow %d, payee %d, captured %s", payer, escrow, payee, h.Captured)
			}
			if over := h.Status != cash.Held; over != (escrow == 0) || over != (h.EndedAt != 0) || h.EndedAt > h.ExpiresAt {
				r.Fatalf("%s at %s with %d in escrow", h.Status, h.EndedAt, escrow)
			}
		}
	})
}
