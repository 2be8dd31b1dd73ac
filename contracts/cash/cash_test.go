package cash_test

import (
	"errors"
	"strings"
	"testing"

	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
)

const start domain.Millis = 1_700_000_000_000

type object map[string]any

func eur(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

func code(err error) domain.Code {
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// bank is a bench on which bank issued 100.00 EUR to acme.
func bank(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := contracttest.New(t, cash.Contract)
	b.Register("bank", domain.RoleBank)
	b.Register("rival", domain.RoleBank)
	b.Register("acme", domain.RoleBuyer)
	b.Register("initech")
	must(t, b.Send(start, "bank", "cash/1", "bank", "issue", object{"to": "acme", "amount": eur(10_000), "reference": "deposit 1"}))
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requested is a bench on which acme asked for 40.00 EUR back as R-1.
func requested(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "redeem", object{"id": "R-1", "amount": eur(4000), "reference": "to account 7"}))
	return b
}

const escrow = domain.AccountID("escrow/cash/1/redemption/R-1")

func expect(t *testing.T, b *contracttest.Bench, status string, acme, held, issued int64) {
	t.Helper()
	got := [3]int64{b.Balance("party/acme", "EUR"), b.Balance(escrow, "EUR"), -b.Balance("issue/bank", "EUR")}
	if b.Status("cash/1", "redemption/R-1") != status || got != [3]int64{acme, held, issued} {
		t.Fatalf("redemption is %s, acme, escrow and issued are %d; want %s, %d, %d, %d",
			b.Status("cash/1", "redemption/R-1"), got, status, acme, held, issued)
	}
}

func TestPaymentsRefuse(t *testing.T) {
	long := strings.Repeat("x", cash.MaxText+1)
	for name, c := range map[string]struct {
		sender         domain.PartyID
		contract, verb string
		body           object
		code           domain.Code
	}{
		"issue without the role":      {"acme", "acme", "issue", object{"to": "acme", "amount": eur(1)}, domain.NotPermitted},
		"issue in another's name":     {"rival", "bank", "issue", object{"to": "acme", "amount": eur(1)}, domain.NotPermitted},
		"issue anew for another":      {"rival", "bank", "issue", object{"to": "acme", "amount": object{"minor": 1, "currency": "USD"}}, domain.NotPermitted},
		"issue of a taken currency":   {"rival", "rival", "issue", object{"to": "acme", "amount": eur(1)}, domain.NotPermitted},
		"issue to a stranger":         {"bank", "bank", "issue", object{"to": "nobody", "amount": eur(1)}, domain.NotFound},
		"issue of nothing":            {"bank", "bank", "issue", object{"to": "acme", "amount": eur(0)}, domain.InvalidAmount},
		"issue of less than nothing":  {"bank", "bank", "issue", object{"to": "acme", "amount": eur(-1)}, domain.InvalidAmount},
		"issue beyond the limit":      {"bank", "bank", "issue", object{"to": "acme", "amount": eur(domain.MaxMinor + 1)}, domain.InvalidAmount},
		"issued sum beyond the limit": {"bank", "bank", "issue", object{"to": "acme", "amount": eur(domain.MaxMinor)}, domain.InvalidAmount},
		"issue of an odd currency":    {"bank", "bank", "issue", object{"to": "acme", "amount": object{"minor": 1, "currency": "XXX"}}, domain.Malformed},
		"issue with a long reference": {"bank", "bank", "issue", object{"to": "acme", "amount": eur(1), "reference": long}, domain.Malformed},
		"issue with two lines":        {"bank", "bank", "issue", object{"to": "acme", "amount": eur(1), "reference": "a\nb"}, domain.Malformed},
		"issue with turned text":      {"bank", "bank", "issue", object{"to": "acme", "amount": eur(1), "reference": "a\u202eb"}, domain.Malformed},
		"issue with another field":    {"bank", "bank", "issue", object{"to": "acme", "amount": eur(1), "memo": ""}, domain.Malformed},
		"transfer to a bad name":      {"acme", "bank", "transfer", object{"to": "Ac/me", "amount": eur(1)}, domain.Malformed},
		"transfer to a stranger":      {"acme", "bank", "transfer", object{"to": "nobody", "amount": eur(1)}, domain.NotFound},
		"transfer to oneself":         {"acme", "bank", "transfer", object{"to": "acme", "amount": eur(1)}, domain.InvalidTerms},
		"transfer at another bank":    {"acme", "rival", "transfer", object{"to": "initech", "amount": eur(1)}, domain.NotFound},
		"transfer of unissued money":  {"acme", "bank", "transfer", object{"to": "initech", "amount": object{"minor": 1, "currency": "USD"}}, domain.NotFound},
		"transfer of too much":        {"acme", "bank", "transfer", object{"to": "initech", "amount": eur(10_001)}, domain.InsufficientFunds},
		"transfer of no day":          {"acme", "bank", "transfer", object{"to": "initech", "amount": eur(1), "valueDate": "2023-11-31"}, domain.Malformed},
		"transfer of long ago":        {"acme", "bank", "transfer", object{"to": "initech", "amount": eur(1), "valueDate": "2022-11-12"}, domain.LimitExceeded},
		"issue of a far day":          {"bank", "bank", "issue", object{"to": "acme", "amount": eur(1), "valueDate": "2024-11-15"}, domain.LimitExceeded},
		"bulk with a far day":         {"acme", "bank", "bulkTransfer", object{"items": []object{{"to": "initech", "amount": eur(1), "valueDate": "2024-11-15"}}}, domain.LimitExceeded},
		"redeem too much":             {"acme", "bank", "redeem", object{"id": "R-1", "amount": eur(10_001)}, domain.InsufficientFunds},
		"redeem nothing":              {"acme", "bank", "redeem", object{"id": "R-1", "amount": eur(0)}, domain.InvalidAmount},
		"redeem under a bad ID":       {"acme", "bank", "redeem", object{"id": "R/1", "amount": eur(1)}, domain.Malformed},
		"redeem with long reference":  {"acme", "bank", "redeem", object{"id": "R-1", "amount": eur(1), "reference": long}, domain.Malformed},
		"redeem at another bank":      {"acme", "rival", "redeem", object{"id": "R-1", "amount": eur(1)}, domain.NotFound},
		"accept nothing":              {"bank", "R-9", "accept", object{}, domain.NotFound},
		"settle nothing":              {"bank", "R-9", "settle", object{"reference": "x"}, domain.NotFound},
		"refuse nothing":              {"bank", "R-9", "refuse", object{"reason": "x"}, domain.NotFound},
	} {
		b := bank(t)
		before := len(b.Events())
		if err := b.Send(start, c.sender, "cash/1", c.contract, c.verb, c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if b.Balance("party/acme", "EUR") != 10_000 || len(b.Events()) != before {
			t.Errorf("%s: something happened", name)
		}
	}
}

func TestEdgeAmountsAndReferencesPass(t *testing.T) {
	b := bank(t)
	reference := strings.Repeat("é", cash.MaxText/2)
	must(t, b.Send(start, "acme", "cash/1", "bank", "transfer", object{"to": "initech", "amount": eur(9999), "reference": reference}))
	must(t, b.Send(start, "acme", "cash/1", "bank", "transfer", object{"to": "initech", "amount": eur(1)}))
	must(t, b.Send(start, "bank", "cash/1", "bank", "issue", object{"to": "bank", "amount": eur(domain.MaxMinor - 10_000)}))
	if b.Balance("party/initech", "EUR") != 10_000 || b.Balance("issue/bank", "EUR") != -domain.MaxMinor {
		t.Fatal("wrong balances")
	}
}

func TestPaymentsCarryTheirValueDate(t *testing.T) {
	b := bank(t)
	for _, date := range []string{"2022-11-13", "2023-11-14", "2024-11-14"} { // a year and a day about the day of booking
		must(t, b.Send(start, "acme", "cash/1", "bank", "transfer", object{"to": "initech", "amount": eur(1), "valueDate": date}))
		postings := b.Postings()
		if got := postings[len(postings)-1].ValueDate; got != domain.Date(date) {
			t.Errorf("the posting counts from %q, want %s", got, date)
		}
	}
}

func TestOnlyPayerAndPayeeSeeAPayment(t *testing.T) {
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "transfer", object{"to": "initech", "amount": eur(5)}))
	events := b.Events()
	last := events[len(events)-1]
	if last.Name != "transferred" || len(last.Parties) != 2 || last.Parties[0] != "acme" || last.Parties[1] != "initech" {
		t.Fatalf("%s is seen by %v", last.Name, last.Parties)
	}
	if parties := b.Parties("cash/1", "currency/EUR"); len(parties) != 1 || parties[0] != "bank" {
		t.Fatalf("the currency is seen by %v", parties)
	}
}

