package cash_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
)

func pay(to domain.PartyID, minor int64, reference string) cash.Payment {
	return cash.Payment{To: to, Amount: eur(minor), Reference: reference}
}

// Names are of the tests' own making: the parties p0, p1 and so on.
func payee(i int) domain.PartyID { return domain.PartyID(fmt.Sprint("p", i)) }

func crowd(b *contracttest.Bench, n int) {
	for i := range n {
		b.Register(payee(i))
	}
}

func equal(n int, minor int64) cash.Bulk {
	var bulk cash.Bulk
	for i := range n {
		bulk.Items = append(bulk.Items, pay(payee(i), minor, fmt.Sprint("wages ", i)))
	}
	return bulk
}

func TestBulkOfTheLargestSize(t *testing.T) {
	b := bank(t)
	crowd(b, domain.MaxBulk+1)
	events, postings := len(b.Events()), len(b.Postings())
	if err := b.Send(start, "acme", "cash/1", "bank", "bulkTransfer", equal(domain.MaxBulk+1, 1)); code(err) != domain.LimitExceeded ||
		!strings.Contains(err.Error(), "items: 1001, want 1 to 1000") {
		t.Fatalf("one too many: %v", err)
	}
	must(t, b.Send(start, "acme", "cash/1", "bank", "bulkTransfer", equal(domain.MaxBulk, 1)))
	if b.Balance("party/acme", "EUR") != 10_000-domain.MaxBulk || len(b.Postings()) != postings+domain.MaxBulk {
		t.Fatalf("acme has %d after %d postings", b.Balance("party/acme", "EUR"), len(b.Postings()))
	}
	for i, e := range b.Events()[events:] {
		if want := []domain.PartyID{"acme", payee(i)}; e.Name != "transferred" || e.Key != "currency/EUR" || !slices.Equal(e.Parties, want) {
			t.Fatalf("event %d: %s is seen by %v", i, e.Name, e.Parties)
		}
		if b.Balance(domain.PartyAccount(payee(i)), "EUR") != 1 {
			t.Fatalf("payee %d has no money", i)
		}
	}
}

func TestBulksRefuseWhole(t *testing.T) {
	good, long := pay("initech", 1, "a"), strings.Repeat("x", cash.MaxText+1)
	dollars := cash.Payment{To: "initech", Amount: domain.Money{Minor: 1, Currency: "USD"}}
	for name, c := range map[string]struct {
		sender         domain.PartyID
		contract, verb string
		items          []cash.Payment
		code           domain.Code
		says           string
	}{
		"no items":             {"acme", "bank", "bulkTransfer", nil, domain.LimitExceeded, "items: 0"},
		"payer among payees":   {"acme", "bank", "bulkTransfer", []cash.Payment{good, pay("acme", 1, "")}, domain.InvalidTerms, "items[1]: to: "},
		"payee unknown":        {"acme", "bank", "bulkTransfer", []cash.Payment{good, good, pay("nobody", 1, "")}, domain.NotFound, "items[2]: to: party nobody"},
		"payee misspelt":       {"acme", "bank", "bulkTransfer", []cash.Payment{pay("Acme", 1, ""), good}, domain.Malformed, "items[0]: party"},
		"nothing":              {"acme", "bank", "bulkTransfer", []cash.Payment{good, pay("initech", 0, "")}, domain.InvalidAmount, "items[1]: amount"},
		"long reference":       {"acme", "bank", "bulkTransfer", []cash.Payment{good, pay("initech", 1, long)}, domain.Malformed, "items[1]: reference"},
		"currency not issued":  {"acme", "bank", "bulkTransfer", []cash.Payment{good, dollars}, domain.NotFound, "items[1]: contract: bank issues no USD"},
		"another bank":         {"acme", "rival", "bulkTransfer", []cash.Payment{good}, domain.NotFound, "items[0]: contract"},
		"too much in sum":      {"acme", "bank", "bulkTransfer", []cash.Payment{pay("initech", 9_999, ""), pay("bank", 2, "")}, domain.InsufficientFunds, "insufficient"},
		"beyond the limit":     {"acme", "bank", "bulkTransfer", []cash.Payment{pay("initech", domain.MaxMinor, ""), pay("initech", domain.MaxMinor, "")}, domain.InvalidAmount, "beyond"},
		"issue beyond":         {"bank", "bank", "bulkIssue", []cash.Payment{good, pay("initech", domain.MaxMinor, "")}, domain.InvalidAmount, "beyond"},
		"issue by nobody":      {"acme", "acme", "bulkIssue", []cash.Payment{good}, domain.NotPermitted, "items[0]: "},
		"issue of taken money": {"rival", "rival", "bulkIssue", []cash.Payment{dollars, good}, domain.NotPermitted, "items[1]: EUR is issued"},
	} {
		b := bank(t)
		events, postings := len(b.Events()), len(b.Postings())
		err := b.Send(start, c.sender, "cash/1", c.contract, c.verb, cash.Bulk{Items: c.items})
		if code(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %s: %s", name, err, c.code, c.says)
		}
		if b.Balance("party/acme", "EUR") != 10_000 || b.Balance("party/initech", "EUR") != 0 || b.Balance("issue/bank", "EUR") != -10_000 ||
			len(b.Events()) != events || len(b.Postings()) != postings || b.Status("cash/1", "currency/USD") != "" {
			t.Errorf("%s: something happened", name)
		}
	}
}

