package cash_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
)

const (
	hour    domain.Millis = 3_600_000
	oldIBAN               = "DE89370400440532013000"
	newIBAN               = "GB82WEST12345698765432"
)

func iban(number string) object { return object{"iban": number, "name": "Acme Ltd"} }

func asks(account object) object { return object{"currency": "EUR", "account": account} }

func number(n int) object { return object{"party": "acme", "currency": "EUR", "number": n} }

func direct(b *contracttest.Bench, at domain.Millis, sender domain.PartyID, verb string, body object) error {
	return b.Send(at, sender, "cash/1", "bank", verb, body)
}

// pinned is a bench on which acme's first account is confirmed.
func pinned(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := bank(t)
	must(t, direct(b, start, "acme", "payTo", asks(iban(oldIBAN))))
	must(t, direct(b, start, "bank", "approvePayTo", number(1)))
	return b
}

// inForce is the IBAN that is pinned for acme, empty for none, and the record's status.
func inForce(t testing.TB, b *contracttest.Bench) (string, string) {
	t.Helper()
	var p cash.PayTo
	b.Body("cash/1", "payto/acme/EUR", &p)
	if p.Account == nil {
		return "", p.Status
	}
	return p.Account.IBAN, p.Status
}

func TestPayToRefuse(t *testing.T) {
	gbp := object{"party": "acme", "currency": "GBP", "number": 1}
	for name, c := range map[string]struct {
		sender   domain.PartyID
		verb     string
		body     object
		code     domain.Code
		contract string
	}{
		"an IBAN that was copied badly":   {"acme", "payTo", asks(iban("GB82WEST12345698765431")), domain.Malformed, "bank"},
		"two numbers":                     {"acme", "payTo", asks(object{"iban": newIBAN, "other": "7", "name": "A"}), domain.Malformed, "bank"},
		"no number":                       {"acme", "payTo", asks(object{"name": "A"}), domain.Malformed, "bank"},
		"no name":                         {"acme", "payTo", asks(object{"iban": newIBAN}), domain.Malformed, "bank"},
		"a long name":                     {"acme", "payTo", asks(object{"iban": newIBAN, "name": strings.Repeat("x", cash.MaxName+1)}), domain.Malformed, "bank"},
		"a name in two lines":             {"acme", "payTo", asks(object{"iban": newIBAN, "name": "A\nB"}), domain.Malformed, "bank"},
		"a long other number":             {"acme", "payTo", asks(object{"other": strings.Repeat("7", cash.MaxOther+1), "name": "A"}), domain.Malformed, "bank"},
		"an odd other number":             {"acme", "payTo", asks(object{"other": "7;8", "name": "A"}), domain.Malformed, "bank"},
		"an other number between blanks":  {"acme", "payTo", asks(object{"other": " 7", "name": "A"}), domain.Malformed, "bank"},
		"no BIC":                          {"acme", "payTo", asks(object{"other": "7", "bic": "BANK", "name": "A"}), domain.Malformed, "bank"},
		"money that nobody issues":        {"acme", "payTo", object{"currency": "GBP", "account": iban(newIBAN)}, domain.NotFound, "bank"},
		"at another bank":                 {"acme", "payTo", asks(iban(newIBAN)), domain.NotFound, "rival"},
		"the account in force":            {"acme", "payTo", asks(iban(oldIBAN)), domain.AlreadyExists, "bank"},
		"approval of nothing":             {"bank", "approvePayTo", number(1), domain.WrongState, "bank"},
		"approval of what is not yet":     {"bank", "approvePayTo", number(2), domain.WrongState, "bank"},
		"approval without a record":       {"bank", "approvePayTo", gbp, domain.NotFound, "bank"},
		"approval by another bank":        {"rival", "approvePayTo", number(1), domain.NotFound, "bank"},
		"approval at another bank":        {"bank", "approvePayTo", number(1), domain.NotFound, "rival"},
		"approval by a stranger":          {"initech", "approvePayTo", number(1), domain.NotFound, "bank"},
		"approval for nobody":             {"bank", "approvePayTo", object{"party": "A/b", "currency": "EUR", "number": 1}, domain.Malformed, "bank"},
		"approval in no money":            {"bank", "approvePayTo", object{"party": "acme", "currency": "EURO", "number": 1}, domain.Malformed, "bank"},
		"cancelling nothing":              {"acme", "cancelPayTo", number(1), domain.WrongState, "bank"},
		"cancelling by a stranger":        {"initech", "cancelPayTo", number(1), domain.NotFound, "bank"},
		"the deadline by the bank itself": {"bank", "PayToTakesEffect", object{}, domain.NotPermitted, "acme_EUR"},
	} {
		b := pinned(t)
		before := len(b.Events())
		if err := b.Send(start, c.sender, "cash/1", c.contract, c.verb, c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if account, status := inForce(t, b); account != oldIBAN || status != cash.InForce || len(b.Events()) != before {
			t.Errorf("%s: something happened", name)
		}
	}
}

// Each way in which a change can go, step by step: who does what when, and which account is in force after it.
func TestPayToChanges(t *testing.T) {
	const wait = cash.DefaultCoolOff
	type step struct {
		at           domain.Millis
		sender       domain.PartyID
		verb         string
		body         object
		code         domain.Code
		account, now string
	}
	asked := step{start, "acme", "payTo", asks(iban(newIBAN)), "", oldIBAN, cash.Asked}
	approved := step{start + 1, "acme+spare", "approvePayTo", number(2), "", oldIBAN, cash.Cooling}
	approvedByBank := step{start + 1, "bank", "approvePayTo", number(2), "", oldIBAN, cash.Cooling}
	look := func(at domain.Millis, account, status string) step {
		return step{at, "", "", nil, "", account, status}
	}
	for name, steps := range map[string][]step{
		"approved by another key":        {asked, approved, look(start+wait, oldIBAN, cash.Cooling), look(start+1+wait, newIBAN, cash.InForce)},
		"approved by the bank":           {asked, approvedByBank, look(start+1+wait, newIBAN, cash.InForce)},
		"approved by the key that asked": {asked, {start + 1, "acme", "approvePayTo", number(2), domain.NotPermitted, oldIBAN, cash.Asked}},
		"asked by the other key": {
			{start, "acme+spare", "payTo", asks(iban(newIBAN)), "", oldIBAN, cash.Asked},
			{start + 1, "acme+spare", "approvePayTo", number(2), domain.NotPermitted, oldIBAN, cash.Asked},
			{start + 1, "acme", "approvePayTo", number(2), "", oldIBAN, cash.Cooling},
		},
		"approved twice":      {asked, approved, {start + 2, "bank", "approvePayTo", number(2), domain.WrongState, oldIBAN, cash.Cooling}},
		"never approved":      {asked, look(start+10*wait, oldIBAN, cash.Asked)},
		"cancelled as asked":  {asked, {start + 1, "bank", "cancelPayTo", number(2), "", oldIBAN, cash.InForce}, {start + 2, "bank", "approvePayTo", number(2), domain.WrongState, oldIBAN, cash.InForce}},
		"cancelled by itself": {asked, approved, {start + wait, "acme", "cancelPayTo", number(2), "", oldIBAN, cash.InForce}, look(start+10*wait, oldIBAN, cash.InForce)},
		"cancelled by its bank": {
			asked, approved, {start + wait, "bank", "cancelPayTo", number(2), "", oldIBAN, cash.InForce}, look(start+10*wait, oldIBAN, cash.InForce),
			{start + 10*wait, "acme", "payTo", asks(iban(newIBAN)), "", oldIBAN, cash.Asked},
			{start + 10*wait, "acme+spare", "approvePayTo", number(2), domain.WrongState, oldIBAN, cash.Asked},
			{start + 10*wait, "acme+spare", "approvePayTo", number(3), "", oldIBAN, cash.Cooling},
			look(start+11*wait-1, oldIBAN, cash.Cooling), look(start+11*wait, newIBAN, cash.InForce),
		},
		"cancelled too late":  {asked, approved, {start + 1 + wait, "acme", "cancelPayTo", number(2), domain.WrongState, newIBAN, cash.InForce}},
		"asked over another":  {asked, {start + 1, "acme", "payTo", asks(object{"other": "0012/3 4", "bic": "DEUTDEFF", "name": "Acme"}), domain.WrongState, oldIBAN, cash.Asked}},
		"the same, once more": {asked, approved, look(start+1+wait, newIBAN, cash.InForce), {start + 2 + wait, "acme", "payTo", asks(iban(newIBAN)), domain.AlreadyExists, newIBAN, cash.InForce}},
	} {
		t.Run(name, func(t *testing.T) {
			b := pinned(t)
			for i, s := range steps {
				var err error
				if s.verb == "" {
					b.Advance(s.at)
				} else {
					err = direct(b, s.at, s.sender, s.verb, s.body)
				}
				if account, status := inForce(t, b); code(err) != s.code || account != s.account || status != s.now {
					t.Fatalf("step %d: %v, %s is %s; want %s, %s is %s", i, err, account, status, s.code, s.account, s.now)
				}
			}
		})
	}
}

// The first account is the bank's to confirm, whoever else holds a key.
func TestFirstAccountIsConfirmedByTheBank(t *testing.T) {
	b := bank(t)
	must(t, direct(b, start, "acme", "payTo", asks(iban(oldIBAN))))
	if err := direct(b, start, "acme+spare", "approvePayTo", number(1)); code(err) != domain.NotPermitted {
		t.Fatalf("by acme itself: %v", err)
	}
	if account, status := inForce(t, b); account != "" || status != cash.Unconfirmed {
		t.Fatalf("%q is %s", account, status)
	}
	must(t, direct(b, start, "bank", "approvePayTo", number(1)))
	if account, status := inForce(t, b); account != oldIBAN || status != cash.InForce {
		t.Fatalf("%q is %s", account, status)
	}
}

// Whoever took one key cannot make the second: it must be older than the change by a cool-off.
func TestAYoungKeyDoesNotApprove(t *testing.T) {
	for age, want := range map[domain.Millis]domain.Code{0: domain.NotPermitted, 48*hour - 1: domain.NotPermitted, 48 * hour: ""} {
		b := pinned(t)
		b.RegisterKey("acme+spare", start+100*hour-age)
		must(t, direct(b, start+100*hour, "acme", "payTo", asks(iban(newIBAN))))
		if err := direct(b, start+300*hour, "acme+spare", "approvePayTo", number(2)); code(err) != want {
			t.Errorf("a key of %d ms: %v, want %q", age, err, want)
		}
	}
}

func TestGovernanceSetsTheCoolOff(t *testing.T) {
	b := pinned(t)
	b.SetLimits(domain.Limits{PayToHours: 1})
	must(t, direct(b, start, "acme", "payTo", asks(iban(newIBAN))))
	must(t, direct(b, start, "bank", "approvePayTo", number(2)))
	b.Advance(start + hour - 1)
	if account, _ := inForce(t, b); account != oldIBAN {
		t.Error("it was too short")
	}
	b.Advance(start + hour)
	if account, _ := inForce(t, b); account != newIBAN {
		t.Error("it was too long")
	}
}

// A freeze stops a change that cools off, and nothing else: what was pinned goes on.
func TestAFrozenPartysChangeHasNoEffect(t *testing.T) {
	b := pinned(t)
	must(t, direct(b, start, "acme", "payTo", asks(iban(newIBAN))))
	must(t, direct(b, start, "bank", "approvePayTo", number(2)))
	b.Freeze("acme", start+1)
	b.Advance(start + 100*hour)
	if account, status := inForce(t, b); account != oldIBAN || status != cash.InForce {
		t.Errorf("%s is %s", account, status)
	}
}

// redemptionTo is the IBAN of a redemption, empty for none.
func redemptionTo(t testing.TB, b *contracttest.Bench, id string) string {
	t.Helper()
	var r cash.Redemption
	b.Body("cash/1", "redemption/"+id, &r)
	if r.PayTo == nil {
		return ""
	}
	return r.PayTo.IBAN
}

// A redemption goes to the account of the moment: of the request, then of the acceptance, and never another.
func TestRedemptionsNameTheAccountInForce(t *testing.T) {
	b := bank(t)
	redeem := func(at domain.Millis, id string) {
		must(t, direct(b, at, "acme", "redeem", object{"id": id, "amount": eur(100)}))
	}
	redeem(start, "R-0")
	must(t, direct(b, start, "acme", "payTo", asks(iban(oldIBAN))))
	redeem(start, "R-1")
	must(t, direct(b, start, "bank", "approvePayTo", number(1)))
	for _, id := range []string{"R-2", "R-3", "R-4"} {
		redeem(start, id)
	}
	accept := func(at domain.Millis, id string) { must(t, b.Send(at, "bank", "cash/1", id, "accept", object{})) }
	accept(start, "R-2")
	must(t, direct(b, start, "acme", "payTo", asks(iban(newIBAN))))
	must(t, direct(b, start, "bank", "approvePayTo", number(2)))
	accept(start+1, "R-3")
	b.Advance(start + 48*hour)
	accept(start+48*hour, "R-1")
	redeem(start+48*hour, "R-5")
	for id, want := range map[string]string{"R-0": "", "R-1": newIBAN, "R-2": oldIBAN, "R-3": oldIBAN, "R-4": oldIBAN, "R-5": newIBAN} {
		if got := redemptionTo(t, b, id); got != want {
			t.Errorf("%s goes to %q, want %q", id, got, want)
		}
	}
	accept(start+48*hour, "R-4")
	if got := redemptionTo(t, b, "R-4"); got != newIBAN {
		t.Errorf("accepted after the change: to %q", got)
	}
}

func TestPayToIsSeenByPartyAndBankAlone(t *testing.T) {
	b := pinned(t)
	parties := []domain.PartyID{"acme", "bank"}
	if got := b.Parties("cash/1", "payto/acme/EUR"); !reflect.DeepEqual(got, parties) {
		t.Errorf("the record is seen by %v", got)
	}
	for _, e := range b.Events() {
		if strings.HasPrefix(e.Name, "payTo") && !reflect.DeepEqual(e.Parties, parties) {
			t.Errorf("%s is seen by %v", e.Name, e.Parties)
		}
	}
}

// TestPayToLaw: whatever is sent, the account in force changes only where its bank confirmed the first one, or a
// cool-off after an approval by another key; and an accepted redemption goes where it went.
func TestPayToLaw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := bank(t)
		now, account := start, ""
		var approvedAt domain.Millis
		accepted := map[string]string{}
		for i := range rapid.IntRange(1, 40).Draw(r, "steps") {
			now += rapid.SampledFrom([]domain.Millis{0, 1, hour, 47 * hour, 48 * hour}).Draw(r, "later")
			sender := rapid.SampledFrom([]domain.PartyID{"acme", "acme+spare", "bank", "bank+spare", "rival", "initech"}).Draw(r, "sender")
			var before cash.PayTo
			b.Advance(now)
			b.Body("cash/1", "payto/acme/EUR", &before)
			law(r, before, account, approvedAt, now)
			account = ""
			if before.Account != nil {
				account = before.Account.IBAN
			}
			id := fmt.Sprint("R-", i)
			switch rapid.SampledFrom([]string{"payTo", "approvePayTo", "cancelPayTo", "redeem"}).Draw(r, "verb") {
			case "payTo":
				direct(b, now, sender, "payTo", asks(iban(rapid.SampledFrom([]string{oldIBAN, newIBAN}).Draw(r, "account"))))
			case "approvePayTo":
				if direct(b, now, sender, "approvePayTo", number(int(before.Number))) == nil {
					if before.Asked == nil || string(sender) == before.Asked.Key || before.Account == nil && !strings.HasPrefix(string(sender), "bank") || sender == "rival" || sender == "initech" {
						r.Fatalf("%s approved %+v", sender, before)
					}
					if before.Account == nil {
						account = before.Asked.Account.IBAN
					} else {
						approvedAt = now
					}
				}
			case "cancelPayTo":
				direct(b, now, sender, "cancelPayTo", number(int(before.Number)))
			case "redeem":
				if direct(b, now, "acme", "redeem", object{"id": id, "amount": eur(1)}) == nil {
					must(t, b.Send(now, "bank", "cash/1", id, "accept", object{}))
					accepted[id] = account
				}
			}
		}
		for id, want := range accepted {
			if b.Status("cash/1", "redemption/"+id) == cash.Accepted && redemptionTo(t, b, id) != want {
				r.Fatalf("%s was moved to %q from %q", id, redemptionTo(t, b, id), want)
			}
		}
	})
}

