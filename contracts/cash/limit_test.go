package cash_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/domain"
	"aval/domain/canon"
)

func limit(party string, bounds object) object {
	return object{"party": party, "currency": "EUR", "bounds": bounds}
}

func pays(minor int64) object { return object{"to": "initech", "amount": eur(minor)} }

func TestBankAndOwnerLimitAnAccount(t *testing.T) {
	type step struct {
		at     domain.Millis
		sender domain.PartyID
		verb   string
		body   object
		bound  string // the one that refuses the step; empty for none
	}
	midnight := start - start%day + day
	for name, steps := range map[string][]step{
		"reserve": {
			{start, "bank", "limit", limit("acme", object{"minimumBalance": 4000}), ""},
			{start, "acme", "transfer", pays(6001), "minimumBalance"},
			{start, "acme", "transfer", pays(6000), ""},
			{start, "acme", "transfer", pays(1), "minimumBalance"},
			{start, "bank", "limit", limit("acme", object{}), ""},
			{start, "acme", "transfer", pays(1), ""},
		},
		"ceiling": {
			{start, "acme", "transfer", pays(500), ""},
			{start, "bank", "limit", limit("initech", object{"maximumBalance": 1000}), ""},
			{start, "acme", "transfer", pays(501), "maximumBalance"},
			{start, "acme", "transfer", pays(500), ""},
			{start, "bank", "issue", pays(1), "maximumBalance"},
			{start, "initech", "transfer", object{"to": "acme", "amount": eur(1)}, ""},
			{start, "bank", "issue", pays(1), ""},
		},
		"below a lower ceiling money still leaves": {
			{start, "acme", "limit", limit("acme", object{"maximumBalance": 100}), ""},
			{start, "acme", "transfer", pays(5000), ""},
		},
		"day": {
			{start, "acme", "limit", limit("acme", object{"dailyOutflow": 1000}), ""},
			{start, "acme", "transfer", pays(1001), "dailyOutflow"},
			{start, "acme", "transfer", pays(400), ""},
			{start, "acme", "bulkTransfer", object{"items": []object{pays(300), pays(301)}}, "dailyOutflow"},
			{start, "acme", "bulkTransfer", object{"items": []object{pays(300), pays(299)}}, ""},
			{midnight - 1, "acme", "transfer", pays(2), "dailyOutflow"},
			{midnight - 1, "acme", "transfer", pays(1), ""},
			{midnight, "acme", "transfer", pays(1000), ""},
			{midnight, "acme", "transfer", pays(1), "dailyOutflow"},
		},
		"the narrower counts": {
			{start, "acme", "limit", limit("acme", object{"dailyOutflow": 500, "minimumBalance": 1}), ""},
			{start, "bank", "limit", limit("acme", object{"dailyOutflow": 700, "minimumBalance": 9000}), ""},
			{start, "acme", "transfer", pays(501), "dailyOutflow"},
			{start, "acme", "limit", limit("acme", object{}), ""},
			{start, "acme", "transfer", pays(701), "dailyOutflow"},
			{start, "acme", "transfer", pays(700), ""},
		},
		"holds and redemptions are outflow": {
			{start, "acme", "limit", limit("acme", object{"dailyOutflow": 1000}), ""},
			{start, "acme", "hold", object{"id": "H-1", "to": "initech", "amount": eur(600), "expiresAt": start + day}, ""},
			{start, "acme", "redeem", object{"id": "R-1", "amount": eur(401)}, "dailyOutflow"},
			{start, "acme", "redeem", object{"id": "R-1", "amount": eur(400)}, ""},
		},
		"other money is not limited": {
			{start, "bank", "issue", object{"to": "acme", "amount": object{"minor": 500, "currency": "GBP"}}, ""},
			{start, "bank", "limit", limit("acme", object{"minimumBalance": domain.MaxMinor}), ""},
			{start, "acme", "transfer", object{"to": "initech", "amount": object{"minor": 500, "currency": "GBP"}}, ""},
			{start, "acme", "transfer", pays(1), "minimumBalance"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bank(t)
			for i, s := range steps {
				err := b.Send(s.at, s.sender, "cash/1", "bank", s.verb, s.body)
				if s.bound == "" && err == nil {
					continue
				}
				if code(err) != domain.LimitExceeded || !strings.Contains(err.Error(), s.bound+" of party/") || strings.ContainsAny(err.Error(), "0123456789") {
					t.Fatalf("step %d, %s by %s: got %v, want %q to refuse it and no amount to be told", i, s.verb, s.sender, err, s.bound)
				}
			}
		})
	}
}

// No limit keeps money in an escrow: a hold, a redemption, their ends and their deadlines.
func TestLimitsTrapNoMoney(t *testing.T) {
	b := held(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "redeem", object{"id": "R-1", "amount": eur(1000)}))
	for _, party := range []string{"acme", "initech"} {
		must(t, b.Send(start, "bank", "cash/1", "bank", "limit", limit(party, object{"maximumBalance": 1, "minimumBalance": 1, "dailyOutflow": 1})))
	}
	must(t, b.Send(start, "initech", "cash/1", "H-1", "capture", object{"amount": eur(1500)}))
	must(t, b.Send(start, "bank", "cash/1", "R-1", "refuse", object{"reason": "closed"}))
	b.Advance(start + 8*day)
	wantHold(t, b, cash.Expired, 8500, 0, 1500)
}

func TestLimitsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		sender domain.PartyID
		bank   string
		body   object
		code   domain.Code
	}{
		"by a stranger":         {"rival", "bank", limit("acme", object{"dailyOutflow": 1}), domain.NotPermitted},
		"by another bank":       {"rival", "rival", limit("acme", object{"dailyOutflow": 1}), domain.NotFound},
		"at another bank":       {"acme", "rival", limit("acme", object{"dailyOutflow": 1}), domain.NotFound},
		"of a stranger":         {"bank", "bank", limit("nobody", object{"dailyOutflow": 1}), domain.NotFound},
		"of a bad name":         {"bank", "bank", limit("Ac/me", object{"dailyOutflow": 1}), domain.Malformed},
		"below zero":            {"bank", "bank", limit("acme", object{"dailyOutflow": -1}), domain.InvalidAmount},
		"beyond exact JSON":     {"bank", "bank", limit("acme", object{"minimumBalance": domain.MaxMinor + 1}), domain.InvalidAmount},
		"that contradicts":      {"bank", "bank", limit("acme", object{"minimumBalance": 2, "maximumBalance": 1}), domain.InvalidTerms},
		"of money not issued":   {"bank", "bank", object{"party": "acme", "currency": "USD", "bounds": object{}}, domain.NotFound},
		"of an unknown bound":   {"bank", "bank", limit("acme", object{"weeklyOutflow": 1}), domain.Malformed},
		"with an unknown field": {"bank", "bank", object{"party": "acme", "currency": "EUR", "bounds": object{}, "why": ""}, domain.Malformed},
	} {
		b := bank(t)
		if err := b.Send(start, c.sender, "cash/1", c.bank, "limit", c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if b.Status("cash/1", "limit/acme/EUR") != "" {
			t.Errorf("%s: a limit was set", name)
		}
	}
}

func TestTheBankDoesNotSeeWhatTheOwnerAllowsItself(t *testing.T) {
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "limit", limit("acme", object{"dailyOutflow": 77})))
	events := b.Events()
	if parties := b.Parties("cash/1", "limit/acme/EUR"); len(parties) != 1 || len(events[len(events)-1].Parties) != 1 {
		t.Fatalf("an own limit is seen by %v", parties)
	}
	must(t, b.Send(start, "bank", "cash/1", "bank", "limit", limit("acme", object{"minimumBalance": 88})))
	events = b.Events()
	if parties := b.Parties("cash/1", "limit/acme/EUR"); len(parties) != 2 || len(events[len(events)-1].Parties) != 2 {
		t.Fatalf("a bank's limit is seen by %v", parties)
	}
	var l domain.Limit
	b.Body("cash/1", "limit/acme/EUR", &l)
	body, _ := canon.Marshal(l)
	for viewer, want := range map[domain.PartyID][2]bool{"bank": {false, true}, "acme": {true, true}, "": {true, true}} {
		shown, err := cash.Contract.Show("limit/acme/EUR", body, viewer)
		text, _ := json.Marshal(shown)
		if err != nil || [2]bool{strings.Contains(string(text), "77"), strings.Contains(string(text), "88")} != want {
			t.Errorf("%q sees %s, %v", viewer, text, err)
		}
	}
	must(t, b.Send(start, "acme", "cash/1", "bank", "limit", limit("acme", object{})))
	must(t, b.Send(start, "bank", "cash/1", "bank", "limit", limit("acme", object{})))
	if b.Status("cash/1", "limit/acme/EUR") != cash.Unlimited || b.Final("cash/1", "limit/acme/EUR") {
		t.Error("a lifted limit cannot be set again")
	}
}

// Against a second, simpler book: what a day's payments and a balance may be, whatever is sent.
func TestLimitsAgainstASimpleBook(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := bank(t)
		bound := rapid.Int64Range(0, 3000)
		daily, floor := bound.Draw(r, "daily"), bound.Draw(r, "floor")
		must(t, b.Send(start, "bank", "cash/1", "bank", "limit", limit("acme", object{"dailyOutflow": daily, "minimumBalance": floor})))
		balance, out, today := int64(10_000), int64(0), domain.Day(start)
		for range rapid.IntRange(1, 12).Draw(r, "payments") {
			at := b.Now() + domain.Millis(rapid.Int64Range(0, int64(day)).Draw(r, "wait"))
			minor := rapid.Int64Range(1, 2500).Draw(r, "minor")
			if domain.Day(at) != today {
				out, today = 0, domain.Day(at)
			}
			fits := balance-minor >= floor && (daily == 0 || out+minor <= daily)
			err := b.Send(at, "acme", "cash/1", "bank", "transfer", pays(minor))
			if (err == nil) != (fits && balance >= minor) {
				r.Fatalf("%d with %d left, %d of %d spent, floor %d: %v", minor, balance, out, daily, floor, err)
			}
			if err == nil {
				balance, out = balance-minor, out+minor
			}
			var refusal *domain.Rejection
			if err != nil && !errors.As(err, &refusal) {
				r.Fatal(err)
			}
		}
	})
}