func TestABankThatLostItsRoleSettlesButDoesNotIssue(t *testing.T) {
	b := requested(t)
	b.Register("bank")
	if err := b.Send(start+1, "bank", "cash/1", "bank", "issue", object{"to": "acme", "amount": eur(1)}); code(err) != domain.NotPermitted {
		t.Fatal(err)
	}
	must(t, b.Send(start+1, "bank", "cash/1", "R-1", "settle", object{"reference": "wire 5"}))
	expect(t, b, cash.Settled, 6000, 0, 6000)
}

func TestSilenceOnARequestReturnsTheMoney(t *testing.T) {
	b := requested(t)
	expect(t, b, cash.Requested, 6000, 4000, 10_000)
	b.Advance(start + cash.AcceptWindow - 1)
	expect(t, b, cash.Requested, 6000, 4000, 10_000)
	b.Advance(start + cash.AcceptWindow)
	expect(t, b, cash.Returned, 10_000, 0, 10_000)
	for verb, body := range answers {
		if err := b.Send(start+cash.AcceptWindow, "bank", "cash/1", "R-1", verb, body); code(err) != domain.NotFound {
			t.Errorf("%s after the return: %v", verb, err)
		}
	}
	if err := b.Send(start+cash.AcceptWindow, "acme", "cash/1", "bank", "redeem", object{"id": "R-1", "amount": eur(1)}); code(err) != domain.AlreadyExists {
		t.Errorf("ID used again: %v", err)
	}
}