// law refuses an account in force that is another one than before without a cool-off since its approval.
func law(t *rapid.T, p cash.PayTo, account string, approvedAt, now domain.Millis) {
	if p.Account == nil || p.Account.IBAN == account {
		return
	}
	if approvedAt == 0 || now < approvedAt+cash.DefaultCoolOff || p.Since < approvedAt+cash.DefaultCoolOff {
		t.Fatalf("%q after %q at %d, approved at %d: %+v", p.Account.IBAN, account, now, approvedAt, p)
	}
}

// FuzzAccount: what is taken for an account has one number, and one that was copied well.
func FuzzAccount(f *testing.F) {
	f.Add(`{"iban":"` + oldIBAN + `","name":"A"}`)
	f.Add(`{"other":"12-34","bic":"DEUTDEFF500","name":"A"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		b := bank(t)
		if b.Send(start, "acme", "cash/1", "bank", "payTo", json.RawMessage(`{"currency":"EUR","account":`+text+`}`)) != nil {
			return
		}
		var p cash.PayTo
		b.Body("cash/1", "payto/acme/EUR", &p)
		if a := p.Asked.Account; (a.IBAN == "") == (a.Other == "") || a.Name == "" || len(a.Name) > cash.MaxName || len(a.Other) > cash.MaxOther {
			t.Errorf("taken: %+v", a)
		}
	})
}