func TestBulkIssueClaimsEachCurrencyOnce(t *testing.T) {
	b := bank(t)
	pounds := cash.Payment{To: "acme", Amount: domain.Money{Minor: 7, Currency: "GBP"}}
	yen := cash.Payment{To: "initech", Amount: domain.Money{Minor: 5, Currency: "JPY"}}
	must(t, b.Send(start, "bank", "cash/1", "bank", "bulkIssue", cash.Bulk{Items: []cash.Payment{pounds, pay("acme", 1, ""), yen, pounds}}))
	if b.Balance("issue/bank", "GBP") != -14 || b.Balance("party/initech", "JPY") != 5 || b.Balance("party/acme", "EUR") != 10_001 {
		t.Fatal("wrong balances")
	}
	if b.Status("cash/1", "currency/GBP") != cash.Issued || b.Status("cash/1", "currency/JPY") != cash.Issued {
		t.Fatal("a currency has no record")
	}
}

// A bulk is the same as its payments one after the other: the same postings and events in the
// same order, the same balances, and a refusal if one of them would be refused.
func TestBulkEqualsSinglePayments(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		parties := []domain.PartyID{"acme", "initech", "bank", "rival"}
		items := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) cash.Payment {
			return pay(rapid.SampledFrom(parties[rapid.SampledFrom([]int{0, 1, 1, 1, 1, 1, 1, 1}).Draw(r, "self"):]).Draw(r, "to"),
				rapid.Int64Range(1, 3_000).Draw(r, "minor"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "reference"))
		}), 1, 12).Draw(r, "items")
		verb, bulk, sender := "transfer", "bulkTransfer", domain.PartyID("acme")
		if rapid.Bool().Draw(r, "issue") {
			verb, bulk, sender = "issue", "bulkIssue", "bank"
		}
		singles, whole := bank(t), bank(t)
		var refused error
		for _, p := range items {
			if err := singles.Send(start, sender, "cash/1", "bank", verb, p); err != nil && refused == nil {
				refused = err
			}
		}
		before := whole.Postings()
		err := whole.Send(start, sender, "cash/1", "bank", bulk, cash.Bulk{Items: items})
		if (err == nil) != (refused == nil) {
			r.Fatalf("bulk: %v, one by one: %v", err, refused)
		}
		if err != nil {
			if !reflect.DeepEqual(whole.Postings(), before) {
				r.Fatal("a refused bulk left postings")
			}
			return
		}
		postings := whole.Postings()
		for i := range items { // each beside its own event, which is the only one of a payment alone
			p := &postings[len(before)+i]
			if p.Cause != i {
				r.Fatalf("payment %d is caused by event %d", i, p.Cause)
			}
			p.Cause = 0
		}
		if !reflect.DeepEqual(postings, singles.Postings()) || !reflect.DeepEqual(whole.Events(), singles.Events()) {
			r.Fatalf("bulk %v\nsingles %v", postings, singles.Postings())
		}
		for _, p := range append(parties, "nobody") {
			if a, b := whole.Balance(domain.PartyAccount(p), "EUR"), singles.Balance(domain.PartyAccount(p), "EUR"); a != b {
				r.Fatalf("%s has %d and %d", p, a, b)
			}
		}
	})
}