var answers = map[string]object{"accept": {}, "settle": {"reference": "wire 5"}, "refuse": {"reason": "unknown account"}}

func TestSilenceAfterAcceptanceMovesNoMoney(t *testing.T) {
	for verb, end := range map[string]struct {
		status       string
		acme, issued int64
	}{"settle": {cash.Settled, 6000, 6000}, "refuse": {cash.Refused, 10_000, 10_000}} {
		b := requested(t)
		accepted := start + cash.AcceptWindow - 1
		must(t, b.Send(accepted, "bank", "cash/1", "R-1", "accept", nil))
		b.Advance(accepted + cash.SettleWindow - 1)
		expect(t, b, cash.Accepted, 6000, 4000, 10_000)
		b.Advance(accepted + cash.SettleWindow)
		expect(t, b, cash.Overdue, 6000, 4000, 10_000)
		b.Advance(accepted + 100*cash.SettleWindow)
		expect(t, b, cash.Overdue, 6000, 4000, 10_000)
		if err := b.Send(accepted, "bank", "cash/1", "R-1", "accept", nil); code(err) != domain.WrongState {
			t.Errorf("accept when overdue: %v", err)
		}
		must(t, b.Send(accepted, "bank", "cash/1", "R-1", verb, answers[verb]))
		expect(t, b, end.status, end.acme, 0, end.issued)
	}
}

func TestOnlyTheBankAnswers(t *testing.T) {
	for verb, body := range answers {
		for sender, want := range map[domain.PartyID]domain.Code{"acme": domain.NotPermitted, "rival": domain.NotFound, "initech": domain.NotFound} {
			b := requested(t)
			if err := b.Send(start, sender, "cash/1", "R-1", verb, body); code(err) != want {
				t.Errorf("%s by %s: got %v, want %s", verb, sender, err, want)
			}
			expect(t, b, cash.Requested, 6000, 4000, 10_000)
		}
	}
}

func TestAnswersNeedTheirWords(t *testing.T) {
	b := requested(t)
	for _, c := range []struct {
		verb string
		body object
	}{
		{"settle", object{}}, {"settle", object{"reference": strings.Repeat("x", cash.MaxText+1)}}, {"settle", object{"reason": "x"}},
		{"refuse", object{}}, {"refuse", object{"reason": "\x7f"}}, {"accept", object{"reference": "x"}},
	} {
		if err := b.Send(start, "bank", "cash/1", "R-1", c.verb, c.body); code(err) != domain.Malformed {
			t.Errorf("%s %v: got %v", c.verb, c.body, err)
		}
	}
	if err := b.Send(start, "acme", "cash/1", "bank", "redeem", object{"id": "R-1", "amount": eur(1)}); code(err) != domain.AlreadyExists {
		t.Errorf("ID of an open redemption: %v", err)
	}
}

func TestDeadlinesWithoutCauseAreRefused(t *testing.T) {
	b := requested(t)
	if err := b.Send(start, "", "cash/1", "R-1", "Overdue", nil); code(err) != domain.WrongState {
		t.Errorf("overdue before acceptance: %v", err)
	}
	for _, name := range []string{"Overdue", "Return"} {
		if err := b.Send(start, "", "cash/1", "R-9", name, nil); code(err) != domain.NotFound {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	b = requested(t)
	must(t, b.Send(start, "bank", "cash/1", "R-1", "accept", nil))
	if err := b.Send(start, "", "cash/1", "R-1", "Return", nil); code(err) != domain.WrongState {
		t.Errorf("return after acceptance: %v", err)
	}
}

func TestScenarios(t *testing.T) { contracttest.Scenarios(t, "testdata", cash.Contract) }

// examples name every command twice over: enough for whole redemptions between three banks.
var examples = []string{
	`issue/alice {"to":"bob","amount":{"minor":500,"currency":"EUR"},"reference":"r"}`,
	`issue/bob {"to":"carol","amount":{"minor":500,"currency":"USD"},"reference":"r"}`,
	`transfer/alice {"to":"carol","amount":{"minor":20,"currency":"EUR"},"reference":"r"}`,
	`bulkIssue/alice {"items":[{"to":"bob","amount":{"minor":500,"currency":"EUR"},"reference":"r"},{"to":"carol","amount":{"minor":1,"currency":"JPY"}}]}`,
	`bulkTransfer/alice {"items":[{"to":"carol","amount":{"minor":20,"currency":"EUR"},"reference":"r"},{"to":"bob","amount":{"minor":1,"currency":"EUR"}}]}`,
	`redeem/alice {"id":"A","amount":{"minor":300,"currency":"EUR"},"reference":"r"}`,
	`redeem/bob {"id":"B","amount":{"minor":300,"currency":"USD"},"reference":"r"}`,
	`accept/A {}`, `settle/A {"reference":"r"}`, `settle/B {"reference":"r"}`, `refuse/B {"reason":"r"}`, "Return/A", "Overdue/A",
	`hold/alice {"id":"A","to":"carol","amount":{"minor":90,"currency":"EUR"},"expiresAt":60000000000,"reference":"r"}`,
	`capture/A {"amount":{"minor":40,"currency":"EUR"},"final":false,"valueDate":"1970-01-02"}`, `capture/A {"amount":{"minor":7,"currency":"EUR"},"final":true}`,
	`release/A {}`, "Expire/A",
	`reverse/alice {"index":0,"number":0,"amount":{"minor":20,"currency":"EUR"},"reference":"r"}`,
	`reverse/alice {"index":1,"number":0,"amount":{"minor":20,"currency":"EUR"},"reference":"r"}`,
	`limit/alice {"party":"bob","currency":"EUR","bounds":{"maximumBalance":1000500,"minimumBalance":50,"dailyOutflow":300}}`,
	`payTo/alice {"currency":"EUR","account":{"iban":"DE89370400440532013000","name":"r"}}`,
	`payTo/alice {"currency":"EUR","account":{"other":"7-7","bic":"DEUTDEFF","name":"r"}}`,
	`approvePayTo/alice {"party":"bob","currency":"EUR","number":1}`, `approvePayTo/alice {"party":"bob","currency":"EUR","number":2}`,
	`cancelPayTo/alice {"party":"bob","currency":"EUR","number":1}`, "PayToTakesEffect/bob_EUR",
}

// payoutExamples pay a redemption of alice's outside.
func payoutExamples() []string {
	id, _ := cash.PaymentID(contracttest.Ledger, "alice", "P", 1)
	word := `"message":"M","entry":"E","hash":"` + hash + `","attempt":1,"endToEndId":"` + id + `"`
	return []string{
		`redeem/alice {"id":"P","amount":{"minor":300,"currency":"EUR"},"reference":"r"}`,
		`payTo/alice {"currency":"EUR","account":{"other":"1","name":"B"}}`, `approvePayTo/alice {"party":"carol","currency":"EUR","number":1}`,
		`instruct/alice {"message":"` + cash.MessageID(id) + `","createdAt":1000,"executeOn":"1970-01-02","debtor":{"name":"A","number":"2"},"hash":"` + hash + `","payments":[{"id":"P","attempt":1,"account":"1"}]}`,
		`report/P {` + word + `,"status":"ACSP"}`, `report/P {` + word + `,"status":"RJCT","reason":"AM04"}`, `report/P {` + word + `,"status":"ACSC"}`,
		`book/P {` + word + `,"amount":{"minor":300,"currency":"EUR"},"direction":"DBIT","account":"2","status":"BOOK","reversal":false,"returned":false,"reference":"","valueDate":""}`,
		`book/P {` + word + `,"amount":{"minor":300,"currency":"EUR"},"direction":"CRDT","account":"2","status":"BOOK","reversal":false,"returned":true,"reference":"","valueDate":""}`,
		`resolve {"note":"r"}`, "Close/P", "Return/P", "Overdue/P",
	}
}

func TestLaws(t *testing.T) {
	contracttest.Laws(t, cash.Contract, append(payoutExamples(), examples...)...)
}

func FuzzApply(f *testing.F) {
	contracttest.Fuzz(f, cash.Contract, append(payoutExamples(), examples...)...)
}
